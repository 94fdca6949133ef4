//! Caches, as scripts see them. Where they are is in [`host`](crate::host::caches).
//!
//! <https://w3c.github.io/ServiceWorker/#cache-objects>

mod add_all;
mod cache;
mod cache_storage;
mod objects;

pub use cache::Cache;
pub use cache_storage::CacheStorage;
