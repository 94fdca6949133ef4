//! What a registration and a worker are.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ::background_fetch::RegistrationKey;
use ::background_fetch::fetch::Client;
use bytes::Bytes;
use futures::channel::oneshot;
use indexmap::IndexMap;
use parking_lot::Mutex;
use url::Url;

use super::instance::Instance;
use crate::bindings::{ServiceWorkerState, ServiceWorkerUpdateViaCache, WorkerType};
use crate::host::PolicyContainer;
use crate::host::scripts::{FetchedScript, decode, decode_utf8};

/// A registration that was not looked after for longer is stale.
const STALE: Duration = Duration::from_secs(86_400);

/// A service worker registration.
///
/// <https://w3c.github.io/ServiceWorker/#dfn-service-worker-registration>
pub struct Registration {
    /// What names it in this run.
    pub id: u64,
    /// Its storage key and scope URL.
    pub key: RegistrationKey,
    pub(super) parts: Mutex<Parts>,
}

/// What changes of a registration.
pub(super) struct Parts {
    pub(super) installing: Option<Arc<Worker>>,
    pub(super) waiting: Option<Arc<Worker>>,
    pub(super) active: Option<Arc<Worker>>,
    pub(super) update_via_cache: ServiceWorkerUpdateViaCache,
    pub(super) last_update_check: Option<SystemTime>,
}

/// The places that a registration has for workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// Installing.
    Installing,
    /// Waiting.
    Waiting,
    /// Active.
    Active,
}

impl Registration {
    pub(super) fn new(id: u64, key: RegistrationKey, update_via_cache: ServiceWorkerUpdateViaCache) -> Self {
        Self {
            id,
            key,
            parts: Mutex::new(Parts {
                installing: None,
                waiting: None,
                active: None,
                update_via_cache,
                last_update_check: None,
            }),
        }
    }

    /// <https://w3c.github.io/ServiceWorker/#get-newest-worker>
    pub(super) fn newest_worker(&self) -> Option<Arc<Worker>> {
        let parts = self.parts.lock();
        let newest = parts.installing.as_ref().or(parts.waiting.as_ref());
        newest.or(parts.active.as_ref()).cloned()
    }

    /// Its active worker.
    pub fn active(&self) -> Option<Arc<Worker>> {
        self.parts.lock().active.clone()
    }

    /// Whether it was not looked after for long.
    ///
    /// <https://w3c.github.io/ServiceWorker/#service-worker-registration-stale>
    pub(super) fn is_stale(&self) -> bool {
        let last = self.parts.lock().last_update_check;
        last.is_some_and(|last| last.elapsed().is_ok_and(|elapsed| elapsed > STALE))
    }

    pub(super) fn waiting(&self) -> Option<Arc<Worker>> {
        self.parts.lock().waiting.clone()
    }

    pub(super) fn workers(&self) -> Vec<Arc<Worker>> {
        let parts = self.parts.lock();
        let workers = [&parts.installing, &parts.waiting, &parts.active];
        workers.into_iter().flatten().cloned().collect()
    }

    /// How it is now, for a realm.
    pub fn snapshot(self: &Arc<Self>) -> RegistrationSnapshot {
        let parts = self.parts.lock();
        let worker = |worker: &Option<Arc<Worker>>| worker.as_ref().map(Worker::snapshot);
        RegistrationSnapshot {
            registration: Arc::clone(self),
            workers: [
                worker(&parts.installing),
                worker(&parts.waiting),
                worker(&parts.active),
            ],
            update_via_cache: parts.update_via_cache,
        }
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Registration({})", self.key.scope)
    }
}

/// A registration at a moment.
#[derive(Clone, Debug)]
pub struct RegistrationSnapshot {
    /// It.
    pub registration: Arc<Registration>,
    /// Installing, waiting and active.
    pub workers: [Option<WorkerSnapshot>; 3],
    /// When it bypasses the HTTP cache.
    pub update_via_cache: ServiceWorkerUpdateViaCache,
}

/// A service worker.
///
/// <https://w3c.github.io/ServiceWorker/#dfn-service-worker>
pub struct Worker {
    /// What names it in this run.
    pub id: u64,
    /// Its script URL.
    pub script_url: Url,
    /// Its type.
    pub type_: WorkerType,
    /// The registration that it is of.
    pub registration: RegistrationKey,
    pub(super) life: Mutex<Life>,
}

