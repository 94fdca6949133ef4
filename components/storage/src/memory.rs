//! [`MemoryStorage`]: everything in memory, gone with the last handle.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use background_fetch::embedder::{
    BodyKey, FetchState, NewFetch, PauseReasons, RecordState, Settlement, StagedBody, Storage, StorageError,
    StorageEstimate, StoredFetch, StoredRecord,
};
use background_fetch::fetch::{ResponseHead, StorageKey};
use background_fetch::{
    BackgroundFetchFailureReason, DomString, FetchKey, ImageResource, RecordKey, RegistrationKey,
};
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use url::Url;

use crate::error;

/// A storage in memory, for private browsing and for tests.
///
/// A clone is another handle to the same storage: what survives an engine that is dropped, so that the next one
/// finds it. Nothing survives the last handle. Bodies take as much memory as they have bytes; the quota bounds it.
#[derive(Clone, Debug)]
pub struct MemoryStorage(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    quota: u64,
    usage: HashMap<StorageKey, u64>,
    staged: HashMap<StagedBody, Staged>,
    fetches: BTreeMap<FetchKey, Fetch>,
    last_fetch: u64,
    last_staged: u64,
}

#[derive(Debug)]
struct Staged {
    key: StorageKey,
    bytes: Vec<u8>,
}

#[derive(Debug)]
struct Fetch {
    stored: StoredFetch,
    /// One per record.
    bodies: Vec<Bodies>,
}

#[derive(Debug, Default)]
struct Bodies {
    request: Option<Vec<u8>>,
    response: Vec<u8>,
}

impl MemoryStorage {
    /// An empty storage in which the bodies of one storage key may have `quota_per_storage_key` bytes in all.
    pub fn new(quota_per_storage_key: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            quota: quota_per_storage_key,
            usage: HashMap::new(),
            staged: HashMap::new(),
            fetches: BTreeMap::new(),
            last_fetch: 0,
            last_staged: 0,
        })))
    }

    /// A future that does this when it is first polled.
    fn call<'a, T: Send + 'a>(
        &'a self,
        action: impl FnOnce(&mut State) -> Result<T, StorageError> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, StorageError>> {
        async move { action(&mut self.0.lock()) }.boxed()
    }
}

impl State {
    fn fetch(&mut self, key: FetchKey) -> Result<&mut StoredFetch, StorageError> {
        match self.fetches.get_mut(&key) {
            Some(fetch) => Ok(&mut fetch.stored),
            None => Err(error::no_fetch(key)),
        }
    }

    fn record(&mut self, key: RecordKey) -> Result<(&mut StoredRecord, &mut Bodies), StorageError> {
        self.fetches
            .get_mut(&key.fetch)
            .and_then(|fetch| {
                Some((
                    fetch.stored.records.get_mut(key.index)?,
                    fetch.bodies.get_mut(key.index)?,
                ))
            })
            .ok_or_else(|| error::no_record(key))
    }

    fn body(&self, body: BodyKey) -> Option<(&StorageKey, &Vec<u8>)> {
        let in_fetch = |record: RecordKey| {
            let fetch = self.fetches.get(&record.fetch)?;
            let key = &fetch.stored.registration.storage_key;
            Some((
                key,
                fetch.stored.records.get(record.index)?,
                fetch.bodies.get(record.index)?,
            ))
        };
        match body {
            BodyKey::Staged(body) => self.staged.get(&body).map(|staged| (&staged.key, &staged.bytes)),
            BodyKey::Request(record) => {
                let (key, _, bodies) = in_fetch(record)?;
                Some((key, bodies.request.as_ref()?))
            }
            BodyKey::Response { record, generation } => {
                let (key, record, bodies) = in_fetch(record)?;
                let is_current = record.state.response.is_some() && record.state.generation == generation;
                is_current.then_some((key, &bodies.response))
            }
        }
    }

    fn release(&mut self, key: &StorageKey, bytes: usize) {
        if let Some(usage) = self.usage.get_mut(key) {
            *usage = usage.saturating_sub(bytes as u64);
            if *usage == 0 {
                self.usage.remove(key);
            }
        }
    }

    /// Whether so many bytes more are within the quota.
    fn has_room(&self, key: &StorageKey, more: u64) -> Result<(), StorageError> {
        let usage = self.usage.get(key).copied().unwrap_or(0);
        if more > self.quota.saturating_sub(usage) {
            return Err(error::over_quota(key, more, usage, self.quota));
        }
        Ok(())
    }

