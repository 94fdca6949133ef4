//! [`Realm`]: the API half of one realm, and its end of the seam.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use futures::channel::oneshot;
use hashbrown::HashMap;

use super::record::create_record_objects;
use super::registration::WeakRegistration;
use super::{
    BackgroundFetchEvent, BackgroundFetchManager, BackgroundFetchRecord, BackgroundFetchRegistration, Promise,
};
use crate::Exception;
use crate::concepts::{FetchKey, RegistrationKey};
use crate::embedder::{EventLoop, FunctionalEvent};
use crate::fetch::{Client, RequestBody};
use crate::seam::{Call, CallId, EnginePort, FetchSnapshot, RealmId, RealmTask, Reply};

/// A realm: the global of a page, or of a worker.
///
/// It lives on one thread. Its event loop runs the tasks that the engine queues, with
/// [`run_task`](Self::run_task). A clone is another handle to it; when the last handle and the last object of the
/// realm are dropped, it is disconnected.
#[derive(Clone)]
pub struct Realm {
    pub(super) inner: Rc<RealmInner>,
}

pub(super) struct RealmInner {
    id: RealmId,
    engine: Arc<dyn EnginePort>,
    client: RefCell<Arc<Client>>,
    /// The instances of every manager in this realm: a background fetch belongs to one registration.
    instances: RefCell<HashMap<FetchKey, BackgroundFetchRegistration>>,
    /// Those whose records are no longer available: only a click gives them again, and a script that does not hold
    /// one cannot tell a new one from it.
    finished_instances: RefCell<HashMap<FetchKey, WeakRegistration>>,
    managers: RefCell<HashMap<RegistrationKey, BackgroundFetchManager>>,
    pending: RefCell<HashMap<CallId, oneshot::Sender<Result<Settled, Exception>>>>,
    next_call: Cell<u64>,
}

/// A reply, with the objects that were made of it in its task.
pub(super) enum Settled {
    Registration(Option<BackgroundFetchRegistration>),
    Records(Vec<BackgroundFetchRecord>),
    Other(Reply),
}

impl Realm {
    /// Connects a realm whose relevant settings object is `client` to an engine; `event_loop` is its event loop.
    pub fn new(engine: Arc<dyn EnginePort>, client: Client, event_loop: Arc<dyn EventLoop>) -> Self {
        let id = engine.connect(client.storage_key.clone(), event_loop);
        let inner = RealmInner {
            id,
            engine,
            client: RefCell::new(Arc::new(client)),
            instances: RefCell::default(),
            finished_instances: RefCell::default(),
            managers: RefCell::default(),
            pending: RefCell::default(),
            next_call: Cell::default(),
        };
        Self {
            inner: Rc::new(inner),
        }
    }

    /// Changes the policies of the relevant settings object, for calls from now on: a document may get another Content
    /// Security Policy while it lives. Its storage key stays.
    ///
    /// <https://html.spec.whatwg.org/multipage/semantics.html#attr-meta-http-equiv-content-security-policy>
    pub fn set_client(&self, client: Client) {
        debug_assert_eq!(client.storage_key, self.inner.client().storage_key);
        *self.inner.client.borrow_mut() = Arc::new(client);
    }

    /// The background fetch manager of a registration, the same each time:
    /// `ServiceWorkerRegistration.backgroundFetch`.
    ///
    /// <https://wicg.github.io/background-fetch/#dom-serviceworkerregistration-backgroundfetch>
    pub fn background_fetch(&self, registration: &RegistrationKey) -> BackgroundFetchManager {
        let mut managers = self.inner.managers.borrow_mut();
        let manager = managers
            .entry(registration.clone())
            .or_insert_with(|| BackgroundFetchManager::new(&self.inner, registration.clone()));
        manager.clone()
    }

    /// Makes the event object of a functional event that is fired at this realm's global, with its
    /// `registration`. Trusted, and active until it is dispatched and its lifetime promises are settled.
    ///
    /// # Errors
    ///
    /// `InvalidStateError` where the background fetch is gone, `AbortError` where it is cleared meanwhile.
    pub fn create_event(&self, event: &FunctionalEvent) -> Promise<BackgroundFetchEvent> {
        let reply = self.call(Call::Attach { fetch: event.fetch }, Vec::new());
        let name = event.name;
        Box::pin(async move {
            match reply.await? {
                Settled::Registration(Some(registration)) => {
                    Ok(BackgroundFetchEvent::trusted(name, registration))
                }
                _ => Err(unexpected_reply()),
            }
        })
    }

