//! What the cases of the suite are told with.

use std::sync::Arc;

use background_fetch::embedder::{
    BodyKey, NewFetch, NewRecord, PauseReasons, RecordState, Settlement, StagedBody, Storage, StorageError,
    StorageErrorKind, StoredFetch,
};
use background_fetch::fetch::{Client, Request, ResponseHead, StorageKey};
use background_fetch::{DomString, FetchKey, ImageResource, RecordKey, RegistrationKey, ResponseResult};
use bytes::Bytes;
use futures::executor::block_on;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use url::Url;

use super::Open;

/// A storage under test: opened, and closed and opened again, with the calls in a blocking form.
pub struct World<'a> {
    open: Open<'a>,
    storage: Option<Arc<dyn Storage>>,
}

impl<'a> World<'a> {
    /// A world whose storage is opened by `open`.
    pub fn new(open: Open<'a>) -> Self {
        let storage = Some(open());
        Self { open, storage }
    }

    /// The storage.
    pub fn storage(&self) -> &dyn Storage {
        self.storage.as_deref().expect("a world's storage is open")
    }

    /// Closes the storage in good order and opens it again.
    pub fn reopen(&mut self) {
        block_on(self.storage().flush()).expect("flush");
        self.reopen_without_flush();
    }

    /// Closes the storage with no more ado and opens it again.
    pub fn reopen_without_flush(&mut self) {
        self.storage = None;
        self.storage = Some((self.open)());
    }

    pub(super) fn load(&self) -> Vec<StoredFetch> {
        block_on(self.storage().load()).expect("load")
    }

    pub(super) fn load_record(&self, key: RecordKey) -> RecordState {
        let fetch = self.load().into_iter().find(|fetch| fetch.key == key.fetch);
        fetch.expect("the background fetch is stored").records[key.index]
            .state
            .clone()
    }

    pub(super) fn create(&self, fetch: &NewFetch) -> FetchKey {
        block_on(self.storage().create(fetch)).expect("create")
    }

    /// Creates a background fetch with so many records.
    pub(super) fn create_with(&self, records: usize) -> FetchKey {
        self.create(&new_fetch("https://shop.example/", "id", records))
    }

    pub(super) fn stage(&self, key: &StorageKey, parts: &[&[u8]]) -> StagedBody {
        let body = block_on(self.storage().stage(key)).expect("stage");
        let mut offset = 0;
        for part in parts {
            self.append(BodyKey::Staged(body), offset, part)
                .expect("append to a staged body");
            offset += part.len() as u64;
        }
        body
    }

    pub(super) fn append(&self, body: BodyKey, offset: u64, bytes: &[u8]) -> Result<(), StorageError> {
        block_on(self.storage().append(body, offset, Bytes::copy_from_slice(bytes)))
    }

    pub(super) fn respond(&self, record: RecordKey, generation: u64) -> BodyKey {
        let response = response(&format!("v{generation}"));
        block_on(self.storage().set_response(record, generation, &response)).expect("set_response");
        BodyKey::Response { record, generation }
    }

    pub(super) fn settle(&self, record: RecordKey, settlement: &Settlement) {
        block_on(self.storage().settle_record(record, settlement)).expect("settle_record");
    }

    pub(super) fn read(&self, body: BodyKey, offset: u64, max: usize) -> Result<Bytes, StorageError> {
        block_on(self.storage().read(body, offset, max))
    }

    /// Reads a body from its first byte to its last.
    pub(super) fn read_all(&self, body: BodyKey) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let part = self.read(body, all.len() as u64, 10_000).expect("read");
            assert!(part.len() <= 10_000, "read gives at most what it was asked for");
            if part.is_empty() {
                return all;
            }
            all.extend_from_slice(&part);
        }
    }

    pub(super) fn usage(&self, key: &StorageKey) -> u64 {
        block_on(self.storage().estimate(key)).expect("estimate").usage
    }
}

pub(super) fn kind<T: std::fmt::Debug>(result: Result<T, StorageError>) -> StorageErrorKind {
    let error = result.expect_err("an error");
    assert!(!error.message.is_empty(), "an error says what happened");
    error.kind
}

pub(super) fn url(text: &str) -> Url {
    Url::parse(text).expect("a URL of the suite")
}

pub(super) fn shop() -> StorageKey {
    StorageKey::new("https://shop.example")
}

pub(super) fn first(fetch: FetchKey) -> RecordKey {
    RecordKey { fetch, index: 0 }
}

pub(super) fn response(version: &str) -> ResponseHead {
    let mut headers = HeaderMap::new();
    headers.insert(header::ETAG, HeaderValue::from_str(version).expect("an ETag"));
    headers.append(header::SET_COOKIE, HeaderValue::from_static("a=1"));
    headers.append(
        header::SET_COOKIE,
        HeaderValue::from_bytes(b"b=\xff").expect("any byte above 0x7F"),
    );
    ResponseHead::new(url("https://cdn.example/a?b#c"), StatusCode::OK, headers)
}

pub(super) fn settlement(result: ResponseResult) -> Settlement {
    Settlement {
        result,
        uploaded: 3,
        detail: "because".to_owned(),
    }
}

/// A background fetch with so many records, with something in each of its fields.
pub(super) fn new_fetch(scope: &str, id: impl Into<DomString>, records: usize) -> NewFetch {
    let scope = url(scope);
    let record = |index: usize| {
        let mut request = Request::new(url(&format!("https://cdn.example/{index}?q=1#f")));
        request.method = Method::from_bytes(b"PATCH").expect("a method");
        request.headers.insert("x-index", HeaderValue::from(index));
        request.body_length = (index == 0).then_some(u64::MAX);
        NewRecord {
            request: Arc::new(request),
            body: None,
        }
    };
    NewFetch {
        registration: RegistrationKey::of(scope.clone()),
        id: id.into(),
        title: DomString::from("Títle 😀"),
        icons: vec![ImageResource {
            src: "icon.png".to_owned(),
            sizes: Some("16x16 any".to_owned()),
            r#type: None,
            label: Some(String::new()),
        }],
        download_total: u64::MAX,
        upload_total: u64::MAX - 1,
        client: Arc::new(Client {
            content_security_policies: vec!["connect-src *".to_owned()],
            ..Client::page(scope)
        }),
        paused: PauseReasons {
            permission: true,
            ..PauseReasons::default()
        },
        records: (0..records).map(record).collect(),
    }
}
