//! What realms are told when registrations and workers change.

use std::sync::Arc;

use ::background_fetch::fetch::StorageKey;

use super::model::{Registration, Slot, Worker};
use super::{Environment, State};
use crate::bindings::ServiceWorkerState;
use crate::interfaces::service_workers::{
    controller_changed, registration_changed, update_found, worker_state_changed,
};

impl State {
    /// The environments of a storage key, pages and workers.
    fn environments_of(&self, storage_key: &StorageKey) -> impl Iterator<Item = &Environment> {
        let environments = self.environments.values();
        environments.filter(move |environment| environment.storage_key == *storage_key)
    }

    /// <https://w3c.github.io/ServiceWorker/#update-worker-state>
    pub(super) fn update_worker_state(&self, worker: &Arc<Worker>, state: ServiceWorkerState) {
        // 2. The state.
        worker.life.lock().state = state;
        // 3 to 5. A task for each object that stands for it.
        for environment in self.environments_of(&worker.registration.storage_key) {
            let worker = Arc::clone(worker);
            environment
                .realm
                .queue_task(move |cx| worker_state_changed(cx, &worker, state));
        }
    }

    /// <https://w3c.github.io/ServiceWorker/#update-registration-state>
    pub(super) fn update_registration_state(
        &self,
        registration: &Arc<Registration>,
        slot: Slot,
        worker: Option<&Arc<Worker>>,
    ) {
        {
            let mut parts = registration.parts.lock();
            let place = match slot {
                Slot::Installing => &mut parts.installing,
                Slot::Waiting => &mut parts.waiting,
                Slot::Active => &mut parts.active,
            };
            *place = worker.cloned();
        }
        for environment in self.environments_of(&registration.key.storage_key) {
            let registration = Arc::clone(registration);
            let worker = worker.map(Worker::snapshot);
            environment
                .realm
                .queue_task(move |cx| registration_changed(cx, &registration, slot, worker));
        }
    }

    /// Fires `updatefound` at the objects of a registration.
    pub(super) fn tell_of_update(&self, registration: &Arc<Registration>) {
        for environment in self.environments_of(&registration.key.storage_key) {
            let registration = Arc::clone(registration);
            environment
                .realm
                .queue_task(move |cx| update_found(cx, &registration));
        }
    }

    /// <https://w3c.github.io/ServiceWorker/#notify-controller-change-algorithm>
    pub(super) fn notify_controller_change(environment: &Environment) {
        let controller = environment.controller.as_ref().map(Worker::snapshot);
        environment
            .realm
            .queue_task(move |cx| controller_changed(cx, controller));
    }

    /// Whether a client uses a registration.
    ///
    /// <https://w3c.github.io/ServiceWorker/#dfn-use>
    pub(super) fn is_used(&self, registration: &Arc<Registration>) -> bool {
        let workers = registration.workers();
        self.environments.values().any(|environment| {
            let controller = environment.controller.as_ref();
            controller.is_some_and(|controller| workers.iter().any(|worker| Arc::ptr_eq(worker, controller)))
        })
    }
}
