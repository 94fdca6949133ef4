//! Service workers: registrations, their workers and clients. This half is the user agent's: it is `Send + Sync`, and talks to
//! realms by tasks. What scripts see is in [`interfaces`](crate::interfaces::service_workers).
//!
//! <https://w3c.github.io/ServiceWorker/>

mod activate;
mod background_fetch;
mod clients;
mod events;
mod fetch;
mod guide;
mod install;
mod instance;
mod job;
mod model;
mod register;
mod run;
mod script;
mod state;
mod store;
mod unregister;
mod update;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use ::background_fetch::embedder::FunctionalEvent;
use ::background_fetch::{RegistrationKey, match_service_worker_registration};
use futures::future::BoxFuture;
use indexmap::{IndexMap, IndexSet};
use parking_lot::Mutex;
use url::Url;

use crate::engine::Cx;
use crate::interfaces::ExtendableEvent;
use crate::webidl::{Error, Fallible, Ref};

pub use background_fetch::ComponentServiceWorkers;
pub use clients::{Connected, Environment, EnvironmentId};
pub use events::EventFailure;
pub(crate) use events::Inactive;
pub(crate) use fetch::{FetchForWorker, Responded, WorkerResponse};
pub use guide::GUIDE_WORKER;
pub use job::{Answer, Job, JobKind, Outcome};
pub use model::{Registration, RegistrationSnapshot, ScriptResource, Slot, Worker, WorkerSnapshot};
pub use register::check_urls;
pub use store::{FileStore, ServiceWorkerStore, StoredRegistration, StoredResource, StoredWorker};

use job::Queue;

/// What a user agent decides about service workers.
#[derive(Clone, Debug)]
pub struct Policy {
    /// How long a worker without events is kept running.
    pub idle: Duration,
    /// How long an event may be extended.
    pub event_life: Duration,
    /// How long a task of a worker may run.
    pub time_limit: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(30),
            event_life: Duration::from_secs(300),
            time_limit: Duration::from_secs(30),
        }
    }
}

/// Makes the event object of a background fetch event, in the worker's realm; `done` is called with the object, or with why there is none.
pub type EventFactory = for<'js> fn(&Cx<'js>, FunctionalEvent, EventDone);

/// Takes the event object of an [`EventFactory`], on the realm's thread.
pub type EventDone = Box<dyn for<'js> FnOnce(&Cx<'js>, Fallible<'js, Ref<'js, ExtendableEvent>>)>;

/// Is told of a registration that was unregistered, and resolves when nothing is left of what others keep for it; with a
/// sentence, where that cannot be: it is told of it again before anything else has this key, and in the next run.
pub type ClearHook = Arc<dyn Fn(RegistrationKey) -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// Opens windows: gives the new page's environment, when its realm is there, or none where it is another process's.
pub type OpenWindow =
    Arc<dyn Fn(Url) -> BoxFuture<'static, Result<Option<EnvironmentId>, String>> + Send + Sync>;

/// The service workers of a user agent.
pub struct ServiceWorkers {
    /// What the user agent decides.
    pub policy: Policy,
    /// Makes the events of background fetches.
    pub event_factory: Option<EventFactory>,
    /// What is done besides when a registration is cleared; it may be set later: the component needs the host first.
    pub clear_hook: Mutex<Option<ClearHook>>,
    /// Opens windows, where there may be more than one.
    pub open_window: Mutex<Option<OpenWindow>>,
    store: Option<Arc<dyn ServiceWorkerStore>>,
    /// One saves at a time: what was so before does not take the place of what is so now.
    saving: Mutex<()>,
    /// Whether no worker starts any more.
    is_shut_down: AtomicBool,
    state: Mutex<State>,
}

/// What changes. Tasks are queued to realms while it is locked: so they come in the order of what happened.
#[derive(Default)]
struct State {
    /// The scope to registration map, in the order of registration.
    scopes: IndexMap<RegistrationKey, Arc<Registration>>,
    /// Registrations that were unregistered while something used them.
    unregistered: Vec<Arc<Registration>>,
    /// Those for which others may still keep something.
    to_clear: IndexSet<RegistrationKey>,
    /// The scope to job queue map.
    queues: IndexMap<RegistrationKey, Queue>,
    environments: IndexMap<EnvironmentId, Environment>,
    last_id: u64,
}

/// Why something is refused: the name of an exception, and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    name: &'static str,
    message: String,
}

impl Refusal {
    /// A TypeError.
    pub fn type_error(message: impl Into<String>) -> Self {
        Self::dom("TypeError", message)
    }

    /// A DOMException.
    pub fn dom(name: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { name, message }
    }
}

impl From<Refusal> for Error<'_> {
    fn from(refusal: Refusal) -> Self {
        match refusal.name {
            "TypeError" => Self::type_error(refusal.message),
            name => Self::dom(name, refusal.message),
        }
    }
}

impl Default for ServiceWorkers {
    fn default() -> Self {
        Self::new(Policy::default())
    }
}

impl ServiceWorkers {
    /// None yet, and none kept.
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            event_factory: None,
            clear_hook: Mutex::default(),
            open_window: Mutex::default(),
            store: None,
            saving: Mutex::default(),
            is_shut_down: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    /// Those that a store has, which keeps what they become.
    ///
    /// # Errors
    ///
    /// A sentence, where the store cannot be read.
    pub fn open(policy: Policy, store: Arc<dyn ServiceWorkerStore>) -> Result<Self, String> {
        let stored = store.load()?;
        let mut this = Self::new(policy);
        this.restore(stored);
        this.store = Some(store);
        Ok(this)
    }

    /// The registration whose scope a URL of a storage key is in.
    ///
    /// <https://w3c.github.io/ServiceWorker/#scope-match-algorithm>
    pub fn match_registration(
        &self,
        storage_key: &::background_fetch::fetch::StorageKey,
        url: &Url,
    ) -> Option<Arc<Registration>> {
        self.state.lock().match_registration(storage_key, url)
    }

    /// The registrations of a storage key, in the order of registration.
    pub fn registrations(
        &self,
        storage_key: &::background_fetch::fetch::StorageKey,
    ) -> Vec<Arc<Registration>> {
        let state = self.state.lock();
        let registrations = state.scopes.values();
        registrations
            .filter(|registration| registration.key.storage_key == *storage_key)
            .cloned()
            .collect()
    }

    /// The registration of a key.
    pub fn registration(&self, key: &RegistrationKey) -> Option<Arc<Registration>> {
        self.state.lock().scopes.get(key).cloned()
    }
}

impl State {
    fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn match_registration(
        &self,
        storage_key: &::background_fetch::fetch::StorageKey,
        url: &Url,
    ) -> Option<Arc<Registration>> {
        let of_key = || self.scopes.keys().filter(|key| key.storage_key == *storage_key);
        let scope = match_service_worker_registration(of_key().map(|key| &key.scope), url)?;
        let key = of_key().find(|key| key.scope == *scope)?;
        self.scopes.get(key).cloned()
    }

    /// Whether a registration is the one of its key.
    fn is_registered(&self, registration: &Arc<Registration>) -> bool {
        let current = self.scopes.get(&registration.key);
        current.is_some_and(|current| Arc::ptr_eq(current, registration))
    }
}
