//! [`VolatileStorage`]: a storage that a crash robs of what it did not make durable.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use background_fetch::embedder::{
    BodyKey, FetchState, NewFetch, PauseReasons, Settlement, StagedBody, Storage, StorageError,
    StorageErrorKind, StorageEstimate, StoredFetch,
};
use background_fetch::fetch::{Request, ResponseHead, StorageKey};
use background_fetch::{DomString, FetchKey, ImageResource, RecordKey, RegistrationKey};
use bytes::Bytes;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use url::Url;

use crate::{Random, yield_now};

/// A storage with a volatile part: what a call did is lost in a [`crash`](Self::crash) unless it became durable, as
/// far as [`Storage`] allows, and no further.
///
/// * What is durable when its call returns is lost only while the call runs; then it is there or not, whole.
/// * `append`, `set_response` and `settle_record` lose a tail of each record's calls, up to the last durable call of
///   their background fetch. Of the first lost append a prefix may be left: a torn write.
/// * Each call lets other tasks run before and after its effect, so that a crash meets it in between.
///
/// It keeps the calls that had an effect, and plays those that survive to a fresh storage.
pub struct VolatileStorage {
    fresh: Box<dyn Fn() -> Arc<dyn Storage> + Send + Sync>,
    state: Mutex<State>,
    /// Held while a call has its effect, so that threads do not change the order of the calls.
    order: futures::lock::Mutex<()>,
}

struct State {
    current: Arc<dyn Storage>,
    /// Every call that had an effect, in order.
    log: Vec<Entry>,
    random: Random,
}

struct Entry {
    effect: Effect,
    durable: bool,
}

/// A call that changed something.
#[derive(Clone)]
enum Effect {
    Load,
    Stage(StorageKey),
    Discard(StagedBody),
    Create(FetchKey, Arc<NewFetch>),
    Append(BodyKey, u64, Bytes),
    SetResponse(RecordKey, u64, Arc<ResponseHead>),
    MarkSent(RecordKey),
    SetUpload(RecordKey, Url),
    SettleRecord(RecordKey, Settlement),
    SetState(FetchKey, FetchState),
    SetPaused(FetchKey, PauseReasons),
    SetUi(FetchKey, DomString, Vec<ImageResource>),
    Remove(FetchKey),
    Clear(RegistrationKey),
    Flush,
}

impl Effect {
    /// The background fetch that it is about.
    fn fetch(&self) -> Option<FetchKey> {
        match self {
            Self::Load | Self::Stage(_) | Self::Discard(_) | Self::Clear(_) | Self::Flush => None,
            Self::Append(BodyKey::Staged(_), ..) => None,
            Self::Append(BodyKey::Request(record) | BodyKey::Response { record, .. }, ..) => {
                Some(record.fetch)
            }
            Self::SetResponse(record, ..)
            | Self::MarkSent(record)
            | Self::SetUpload(record, _)
            | Self::SettleRecord(record, _) => Some(record.fetch),
            Self::Create(fetch, _)
            | Self::SetState(fetch, _)
            | Self::SetPaused(fetch, _)
            | Self::SetUi(fetch, ..)
            | Self::Remove(fetch) => Some(*fetch),
        }
    }

    /// The record whose last calls a crash may lose, where it is such a call.
    fn loses_its_tail(&self) -> Option<RecordKey> {
        match self {
            Self::Append(BodyKey::Response { record, .. }, ..)
            | Self::SetResponse(record, ..)
            | Self::SettleRecord(record, _) => Some(*record),
            _ => None,
        }
    }

    /// Staged bodies do not outlive a restart, whatever is durable of them.
    fn is_of_staging(&self) -> bool {
        matches!(
            self,
            Self::Load | Self::Stage(_) | Self::Discard(_) | Self::Append(BodyKey::Staged(_), ..)
        )
    }
}

