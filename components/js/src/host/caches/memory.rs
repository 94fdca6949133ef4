//! [`MemoryCaches`]: caches that are gone with the program.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use background_fetch::embedder::BodySource;
use background_fetch::fetch::{BodyStream, Request, StorageKey};
use background_fetch::{CacheQueryOptions, DomString, Exception, ExceptionName};
use bytes::Bytes;
use futures::future::ready;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use indexmap::IndexMap;
use parking_lot::Mutex;

use super::algorithms::{batch_cache_operations, query_cache};
use super::folder::broke_off;
use super::{Asked, CacheEntry, CacheList, CacheOperation, CacheStore, StoredBody};

/// How much is kept by default: as much as the heap of an engine is.
const LIMIT: u64 = 512 << 20;

/// Keeps caches in memory.
pub struct MemoryCaches {
    keys: Mutex<HashMap<StorageKey, IndexMap<DomString, Arc<MemoryList>>>>,
    used: Arc<Used>,
}

/// What all caches of a store take up.
struct Used {
    bytes: AtomicU64,
    limit: u64,
}

/// A part of it; given back when it is dropped.
struct Charge {
    used: Arc<Used>,
    bytes: u64,
}

impl Charge {
    fn none(used: &Arc<Used>) -> Self {
        Self {
            used: Arc::clone(used),
            bytes: 0,
        }
    }

    /// Takes more.
    fn grow(&mut self, bytes: u64) -> Result<(), Exception> {
        let limit = self.used.limit;
        let take = |used: u64| used.checked_add(bytes).filter(|used| *used <= limit);
        let taken = self
            .used
            .bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        taken.map_err(|used| {
            let message = format!("there is no room for {bytes} bytes: caches have {used} of {limit} bytes");
            Exception::new(ExceptionName::QuotaExceededError, message)
        })?;
        self.bytes += bytes;
        Ok(())
    }

    /// Takes as much as this, instead of what it has.
    fn set(&mut self, bytes: u64) -> Result<(), Exception> {
        if bytes > self.bytes {
            return self.grow(bytes - self.bytes);
        }
        self.used.bytes.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.used.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

struct MemoryList {
    used: Arc<Used>,
    /// The entries, with what they take up beside their bodies.
    entries: Mutex<(Vec<Arc<CacheEntry>>, Charge)>,
}

/// The bytes of a body, as they came.
struct Chunks {
    chunks: Arc<[Bytes]>,
    _charge: Charge,
}

impl BodySource for Chunks {
    fn length(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.len() as u64).sum()
    }

    fn open(&self) -> BodyStream {
        let chunks = Arc::clone(&self.chunks);
        let mut place = 0;
        let next = move || {
            place += 1;
            chunks.get(place - 1).cloned().map(Ok)
        };
        stream::iter(std::iter::from_fn(next)).boxed()
    }
}

impl Default for MemoryCaches {
    fn default() -> Self {
        Self::with_limit(LIMIT)
    }
}

impl MemoryCaches {
    /// Caches that take up no more than so many bytes together; whatever is more is a `QuotaExceededError`.
    pub fn with_limit(limit: u64) -> Self {
        let bytes = AtomicU64::new(0);
        Self {
            keys: Mutex::default(),
            used: Arc::new(Used { bytes, limit }),
        }
    }

    fn list(&self, key: &StorageKey, name: &DomString) -> Option<Arc<MemoryList>> {
        let keys = self.keys.lock();
        keys.get(key)?.get(name).cloned()
    }
}

impl CacheStore for MemoryCaches {
    fn names<'a>(&'a self, key: &'a StorageKey) -> Asked<'a, Vec<DomString>> {
        let keys = self.keys.lock();
        let names = keys.get(key).map(|names| names.keys().cloned().collect());
        ready(Ok(names.unwrap_or_default())).boxed()
    }

