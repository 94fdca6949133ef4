//! The algorithms on lists, for stores.

use std::sync::Arc;

use background_fetch::fetch::{Request, StorageKey};
use background_fetch::{CacheQueryOptions, DomString, Exception, ExceptionName, request_matches_cached_item};

use super::{CacheEntry, CacheOperation, CacheStore};

/// The entries of a list that a request matches, in order.
///
/// <https://w3c.github.io/ServiceWorker/#query-cache-algorithm>
pub fn query_cache<'a, B>(
    list: &'a [Arc<CacheEntry<B>>],
    request: &'a Request,
    options: CacheQueryOptions,
) -> impl Iterator<Item = &'a Arc<CacheEntry<B>>> {
    list.iter().filter(move |entry| matches(entry, request, options))
}

fn matches<B>(entry: &CacheEntry<B>, request: &Request, options: CacheQueryOptions) -> bool {
    request_matches_cached_item(request, &entry.request, entry.response.as_ref(), options)
}

/// A list of entries.
type List<B> = Vec<Arc<CacheEntry<B>>>;

/// What operations make of a list, and whether one deleted something; the list itself is unchanged. The caller sees to it that
/// what is put is a GET request with a URL of HTTP.
///
/// <https://w3c.github.io/ServiceWorker/#batch-cache-operations-algorithm>
///
/// # Errors
///
/// `InvalidStateError` where an operation is about what another of them puts.
pub fn batch_cache_operations<B>(
    list: &[Arc<CacheEntry<B>>],
    operations: Vec<CacheOperation<B>>,
) -> Result<(List<B>, bool), Exception> {
    // 1 and 2. A copy, instead of the backup.
    let mut changed = list.to_vec();
    // 3.
    let mut added: List<B> = Vec::new();
    let mut has_deleted = false;
    // 4.
    for operation in operations {
        let (request, options) = match &operation {
            CacheOperation::Put(entry) => (&entry.request, CacheQueryOptions::default()),
            CacheOperation::Delete { request, options } => (&**request, *options),
        };
        // 4.3.
        if query_cache(&added, request, options).next().is_some() {
            let message = format!(
                "two operations of one batch are about {:.200}",
                request.url.as_str()
            );
            return Err(Exception::new(ExceptionName::InvalidStateError, message));
        }
        // 4.5.1 to 4.5.3; 4.6.6 and 4.6.7.
        let length = changed.len();
        changed.retain(|entry| !matches(entry, request, options));
        match operation {
            CacheOperation::Delete { .. } => has_deleted |= changed.len() < length,
            // 4.6.8 to 4.6.10.
            CacheOperation::Put(entry) => {
                let entry = Arc::new(*entry);
                changed.push(Arc::clone(&entry));
                added.push(entry);
            }
        }
    }
    Ok((changed, has_deleted))
}

/// The first entry that a request matches, in the caches of a storage key in their order; or in one of them alone.
///
/// <https://w3c.github.io/ServiceWorker/#cache-storage-match>
///
/// # Errors
///
/// What the store says.
pub async fn match_in_caches(
    store: &dyn CacheStore,
    key: &StorageKey,
    name: Option<DomString>,
    request: Request,
    options: CacheQueryOptions,
) -> Result<Option<Arc<CacheEntry>>, Exception> {
    let names = match name {
        Some(name) => vec![name],
        None => store.names(key).await?,
    };
    for name in names {
        let Some(list) = store.find(key, &name).await? else {
            continue;
        };
        let found = list.query(Some(request.clone()), options).await?;
        if let Some(entry) = found.into_iter().next() {
            return Ok(Some(entry));
        }
    }
    Ok(None)
}