impl VolatileStorage {
    /// A storage over what `fresh` makes: an empty storage, the same each time. `random` chooses what a crash leaves.
    pub fn new(fresh: impl Fn() -> Arc<dyn Storage> + Send + Sync + 'static, random: Random) -> Self {
        let current = fresh();
        Self {
            fresh: Box::new(fresh),
            state: Mutex::new(State {
                current,
                log: Vec::new(),
                random,
            }),
            order: futures::lock::Mutex::default(),
        }
    }

    /// Loses what a power cut loses. To be called when every task is dropped.
    ///
    /// # Errors
    ///
    /// What the fresh storage says; it has no reason to.
    pub async fn crash(&self) -> Result<(), StorageError> {
        let (survived, all) = self.state.lock().survivors();
        let storage = match self.replay(&survived).await {
            Ok(storage) => storage,
            // A lost response gave bytes back that others took: over the quota, where no storage can be. Then nothing is
            // lost.
            Err(error) if error.kind == StorageErrorKind::QuotaExceeded => {
                return self.replay(&all).await.map(|storage| self.settle(storage, all));
            }
            Err(error) => return Err(error),
        };
        self.settle(storage, survived);
        Ok(())
    }

    fn settle(&self, storage: Arc<dyn Storage>, effects: Vec<Effect>) {
        let mut state = self.state.lock();
        state.current = storage;
        let durable = |effect| Entry {
            effect,
            durable: true,
        };
        state.log = effects.into_iter().map(durable).collect();
    }

    /// The state that a crash in this moment would leave of a background fetch; none where it was not created, or was
    /// removed.
    pub fn durable_state(&self, fetch: FetchKey) -> Option<FetchState> {
        let state = self.state.lock();
        let mut found = None;
        let mut of = None;
        for Entry { effect, .. } in state.log.iter().filter(|entry| entry.durable) {
            match effect {
                Effect::Create(key, new) if *key == fetch => {
                    found = Some(FetchState::Active);
                    of = Some(&new.registration);
                }
                Effect::SetState(key, to) if *key == fetch => found = Some(*to),
                Effect::Remove(key) if *key == fetch => found = None,
                Effect::Clear(registration) if of == Some(registration) => found = None,
                _ => {}
            }
        }
        found
    }

    /// The first request of a background fetch, also of one that is gone.
    pub fn first_request_of(&self, fetch: FetchKey) -> Option<Arc<Request>> {
        let state = self.state.lock();
        let created = state.log.iter().rev().find_map(|entry| match &entry.effect {
            Effect::Create(key, new) if *key == fetch => Some(new),
            _ => None,
        });
        Some(Arc::clone(&created?.records.first()?.request))
    }

    /// Whether a crash in this moment could lose bytes, a response or a result of a background fetch.
    pub fn could_lose_records_of(&self, fetch: FetchKey) -> bool {
        let lost = |entry: &Entry| {
            !entry.durable && entry.effect.loses_its_tail().is_some() && entry.effect.fetch() == Some(fetch)
        };
        self.state.lock().log.iter().any(lost)
    }

    async fn replay(&self, effects: &[Effect]) -> Result<Arc<dyn Storage>, StorageError> {
        let storage = (self.fresh)();
        for effect in effects {
            let value = effect.play(&*storage).await?;
            if let (Effect::Create(key, _), Value::Created(created)) = (effect, value) {
                assert_eq!(created, *key, "an empty storage gives names in order");
            }
        }
        Ok(storage)
    }

    /// One call: others run, it has its effect, others run, it is durable.
    async fn call(&self, mut effect: Effect) -> Result<Value, StorageError> {
        self.let_others_run().await;
        let in_order = self.order.lock().await;
        let value = effect.play(&*self.current()).await?;
        if let (Effect::Create(key, _), Value::Created(created)) = (&mut effect, &value) {
            *key = *created;
        }
        let entry = self.state.lock().push(effect);
        drop(in_order);
        self.let_others_run().await;
        self.state.lock().make_durable(entry);
        Ok(value)
    }

