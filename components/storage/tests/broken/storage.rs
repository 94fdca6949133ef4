//! [`Broken`]: a storage in memory that is wrong in one way.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use background_fetch::embedder::{
    BodyKey, FetchState, NewFetch, PauseReasons, Settlement, StagedBody, Storage, StorageError,
    StorageErrorKind, StorageEstimate, StoredFetch,
};
use background_fetch::fetch::{ResponseHead, StorageKey};
use background_fetch::{DomString, FetchKey, ImageResource, RecordKey, RegistrationKey};
use background_fetch_storage::MemoryStorage;
use bytes::Bytes;
use futures::FutureExt;
use futures::executor::block_on;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use url::Url;

macro_rules! wrongs {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// What is wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Wrong {
            /// Nothing: it keeps the contract.
            Nothing,
            $($(#[doc = $doc])+ $name,)+
        }

        impl Wrong {
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)+];
        }
    };
}

wrongs! {
    /// Somebody's bytes are counted before there are any.
    CountsTooMuch,
    /// Something is counted as used before there is anything.
    CountsFromNothing,
    /// It says that there is more quota than there is.
    BoastsOfQuota,
    /// Keys become smaller.
    KeysFall,
    /// The newest comes first.
    NewestFirst,
    /// Every background fetch gets the same key.
    OneKeyForAll,
    /// Ids are text.
    IdsAreText,
    /// It forgets that a request was sent.
    ForgetsSent,
    /// It forgets where an upload goes on.
    ForgetsUpload,
    /// It forgets why something is paused.
    ForgetsPause,
    /// It forgets how far something came.
    ForgetsState,
    /// It forgets the icons that were set.
    ForgetsIcons,
    /// It forgets how a record ended.
    ForgetsSettlements,
    /// The first failure is the last one.
    LastFailure,
    /// A crash takes bytes that a durable call came after.
    CrashTakesBytes,
    /// After a crash the last byte is another.
    CrashLeavesGarbage,
    /// Removing what is gone fails.
    RemovesOnce,
    /// What is removed is counted on.
    CountsWhatIsGone,
    /// Clearing a registration clears the others of its site.
    ClearsTheSite,
    /// Clearing a registration leaves its newest background fetch.
    ClearsAllButOne,
    /// What is not there is trouble with the disk.
    NotFoundIsIo,
    /// A response takes the place of a later one.
    TakesOldResponses,
    /// What does not exist is created without.
    CreatesWithoutBodies,
    /// A slice begins one byte too late.
    SliceIsLate,
    /// What was appended last cannot be read yet.
    ReadsBehind,
    /// Bytes may be appended anywhere.
    AppendsAnywhere,
    /// A replaced response can be read.
    ReadsReplaced,
    /// Another head takes the bytes.
    NewHeadTakesBytes,
    /// A settled record takes more.
    TakesMoreWhenSettled,
    /// A staged body outlives a restart.
    KeepsStaged,
    /// Discarding what is gone fails.
    DiscardsOnce,
    /// One byte over the quota is taken.
    QuotaByOne,
    /// All storage keys share a quota.
    SharesQuota,
    /// The quota is looked at first, and the bytes are counted later.
    QuotaRaces,
    /// Two threads that append at once may get each other's body.
    MixesThreads,
}

/// A storage in memory that is wrong in one way. A clone is another handle to it.
#[derive(Clone)]
pub(crate) struct Broken {
    wrong: Wrong,
    quota: u64,
    inner: MemoryStorage,
    seen: Arc<Mutex<Seen>>,
}

/// What it needs to be wrong.
#[derive(Default)]
struct Seen {
    removed: HashSet<FetchKey>,
    discarded: HashSet<StagedBody>,
    leaked: u64,
    /// Bodies that lost their bytes.
    emptied: HashSet<RecordKey>,
    /// Where the last append to a body began.
    last_append: HashMap<BodyKey, u64>,
    /// The bodies that grew since the last flush.
    grown: HashSet<BodyKey>,
    /// The bodies that grew when it crashed.
    crashed: HashSet<BodyKey>,
    /// The body that is appended to.
    current: Option<BodyKey>,
    /// Something was stored.
    is_used: bool,
    last_failure: HashMap<FetchKey, Settlement>,
}

