//! [`Engine`]: the engine half, `Send + Sync`, on whatever executor the embedder lends.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use futures::future::{self, Either};
use indexmap::IndexMap;
use parking_lot::Mutex;

use crate::algorithms;
use crate::concepts::background_fetch::BackgroundFetch;
use crate::concepts::service_worker_registration::{ActiveCounts, ServiceWorkerRegistration};
use crate::concepts::{FetchKey, RegistrationKey};
use crate::embedder::{Embedder, FetchState, Policies, StorageError, StoredFetch};
use crate::inspect::{EventKind, Inspector};
use crate::realms::Realms;
use crate::scheduler::Scheduler;
use crate::sync::{ParallelQueue, Tasks, Watched};

/// The engine half: everything that the specification does "in parallel".
///
/// One engine serves all realms of a profile; a clone is another handle to it. Open it with [`Engine::open`],
/// then let it work with [`Engine::start`].
///
/// Dropping every handle does not stop what runs; [`shutdown`](Self::shutdown) does, and so does an executor that
/// drops its tasks. Nothing stored is lost either way.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) embedder: Embedder,
    pub(crate) policies: Policies,
    pub(crate) scheduler: Scheduler,
    pub(crate) active_counts: ActiveCounts,
    pub(crate) realms: Realms,
    pub(crate) inspector: Inspector,
    registrations: Mutex<IndexMap<RegistrationKey, Arc<ServiceWorkerRegistration>>>,
    /// Every background fetch that is not removed, by age; settled and finished ones too.
    pub(crate) fetches: Mutex<BTreeMap<FetchKey, Arc<BackgroundFetch>>>,
    /// Loaded and not yet started.
    dormant: Mutex<BTreeMap<FetchKey, FetchState>>,
    /// Whether the connection is metered.
    pub(crate) metered: Mutex<bool>,
    /// Whether it was shut down; changes once.
    stopped: Watched<bool>,
    /// The tasks that live.
    tasks: Tasks,
}

/// Background fetches and registrations hold each other.
impl Drop for Inner {
    fn drop(&mut self) {
        for registration in self.registrations.get_mut().values() {
            registration.active_background_fetches.lock().clear();
            registration.finished.lock().clear();
        }
    }
}

impl Engine {
    /// Opens an engine on what storage holds. Nothing runs until [`start`](Self::start).
    ///
    /// # Errors
    ///
    /// What [`Storage::load`](crate::embedder::Storage::load) says.
    pub async fn open(embedder: Embedder, policies: Policies) -> Result<Self, StorageError> {
        let stored = embedder.storage.load().await?;
        let engine = Self {
            inner: Arc::new(Inner {
                scheduler: Scheduler::new(policies.limits.clone()),
                embedder,
                policies,
                active_counts: ActiveCounts::default(),
                realms: Realms::default(),
                inspector: Inspector::default(),
                registrations: Mutex::default(),
                fetches: Mutex::default(),
                dormant: Mutex::default(),
                metered: Mutex::new(false),
                stopped: Watched::new(false),
                tasks: Tasks::new(),
            }),
        };
        for mut fetch in stored {
            let storage = &*engine.inner.embedder.storage;
            algorithms::over_total::give_up_what_is_over_the_total(storage, &mut fetch).await;
            engine.restore(fetch);
        }
        Ok(engine)
    }

    fn restore(&self, mut stored: StoredFetch) {
        // The connection of today is not the one of then: `set_metered` says what it is.
        stored.paused.metered = false;
        let (key, state) = (stored.key, stored.state);
        let registration = self.registration(&stored.registration);
        let bg_fetch = Arc::new(BackgroundFetch::new(stored, Arc::clone(&registration)));
        if state == FetchState::Active {
            // What was accepted before the restart stays, whatever the limit is now.
            *bg_fetch.active_slot.lock() = self
                .inner
                .active_counts
                .take(&registration.key.storage_key, usize::MAX);
            registration
                .active_background_fetches
                .lock()
                .insert(bg_fetch.id.clone(), Arc::clone(&bg_fetch));
        }
        self.inner.fetches.lock().insert(key, bg_fetch);
        self.inner.dormant.lock().insert(key, state);
    }

    /// Starts everything that was loaded: goes on with what is not settled, and delivers the events that are owed.
    pub fn start(&self) {
        let dormant = std::mem::take(&mut *self.inner.dormant.lock());
        for (key, state) in dormant {
            self.start_restored(key, state);
        }
    }

    /// Starts one background fetch that was loaded. Whether it had not been started before.
    pub fn start_one(&self, fetch: FetchKey) -> bool {
        let state = self.inner.dormant.lock().remove(&fetch);
        state.map(|state| self.start_restored(fetch, state)).is_some()
    }

    fn start_restored(&self, key: FetchKey, state: FetchState) {
        if let Some(bg_fetch) = self.background_fetch(key) {
            algorithms::run(self, bg_fetch, state);
        }
    }

    /// Stops every task without settling anything, and makes what was stored durable. What was interrupted goes on
    /// when an engine is opened on the same storage again.
    ///
    /// # Errors
    ///
    /// What [`Storage::flush`](crate::embedder::Storage::flush) says.
    pub async fn shutdown(&self) -> Result<(), StorageError> {
        self.inner.stopped.update(|stopped| *stopped = true);
        self.idle().await;
        self.inner.embedder.storage.flush().await
    }