    fn find<'a>(&'a self, key: &'a StorageKey, name: &'a DomString) -> Asked<'a, Option<Arc<dyn CacheList>>> {
        let list = self.list(key, name);
        ready(Ok(list.map(|list| list as Arc<dyn CacheList>))).boxed()
    }

    fn open<'a>(&'a self, key: &'a StorageKey, name: &'a DomString) -> Asked<'a, Arc<dyn CacheList>> {
        let mut keys = self.keys.lock();
        let names = keys.entry(key.clone()).or_default();
        let list = Arc::clone(
            names
                .entry(name.clone())
                .or_insert_with(|| MemoryList::new(&self.used)),
        );
        ready(Ok(list as Arc<dyn CacheList>)).boxed()
    }

    fn delete<'a>(&'a self, key: &'a StorageKey, name: &'a DomString) -> Asked<'a, bool> {
        let mut keys = self.keys.lock();
        let removed = keys.get_mut(key).and_then(|names| names.shift_remove(name));
        ready(Ok(removed.is_some())).boxed()
    }

    fn usage<'a>(&'a self, key: &'a StorageKey) -> Asked<'a, u64> {
        let keys = self.keys.lock();
        let lists = keys.get(key).into_iter().flat_map(IndexMap::values);
        let usage = lists.map(|list| list.usage()).sum();
        ready(Ok(usage)).boxed()
    }

    fn usages(&self) -> Asked<'_, Vec<(StorageKey, u64)>> {
        let keys = self.keys.lock();
        let usages = keys
            .iter()
            .map(|(key, lists)| (key.clone(), lists.values().map(|list| list.usage()).sum()));
        ready(Ok(usages.collect())).boxed()
    }
}

/// About what an entry takes up beside its body.
pub(super) fn size(entry: &CacheEntry) -> u64 {
    let headers = [
        Some(&entry.request.headers),
        entry.response.as_ref().map(|head| &head.headers),
    ];
    let headers = headers.into_iter().flatten().flatten();
    let headers: usize = headers
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    (size_of::<CacheEntry>() + headers + entry.request.url.as_str().len()) as u64
}

impl MemoryList {
    fn new(used: &Arc<Used>) -> Arc<Self> {
        Arc::new(Self {
            used: Arc::clone(used),
            entries: Mutex::new((Vec::new(), Charge::none(used))),
        })
    }

    fn usage(&self) -> u64 {
        let (list, charge) = &*self.entries.lock();
        let bodies = list.iter().filter_map(|entry| entry.body.as_ref());
        charge.bytes + bodies.map(|body| body.source.length()).sum::<u64>()
    }

    async fn keep(&self, mut body: BodyStream) -> Result<StoredBody, Exception> {
        let mut charge = Charge::none(&self.used);
        let mut chunks = Vec::new();
        while let Some(chunk) = body.try_next().await.map_err(broke_off)? {
            charge.grow((size_of::<Bytes>() + chunk.len()) as u64)?;
            chunks.push(chunk);
        }
        let chunks = Chunks {
            chunks: chunks.into(),
            _charge: charge,
        };
        // It is known by its bytes.
        let (id, source) = (0, Arc::new(chunks));
        Ok(StoredBody { id, source })
    }

    fn change(&self, operations: Vec<CacheOperation>) -> Result<bool, Exception> {
        let (list, charge) = &mut *self.entries.lock();
        let (changed, has_deleted) = batch_cache_operations(list, operations)?;
        charge.set(changed.iter().map(|entry| size(entry)).sum())?;
        *list = changed;
        Ok(has_deleted)
    }
}

impl CacheList for MemoryList {
    fn query(&self, request: Option<Request>, options: CacheQueryOptions) -> Asked<'_, Vec<Arc<CacheEntry>>> {
        let (list, _) = &*self.entries.lock();
        let found = match request {
            Some(request) => query_cache(list, &request, options).cloned().collect(),
            None => list.clone(),
        };
        ready(Ok(found)).boxed()
    }

    fn keep_body(&self, body: BodyStream) -> Asked<'_, StoredBody> {
        self.keep(body).boxed()
    }

    fn batch(&self, operations: Vec<CacheOperation>) -> Asked<'_, bool> {
        ready(self.change(operations)).boxed()
    }
}