    fn append(&mut self, body: BodyKey, offset: u64, bytes: &[u8]) -> Result<(), StorageError> {
        // The body of a request is whole once its background fetch is created.
        if let BodyKey::Request(_) = body {
            return Err(error::no_body(body));
        }
        let (key, stored) = self.body(body).ok_or_else(|| error::no_body(body))?;
        let (key, length) = (key.clone(), stored.len() as u64);
        if offset != length {
            return Err(error::wrong_offset(body, offset, length));
        }
        if let BodyKey::Response { record, .. } = body
            && self.record(record)?.0.state.settlement.is_some()
        {
            return Err(error::settled(record));
        }
        let more = bytes.len() as u64;
        self.has_room(&key, more)?;
        match body {
            BodyKey::Staged(id) => {
                let staged = self.staged.get_mut(&id).ok_or_else(|| error::no_body(body))?;
                staged.bytes.extend_from_slice(bytes);
            }
            BodyKey::Request(_) => return Err(error::no_body(body)),
            BodyKey::Response { record, .. } => {
                let (stored, bodies) = self.record(record)?;
                bodies.response.extend_from_slice(bytes);
                stored.state.length += more;
            }
        }
        *self.usage.entry(key).or_default() += more;
        Ok(())
    }

    fn create(&mut self, new: &NewFetch) -> Result<FetchKey, StorageError> {
        let key = &new.registration.storage_key;
        let mut taken = Vec::new();
        let mut bodies = Vec::with_capacity(new.records.len());
        for record in &new.records {
            let request = match record.body {
                Some(id) => match self.staged.remove(&id) {
                    Some(staged) if staged.key == *key => {
                        taken.push((id, bodies.len()));
                        Some(staged.bytes)
                    }
                    other => {
                        let name = BodyKey::Staged(id);
                        let error = match &other {
                            Some(_) => error::foreign_body(name, key),
                            None => error::no_body(name),
                        };
                        self.staged.extend(other.map(|staged| (id, staged)));
                        self.give_back(key, taken, bodies);
                        return Err(error);
                    }
                },
                None => None,
            };
            bodies.push(Bodies {
                request,
                response: Vec::new(),
            });
        }
        self.last_fetch += 1;
        let key = FetchKey(self.last_fetch);
        self.fetches.insert(
            key,
            Fetch {
                stored: stored(key, new),
                bodies,
            },
        );
        Ok(key)
    }

    /// Stages again what a background fetch that cannot be created had taken.
    fn give_back(&mut self, key: &StorageKey, taken: Vec<(StagedBody, usize)>, mut bodies: Vec<Bodies>) {
        for (id, index) in taken {
            let bytes = bodies[index].request.take().unwrap_or_default();
            let key = key.clone();
            self.staged.insert(id, Staged { key, bytes });
        }
    }

    fn remove(&mut self, key: FetchKey) {
        let Some(fetch) = self.fetches.remove(&key) else {
            return;
        };
        let request = |body: &Bodies| body.request.as_ref().map_or(0, Vec::len);
        let bytes = fetch
            .bodies
            .iter()
            .map(|body| request(body) + body.response.len())
            .sum();
        self.release(&fetch.stored.registration.storage_key, bytes);
    }

    fn set_response(
        &mut self,
        key: RecordKey,
        generation: u64,
        response: &ResponseHead,
    ) -> Result<(), StorageError> {
        let (record, bodies) = self.record(key)?;
        let state = &mut record.state;
        if generation == 0 || generation < state.generation {
            return Err(error::stale_generation(key, generation, state.generation));
        }
        if state.settlement.is_some() {
            return Err(error::settled(key));
        }
        state.response = Some(Arc::new(response.clone()));
        if generation == state.generation {
            return Ok(());
        }
        state.generation = generation;
        state.length = 0;
        let gone = std::mem::take(&mut bodies.response).len();
        let storage_key = self.fetch(key.fetch)?.registration.storage_key.clone();
        self.release(&storage_key, gone);
        Ok(())
    }

    fn settle_record(&mut self, key: RecordKey, settlement: &Settlement) -> Result<(), StorageError> {
        self.record(key)?.0.state.settlement = Some(settlement.clone());
        let fetch = self.fetch(key.fetch)?;
        if fetch.first_failure == BackgroundFetchFailureReason::Empty {
            fetch.first_failure = settlement.result.failure_reason();
        }
        Ok(())
    }
}

/// A background fetch as it is right after its creation.
fn stored(key: FetchKey, new: &NewFetch) -> StoredFetch {
    let record = |request: &Arc<_>| StoredRecord {
        request: Arc::clone(request),
        state: RecordState::default(),
    };
    StoredFetch {
        key,
        registration: new.registration.clone(),
        id: new.id.clone(),
        title: new.title.clone(),
        icons: new.icons.clone(),
        download_total: new.download_total,
        upload_total: new.upload_total,
        client: Arc::clone(&new.client),
        paused: new.paused,
        state: FetchState::Active,
        first_failure: BackgroundFetchFailureReason::Empty,
        records: new.records.iter().map(|new| record(&new.request)).collect(),
    }
}

/// At most `max` bytes of `stored` from `offset` on.
pub(crate) fn slice(stored: &[u8], offset: u64, max: usize) -> Bytes {
    let start = usize::try_from(offset).unwrap_or(usize::MAX).min(stored.len());
    let end = start.saturating_add(max).min(stored.len());
    Bytes::copy_from_slice(&stored[start..end])
}