    /// Resolves when no task of this engine is left.
    pub async fn idle(&self) {
        self.inner.tasks.idle().await;
    }

    /// The registration of this name, made where there was none.
    pub(crate) fn registration(&self, key: &RegistrationKey) -> Arc<ServiceWorkerRegistration> {
        let mut registrations = self.inner.registrations.lock();
        Arc::clone(self.registration_in(&mut registrations, key))
    }

    /// Puts a fresh registration in the place of one that is cleared, and returns the cleared one.
    pub(crate) fn replace_registration(&self, key: &RegistrationKey) -> Arc<ServiceWorkerRegistration> {
        let mut registrations = self.inner.registrations.lock();
        let current = self.registration_in(&mut registrations, key);
        let queue = current.edit_queue.clone();
        std::mem::replace(
            current,
            Arc::new(ServiceWorkerRegistration::new(key.clone(), queue)),
        )
    }

    fn registration_in<'a>(
        &self,
        registrations: &'a mut IndexMap<RegistrationKey, Arc<ServiceWorkerRegistration>>,
        key: &RegistrationKey,
    ) -> &'a mut Arc<ServiceWorkerRegistration> {
        registrations.entry(key.clone()).or_insert_with(|| {
            let queue = ParallelQueue::new(Arc::clone(&self.inner.embedder.spawner));
            Arc::new(ServiceWorkerRegistration::new(key.clone(), queue))
        })
    }

    pub(crate) fn background_fetch(&self, key: FetchKey) -> Option<Arc<BackgroundFetch>> {
        self.inner.fetches.lock().get(&key).cloned()
    }

    pub(crate) fn forget(&self, key: FetchKey) {
        self.inner.fetches.lock().remove(&key);
        self.inner.dormant.lock().remove(&key);
    }

    /// Runs a task until it is done, the engine is shut down, or `registration` is cleared.
    pub(crate) fn spawn(
        &self,
        registration: Arc<ServiceWorkerRegistration>,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        self.spawn_unbound(async move {
            futures::pin_mut!(task);
            future::select(pin!(registration.cleared()), task).await;
        });
    }

    /// Runs a task until it is done, or the engine is shut down.
    pub(crate) fn spawn_unbound(&self, task: impl Future<Output = ()> + Send + 'static) {
        let (engine, running) = (self.clone(), self.inner.tasks.begin());
        self.inner.embedder.spawner.spawn(Box::pin(async move {
            // It counts until the task is dropped.
            let _running = running;
            futures::pin_mut!(task);
            future::select(pin!(engine.stopped()), task).await;
        }));
    }

    /// Enqueues steps to a registration's edit queue, at once; resolves with what they give, or none where the
    /// engine was shut down before they ended.
    pub(crate) fn enqueue<S: Future<Output: Send> + Send + 'static>(
        &self,
        registration: &ServiceWorkerRegistration,
        steps: S,
    ) -> impl Future<Output = Option<S::Output>> + Send + use<S> {
        let engine = self.clone();
        let ended = self.enqueue_to_the_end(registration, async move {
            futures::pin_mut!(steps);
            match future::select(pin!(engine.stopped()), steps).await {
                Either::Left(_) => None,
                Either::Right((value, _)) => Some(value),
            }
        });
        async { ended.await.flatten() }
    }

    /// [`enqueue`](Self::enqueue), for steps that a shutdown waits for. None where the executor dropped them.
    pub(crate) fn enqueue_to_the_end<S: Future<Output: Send> + Send + 'static>(
        &self,
        registration: &ServiceWorkerRegistration,
        steps: S,
    ) -> impl Future<Output = Option<S::Output>> + Send + use<S> {
        let (done, result) = futures::channel::oneshot::channel();
        let running = self.inner.tasks.begin();
        registration.edit_queue.enqueue(async move {
            // It counts until the steps are dropped.
            let _running = running;
            let _ = done.send(steps.await);
        });
        async { result.await.ok() }
    }

    /// Runs steps in parallel to their end, whoever waits for it; resolves with what they give, or none where the
    /// engine was shut down before.
    pub(crate) fn in_parallel<S: Future<Output: Send> + Send + 'static>(
        &self,
        steps: S,
    ) -> impl Future<Output = Option<S::Output>> + Send + use<S> {
        let (done, result) = futures::channel::oneshot::channel();
        self.spawn_unbound(async move {
            let _ = done.send(steps.await);
        });
        async { result.await.ok() }
    }

    /// Resolves when the engine is shut down.
    pub(crate) async fn stopped(&self) {
        self.inner.stopped.when(|stopped| stopped.then_some(())).await;
    }

    /// Notes that storage did not do what it was asked to.
    pub(crate) fn note_storage_trouble(&self, bg_fetch: &BackgroundFetch, error: StorageError) {
        let message = error.message;
        self.note(bg_fetch, EventKind::StorageTrouble { message });
    }

    pub(crate) fn note(&self, bg_fetch: &BackgroundFetch, kind: EventKind) {
        self.inner
            .inspector
            .note(self.inner.embedder.clock.now(), bg_fetch, kind);
    }
}