impl Broken {
    pub(crate) fn new(wrong: Wrong, quota: u64) -> Self {
        let most = match wrong {
            Wrong::QuotaByOne => quota + 1,
            Wrong::QuotaRaces => u64::MAX,
            _ => quota,
        };
        Self {
            wrong,
            quota,
            inner: MemoryStorage::new(most),
            seen: Arc::default(),
        }
    }

    /// It is opened, or opened again.
    pub(crate) fn open(&self) {
        let mut seen = self.seen.lock();
        let grown = std::mem::take(&mut seen.grown);
        seen.crashed.extend(grown);
    }

    fn is(&self, wrong: Wrong) -> bool {
        self.wrong == wrong
    }

    /// The key that the right one has for this one, and the other way round.
    fn fetch(&self, FetchKey(key): FetchKey) -> FetchKey {
        FetchKey(if self.is(Wrong::KeysFall) {
            1_000_000_u64.wrapping_sub(key)
        } else {
            key
        })
    }

    fn record(&self, RecordKey { fetch, index }: RecordKey) -> RecordKey {
        let fetch = self.fetch(fetch);
        RecordKey { fetch, index }
    }

    fn body(&self, body: BodyKey) -> BodyKey {
        match body {
            BodyKey::Staged(_) => body,
            BodyKey::Request(record) => BodyKey::Request(self.record(record)),
            BodyKey::Response { record, generation } => {
                let record = self.record(record);
                BodyKey::Response { record, generation }
            }
        }
    }

    fn key(&self, key: &StorageKey) -> StorageKey {
        let shared = self.is(Wrong::SharesQuota);
        if shared {
            StorageKey::new("https://shop.example")
        } else {
            key.clone()
        }
    }

    /// Does as the right one does, or says that all is well.
    fn or_well<'a>(
        &'a self,
        wrong: Wrong,
        call: BoxFuture<'a, Result<(), StorageError>>,
    ) -> BoxFuture<'a, Result<(), StorageError>> {
        let is_wrong = self.is(wrong);
        let io = self.is(Wrong::NotFoundIsIo);
        async move {
            let done = call.await.map_err(|error| match error.kind {
                StorageErrorKind::NotFound if io => StorageError::new(StorageErrorKind::Io, error.message),
                _ => error,
            });
            if is_wrong { Ok(()) } else { done }
        }
        .boxed()
    }

    fn gone() -> StorageError {
        StorageError::new(StorageErrorKind::NotFound, "it is gone already")
    }

    /// What is loaded, made wrong.
    fn spoil(&self, fetch: &mut StoredFetch) {
        let seen = self.seen.lock();
        match self.wrong {
            Wrong::IdsAreText => fetch.id = DomString::from(fetch.id.to_string()),
            Wrong::ForgetsPause => fetch.paused = PauseReasons::default(),
            Wrong::ForgetsState => fetch.state = FetchState::Active,
            Wrong::ForgetsIcons => fetch.icons.clear(),
            Wrong::LastFailure => {
                if let Some(last) = seen.last_failure.get(&fetch.key) {
                    fetch.first_failure = last.result.failure_reason();
                }
            }
            _ => {}
        }
        for (index, record) in fetch.records.iter_mut().enumerate() {
            let key = RecordKey {
                fetch: fetch.key,
                index,
            };
            let generation = record.state.generation;
            let body = BodyKey::Response {
                record: key,
                generation,
            };
            match self.wrong {
                Wrong::ForgetsSent => record.state.sent = false,
                Wrong::ForgetsUpload => record.state.upload = None,
                Wrong::ForgetsSettlements => record.state.settlement = None,
                Wrong::NewHeadTakesBytes if seen.emptied.contains(&key) => record.state.length = 0,
                Wrong::CrashTakesBytes if seen.crashed.contains(&body) => record.state.length = 0,
                _ => {}
            }
        }
    }
}

type Answer<'a, T> = BoxFuture<'a, Result<T, StorageError>>;