    /// A call that gives nothing.
    fn change(&self, effect: Effect) -> BoxFuture<'_, Result<(), StorageError>> {
        Box::pin(async move { self.call(effect).await.map(drop) })
    }

    async fn let_others_run(&self) {
        let turns = self.state.lock().random.below(8);
        for _ in 0..turns.saturating_sub(5) {
            yield_now().await;
        }
    }

    fn current(&self) -> Arc<dyn Storage> {
        Arc::clone(&self.state.lock().current)
    }
}

impl State {
    fn push(&mut self, effect: Effect) -> usize {
        self.log.push(Entry {
            effect,
            durable: false,
        });
        self.log.len() - 1
    }

    /// The call returns: what it promises is durable from here on.
    fn make_durable(&mut self, entry: usize) {
        let effect = self.log[entry].effect.clone();
        if effect.loses_its_tail().is_some() {
            return;
        }
        self.log[entry].durable = true;
        let fetch = effect.fetch();
        let all = matches!(effect, Effect::Flush);
        let of_it = |other: &Effect| all || (fetch.is_some() && other.fetch() == fetch);
        for earlier in &mut self.log[..entry] {
            if of_it(&earlier.effect) && (all || earlier.effect.loses_its_tail().is_some()) {
                earlier.durable = true;
            }
        }
        // Names are given in order: a background fetch is not lost while a later one is there.
        if matches!(effect, Effect::Create(..)) {
            for earlier in &mut self.log[..entry] {
                earlier.durable |= matches!(earlier.effect, Effect::Create(..));
            }
        }
    }

    /// What is left after a crash; and everything, for comparison.
    fn survivors(&mut self) -> (Vec<Effect>, Vec<Effect>) {
        self.survivors_of(&BTreeSet::new())
    }

    /// The same, where these background fetches were created before the log begins.
    fn survivors_of(&mut self, before: &BTreeSet<FetchKey>) -> (Vec<Effect>, Vec<Effect>) {
        let Self { log, random, .. } = self;
        let all: Vec<_> = log.iter().map(|entry| entry.effect.clone()).collect();
        // What was being made durable is there or not; and with it what came before of its background fetch.
        let mut in_flight = Vec::with_capacity(log.len());
        let mut reached: BTreeMap<FetchKey, usize> = BTreeMap::new();
        let mut creates_end = false;
        for (index, Entry { effect, durable }) in log.iter().enumerate() {
            let open = !durable && effect.loses_its_tail().is_none() && !effect.is_of_staging();
            let is_create = matches!(effect, Effect::Create(..));
            let survives = open && !(is_create && creates_end) && random.chance(1, 2);
            creates_end |= open && is_create && !survives;
            if survives && let Some(fetch) = effect.fetch() {
                reached.insert(fetch, index);
            }
            in_flight.push(survives);
        }
        let mut cut: BTreeSet<RecordKey> = BTreeSet::new();
        let mut created = before.clone();
        let mut survived = Vec::new();
        for (index, Entry { effect, durable }) in log.iter().enumerate() {
            if let Effect::Create(fetch, _) = effect
                && (*durable || in_flight[index])
            {
                created.insert(*fetch);
            }
            // What was done to a background fetch that was never created is nothing.
            let there = effect.fetch().is_none_or(|fetch| created.contains(&fetch));
            let synced = || {
                let reached = effect.fetch().and_then(|fetch| reached.get(&fetch));
                reached.is_some_and(|reached| index < *reached)
            };
            let Some(record) = effect.loses_its_tail() else {
                if there && (*durable || in_flight[index] || effect.is_of_staging()) {
                    survived.push(effect.clone());
                }
                continue;
            };
            if !there || cut.contains(&record) {
                continue;
            }
            if *durable || synced() || random.chance(2, 3) {
                survived.push(effect.clone());
                continue;
            }
            cut.insert(record);
            if let Effect::Append(body, offset, bytes) = effect
                && bytes.len() > 1
                && random.chance(1, 2)
            {
                let left = 1 + random.below(bytes.len() as u64 - 1) as usize;
                survived.push(Effect::Append(*body, *offset, bytes.slice(..left)));
            }
        }
        (survived, all)
    }
}