/// What changes of a worker.
pub(super) struct Life {
    pub(super) state: ServiceWorkerState,
    /// The script resource map: its own script, and what it imports.
    pub(super) resources: IndexMap<Url, ScriptResource>,
    pub(super) skip_waiting: bool,
    /// The set of event types to handle; none before it ran.
    pub(super) events: Option<HashSet<String>>,
    pub(super) instance: Option<Arc<Instance>>,
    /// Who waits until it is activated, or will never be.
    activation: Vec<oneshot::Sender<()>>,
}

impl Worker {
    pub(super) fn new(
        id: u64,
        script_url: Url,
        type_: WorkerType,
        registration: RegistrationKey,
        resources: IndexMap<Url, ScriptResource>,
        state: ServiceWorkerState,
    ) -> Self {
        Self {
            id,
            script_url,
            type_,
            registration,
            life: Mutex::new(Life {
                state,
                resources,
                skip_waiting: false,
                events: None,
                instance: None,
                activation: Vec::new(),
            }),
        }
    }

    /// Its state.
    pub fn state(&self) -> ServiceWorkerState {
        self.life.lock().state
    }

    /// How it is now, for a realm.
    pub fn snapshot(self: &Arc<Self>) -> WorkerSnapshot {
        WorkerSnapshot {
            worker: Arc::clone(self),
            state: self.state(),
        }
    }

    /// Tells those who wait that it is activated, or will never be.
    pub(super) fn activated(&self) {
        for waiting in self.life.lock().activation.drain(..) {
            let _ = waiting.send(());
        }
    }

    /// Waits while it is activating.
    pub(super) async fn when_activated(&self) {
        let waiting = {
            let mut life = self.life.lock();
            if life.state != ServiceWorkerState::Activating {
                return;
            }
            let (sender, waiting) = oneshot::channel();
            life.activation.push(sender);
            waiting
        };
        let _ = waiting.await;
    }

    /// Its environment: under the policies that its script came with.
    ///
    /// <https://w3c.github.io/ServiceWorker/#run-service-worker-algorithm>
    pub(super) fn client(&self) -> Client {
        let client = Client::page(self.script_url.clone());
        match self.resource(&self.script_url) {
            Some(script) => script.policies.over(client),
            None => client,
        }
    }

    pub(super) fn resource(&self, url: &Url) -> Option<ScriptResource> {
        self.life.lock().resources.get(url).cloned()
    }

    /// Whether events of a type may be skipped: it ran, and had no listener for them.
    ///
    /// <https://w3c.github.io/ServiceWorker/#should-skip-event-algorithm>
    pub fn should_skip(&self, event: &str) -> bool {
        let life = self.life.lock();
        life.events.as_ref().is_some_and(|events| !events.contains(event))
    }

    /// <https://w3c.github.io/ServiceWorker/#service-worker-has-no-pending-events>
    pub(super) fn has_no_pending_events(&self) -> bool {
        let instance = self.life.lock().instance.clone();
        instance.is_none_or(|instance| !instance.has_events())
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Worker({})", self.script_url)
    }
}

/// A worker at a moment.
#[derive(Clone, Debug)]
pub struct WorkerSnapshot {
    /// It.
    pub worker: Arc<Worker>,
    /// Its state.
    pub state: ServiceWorkerState,
}

/// A script that is kept with its worker.
#[derive(Clone, Debug, PartialEq)]
pub struct ScriptResource {
    /// The URL that it came from, after redirects.
    pub url: Url,
    /// Its MIME type, as the server said it.
    pub content_type: String,
    /// The policies that it came with: those of the worker, where it is its own script.
    pub policies: PolicyContainer,
    /// Its bytes.
    pub bytes: Bytes,
}

impl ScriptResource {
    /// It, as it would be fetched.
    pub(super) fn script(&self, is_module: bool) -> FetchedScript {
        FetchedScript {
            url: self.url.clone(),
            bytes: self.bytes.clone(),
            source: match is_module {
                true => decode_utf8(&self.bytes),
                false => decode(&self.bytes, &self.content_type),
            },
            content_type: self.content_type.clone(),
            // Their policies are those of the worker already.
            headers: http::HeaderMap::new(),
        }
    }
}

impl From<FetchedScript> for ScriptResource {
    fn from(script: FetchedScript) -> Self {
        Self {
            url: script.url,
            content_type: script.content_type,
            policies: PolicyContainer::of_response(&script.headers),
            bytes: script.bytes,
        }
    }
}