    /// Runs a task that the engine queued on this realm's event loop.
    pub fn run_task(&self, task: RealmTask) {
        match task {
            RealmTask::Settle { call, outcome } => {
                let settled = outcome.map(|reply| match reply {
                    // The instance is made here, in the order of the tasks: it misses no update.
                    Reply::Registration(snapshot) => {
                        Settled::Registration(snapshot.map(|snapshot| self.instance(snapshot)))
                    }
                    // So that they are released, whoever still wants them.
                    Reply::Records(records) => Settled::Records(create_record_objects(&self.inner, records)),
                    other => Settled::Other(other),
                });
                let pending = self.inner.pending.borrow_mut().remove(&call);
                if let Some(pending) = pending {
                    // A script that dropped its promise does not want to know.
                    let _ = pending.send(settled);
                }
            }
            RealmTask::Update(snapshot) => {
                let instance = self.inner.instances.borrow().get(&snapshot.key).cloned();
                // 6.1 and 6.2 of "update background fetch instances".
                if let Some(instance) = instance {
                    instance.update(&snapshot);
                    if !instance.records_available() {
                        self.inner.instances.borrow_mut().remove(&instance.key());
                        self.inner.keep_finished(&instance);
                    }
                }
                self.inner.engine.updated(self.inner.id, snapshot.key);
            }
            RealmTask::Cleared { fetch } => {
                let instance = self.inner.instances.borrow_mut().remove(&fetch);
                if let Some(instance) = instance {
                    instance.forget_records();
                }
            }
        }
    }

    /// Gets a BackgroundFetchRegistration instance.
    ///
    /// <https://wicg.github.io/background-fetch/#get-a-backgroundfetchregistration-instance-algorithm>
    fn instance(&self, snapshot: FetchSnapshot) -> BackgroundFetchRegistration {
        // 1. The instances map.
        let mut instances = self.inner.instances.borrow_mut();
        // 2. What it has.
        let finished = || {
            self.inner
                .finished_instances
                .borrow()
                .get(&snapshot.key)?
                .upgrade()
        };
        if let Some(instance) = instances.get(&snapshot.key).cloned().or_else(finished) {
            return instance;
        }
        // 3 to 5. A new instance.
        let instance = BackgroundFetchRegistration::new(&self.inner, snapshot);
        if instance.records_available() {
            instances.insert(instance.key(), instance.clone());
        } else {
            self.inner.keep_finished(&instance);
        }
        instance
    }

    pub(super) fn call(
        &self,
        request: Call,
        bodies: Vec<Option<RequestBody>>,
    ) -> impl Future<Output = Result<Settled, Exception>> + use<> {
        self.inner.call(request, bodies)
    }
}

impl RealmInner {
    /// Asks the engine; the future is the promise that the answer's task settles.
    pub(super) fn call(
        &self,
        request: Call,
        bodies: Vec<Option<RequestBody>>,
    ) -> impl Future<Output = Result<Settled, Exception>> + use<> {
        let call = CallId(self.next_call.get());
        self.next_call.set(call.0 + 1);
        let (sender, receiver) = oneshot::channel();
        self.pending.borrow_mut().insert(call, sender);
        self.engine.call(self.id, call, request, bodies);
        async move {
            match receiver.await {
                Ok(settled) => settled,
                // The realm is gone, and with it everybody who could look.
                Err(oneshot::Canceled) => std::future::pending().await,
            }
        }
    }

    /// The relevant settings object, as it is now.
    pub(super) fn client(&self) -> Arc<Client> {
        Arc::clone(&self.client.borrow())
    }

    /// Says that a record object is gone.
    pub(super) fn release_record(&self, fetch: FetchKey) {
        self.engine.release(self.id, fetch, 1);
    }

    /// Keeps a finished instance for as long as the script does.
    fn keep_finished(&self, instance: &BackgroundFetchRegistration) {
        let mut finished = self.finished_instances.borrow_mut();
        finished.retain(|_, instance| instance.upgrade().is_some());
        finished.insert(instance.key(), instance.downgrade());
    }
}

impl Drop for RealmInner {
    fn drop(&mut self) {
        self.engine.disconnect(self.id);
    }
}

pub(super) fn realm_is_gone() -> Exception {
    Exception::invalid_state("the realm of this object is gone")
}

pub(super) fn unexpected_reply() -> Exception {
    Exception::type_error("the engine answered with something else than what was asked")
}
