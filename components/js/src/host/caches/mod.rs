//! Where the caches of scripts are: [`CacheStore`], in memory or in a folder.
//!
//! <https://w3c.github.io/ServiceWorker/#cache-objects>

mod algorithms;
mod counted;
mod folder;
mod memory;
mod model;

use std::sync::Arc;

use background_fetch::fetch::{BodyStream, Request, StorageKey};
use background_fetch::{CacheQueryOptions, DomString, Exception};
use futures::future::BoxFuture;

pub use algorithms::{batch_cache_operations, match_in_caches, query_cache};
pub use counted::CountedCaches;
pub use folder::FolderCaches;
pub use memory::MemoryCaches;
pub use model::{CacheEntry, CacheOperation, StoredBody};

/// The future of what a store is asked for.
pub type Asked<'a, T> = BoxFuture<'a, Result<T, Exception>>;

/// Keeps the caches of all storage keys: for each a map of names to lists, in the order in which they were made.
///
/// Called from any thread, by many realms at once; what is asked for is done in the order of the calls. Errors are told to
/// scripts: `UnknownError` where the store does not work or is damaged, `QuotaExceededError` where there is no room.
///
/// <https://w3c.github.io/ServiceWorker/#dfn-name-to-cache-map>
pub trait CacheStore: Send + Sync {
    /// The names, in the order in which the caches were made.
    fn names<'a>(&'a self, key: &'a StorageKey) -> Asked<'a, Vec<DomString>>;

    /// The cache of a name; none where there is none. A damaged one is an error.
    fn find<'a>(&'a self, key: &'a StorageKey, name: &'a DomString) -> Asked<'a, Option<Arc<dyn CacheList>>>;

    /// The cache of a name, which is made where it is not there.
    fn open<'a>(&'a self, key: &'a StorageKey, name: &'a DomString) -> Asked<'a, Arc<dyn CacheList>>;

    /// Removes a name; whether it was there, damaged or not. Whoever has the cache uses it until they drop it.
    fn delete<'a>(&'a self, key: &'a StorageKey, name: &'a DomString) -> Asked<'a, bool>;

    /// How many bytes the caches of a storage key take up: for `navigator.storage.estimate()`.
    fn usage<'a>(&'a self, key: &'a StorageKey) -> Asked<'a, u64>;

    /// The same of each storage key that has any.
    fn usages(&self) -> Asked<'_, Vec<(StorageKey, u64)>>;
}

/// A list of requests and their responses, in the order in which they were put.
///
/// <https://w3c.github.io/ServiceWorker/#dfn-request-response-list>
pub trait CacheList: Send + Sync {
    /// The entries that a request matches; all where there is no request. Their bodies may be read for as long as they are
    /// held, whatever becomes of the entry.
    ///
    /// <https://w3c.github.io/ServiceWorker/#query-cache-algorithm>
    fn query(&self, request: Option<Request>, options: CacheQueryOptions) -> Asked<'_, Vec<Arc<CacheEntry>>>;

    /// Keeps the bytes of a body, for an operation on this list; they are gone when the last that holds them drops them and
    /// no list has them. One that breaks off is a `TypeError`. It is pulled no faster than it is kept.
    fn keep_body(&self, body: BodyStream) -> Asked<'_, StoredBody>;

    /// Performs operations: all, or none. They are durable when this is done. Whether an entry was deleted by a
    /// [`CacheOperation::Delete`].
    ///
    /// <https://w3c.github.io/ServiceWorker/#batch-cache-operations-algorithm>
    fn batch(&self, operations: Vec<CacheOperation>) -> Asked<'_, bool>;
}
