//! What names a registration, a background fetch and a record on both sides of the seam and in storage.

use std::fmt;

use url::Url;

use crate::fetch::StorageKey;

/// Names a service worker registration: a storage key and a scope URL.
///
/// <https://w3c.github.io/ServiceWorker/#dfn-service-worker-registration>
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RegistrationKey {
    /// The storage key.
    pub storage_key: StorageKey,
    /// The scope URL.
    pub scope: Url,
}

impl RegistrationKey {
    /// The key of a first-party registration with this scope URL.
    pub fn of(scope: Url) -> Self {
        Self {
            storage_key: StorageKey::of(&scope),
            scope,
        }
    }
}

/// Names one background fetch for ever, where ids may be used again: storage gives it out, a newer one is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(transparent)
)]
pub struct FetchKey(pub u64);

impl fmt::Display for FetchKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Names a record: a background fetch and the place in its list of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RecordKey {
    /// The background fetch.
    pub fetch: FetchKey,
    /// The place in its list of records, from 0.
    pub index: usize,
}