/// What a call gives.
enum Value {
    Nothing,
    Loaded(Vec<StoredFetch>),
    Staged(StagedBody),
    Created(FetchKey),
}

impl Effect {
    async fn play(&self, storage: &dyn Storage) -> Result<Value, StorageError> {
        match self {
            Self::Load => return storage.load().await.map(Value::Loaded),
            Self::Stage(key) => return storage.stage(key).await.map(Value::Staged),
            Self::Create(_, fetch) => return storage.create(fetch).await.map(Value::Created),
            Self::Discard(body) => storage.discard(*body).await,
            Self::Append(body, offset, bytes) => storage.append(*body, *offset, bytes.clone()).await,
            Self::SetResponse(record, generation, head) => {
                storage.set_response(*record, *generation, head).await
            }
            Self::MarkSent(record) => storage.mark_sent(*record).await,
            Self::SetUpload(record, upload) => storage.set_upload(*record, upload).await,
            Self::SettleRecord(record, settlement) => storage.settle_record(*record, settlement).await,
            Self::SetState(fetch, state) => storage.set_state(*fetch, *state).await,
            Self::SetPaused(fetch, paused) => storage.set_paused(*fetch, *paused).await,
            Self::SetUi(fetch, title, icons) => storage.set_ui(*fetch, title, icons).await,
            Self::Remove(fetch) => storage.remove(*fetch).await,
            Self::Clear(registration) => storage.clear(registration).await,
            Self::Flush => storage.flush().await,
        }?;
        Ok(Value::Nothing)
    }
}

