//! [`CountedCaches`]: caches whose bytes count for the quota of their storage key, with everything else that its storage has.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use background_fetch::embedder::{BodySource, Storage, StorageError, StorageErrorKind};
use background_fetch::fetch::{BodyStream, Request, StorageKey};
use background_fetch::{CacheQueryOptions, DomString, Exception, ExceptionName};
use futures::lock::Mutex as AsyncMutex;
use futures::{FutureExt, StreamExt};
use parking_lot::Mutex;

use super::memory::size;
use super::{Asked, CacheEntry, CacheList, CacheOperation, CacheStore, StoredBody};

/// About what a cache takes up in the index of its storage key.
const NAME: u64 = 256;

/// Caches that are counted.
pub struct CountedCaches {
    caches: Arc<dyn CacheStore>,
    counts: Arc<Counts>,
}

/// What is counted for the caches of each storage key.
struct Counts {
    storage: Arc<dyn Storage>,
    /// What their lists take up, as it was looked at last.
    listed: AsyncMutex<HashMap<StorageKey, u64>>,
    /// The bodies that no list has yet, by where they are.
    bodies: Mutex<HashMap<usize, Arc<Reserved>>>,
}

/// Bytes that are counted until this is dropped.
struct Reserved {
    storage: Arc<dyn Storage>,
    key: StorageKey,
    bytes: AtomicU64,
}

impl Reserved {
    fn none(storage: &Arc<dyn Storage>, key: &StorageKey) -> Self {
        Self {
            storage: Arc::clone(storage),
            key: key.clone(),
            bytes: AtomicU64::new(0),
        }
    }

    fn grow(&self, bytes: u64) -> Result<(), Exception> {
        self.storage.reserve(&self.key, bytes).map_err(exception)?;
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// They are counted with the lists from now on.
    fn take(&self) -> u64 {
        self.bytes.swap(0, Ordering::Relaxed)
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.storage.release(&self.key, self.take());
    }
}

fn exception(error: StorageError) -> Exception {
    let name = match error.kind {
        StorageErrorKind::QuotaExceeded => ExceptionName::QuotaExceededError,
        _ => ExceptionName::UnknownError,
    };
    Exception::new(name, error.message)
}

impl CountedCaches {
    /// Counts what is there, and what will be.
    ///
    /// # Errors
    ///
    /// Where the caches do not say how much they take up.
    pub async fn new(caches: Arc<dyn CacheStore>, storage: Arc<dyn Storage>) -> Result<Self, Exception> {
        let listed: HashMap<_, _> = caches.usages().await?.into_iter().collect();
        for (key, bytes) in &listed {
            storage.count(key, *bytes);
        }
        let counts = Arc::new(Counts {
            storage,
            listed: AsyncMutex::new(listed),
            bodies: Mutex::default(),
        });
        Ok(Self { caches, counts })
    }

    fn list(&self, key: &StorageKey, list: Arc<dyn CacheList>) -> Arc<dyn CacheList> {
        Arc::new(CountedList {
            list,
            caches: Arc::clone(&self.caches),
            counts: Arc::clone(&self.counts),
            key: key.clone(),
        })
    }
}

impl Counts {
    /// Does something that changes the lists of a storage key, and counts what they take up then. `reserved` is counted
    /// meanwhile; with it what is `moved` into them.
    async fn change<T>(
        &self,
        caches: &dyn CacheStore,
        key: &StorageKey,
        reserved: Reserved,
        moved: Vec<Arc<Reserved>>,
        change: Asked<'_, T>,
    ) -> Result<T, Exception> {
        let mut listed = self.listed.lock().await;
        let changed = change.await?;
        let counted = listed.entry(key.clone()).or_default();
        *counted += reserved.take() + moved.iter().map(|moved| moved.take()).sum::<u64>();
        let usage = caches.usage(key).await?;
        match usage.checked_sub(*counted) {
            Some(more) => self.storage.count(key, more),
            None => self.storage.release(key, *counted - usage),
        }
        *counted = usage;
        Ok(changed)
    }
}

impl CacheStore for CountedCaches {
    fn names<'a>(&'a self, key: &'a StorageKey) -> Asked<'a, Vec<DomString>> {
        self.caches.names(key)
    }

