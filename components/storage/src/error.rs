//! The sentences in which a storage says what is wrong: shared by all storages, so that they read the same.

use background_fetch::embedder::{BodyKey, StorageError, StorageErrorKind};
use background_fetch::fetch::StorageKey;
use background_fetch::{FetchKey, RecordKey};

/// There is no such background fetch.
pub(crate) fn no_fetch(fetch: FetchKey) -> StorageError {
    StorageError::new(
        StorageErrorKind::NotFound,
        format!("background fetch {fetch} is not stored; it was removed or never created"),
    )
}

/// There is no such record.
pub(crate) fn no_record(record: RecordKey) -> StorageError {
    StorageError::new(
        StorageErrorKind::NotFound,
        format!(
            "{} is not stored; its background fetch was removed or has fewer records",
            record_name(record)
        ),
    )
}

/// There is no such body.
pub(crate) fn no_body(body: BodyKey) -> StorageError {
    StorageError::new(
        StorageErrorKind::NotFound,
        format!(
            "{} is not stored; it was replaced, removed or never begun",
            body_name(body)
        ),
    )
}

/// A response may not go back to an earlier generation; the first is 1.
pub(crate) fn stale_generation(record: RecordKey, generation: u64, current: u64) -> StorageError {
    StorageError::new(
        StorageErrorKind::NotFound,
        format!(
            "{} has response {current}, and response {generation} cannot follow it; count on from the newest",
            record_name(record)
        ),
    )
}

/// A settled record takes neither bytes nor another response.
pub(crate) fn settled(record: RecordKey) -> StorageError {
    StorageError::new(
        StorageErrorKind::Io,
        format!(
            "{} is settled and takes no more bytes and no other response",
            record_name(record)
        ),
    )
}

/// Bytes were to be appended elsewhere than at the end.
pub(crate) fn wrong_offset(body: BodyKey, offset: u64, length: u64) -> StorageError {
    StorageError::new(
        StorageErrorKind::Io,
        format!(
            "cannot append to {} at byte {offset}: it has {length} bytes; append at its end",
            body_name(body)
        ),
    )
}

/// The storage key's quota does not allow so many more bytes.
pub(crate) fn over_quota(key: &StorageKey, more: u64, usage: u64, quota: u64) -> StorageError {
    StorageError::new(
        StorageErrorKind::QuotaExceeded,
        format!(
            "{more} bytes more would take {key} over its quota: {usage} of {quota} bytes are used; \
             remove background fetches or raise the quota"
        ),
    )
}

/// A staged body belongs to another storage key.
pub(crate) fn foreign_body(body: BodyKey, key: &StorageKey) -> StorageError {
    StorageError::new(
        StorageErrorKind::NotFound,
        format!(
            "{} was not staged for {key}, and cannot be used there",
            body_name(body)
        ),
    )
}

pub(crate) fn record_name(record: RecordKey) -> String {
    format!("record {} of background fetch {}", record.index, record.fetch)
}

pub(crate) fn body_name(body: BodyKey) -> String {
    match body {
        BodyKey::Staged(body) => format!("staged body {}", body.0),
        BodyKey::Request(record) => format!("the request body of {}", record_name(record)),
        BodyKey::Response { record, generation } => {
            format!("response {generation} of {}", record_name(record))
        }
    }
}