impl Storage for VolatileStorage {
    fn load(&self) -> BoxFuture<'_, Result<Vec<StoredFetch>, StorageError>> {
        Box::pin(async {
            match self.call(Effect::Load).await? {
                Value::Loaded(fetches) => Ok(fetches),
                _ => unreachable!("`load` loads"),
            }
        })
    }

    fn estimate<'a>(&'a self, key: &'a StorageKey) -> BoxFuture<'a, Result<StorageEstimate, StorageError>> {
        Box::pin(async move { self.current().estimate(key).await })
    }

    fn stage<'a>(&'a self, key: &'a StorageKey) -> BoxFuture<'a, Result<StagedBody, StorageError>> {
        Box::pin(async move {
            match self.call(Effect::Stage(key.clone())).await? {
                Value::Staged(body) => Ok(body),
                _ => unreachable!("`stage` stages"),
            }
        })
    }

    fn discard(&self, body: StagedBody) -> BoxFuture<'_, Result<(), StorageError>> {
        self.change(Effect::Discard(body))
    }

    fn create<'a>(&'a self, fetch: &'a NewFetch) -> BoxFuture<'a, Result<FetchKey, StorageError>> {
        Box::pin(async move {
            // It gets its name from the storage.
            let effect = Effect::Create(FetchKey(0), Arc::new(fetch.clone()));
            match self.call(effect).await? {
                Value::Created(key) => Ok(key),
                _ => unreachable!("`create` creates"),
            }
        })
    }

    fn append(&self, body: BodyKey, offset: u64, bytes: Bytes) -> BoxFuture<'_, Result<(), StorageError>> {
        self.change(Effect::Append(body, offset, bytes))
    }

    fn read(&self, body: BodyKey, offset: u64, max: usize) -> BoxFuture<'_, Result<Bytes, StorageError>> {
        Box::pin(async move {
            self.let_others_run().await;
            self.current().read(body, offset, max).await
        })
    }

    fn set_response<'a>(
        &'a self,
        record: RecordKey,
        generation: u64,
        response: &'a ResponseHead,
    ) -> BoxFuture<'a, Result<(), StorageError>> {
        self.change(Effect::SetResponse(
            record,
            generation,
            Arc::new(response.clone()),
        ))
    }

    fn mark_sent(&self, record: RecordKey) -> BoxFuture<'_, Result<(), StorageError>> {
        self.change(Effect::MarkSent(record))
    }

    fn set_upload<'a>(
        &'a self,
        record: RecordKey,
        upload: &'a Url,
    ) -> BoxFuture<'a, Result<(), StorageError>> {
        self.change(Effect::SetUpload(record, upload.clone()))
    }

    fn settle_record<'a>(
        &'a self,
        record: RecordKey,
        settlement: &'a Settlement,
    ) -> BoxFuture<'a, Result<(), StorageError>> {
        self.change(Effect::SettleRecord(record, settlement.clone()))
    }

    fn set_state(&self, fetch: FetchKey, state: FetchState) -> BoxFuture<'_, Result<(), StorageError>> {
        self.change(Effect::SetState(fetch, state))
    }

    fn set_paused(&self, fetch: FetchKey, paused: PauseReasons) -> BoxFuture<'_, Result<(), StorageError>> {
        self.change(Effect::SetPaused(fetch, paused))
    }

    fn set_ui<'a>(
        &'a self,
        fetch: FetchKey,
        title: &'a DomString,
        icons: &'a [ImageResource],
    ) -> BoxFuture<'a, Result<(), StorageError>> {
        self.change(Effect::SetUi(fetch, title.clone(), icons.to_vec()))
    }

    fn remove(&self, fetch: FetchKey) -> BoxFuture<'_, Result<(), StorageError>> {
        self.change(Effect::Remove(fetch))
    }

    fn clear<'a>(&'a self, registration: &'a RegistrationKey) -> BoxFuture<'a, Result<(), StorageError>> {
        self.change(Effect::Clear(registration.clone()))
    }

    fn flush(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        self.change(Effect::Flush)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Executor;
    use crate::one_body::OneBody;

    const BODY: BodyKey = BodyKey::Staged(StagedBody(1));

    fn storage(seed: u64) -> VolatileStorage {
        VolatileStorage::new(|| Arc::new(OneBody::default()), Random::new(seed))
    }

    #[test]
    fn a_staged_body_is_played_again_after_a_crash() {
        let executor = Executor::fifo();
        let storage = storage(3);
        executor.run_until(async {
            storage.append(BODY, 0, Bytes::from("ab")).await.unwrap();
            storage.append(BODY, 2, Bytes::from("cd")).await.unwrap();
            storage.crash().await.unwrap();
            assert_eq!(storage.read(BODY, 0, 9).await.unwrap(), "abcd");
        });
    }

    #[test]
    fn a_record_loses_a_tail_of_its_calls_and_no_more_than_is_not_durable() {
        let fetch = FetchKey(1);
        let body = |index| BodyKey::Response {
            record: RecordKey { fetch, index },
            generation: 1,
        };
        let append = |index, offset| Effect::Append(body(index), offset, Bytes::from("0123"));
        let mut left = BTreeSet::new();
        for seed in 0..200 {
            let storage = storage(seed);
            let mut state = storage.state.lock();
            for effect in [append(0, 0), append(1, 0), append(0, 4)] {
                state.push(effect);
            }
            let paused = state.push(Effect::SetPaused(fetch, PauseReasons::default()));
            state.make_durable(paused);
            state.push(append(0, 8));
            state.push(append(0, 12));
            let (survived, all) = state.survivors_of(&BTreeSet::from([fetch]));
            assert_eq!(all.len(), 6);
            let length_of = |index| {
                let mut length = 0;
                for effect in &survived {
                    if let Effect::Append(to, offset, bytes) = effect
                        && *to == body(index)
                    {
                        assert_eq!(*offset, length, "there is no gap");
                        length += bytes.len() as u64;
                    }
                }
                length
            };
            assert_eq!(length_of(1), 4, "what is durable stays");
            assert!((8..=16).contains(&length_of(0)));
            left.insert(length_of(0));
        }
        // Both calls, one, none; and a torn one.
        assert!([16, 12, 8].iter().all(|length| left.contains(length)), "{left:?}");
        assert!(left.iter().any(|length| length % 4 != 0), "{left:?}");
    }
}