    fn find<'a>(&'a self, key: &'a StorageKey, name: &'a DomString) -> Asked<'a, Option<Arc<dyn CacheList>>> {
        let found = self.caches.find(key, name);
        found
            .map(|found| found.map(|list| list.map(|list| self.list(key, list))))
            .boxed()
    }

    fn open<'a>(&'a self, key: &'a StorageKey, name: &'a DomString) -> Asked<'a, Arc<dyn CacheList>> {
        let reserved = Reserved::none(&self.counts.storage, key);
        if let Err(exception) = reserved.grow(NAME + 2 * name.len() as u64) {
            return std::future::ready(Err(exception)).boxed();
        }
        // What is asked for is done in the order of the calls.
        let opened = self.caches.open(key, name);
        async move {
            let opened = self
                .counts
                .change(&*self.caches, key, reserved, Vec::new(), opened);
            Ok(self.list(key, opened.await?))
        }
        .boxed()
    }

    fn delete<'a>(&'a self, key: &'a StorageKey, name: &'a DomString) -> Asked<'a, bool> {
        let deleted = self.caches.delete(key, name);
        let reserved = Reserved::none(&self.counts.storage, key);
        let changed = self
            .counts
            .change(&*self.caches, key, reserved, Vec::new(), deleted);
        changed.boxed()
    }

    fn usage<'a>(&'a self, key: &'a StorageKey) -> Asked<'a, u64> {
        self.caches.usage(key)
    }

    fn usages(&self) -> Asked<'_, Vec<(StorageKey, u64)>> {
        self.caches.usages()
    }
}

/// A list whose changes are counted.
struct CountedList {
    list: Arc<dyn CacheList>,
    caches: Arc<dyn CacheStore>,
    counts: Arc<Counts>,
    key: StorageKey,
}

/// A body that is counted until a list has it.
struct CountedBody {
    source: Arc<dyn BodySource>,
    counts: Arc<Counts>,
    place: AtomicU64,
}

impl BodySource for CountedBody {
    fn length(&self) -> u64 {
        self.source.length()
    }

    fn open(&self) -> BodyStream {
        self.source.open()
    }
}

impl Drop for CountedBody {
    fn drop(&mut self) {
        let place = self.place.load(Ordering::Relaxed) as usize;
        let reserved = self.counts.bodies.lock().remove(&place);
        drop(reserved);
    }
}

fn place_of(source: &Arc<dyn BodySource>) -> usize {
    Arc::as_ptr(source).cast::<()>() as usize
}

impl CountedList {
    async fn keep(&self, body: BodyStream) -> Result<StoredBody, Exception> {
        let reserved = Arc::new(Reserved::none(&self.counts.storage, &self.key));
        // What the quota says of it; the store hears only that it broke off.
        let refused = Arc::new(Mutex::new(None));
        let (of_body, tells) = (Arc::clone(&reserved), Arc::clone(&refused));
        let counted = body.map(move |chunk| {
            let chunk = chunk?;
            of_body.grow(chunk.len() as u64).map_err(|exception| {
                let message = exception.message.clone();
                *tells.lock() = Some(exception);
                message
            })?;
            Ok(chunk)
        });
        let kept = self.list.keep_body(counted.boxed()).await;
        let kept = kept.map_err(|error| refused.lock().take().unwrap_or(error))?;
        let body = Arc::new(CountedBody {
            source: kept.source,
            counts: Arc::clone(&self.counts),
            place: AtomicU64::new(0),
        });
        let source: Arc<dyn BodySource> = body.clone();
        let place = place_of(&source);
        body.place.store(place as u64, Ordering::Relaxed);
        self.counts.bodies.lock().insert(place, reserved);
        Ok(StoredBody { id: kept.id, source })
    }
}

impl CacheList for CountedList {
    fn query(&self, request: Option<Request>, options: CacheQueryOptions) -> Asked<'_, Vec<Arc<CacheEntry>>> {
        self.list.query(request, options)
    }

    fn keep_body(&self, body: BodyStream) -> Asked<'_, StoredBody> {
        self.keep(body).boxed()
    }

    fn batch(&self, operations: Vec<CacheOperation>) -> Asked<'_, bool> {
        let mut moved = Vec::new();
        let mut entries = 0;
        for operation in &operations {
            if let CacheOperation::Put(entry) = operation {
                entries += size(entry);
                let place = entry.body.as_ref().map(|body| place_of(&body.source));
                let reserved = place.and_then(|place| self.counts.bodies.lock().get(&place).cloned());
                moved.extend(reserved);
            }
        }
        let reserved = Reserved::none(&self.counts.storage, &self.key);
        if let Err(exception) = reserved.grow(entries) {
            return std::future::ready(Err(exception)).boxed();
        }
        let batch = self.list.batch(operations);
        let changed = self
            .counts
            .change(&*self.caches, &self.key, reserved, moved, batch);
        changed.boxed()
    }
}
