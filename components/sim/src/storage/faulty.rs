//! [`FaultyStorage`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use background_fetch::embedder::{
    BodyKey, Clock, FetchState, NewFetch, PauseReasons, Settlement, StagedBody, Storage, StorageError,
    StorageErrorKind, StorageEstimate, StoredFetch,
};
use background_fetch::fetch::{ResponseHead, StorageKey};
use background_fetch::{DomString, FetchKey, ImageResource, RecordKey, RegistrationKey};
use bytes::Bytes;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use url::Url;

use super::StorageOperation;
use crate::VirtualClock;
use crate::watched::Watched;

/// Any storage, with faults: the calls that a test names fail, take virtual time, or wait until they are
/// released. Every call is counted.
pub struct FaultyStorage {
    storage: Arc<dyn Storage>,
    clock: VirtualClock,
    state: Mutex<State>,
    holds: Watched<Holds>,
}

#[derive(Default)]
struct State {
    log: Vec<StorageOperation>,
    calls: BTreeMap<StorageOperation, usize>,
    faults: Vec<Fault>,
    strikes: Vec<Strike>,
    delays: BTreeMap<StorageOperation, Duration>,
    meanwhile: BTreeMap<StorageOperation, Action>,
    /// Where every body ends, whatever was stored.
    bodies_end_at: Option<u64>,
}

type Action = Box<dyn FnOnce() + Send>;

/// A call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strike {
    /// The operation.
    pub operation: StorageOperation,
    /// The background fetch that it was about; none for `create`, and for what is about no single one.
    pub fetch: Option<FetchKey>,
    /// How it failed.
    pub kind: StorageErrorKind,
    /// Whether it had its effect.
    pub after_effect: bool,
}

struct Fault {
    operation: StorageOperation,
    /// The calls that fail, counted from 1.
    first: usize,
    last: usize,
    kind: StorageErrorKind,
    after_effect: bool,
}

#[derive(Default)]
struct Holds {
    held: BTreeSet<StorageOperation>,
    waiting: BTreeMap<StorageOperation, usize>,
}

impl FaultyStorage {
    /// A storage without faults; delays pass on `clock`.
    pub fn new(storage: Arc<dyn Storage>, clock: VirtualClock) -> Self {
        Self {
            storage,
            clock,
            state: Mutex::default(),
            holds: Watched::new(Holds::default()),
        }
    }

    /// The storage below, without faults.
    pub fn storage(&self) -> Arc<dyn Storage> {
        self.storage.clone()
    }

    /// Lets the `nth` call of an operation fail, counted from 1 since the beginning, and do nothing.
    pub fn fail(&self, operation: StorageOperation, nth: usize, kind: StorageErrorKind) {
        self.add(operation, nth, nth, kind, false);
    }

    /// Lets the next call of an operation fail, and do nothing.
    pub fn fail_next(&self, operation: StorageOperation, kind: StorageErrorKind) {
        self.fail(operation, self.calls(operation) + 1, kind);
    }

    /// Lets the `nth` call of an operation and all after it fail, and do nothing.
    pub fn fail_from(&self, operation: StorageOperation, nth: usize, kind: StorageErrorKind) {
        self.add(operation, nth, usize::MAX, kind, false);
    }

    /// Lets the `nth` call of an operation do its work, and then say that it failed.
    pub fn fail_after_effect(&self, operation: StorageOperation, nth: usize, kind: StorageErrorKind) {
        self.add(operation, nth, nth, kind, true);
    }

    /// Loses the end of every body: what is read from now on ends at this byte, and nothing says so.
    pub fn lose_from(&self, byte: u64) {
        self.state.lock().bodies_end_at = Some(byte);
    }

    /// Does this when the next call of an operation is done, before its caller hears of that: as another thread would
    /// that comes in between.
    pub fn meanwhile(&self, operation: StorageOperation, action: impl FnOnce() + Send + 'static) {
        self.state.lock().meanwhile.insert(operation, Box::new(action));
    }

    /// Forgets every fault that has not come yet, and every delay, and finds what it lost.
    pub fn mend(&self) {
        let mut state = self.state.lock();
        state.faults.clear();
        state.delays.clear();
        state.bodies_end_at = None;
    }

