//! Activating.

use std::sync::Arc;

use super::guide::is_guide_worker;
use super::model::{Registration, Slot, Worker};
use super::{ServiceWorkers, State, events};
use crate::bindings::ServiceWorkerState;
use crate::host::Host;
use crate::interfaces::service_workers::{ActivateEvent, ready};

/// <https://w3c.github.io/ServiceWorker/#try-activate-algorithm>
pub(super) async fn try_activate(host: &Arc<Host>, registration: &Arc<Registration>) {
    let worker = {
        let mut state = host.service_workers.state.lock();
        // 1. Nothing waits.
        let Some(waiting) = registration.waiting() else {
            return;
        };
        let active = registration.active();
        let may = match &active {
            // 3.1. Nothing is in the way.
            None => true,
            // 2. One after the other.
            Some(active) if active.state() == ServiceWorkerState::Activating => false,
            // 3.2 and 3.3. Nobody uses the old one, or the new one does not care.
            Some(active) => {
                let skips = waiting.life.lock().skip_waiting || is_guide_worker(active);
                active.has_no_pending_events() && (skips || !state.is_used(registration))
            }
        };
        if !may {
            return;
        }
        begin(&mut state, registration, &waiting, active.as_ref());
        waiting
    };
    host.service_workers.save();
    // 9 to 11. The event. It is activated whatever comes of it.
    if !worker.should_skip("activate") {
        let _ = events::dispatch(host, &worker, ActivateEvent::make).await;
    }
    // 12. It is active.
    {
        let state = host.service_workers.state.lock();
        if worker.state() == ServiceWorkerState::Activating {
            state.update_worker_state(&worker, ServiceWorkerState::Activated);
        }
    }
    host.service_workers.save();
    worker.activated();
    // Another may wait already.
    Box::pin(try_activate(host, registration)).await;
}

/// The steps that happen at once.
///
/// <https://w3c.github.io/ServiceWorker/#activation-algorithm>
fn begin(
    state: &mut State,
    registration: &Arc<Registration>,
    worker: &Arc<Worker>,
    old: Option<&Arc<Worker>>,
) {
    // Who uses the registration is known by its workers.
    let users: Vec<_> = state
        .environments
        .values()
        .filter(|environment| {
            let controller = environment.controller.as_ref();
            controller
                .zip(old)
                .is_some_and(|(controller, old)| Arc::ptr_eq(controller, old))
        })
        .map(|environment| environment.id)
        .collect();
    // 3. The old one is over.
    if let Some(old) = old {
        ServiceWorkers::terminate(old);
        state.update_worker_state(old, ServiceWorkerState::Redundant);
    }
    // 4 to 6. The new one is active.
    state.update_registration_state(registration, Slot::Active, Some(worker));
    state.update_registration_state(registration, Slot::Waiting, None);
    state.update_worker_state(worker, ServiceWorkerState::Activating);
    // 7. The clients that wait for it.
    for environment in state.environments.values() {
        let matched = state.match_registration(&environment.storage_key, &environment.url);
        if matched.is_some_and(|matched| Arc::ptr_eq(&matched, registration)) {
            let snapshot = registration.snapshot();
            environment.realm.queue_task(move |cx| ready(cx, snapshot));
        }
    }
    // 8. The clients that use it.
    for id in users {
        if let Some(environment) = state.environments.get_mut(&id) {
            environment.controller = Some(Arc::clone(worker));
            State::notify_controller_change(environment);
        }
    }
}