impl Storage for MemoryStorage {
    fn load(&self) -> BoxFuture<'_, Result<Vec<StoredFetch>, StorageError>> {
        self.call(|state| {
            for (_, staged) in std::mem::take(&mut state.staged) {
                state.release(&staged.key, staged.bytes.len());
            }
            Ok(state.fetches.values().map(|fetch| fetch.stored.clone()).collect())
        })
    }

    fn estimate<'a>(&'a self, key: &'a StorageKey) -> BoxFuture<'a, Result<StorageEstimate, StorageError>> {
        self.call(|state| {
            Ok(StorageEstimate {
                usage: state.usage.get(key).copied().unwrap_or(0),
                quota: state.quota,
            })
        })
    }

    fn reserve(&self, key: &StorageKey, bytes: u64) -> Result<(), StorageError> {
        let mut state = self.0.lock();
        state.has_room(key, bytes)?;
        *state.usage.entry(key.clone()).or_default() += bytes;
        Ok(())
    }

    fn count(&self, key: &StorageKey, bytes: u64) {
        *self.0.lock().usage.entry(key.clone()).or_default() += bytes;
    }

    fn release(&self, key: &StorageKey, bytes: u64) {
        self.0.lock().release(key, bytes as usize);
    }

    fn stage<'a>(&'a self, key: &'a StorageKey) -> BoxFuture<'a, Result<StagedBody, StorageError>> {
        self.call(|state| {
            state.last_staged += 1;
            let (id, key, bytes) = (StagedBody(state.last_staged), key.clone(), Vec::new());
            state.staged.insert(id, Staged { key, bytes });
            Ok(id)
        })
    }

    fn discard(&self, body: StagedBody) -> BoxFuture<'_, Result<(), StorageError>> {
        self.call(move |state| {
            if let Some(staged) = state.staged.remove(&body) {
                state.release(&staged.key, staged.bytes.len());
            }
            Ok(())
        })
    }

    fn create<'a>(&'a self, fetch: &'a NewFetch) -> BoxFuture<'a, Result<FetchKey, StorageError>> {
        self.call(|state| state.create(fetch))
    }

    fn append(&self, body: BodyKey, offset: u64, bytes: Bytes) -> BoxFuture<'_, Result<(), StorageError>> {
        self.call(move |state| state.append(body, offset, &bytes))
    }

    fn read(&self, body: BodyKey, offset: u64, max: usize) -> BoxFuture<'_, Result<Bytes, StorageError>> {
        self.call(move |state| match state.body(body) {
            Some((_, stored)) => Ok(slice(stored, offset, max)),
            None => Err(error::no_body(body)),
        })
    }

    fn set_response<'a>(
        &'a self,
        record: RecordKey,
        generation: u64,
        response: &'a ResponseHead,
    ) -> BoxFuture<'a, Result<(), StorageError>> {
        self.call(move |state| state.set_response(record, generation, response))
    }

    fn mark_sent(&self, record: RecordKey) -> BoxFuture<'_, Result<(), StorageError>> {
        self.call(move |state| {
            state.record(record)?.0.state.sent = true;
            Ok(())
        })
    }

    fn set_upload<'a>(
        &'a self,
        record: RecordKey,
        upload: &'a Url,
    ) -> BoxFuture<'a, Result<(), StorageError>> {
        self.call(move |state| {
            state.record(record)?.0.state.upload = Some(upload.clone());
            Ok(())
        })
    }

    fn settle_record<'a>(
        &'a self,
        record: RecordKey,
        settlement: &'a Settlement,
    ) -> BoxFuture<'a, Result<(), StorageError>> {
        self.call(move |state| state.settle_record(record, settlement))
    }

    fn set_state(&self, fetch: FetchKey, to: FetchState) -> BoxFuture<'_, Result<(), StorageError>> {
        self.call(move |state| {
            state.fetch(fetch)?.state = to;
            Ok(())
        })
    }

    fn set_paused(&self, fetch: FetchKey, paused: PauseReasons) -> BoxFuture<'_, Result<(), StorageError>> {
        self.call(move |state| {
            state.fetch(fetch)?.paused = paused;
            Ok(())
        })
    }

    fn set_ui<'a>(
        &'a self,
        fetch: FetchKey,
        title: &'a DomString,
        icons: &'a [ImageResource],
    ) -> BoxFuture<'a, Result<(), StorageError>> {
        self.call(move |state| {
            let stored = state.fetch(fetch)?;
            stored.title = title.clone();
            stored.icons = icons.to_vec();
            Ok(())
        })
    }

    fn remove(&self, fetch: FetchKey) -> BoxFuture<'_, Result<(), StorageError>> {
        self.call(move |state| {
            state.remove(fetch);
            Ok(())
        })
    }

    fn clear<'a>(&'a self, registration: &'a RegistrationKey) -> BoxFuture<'a, Result<(), StorageError>> {
        self.call(|state| {
            let of = |fetch: &&Fetch| fetch.stored.registration == *registration;
            let keys: Vec<_> = state
                .fetches
                .values()
                .filter(of)
                .map(|fetch| fetch.stored.key)
                .collect();
            keys.into_iter().for_each(|key| state.remove(key));
            Ok(())
        })
    }

    fn flush(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        self.call(|_| Ok(()))
    }
}