    /// Lets every call of an operation take so long.
    pub fn delay(&self, operation: StorageOperation, duration: Duration) {
        self.state.lock().delays.insert(operation, duration);
    }

    /// Lets every call of an operation wait, before it does anything, until it is released.
    pub fn hold(&self, operation: StorageOperation) {
        self.holds.change(|holds| holds.held.insert(operation));
    }

    /// Lets the calls of an operation go on, and all after them.
    pub fn release(&self, operation: StorageOperation) {
        self.holds.change(|holds| holds.held.remove(&operation));
    }

    /// The number of calls of an operation that are held now.
    pub fn held(&self, operation: StorageOperation) -> usize {
        self.holds
            .look(|holds| holds.waiting.get(&operation).copied().unwrap_or(0))
    }

    /// Resolves when a call of an operation is held.
    pub async fn until_held(&self, operation: StorageOperation) {
        let held = |holds: &mut Holds| {
            holds
                .waiting
                .get(&operation)
                .is_some_and(|count| *count > 0)
                .then_some(())
        };
        self.holds.until(held).await;
    }

    /// The number of calls of an operation so far.
    pub fn calls(&self, operation: StorageOperation) -> usize {
        self.state.lock().calls(operation)
    }

    /// The calls that failed, from this place on, in order.
    pub fn strikes_from(&self, first: usize) -> Vec<Strike> {
        let state = self.state.lock();
        state.strikes.get(first..).unwrap_or_default().to_vec()
    }

    /// Every call so far, in order.
    pub fn log(&self) -> Vec<StorageOperation> {
        self.state.lock().log.clone()
    }

    fn add(
        &self,
        operation: StorageOperation,
        first: usize,
        last: usize,
        kind: StorageErrorKind,
        after_effect: bool,
    ) {
        self.state.lock().faults.push(Fault {
            operation,
            first,
            last,
            kind,
            after_effect,
        });
    }

    /// One call, with what stands in its way.
    fn call<'a, T: Send + 'a>(
        &'a self,
        operation: StorageOperation,
        fetch: Option<FetchKey>,
        call: impl FnOnce(&'a dyn Storage) -> BoxFuture<'a, Result<T, StorageError>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, StorageError>> {
        Box::pin(async move {
            let (fault, delay) = self.state.lock().begin(operation, fetch);
            self.wait_while_held(operation).await;
            if let Some(delay) = delay {
                self.clock.sleep(delay).await;
            }
            let done = match fault {
                Some((error, false)) => Err(error),
                Some((error, true)) => call(&*self.storage).await.and(Err(error)),
                None => call(&*self.storage).await,
            };
            let meanwhile = self.state.lock().meanwhile.remove(&operation);
            meanwhile.into_iter().for_each(|action| action());
            done
        })
    }

    async fn wait_while_held(&self, operation: StorageOperation) {
        if !self.holds.look(|holds| holds.held.contains(&operation)) {
            return;
        }
        self.holds
            .change(|holds| *holds.waiting.entry(operation).or_default() += 1);
        let _leaving = Leaving {
            storage: self,
            operation,
        };
        let released = |holds: &mut Holds| (!holds.held.contains(&operation)).then_some(());
        self.holds.until(released).await;
    }
}

impl State {
    fn calls(&self, operation: StorageOperation) -> usize {
        self.calls.get(&operation).copied().unwrap_or(0)
    }

    /// Counts a call; gives its fault, and whether that comes after its effect; and its delay.
    fn begin(
        &mut self,
        operation: StorageOperation,
        fetch: Option<FetchKey>,
    ) -> (Option<(StorageError, bool)>, Option<Duration>) {
        self.log.push(operation);
        *self.calls.entry(operation).or_default() += 1;
        let nth = self.calls(operation);
        let fault = self
            .faults
            .iter()
            .find(|fault| fault.operation == operation && (fault.first..=fault.last).contains(&nth));
        let strike = |fault: &Fault| Strike {
            operation,
            fetch,
            kind: fault.kind,
            after_effect: fault.after_effect,
        };
        self.strikes.extend(fault.map(strike));
        let fault = fault.map(|fault| {
            let message = format!("simulated fault: call {nth} of `{operation}` fails");
            (StorageError::new(fault.kind, message), fault.after_effect)
        });
        (fault, self.delays.get(&operation).copied())
    }
}

/// Counts a call that goes on, or is dropped.
struct Leaving<'a> {
    storage: &'a FaultyStorage,
    operation: StorageOperation,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        let leave = |holds: &mut Holds| *holds.waiting.entry(self.operation).or_default() -= 1;
        self.storage.holds.change(leave);
    }
}

