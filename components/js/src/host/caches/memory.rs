//! [`MemoryCaches`]: caches that are gone with the program.

use std::collections::HashMap;
use std::sync::Arc;

use background_fetch::embedder::BodySource;
use background_fetch::fetch::{BodyStream, Request, StorageKey};
use background_fetch::{CacheQueryOptions, DomString};
use bytes::Bytes;
use futures::future::ready;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use indexmap::IndexMap;
use parking_lot::Mutex;

use super::algorithms::{batch_cache_operations, query_cache};
use super::folder::broke_off;
use super::{Asked, CacheEntry, CacheList, CacheOperation, CacheStore, StoredBody};

/// Keeps caches in memory.
#[derive(Default)]
pub struct MemoryCaches(Mutex<HashMap<StorageKey, IndexMap<DomString, Arc<MemoryList>>>>);

#[derive(Default)]
struct MemoryList(Mutex<Vec<Arc<CacheEntry>>>);

/// The bytes of a body, as they came.
struct Chunks(Arc<[Bytes]>);

impl BodySource for Chunks {
    fn length(&self) -> u64 {
        self.0.iter().map(|chunk| chunk.len() as u64).sum()
    }

    fn open(&self) -> BodyStream {
        let chunks = Arc::clone(&self.0);
        let mut place = 0;
        let next = move || {
            place += 1;
            chunks.get(place - 1).cloned().map(Ok)
        };
        stream::iter(std::iter::from_fn(next)).boxed()
    }
}

impl MemoryCaches {
    fn list(&self, key: &StorageKey, name: &DomString) -> Option<Arc<MemoryList>> {
        let keys = self.0.lock();
        keys.get(key)?.get(name).cloned()
    }
}

impl CacheStore for MemoryCaches {
    fn names<'a>(&'a self, key: &'a StorageKey) -> Asked<'a, Vec<DomString>> {
        let keys = self.0.lock();
        let names = keys.get(key).map(|names| names.keys().cloned().collect());
        ready(Ok(names.unwrap_or_default())).boxed()
    }

    fn find<'a>(&'a self, key: &'a StorageKey, name: &'a DomString) -> Asked<'a, Option<Arc<dyn CacheList>>> {
        let list = self.list(key, name);
        ready(Ok(list.map(|list| list as Arc<dyn CacheList>))).boxed()
    }

    fn open<'a>(&'a self, key: &'a StorageKey, name: &'a DomString) -> Asked<'a, Arc<dyn CacheList>> {
        let mut keys = self.0.lock();
        let names = keys.entry(key.clone()).or_default();
        let list = Arc::clone(names.entry(name.clone()).or_default());
        ready(Ok(list as Arc<dyn CacheList>)).boxed()
    }

    fn delete<'a>(&'a self, key: &'a StorageKey, name: &'a DomString) -> Asked<'a, bool> {
        let mut keys = self.0.lock();
        let removed = keys.get_mut(key).and_then(|names| names.shift_remove(name));
        ready(Ok(removed.is_some())).boxed()
    }

    fn usage<'a>(&'a self, key: &'a StorageKey) -> Asked<'a, u64> {
        let keys = self.0.lock();
        let lists = keys.get(key).into_iter().flat_map(IndexMap::values);
        let usage = lists.map(|list| list.0.lock().iter().map(|entry| size(entry)).sum::<u64>());
        let usage = usage.sum();
        ready(Ok(usage)).boxed()
    }
}

/// About what an entry takes up.
fn size(entry: &CacheEntry) -> u64 {
    let headers = [
        Some(&entry.request.headers),
        entry.response.as_ref().map(|head| &head.headers),
    ];
    let headers = headers.into_iter().flatten().flatten();
    let headers: usize = headers
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    let body = entry.body.as_ref().map_or(0, |body| body.source.length());
    body + (headers + entry.request.url.as_str().len()) as u64
}

impl CacheList for MemoryList {
    fn query(&self, request: Option<Request>, options: CacheQueryOptions) -> Asked<'_, Vec<Arc<CacheEntry>>> {
        let list = self.0.lock();
        let found = match request {
            Some(request) => query_cache(&list, &request, options).cloned().collect(),
            None => list.clone(),
        };
        ready(Ok(found)).boxed()
    }

    fn keep_body(&self, body: BodyStream) -> Asked<'_, StoredBody> {
        let kept = async {
            let chunks: Vec<Bytes> = body.try_collect().await.map_err(broke_off)?;
            Ok(StoredBody {
                // It is known by its bytes.
                id: 0,
                source: Arc::new(Chunks(chunks.into())),
            })
        };
        kept.boxed()
    }

    fn batch(&self, operations: Vec<CacheOperation>) -> Asked<'_, bool> {
        let mut list = self.0.lock();
        let done = batch_cache_operations(&list, operations).map(|(changed, has_deleted)| {
            *list = changed;
            has_deleted
        });
        ready(done).boxed()
    }
}
