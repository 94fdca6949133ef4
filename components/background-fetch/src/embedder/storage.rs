//! [`Storage`]: where background fetches and their bodies live.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use url::Url;

use crate::DomString;
use crate::concepts::{
    BackgroundFetchFailureReason, BackgroundFetchResult, FetchKey, ImageResource, RecordKey, RegistrationKey,
    ResponseResult,
};
use crate::fetch::{Client, Request, ResponseHead, StorageKey};

/// Where background fetches and their bodies live.
///
/// Called from any thread, by many fetches at once; calls for one body come one after the other. A call may
/// block for as long as a disk write takes.
///
/// # After a crash
///
/// What [`read`](Self::read) returns is a prefix of what was given to [`append`](Self::append) for the response
/// that [`set_response`](Self::set_response) set last, never anything else. The calls for one record take effect in
/// their order: a crash loses a tail of them. [`create`](Self::create) and [`set_state`](Self::set_state) are durable when
/// they return, and everything done before for that background fetch is durable with them;
/// [`mark_sent`](Self::mark_sent), [`set_upload`](Self::set_upload), [`set_paused`](Self::set_paused), [`set_ui`](Self::set_ui),
/// [`remove`](Self::remove) and [`clear`](Self::clear) too. Of the others a crash may lose the last.
///
/// # Quota
///
/// Usage counts the bytes of all bodies, request bodies too, and what an embedder [counts](Self::reserve) of others. A write that would take a storage key over its quota
/// fails with [`QuotaExceeded`](StorageErrorKind::QuotaExceeded) and stores nothing; so does a full disk.
///
/// # Testing yours
///
/// `background_fetch_storage::suite::run(make)` runs this contract against it.
pub trait Storage: Send + Sync {
    /// Loads every background fetch that is stored, oldest first. Staged bodies that no background fetch took
    /// are gone.
    fn load(&self) -> BoxFuture<'_, Result<Vec<StoredFetch>, StorageError>>;

    /// Says how much a storage key uses, and how much it may.
    fn estimate<'a>(&'a self, key: &'a StorageKey) -> BoxFuture<'a, Result<StorageEstimate, StorageError>>;

    /// Counts bytes that an embedder keeps elsewhere for a storage key, in caches, say; until they are
    /// [released](Self::release), or the storage is opened again. An embedder that keeps nothing else needs none of these.
    ///
    /// # Errors
    ///
    /// Where they would take the storage key over its quota; they do not count then.
    fn reserve(&self, key: &StorageKey, bytes: u64) -> Result<(), StorageError> {
        let _ = (key, bytes);
        Ok(())
    }

    /// The same of what is there already, whatever the quota says.
    fn count(&self, key: &StorageKey, bytes: u64) {
        let _ = (key, bytes);
    }

    /// Bytes that were counted are gone.
    fn release(&self, key: &StorageKey, bytes: u64) {
        let _ = (key, bytes);
    }

    /// Begins a request body for a background fetch that is not created yet.
    fn stage<'a>(&'a self, key: &'a StorageKey) -> BoxFuture<'a, Result<StagedBody, StorageError>>;

    /// Removes a staged body that will not be used.
    fn discard(&self, body: StagedBody) -> BoxFuture<'_, Result<(), StorageError>>;

    /// Creates a background fetch with all its records and staged bodies, atomically and durably, and names it.
    fn create<'a>(&'a self, fetch: &'a NewFetch) -> BoxFuture<'a, Result<FetchKey, StorageError>>;

    /// Appends bytes to a body, staged or a response's, which has `offset` bytes so far: another offset is an
    /// error, and so is a record that is settled.
    fn append(&self, body: BodyKey, offset: u64, bytes: Bytes) -> BoxFuture<'_, Result<(), StorageError>>;

    /// Reads a slice of any body: at least one byte and at most `max` from `offset` on; none at its end.
    ///
    /// A storage may give less than `max`. A response is read while it is appended to. Reading a response that was replaced gives
    /// [`NotFound`](StorageErrorKind::NotFound).
    fn read(&self, body: BodyKey, offset: u64, max: usize) -> BoxFuture<'_, Result<Bytes, StorageError>>;

    /// Sets the response of a record, as its `generation`th. A new generation begins without bytes, and
    /// the bytes of the one before are gone; the same generation keeps its bytes, a lower one is an error. Where
    /// it fails the response before it is as it was.
    fn set_response<'a>(
        &'a self,
        record: RecordKey,
        generation: u64,
        response: &'a ResponseHead,
    ) -> BoxFuture<'a, Result<(), StorageError>>;

    /// Marks that a request which may be sent once only is about to be sent; durable.
    fn mark_sent(&self, record: RecordKey) -> BoxFuture<'_, Result<(), StorageError>>;

    /// Sets the upload resource where the body of a record's request can be continued; durable.
    fn set_upload<'a>(
        &'a self,
        record: RecordKey,
        upload: &'a Url,
    ) -> BoxFuture<'a, Result<(), StorageError>>;

    /// Settles a record. The failure reason of the first of a background fetch that failed, in the order of the calls,
    /// is its [`first_failure`](StoredFetch::first_failure).
    fn settle_record<'a>(
        &'a self,
        record: RecordKey,
        settlement: &'a Settlement,
    ) -> BoxFuture<'a, Result<(), StorageError>>;

    /// Sets the state of a background fetch; durable, with all that was stored of it before.
    fn set_state(&self, fetch: FetchKey, state: FetchState) -> BoxFuture<'_, Result<(), StorageError>>;

    /// Sets why a background fetch is paused; durable.
    fn set_paused(&self, fetch: FetchKey, paused: PauseReasons) -> BoxFuture<'_, Result<(), StorageError>>;

    /// Sets title and icons; durable.
    fn set_ui<'a>(
        &'a self,
        fetch: FetchKey,
        title: &'a DomString,
        icons: &'a [ImageResource],
    ) -> BoxFuture<'a, Result<(), StorageError>>;

    /// Removes a background fetch with all its bodies. One that is gone already is no error.
    fn remove(&self, fetch: FetchKey) -> BoxFuture<'_, Result<(), StorageError>>;

    /// Removes every background fetch of a registration.
    fn clear<'a>(&'a self, registration: &'a RegistrationKey) -> BoxFuture<'a, Result<(), StorageError>>;

    /// Makes everything durable that was stored so far: before a shutdown.
    fn flush(&self) -> BoxFuture<'_, Result<(), StorageError>>;
}

