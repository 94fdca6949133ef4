//! The seam between the two halves: what passes between a realm and the engine. Plain data; with the `serde`
//! feature a multi-process browser puts its IPC here.

use std::sync::Arc;

use bytes::Bytes;

use crate::concepts::{
    BackgroundFetchFailureReason, BackgroundFetchOptions, BackgroundFetchResult, BackgroundFetchUIOptions,
    CacheQueryOptions, FetchKey, RecordKey, RegistrationKey,
};
use crate::embedder::EventLoop;
use crate::fetch::{Client, Request, RequestBody, ResponseHead, StorageKey};
use crate::{DomString, Exception};

/// Names a realm that is connected to an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(transparent)
)]
pub struct RealmId(pub u64);

/// Names a call whose promise is pending in its realm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(transparent)
)]
pub struct CallId(pub u64);

/// The engine, as a realm reaches it. [`Engine`](crate::Engine) implements it; in a browser of many processes a
/// proxy does, with an IPC channel behind it that keeps the order of the calls.
///
/// A realm reaches the background fetches of its own storage key only, whatever it asks for. That the storage key is
/// its own, and that the [`Client`] of a [`Call::Fetch`] is true, is for the trusted side of the channel to see to.
pub trait EnginePort: Send + Sync {
    /// Connects a realm: its storage key decides which updates it gets, its event loop gets them.
    fn connect(&self, storage_key: StorageKey, event_loop: Arc<dyn EventLoop>) -> RealmId;

    /// Disconnects a realm that is gone.
    fn disconnect(&self, realm: RealmId);

    /// Asks for something. The answer is a [`RealmTask::Settle`] on the realm's event loop. `bodies` are those of
    /// the requests of [`Call::Fetch`], in their order; otherwise there are none.
    fn call(&self, realm: RealmId, call: CallId, request: Call, bodies: Vec<Option<RequestBody>>);

    /// Says that the realm has run the [`RealmTask::Update`] of a background fetch: now it may get the next.
    fn updated(&self, realm: RealmId, fetch: FetchKey);

    /// Says that so many record objects of a background fetch are gone: when the last is, its bodies may go too.
    fn release(&self, realm: RealmId, fetch: FetchKey, count: u64);
}

/// What a realm asks of the engine: the parts of the methods that run in parallel.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Call {
    /// `BackgroundFetchManager.fetch()`, after its arguments were checked. The bodies travel beside it.
    Fetch {
        /// The registration.
        registration: RegistrationKey,
        /// The environment that calls.
        client: Arc<Client>,
        /// The id.
        id: DomString,
        /// The requests.
        requests: Vec<Request>,
        /// The options.
        options: BackgroundFetchOptions,
    },
    /// `BackgroundFetchManager.get()`.
    Get {
        /// The registration.
        registration: RegistrationKey,
        /// The id.
        id: DomString,
    },
    /// `BackgroundFetchManager.getIds()`.
    GetIds {
        /// The registration.
        registration: RegistrationKey,
    },
    /// The background fetch of an event that was fired in this realm.
    Attach {
        /// The background fetch.
        fetch: FetchKey,
    },
    /// `BackgroundFetchRegistration.abort()`.
    Abort {
        /// The background fetch.
        fetch: FetchKey,
    },
    /// `BackgroundFetchRegistration.matchAll()`.
    MatchAll {
        /// The background fetch.
        fetch: FetchKey,
        /// The request to match; none for every record.
        request: Option<Box<Request>>,
        /// How to compare.
        options: CacheQueryOptions,
    },
    /// The response of a record object: waits until there is one, or none will come.
    ResponseReady(ResponseDataKey),
    /// Bytes of a record object's response from `offset` on: waits until there are some, or none will come.
    ReadResponse {
        /// The response.
        response: ResponseDataKey,
        /// Where to read.
        offset: u64,
    },
    /// Bytes of a record's request body from `offset` on.
    ReadRequest {
        /// The record.
        record: RecordKey,
        /// Where to read.
        offset: u64,
    },
    /// `BackgroundFetchUpdateUIEvent.updateUI()`.
    UpdateUI {
        /// The background fetch.
        fetch: FetchKey,
        /// The options.
        options: BackgroundFetchUIOptions,
    },
}

/// Names a background fetch response: one of those that a record had, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ResponseDataKey {
    /// The record.
    pub record: RecordKey,
    /// Which of its responses.
    pub generation: u64,
}

/// What the engine answers.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Reply {
    /// A background fetch, to `Fetch`, `Get` and `Attach`; none where `Get` found none.
    Registration(Option<FetchSnapshot>),
    /// The ids, to `GetIds`.
    Ids(Vec<DomString>),
    /// Whether it was aborted, to `Abort`.
    Aborted(bool),
    /// The matching records, to `MatchAll`.
    Records(Vec<RecordSnapshot>),
    /// The response, to `ResponseReady`.
    Response(Arc<ResponseHead>),
    /// Bytes, to `ReadResponse` and `ReadRequest`; none at the end.
    Bytes(Option<Bytes>),
    /// Done, to `UpdateUI`.
    Done,
}

/// A task for a realm's event loop, to run with [`Realm::run_task`](crate::api::Realm::run_task).
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum RealmTask {
    /// Settles the promise of a call.
    Settle {
        /// The call.
        call: CallId,
        /// How.
        outcome: Result<Reply, Exception>,
    },
    /// Updates the instance of a background fetch, where the realm has one.
    Update(FetchSnapshot),
    /// The registration of a background fetch was cleared: its instance, where the realm has one, has no records.
    Cleared {
        /// The background fetch.
        fetch: FetchKey,
    },
}

/// What a realm knows of a background fetch: copied, so that it is available synchronously.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FetchSnapshot {
    /// The background fetch.
    pub key: FetchKey,
    /// Its id.
    pub id: DomString,
    /// The upload total in bytes.
    pub upload_total: u64,
    /// The bytes uploaded.
    pub uploaded: u64,
    /// The download total in bytes.
    pub download_total: u64,
    /// The stored body bytes total.
    pub downloaded: u64,
    /// The result.
    pub result: BackgroundFetchResult,
    /// The failure reason.
    pub failure_reason: BackgroundFetchFailureReason,
    /// The records available flag.
    pub records_available: bool,
}

/// What a realm needs to make a record object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RecordSnapshot {
    /// The response data that the object is created with.
    pub response: ResponseDataKey,
    /// The request.
    pub request: Arc<Request>,
    /// The response, where it is here already and may be exposed.
    pub ready: Option<Arc<ResponseHead>>,
}
