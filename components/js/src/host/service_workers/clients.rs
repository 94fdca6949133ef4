//! Environments: the realms that are told of registrations, and the clients among them.

use std::sync::Arc;

use ::background_fetch::fetch::StorageKey;
use url::Url;

use super::model::{Registration, RegistrationSnapshot, Worker, WorkerSnapshot};
use super::{Refusal, ServiceWorkers, State};
use crate::bindings::{ClientQueryOptions, ClientType, ServiceWorkerState};
use crate::host::Host;
use crate::interfaces::random_uuid;
use crate::realm::{Realm, RealmHandle};
use crate::webidl::Globals;

/// What names an environment in this run.
pub type EnvironmentId = u64;

/// A realm: a page, or a worker of either kind.
#[derive(Clone, Debug)]
pub struct Environment {
    /// What names it in this run.
    pub id: EnvironmentId,
    /// What scripts name it by.
    pub uuid: String,
    /// Its creation URL.
    pub url: Url,
    /// Its storage key.
    pub storage_key: StorageKey,
    /// Its global.
    pub kind: Globals,
    /// The way to it.
    pub realm: RealmHandle,
    /// The worker that controls it.
    pub controller: Option<Arc<Worker>>,
}

impl Environment {
    /// Whether it is a client that a query asks for.
    fn is_of_type(&self, type_: ClientType) -> bool {
        match type_ {
            ClientType::Window => self.kind == Globals::WINDOW,
            ClientType::Worker => self.kind == Globals::DEDICATED_WORKER,
            ClientType::Sharedworker => self.kind == Globals::SHARED_WORKER,
            ClientType::All => self.kind != Globals::SERVICE_WORKER,
        }
    }
}

/// A realm's place among the environments; it is left when this is dropped.
pub struct Connected {
    host: Arc<Host>,
    /// What names it.
    pub id: EnvironmentId,
}

impl Drop for Connected {
    fn drop(&mut self) {
        let gone = {
            let mut state = self.host.service_workers.state.lock();
            state.environments.shift_remove(&self.id)
        };
        let controller = gone.and_then(|environment| environment.controller);
        let registration =
            controller.and_then(|controller| self.host.service_workers.registration_of(&controller));
        if let Some(registration) = registration {
            ServiceWorkers::used_less(&self.host, &registration);
        }
    }
}

impl ServiceWorkers {
    /// Makes a realm an environment: a page is controlled by the active worker of the registration that it is in.
    pub fn connect(realm: &Realm) -> Connected {
        let settings = realm.settings();
        let (client, host) = (&settings.client, &settings.host);
        let mut state = host.service_workers.state.lock();
        let id = state.new_id();
        let mut url = client.base_url.clone();
        let is_client = settings.kind != Globals::SERVICE_WORKER && settings.is_secure_context;
        let matched = is_client
            .then(|| state.match_registration(&client.storage_key, &url))
            .flatten();
        let controller = matched.as_ref().and_then(|registration| registration.active());
        if settings.kind != Globals::WINDOW {
            url.set_fragment(None);
        }
        state.environments.insert(
            id,
            Environment {
                id,
                uuid: random_uuid(),
                url,
                storage_key: client.storage_key.clone(),
                kind: settings.kind,
                realm: realm.handle().clone(),
                controller,
            },
        );
        drop(state);
        // A page that is opened has the registration looked after.
        if let Some(registration) = matched.filter(|_| settings.kind == Globals::WINDOW) {
            Self::soft_update(host, &registration, false);
        }
        Connected {
            host: Arc::clone(host),
            id,
        }
    }

    /// The worker that controls an environment.
    pub fn controller(&self, id: EnvironmentId) -> Option<WorkerSnapshot> {
        let state = self.state.lock();
        let environment = state.environments.get(&id)?;
        environment.controller.as_ref().map(Worker::snapshot)
    }