/// Names a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum BodyKey {
    /// A request body of a background fetch that is not created yet.
    Staged(StagedBody),
    /// The body of a record's request.
    Request(RecordKey),
    /// The bytes of a record's response.
    Response {
        /// The record.
        record: RecordKey,
        /// Which of its responses: each that replaces another counts one more.
        generation: u64,
    },
}

/// Names a staged body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(transparent)
)]
pub struct StagedBody(pub u64);

/// A background fetch to create.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NewFetch {
    /// The registration.
    pub registration: RegistrationKey,
    /// The id.
    pub id: DomString,
    /// The title.
    pub title: DomString,
    /// The icons.
    pub icons: Vec<ImageResource>,
    /// The download total in bytes; 0 for no limit.
    pub download_total: u64,
    /// The upload total in bytes.
    pub upload_total: u64,
    /// The snapshot of the environment that called.
    pub client: Arc<Client>,
    /// Why it starts paused.
    pub paused: PauseReasons,
    /// The records.
    pub records: Vec<NewRecord>,
}

/// A record to create.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NewRecord {
    /// The request.
    pub request: Arc<Request>,
    /// Its body, where it has one.
    pub body: Option<StagedBody>,
}

/// A background fetch as it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct StoredFetch {
    /// Its name.
    pub key: FetchKey,
    /// The registration.
    pub registration: RegistrationKey,
    /// The id.
    pub id: DomString,
    /// The title.
    pub title: DomString,
    /// The icons.
    pub icons: Vec<ImageResource>,
    /// The download total in bytes; 0 for no limit.
    pub download_total: u64,
    /// The upload total in bytes.
    pub upload_total: u64,
    /// The snapshot of the environment that called.
    pub client: Arc<Client>,
    /// Why it is paused.
    pub paused: PauseReasons,
    /// How far it came.
    pub state: FetchState,
    /// The failure reason of the record that failed first, the empty string for none.
    pub first_failure: BackgroundFetchFailureReason,
    /// The records, in order.
    pub records: Vec<StoredRecord>,
}

/// A record as it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct StoredRecord {
    /// The request.
    pub request: Arc<Request>,
    /// How far it came.
    pub state: RecordState,
}

/// How far a record came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RecordState {
    /// Whether [`Storage::mark_sent`] was called.
    pub sent: bool,
    /// What [`Storage::set_upload`] set last.
    #[cfg_attr(feature = "serde", serde(default))]
    pub upload: Option<Url>,
    /// The number of the response; 0 before the first.
    pub generation: u64,
    /// The response.
    pub response: Option<Arc<ResponseHead>>,
    /// The bytes stored of it.
    pub length: u64,
    /// How it was settled, where it was.
    pub settlement: Option<Settlement>,
}

/// How a record ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Settlement {
    /// The result; neither empty nor "redundant".
    pub result: ResponseResult,
    /// The bytes of the request's body that were uploaded.
    pub uploaded: u64,
    /// Why it failed, in a sentence; empty for a success.
    pub detail: String,
}

/// How far a background fetch came: it only goes on in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum FetchState {
    /// Records are being fetched.
    #[default]
    Active,
    /// `abort()` was called, or the user aborted it.
    Aborted,
    /// It is settled, and its event is owed.
    Settled {
        /// The result; not empty.
        result: BackgroundFetchResult,
        /// The failure reason.
        failure_reason: BackgroundFetchFailureReason,
    },
    /// Its event was delivered and has ended: its records are no longer available.
    Delivered,
}

/// Why a background fetch is paused; its paused flag is set while there is a reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PauseReasons {
    /// The user paused it.
    pub user: bool,
    /// The user has not yet allowed it.
    pub permission: bool,
    /// The connection is metered.
    pub metered: bool,
}

impl PauseReasons {
    /// Whether there is a reason: the paused flag.
    pub fn any(self) -> bool {
        self.user || self.permission || self.metered
    }
}

/// What a storage key uses, and may use, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct StorageEstimate {
    /// Bytes used.
    pub usage: u64,
    /// Bytes that may be used in all.
    pub quota: u64,
}

impl StorageEstimate {
    /// Bytes that are still free.
    pub fn free(self) -> u64 {
        self.quota.saturating_sub(self.usage)
    }
}

/// Storage could not do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageError {
    /// What kind of trouble.
    pub kind: StorageErrorKind,
    /// One sentence: what failed, where, and what to do.
    pub message: String,
}

/// What kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageErrorKind {
    /// The quota is reached, or the disk is full.
    QuotaExceeded,
    /// There is no such background fetch, record or body (any more).
    NotFound,
    /// What is stored is damaged, or from a newer version.
    Damaged,
    /// Reading or writing failed.
    Io,
}

impl StorageError {
    /// An error of this kind.
    pub fn new(kind: StorageErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StorageError {}