/// Whose body it is.
fn fetch_of(body: BodyKey) -> Option<FetchKey> {
    match body {
        BodyKey::Staged(_) => None,
        BodyKey::Request(record) | BodyKey::Response { record, .. } => Some(record.fetch),
    }
}

impl Storage for FaultyStorage {
    fn load(&self) -> BoxFuture<'_, Result<Vec<StoredFetch>, StorageError>> {
        self.call(StorageOperation::Load, None, |storage| storage.load())
    }

    fn estimate<'a>(&'a self, key: &'a StorageKey) -> BoxFuture<'a, Result<StorageEstimate, StorageError>> {
        self.call(StorageOperation::Estimate, None, |storage| storage.estimate(key))
    }

    fn stage<'a>(&'a self, key: &'a StorageKey) -> BoxFuture<'a, Result<StagedBody, StorageError>> {
        self.call(StorageOperation::Stage, None, |storage| storage.stage(key))
    }

    fn discard(&self, body: StagedBody) -> BoxFuture<'_, Result<(), StorageError>> {
        self.call(StorageOperation::Discard, None, move |storage| {
            storage.discard(body)
        })
    }

    fn create<'a>(&'a self, fetch: &'a NewFetch) -> BoxFuture<'a, Result<FetchKey, StorageError>> {
        self.call(StorageOperation::Create, None, |storage| storage.create(fetch))
    }

    fn append(&self, body: BodyKey, offset: u64, bytes: Bytes) -> BoxFuture<'_, Result<(), StorageError>> {
        self.call(StorageOperation::Append, fetch_of(body), move |storage| {
            storage.append(body, offset, bytes)
        })
    }

    fn read(&self, body: BodyKey, offset: u64, max: usize) -> BoxFuture<'_, Result<Bytes, StorageError>> {
        let end = self.state.lock().bodies_end_at.unwrap_or(u64::MAX);
        let left = usize::try_from(end.saturating_sub(offset)).unwrap_or(usize::MAX);
        self.call(StorageOperation::Read, fetch_of(body), move |storage| {
            storage.read(body, offset, max.min(left))
        })
    }

    fn set_response<'a>(
        &'a self,
        record: RecordKey,
        generation: u64,
        response: &'a ResponseHead,
    ) -> BoxFuture<'a, Result<(), StorageError>> {
        self.call(
            StorageOperation::SetResponse,
            Some(record.fetch),
            move |storage| storage.set_response(record, generation, response),
        )
    }

    fn mark_sent(&self, record: RecordKey) -> BoxFuture<'_, Result<(), StorageError>> {
        self.call(StorageOperation::MarkSent, Some(record.fetch), move |storage| {
            storage.mark_sent(record)
        })
    }

    fn set_upload<'a>(
        &'a self,
        record: RecordKey,
        upload: &'a Url,
    ) -> BoxFuture<'a, Result<(), StorageError>> {
        self.call(StorageOperation::SetUpload, Some(record.fetch), move |storage| {
            storage.set_upload(record, upload)
        })
    }

    fn settle_record<'a>(
        &'a self,
        record: RecordKey,
        settlement: &'a Settlement,
    ) -> BoxFuture<'a, Result<(), StorageError>> {
        self.call(
            StorageOperation::SettleRecord,
            Some(record.fetch),
            move |storage| storage.settle_record(record, settlement),
        )
    }

    fn set_state(&self, fetch: FetchKey, state: FetchState) -> BoxFuture<'_, Result<(), StorageError>> {
        self.call(StorageOperation::SetState, Some(fetch), move |storage| {
            storage.set_state(fetch, state)
        })
    }

    fn set_paused(&self, fetch: FetchKey, paused: PauseReasons) -> BoxFuture<'_, Result<(), StorageError>> {
        self.call(StorageOperation::SetPaused, Some(fetch), move |storage| {
            storage.set_paused(fetch, paused)
        })
    }

    fn set_ui<'a>(
        &'a self,
        fetch: FetchKey,
        title: &'a DomString,
        icons: &'a [ImageResource],
    ) -> BoxFuture<'a, Result<(), StorageError>> {
        self.call(StorageOperation::SetUi, Some(fetch), move |storage| {
            storage.set_ui(fetch, title, icons)
        })
    }

    fn remove(&self, fetch: FetchKey) -> BoxFuture<'_, Result<(), StorageError>> {
        self.call(StorageOperation::Remove, Some(fetch), move |storage| {
            storage.remove(fetch)
        })
    }

    fn clear<'a>(&'a self, registration: &'a RegistrationKey) -> BoxFuture<'a, Result<(), StorageError>> {
        self.call(StorageOperation::Clear, None, |storage| {
            storage.clear(registration)
        })
    }

    fn flush(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        self.call(StorageOperation::Flush, None, |storage| storage.flush())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Executor;
    use crate::one_body::OneBody;

    const BODY: BodyKey = BodyKey::Staged(StagedBody(1));

    fn faulty() -> (Executor, Arc<FaultyStorage>) {
        let executor = Executor::new(4);
        let storage = FaultyStorage::new(Arc::new(OneBody::default()), executor.clock());
        (executor, Arc::new(storage))
    }

    #[test]
    fn the_nth_call_fails_and_does_nothing() {
        let (executor, storage) = faulty();
        storage.fail(StorageOperation::Append, 2, StorageErrorKind::QuotaExceeded);
        executor.run_until(async {
            storage.append(BODY, 0, Bytes::from("ab")).await.unwrap();
            let error = storage.append(BODY, 2, Bytes::from("cd")).await.unwrap_err();
            assert_eq!(error.kind, StorageErrorKind::QuotaExceeded);
            assert_eq!(error.message, "simulated fault: call 2 of `append` fails");
            assert_eq!(storage.read(BODY, 0, 9).await.unwrap(), "ab");
            storage.append(BODY, 2, Bytes::from("cd")).await.unwrap();
            assert_eq!(storage.read(BODY, 0, 9).await.unwrap(), "abcd");
            storage.fail_next(StorageOperation::Read, StorageErrorKind::Io);
            assert!(storage.read(BODY, 0, 9).await.is_err());
            assert!(storage.read(BODY, 0, 9).await.is_ok());
        });
        assert_eq!(
            (storage.calls(StorageOperation::Append), storage.log().len()),
            (3, 7)
        );
    }

    #[test]
    fn a_call_can_fail_after_its_effect_and_all_calls_until_mended() {
        let (executor, storage) = faulty();
        storage.fail_after_effect(StorageOperation::Append, 1, StorageErrorKind::Io);
        storage.fail_from(StorageOperation::Flush, 2, StorageErrorKind::Io);
        executor.run_until(async {
            assert!(storage.append(BODY, 0, Bytes::from("ab")).await.is_err());
            assert_eq!(storage.storage().read(BODY, 0, 9).await.unwrap(), "ab");
            let mut flushed = Vec::new();
            for _ in 0..3 {
                flushed.push(storage.flush().await.is_ok());
            }
            storage.mend();
            flushed.push(storage.flush().await.is_ok());
            assert_eq!(flushed, [true, false, false, true]);
        });
    }

    #[test]
    fn calls_are_delayed_on_the_virtual_clock_and_held_until_released() {
        let (executor, storage) = faulty();
        storage.delay(StorageOperation::Flush, Duration::from_secs(3));
        storage.hold(StorageOperation::Load);
        executor.run_until(async {
            storage.flush().await.unwrap();
            assert_eq!(executor.clock().now(), Duration::from_secs(3));
            let loading = executor.spawn_local({
                let storage = storage.clone();
                async move { storage.load().await }
            });
            storage.until_held(StorageOperation::Load).await;
            assert_eq!(storage.held(StorageOperation::Load), 1);
            storage.release(StorageOperation::Load);
            assert_eq!(loading.await, Ok(Vec::new()));
        });
        assert_eq!(storage.held(StorageOperation::Load), 0);
    }

    #[test]
    fn every_operation_has_its_own_name() {
        let names: BTreeSet<_> = StorageOperation::ALL
            .iter()
            .map(|operation| operation.as_str())
            .collect();
        assert_eq!(names.len(), 17);
    }
}
