//! Background fetches as storages have them.

use std::sync::Arc;

use background_fetch::embedder::{
    BodyKey, FetchState, NewFetch, NewRecord, PauseReasons, Settlement, Storage, StorageError,
};
use background_fetch::fetch::{Client, Request};
use background_fetch::{
    BackgroundFetchFailureReason, BackgroundFetchResult, DomString, FetchKey, RecordKey, RegistrationKey,
    ResponseResult,
};
use futures::future;
use url::Url;

use crate::network::head;

/// A background fetch of so many files from `host`, in the registration of the site `site`.
///
/// # Panics
///
/// When they make no URL.
pub fn new_fetch(site: &str, host: &str, id: &str, records: usize) -> NewFetch {
    let scope = Url::parse(&format!("https://{site}/")).expect("the site has a URL");
    let request = |index| {
        let url = format!("https://{host}/{id}/{index}.bin");
        Request::new(Url::parse(&url).expect("the request has a URL"))
    };
    NewFetch {
        registration: RegistrationKey::of(scope.clone()),
        id: DomString::from(id),
        title: DomString::default(),
        icons: Vec::new(),
        download_total: 0,
        upload_total: 0,
        client: Arc::new(Client::page(scope)),
        paused: PauseReasons::default(),
        records: (0..records)
            .map(|index| NewRecord {
                request: Arc::new(request(index)),
                body: None,
            })
            .collect(),
    }
}

/// Creates background fetches, all at once: a storage may make them durable together.
///
/// # Errors
///
/// The storage's.
pub async fn create_all(storage: &dyn Storage, fetches: &[NewFetch]) -> Result<Vec<FetchKey>, StorageError> {
    future::try_join_all(fetches.iter().map(|fetch| storage.create(fetch))).await
}

/// Sets the first response of a record; gives the name of its body.
///
/// # Errors
///
/// The storage's.
///
/// # Panics
///
/// Never: the URL is one.
pub async fn respond(storage: &dyn Storage, record: RecordKey, length: u64) -> Result<BodyKey, StorageError> {
    let url = Url::parse("https://site.example/file.bin").expect("a URL");
    storage.set_response(record, 1, &head(&url, length)).await?;
    Ok(BodyKey::Response {
        record,
        generation: 1,
    })
}

/// Settles a record: it was fetched.
///
/// # Errors
///
/// The storage's.
pub async fn settle_record(storage: &dyn Storage, record: RecordKey) -> Result<(), StorageError> {
    let settlement = Settlement {
        result: ResponseResult::Success,
        uploaded: 0,
        detail: String::new(),
    };
    storage.settle_record(record, &settlement).await
}

/// Settles a background fetch, with a sync: all that was stored of it is durable then.
///
/// # Errors
///
/// The storage's.
pub async fn settle(storage: &dyn Storage, fetch: FetchKey) -> Result<(), StorageError> {
    let state = FetchState::Settled {
        result: BackgroundFetchResult::Success,
        failure_reason: BackgroundFetchFailureReason::Empty,
    };
    storage.set_state(fetch, state).await
}