    /// The environment of a name that scripts know.
    pub fn environment(&self, storage_key: &StorageKey, uuid: &str) -> Option<Environment> {
        let state = self.state.lock();
        let mut environments = state.environments.values();
        let found = environments
            .find(|environment| environment.uuid == uuid && environment.storage_key == *storage_key)?;
        (found.kind != Globals::SERVICE_WORKER).then(|| found.clone())
    }

    /// The environment of an id.
    pub fn environment_by_id(&self, id: EnvironmentId) -> Option<Environment> {
        self.state.lock().environments.get(&id).cloned()
    }

    /// The clients that a worker asks for, in the order in which they were made.
    ///
    /// <https://w3c.github.io/ServiceWorker/#clients-matchall>
    pub fn match_clients(&self, worker: &Arc<Worker>, options: &ClientQueryOptions) -> Vec<Environment> {
        let state = self.state.lock();
        let is_asked_for = |environment: &&Environment| {
            let is_controlled = || {
                let controller = environment.controller.as_ref();
                controller.is_some_and(|controller| Arc::ptr_eq(controller, worker))
            };
            environment.is_of_type(options.type_)
                && environment.storage_key == worker.registration.storage_key
                && !environment.realm.is_closed()
                && (options.include_uncontrolled || is_controlled())
        };
        state
            .environments
            .values()
            .filter(is_asked_for)
            .cloned()
            .collect()
    }

    /// <https://w3c.github.io/ServiceWorker/#clients-claim>
    ///
    /// # Errors
    ///
    /// An InvalidStateError where the worker is not active.
    pub fn claim(host: &Arc<Host>, worker: &Arc<Worker>) -> Result<(), Refusal> {
        let mut left: Vec<Arc<Worker>> = Vec::new();
        {
            let mut state = host.service_workers.state.lock();
            // 1. It is the active worker.
            let is_active = matches!(
                worker.state(),
                ServiceWorkerState::Activating | ServiceWorkerState::Activated
            );
            if !is_active {
                return Err(Refusal::dom(
                    "InvalidStateError",
                    "only an active worker claims clients",
                ));
            }
            // 3.1. Each client of its origin that is in its registration, and in no longer one.
            let ids: Vec<_> = state.environments.keys().copied().collect();
            for id in ids {
                let Some(environment) = state.environments.get(&id) else {
                    continue;
                };
                let is_client = environment.kind != Globals::SERVICE_WORKER
                    && environment.storage_key == worker.registration.storage_key;
                let matched = state.match_registration(&environment.storage_key, &environment.url);
                let is_of_it = matched.is_some_and(|matched| {
                    matched
                        .active()
                        .is_some_and(|active| Arc::ptr_eq(&active, worker))
                });
                let is_controlled = environment
                    .controller
                    .as_ref()
                    .is_some_and(|controller| Arc::ptr_eq(controller, worker));
                if !is_client || !is_of_it || is_controlled {
                    continue;
                }
                // 3.1.5 to 3.1.7. It is controlled by this worker now.
                if let Some(environment) = state.environments.get_mut(&id) {
                    left.extend(environment.controller.replace(Arc::clone(worker)));
                    State::notify_controller_change(environment);
                }
            }
        }
        for controller in left {
            if let Some(registration) = host.service_workers.registration_of(&controller) {
                Self::used_less(host, &registration);
            }
        }
        Ok(())
    }

    /// <https://w3c.github.io/ServiceWorker/#dom-serviceworkerglobalscope-skipwaiting>
    pub fn skip_waiting(host: &Arc<Host>, worker: &Arc<Worker>) {
        worker.life.lock().skip_waiting = true;
        if let Some(registration) = host.service_workers.registration_of(worker) {
            Self::used_less(host, &registration);
        }
    }

    /// The registration of the active worker that an environment's `ready` promise is for, where there is one already.
    pub fn ready_registration(&self, id: EnvironmentId) -> Option<RegistrationSnapshot> {
        let state = self.state.lock();
        let environment = state.environments.get(&id)?;
        let registration: Arc<Registration> =
            state.match_registration(&environment.storage_key, &environment.url)?;
        registration.active()?;
        Some(registration.snapshot())
    }
}