impl Storage for Broken {
    fn load(&self) -> Answer<'_, Vec<StoredFetch>> {
        async {
            let mut fetches = self.inner.load().await?;
            for fetch in &mut fetches {
                self.spoil(fetch);
                fetch.key = self.fetch(fetch.key);
            }
            if self.is(Wrong::NewestFirst) {
                fetches.reverse();
            }
            Ok(fetches)
        }
        .boxed()
    }

    fn estimate<'a>(&'a self, key: &'a StorageKey) -> Answer<'a, StorageEstimate> {
        async {
            let mut estimate = self.inner.estimate(&self.key(key)).await?;
            estimate.quota = self.quota + u64::from(self.is(Wrong::BoastsOfQuota));
            let seen = self.seen.lock();
            let more = self.is(Wrong::CountsTooMuch) || (self.is(Wrong::CountsFromNothing) && !seen.is_used);
            estimate.usage += seen.leaked + u64::from(more);
            Ok(estimate)
        }
        .boxed()
    }

    fn stage<'a>(&'a self, key: &'a StorageKey) -> Answer<'a, StagedBody> {
        self.seen.lock().is_used = true;
        async { self.inner.stage(&self.key(key)).await }.boxed()
    }

    fn discard(&self, body: StagedBody) -> Answer<'_, ()> {
        let again = !self.seen.lock().discarded.insert(body);
        if again && self.is(Wrong::DiscardsOnce) {
            return async { Err(Self::gone()) }.boxed();
        }
        self.inner.discard(body)
    }

    fn create<'a>(&'a self, fetch: &'a NewFetch) -> Answer<'a, FetchKey> {
        async {
            let mut key = self.inner.create(fetch).await;
            if key.is_err() && self.is(Wrong::CreatesWithoutBodies) {
                let mut fetch = fetch.clone();
                fetch.records.iter_mut().for_each(|record| record.body = None);
                key = self.inner.create(&fetch).await;
            }
            let key = self.fetch(key?);
            self.seen.lock().is_used = true;
            Ok(if self.is(Wrong::OneKeyForAll) {
                FetchKey(1)
            } else {
                key
            })
        }
        .boxed()
    }

    fn append(&self, body: BodyKey, offset: u64, bytes: Bytes) -> Answer<'_, ()> {
        let body = self.body(body);
        if self.is(Wrong::MixesThreads) {
            self.seen.lock().current = Some(body);
            sleep(Duration::from_micros(300));
        }
        let to = match self.wrong {
            Wrong::MixesThreads => self.seen.lock().current.unwrap_or(body),
            _ => body,
        };
        if self.is(Wrong::QuotaRaces) {
            let key = StorageKey::new("https://shop.example");
            let usage = block_on(self.inner.estimate(&key)).map_or(0, |estimate| estimate.usage);
            sleep(Duration::from_millis(1));
            if usage + bytes.len() as u64 > self.quota {
                let error = StorageError::new(StorageErrorKind::QuotaExceeded, "it is over the quota");
                return async { Err(error) }.boxed();
            }
        }
        let mut seen = self.seen.lock();
        if let BodyKey::Response { .. } = body {
            seen.grown.insert(body);
        }
        seen.last_append.insert(body, offset);
        drop(seen);
        let length = bytes.len();
        let call = self.inner.append(to, offset, bytes);
        let wrong = match self.wrong {
            // No bytes are always fine.
            Wrong::AppendsAnywhere if length > 0 => Wrong::AppendsAnywhere,
            _ => Wrong::TakesMoreWhenSettled,
        };
        let io = self.is(Wrong::NotFoundIsIo);
        async move {
            match call.await {
                Err(error) if error.kind == StorageErrorKind::NotFound && io => {
                    Err(StorageError::new(StorageErrorKind::Io, error.message))
                }
                Err(error) if error.kind == StorageErrorKind::Io && self.is(wrong) => Ok(()),
                done => done,
            }
        }
        .boxed()
    }

    fn read(&self, body: BodyKey, offset: u64, max: usize) -> Answer<'_, Bytes> {
        let body = self.body(body);
        async move {
            let late = u64::from(self.is(Wrong::SliceIsLate) && offset > 0);
            let read = self.inner.read(body, offset.saturating_add(late), max).await;
            let seen = self.seen.lock();
            let (record, is_staged) = match body {
                BodyKey::Staged(_) => (None, true),
                BodyKey::Request(record) | BodyKey::Response { record, .. } => (Some(record), false),
            };
            let mut bytes = match (read, self.wrong) {
                (Err(error), Wrong::NotFoundIsIo) => {
                    return Err(StorageError::new(StorageErrorKind::Io, error.message));
                }
                (Err(_), Wrong::ReadsReplaced) if record.is_some() => Bytes::new(),
                (Err(_), Wrong::KeepsStaged) if is_staged => Bytes::new(),
                (read, _) => read?,
            };
            match self.wrong {
                Wrong::ReadsBehind => {
                    let end = seen.last_append.get(&body).copied().unwrap_or(u64::MAX);
                    bytes.truncate(usize::try_from(end.saturating_sub(offset)).unwrap_or(usize::MAX));
                }
                Wrong::NewHeadTakesBytes if record.is_some_and(|record| seen.emptied.contains(&record)) => {
                    bytes.clear();
                }
                Wrong::CrashTakesBytes if seen.crashed.contains(&body) => bytes.clear(),
                Wrong::CrashLeavesGarbage if seen.crashed.contains(&body) && !bytes.is_empty() => {
                    let mut other = bytes.to_vec();
                    other[bytes.len() - 1] ^= 1;
                    bytes = other.into();
                }
                _ => {}
            }
            Ok(bytes)
        }
        .boxed()
    }

    fn set_response<'a>(
        &'a self,
        record: RecordKey,
        generation: u64,
        response: &'a ResponseHead,
    ) -> Answer<'a, ()> {
        let record = self.record(record);
        let body = BodyKey::Response { record, generation };
        if block_on(self.inner.read(body, 0, 1)).is_ok() {
            self.seen.lock().emptied.insert(record);
        }
        self.or_well(
            Wrong::TakesOldResponses,
            self.inner.set_response(record, generation, response),
        )
    }

    fn mark_sent(&self, record: RecordKey) -> Answer<'_, ()> {
        self.inner.mark_sent(self.record(record))
    }

    fn set_upload<'a>(&'a self, record: RecordKey, upload: &'a Url) -> Answer<'a, ()> {
        self.inner.set_upload(self.record(record), upload)
    }

    fn settle_record<'a>(&'a self, record: RecordKey, settlement: &'a Settlement) -> Answer<'a, ()> {
        let failed = settlement.result.failure_reason();
        if failed != background_fetch::BackgroundFetchFailureReason::Empty {
            let mut seen = self.seen.lock();
            seen.last_failure
                .insert(self.fetch(record.fetch), settlement.clone());
        }
        self.inner.settle_record(self.record(record), settlement)
    }

    fn set_state(&self, fetch: FetchKey, state: FetchState) -> Answer<'_, ()> {
        self.inner.set_state(self.fetch(fetch), state)
    }

    fn set_paused(&self, fetch: FetchKey, paused: PauseReasons) -> Answer<'_, ()> {
        self.inner.set_paused(self.fetch(fetch), paused)
    }

    fn set_ui<'a>(
        &'a self,
        fetch: FetchKey,
        title: &'a DomString,
        icons: &'a [ImageResource],
    ) -> Answer<'a, ()> {
        self.inner.set_ui(self.fetch(fetch), title, icons)
    }

    fn remove(&self, fetch: FetchKey) -> Answer<'_, ()> {
        let fetch = self.fetch(fetch);
        async move {
            let again = !self.seen.lock().removed.insert(fetch);
            if again && self.is(Wrong::RemovesOnce) {
                return Err(Self::gone());
            }
            let key = StorageKey::new("https://shop.example");
            let before = self.inner.estimate(&key).await?.usage;
            self.inner.remove(fetch).await?;
            if self.is(Wrong::CountsWhatIsGone) {
                self.seen.lock().leaked += before - self.inner.estimate(&key).await?.usage;
            }
            Ok(())
        }
        .boxed()
    }

    fn clear<'a>(&'a self, registration: &'a RegistrationKey) -> Answer<'a, ()> {
        async move {
            let mut of: Vec<FetchKey> = Vec::new();
            for fetch in self.inner.load().await? {
                let of_site = self.is(Wrong::ClearsTheSite)
                    && fetch.registration.storage_key == registration.storage_key;
                if of_site || fetch.registration == *registration {
                    of.push(fetch.key);
                }
            }
            if self.is(Wrong::ClearsAllButOne) {
                of.pop();
            }
            for fetch in of {
                self.inner.remove(fetch).await?;
            }
            Ok(())
        }
        .boxed()
    }

    fn flush(&self) -> Answer<'_, ()> {
        self.seen.lock().grown.clear();
        self.inner.flush()
    }
}
