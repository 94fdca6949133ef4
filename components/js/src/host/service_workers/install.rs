//! Installing.

use std::sync::Arc;

use super::activate::try_activate;
use super::job::{Job, Outcome};
use super::model::{Registration, Slot, Worker};
use super::register::After;
use super::{ServiceWorkers, events};
use crate::bindings::ServiceWorkerState;
use crate::host::Host;
use crate::interfaces::service_workers::InstallEvent;

/// <https://w3c.github.io/ServiceWorker/#installation-algorithm>
pub(super) async fn install(
    host: &Arc<Host>,
    mut job: Job,
    worker: Arc<Worker>,
    registration: Arc<Registration>,
) -> After {
    let this = &host.service_workers;
    {
        let state = this.state.lock();
        // 3. How the cache is used from now on.
        registration.parts.lock().update_via_cache = job.update_via_cache;
        // 4 and 5. It is installing.
        state.update_registration_state(&registration, Slot::Installing, Some(&worker));
        state.update_worker_state(&worker, ServiceWorkerState::Installing);
        // 6 and 7. Whoever asked has the registration now.
        job.settle(Ok(Outcome::Registration(Some(registration.snapshot()))));
        // 8 and 9. Everybody hears of it.
        state.tell_of_update(&registration);
    }
    // 10 to 12. The event.
    let install_failed = match worker.should_skip("install") {
        true => false,
        // What was not dispatched to its end failed.
        false => events::dispatch(host, &worker, InstallEvent::make)
            .await
            .unwrap_or(true),
    };
    // 13. It failed, or the registration is gone meanwhile.
    let is_redundant = worker.state() == ServiceWorkerState::Redundant;
    if install_failed || is_redundant {
        let mut state = this.state.lock();
        ServiceWorkers::terminate(&worker);
        if !is_redundant {
            state.update_worker_state(&worker, ServiceWorkerState::Redundant);
            state.update_registration_state(&registration, Slot::Installing, None);
        }
        if registration.newest_worker().is_none() && state.is_registered(&registration) {
            state.scopes.shift_remove(&registration.key);
        }
        return None;
    }
    {
        let state = this.state.lock();
        // 15. What waited is not needed any more.
        if let Some(waiting) = registration.waiting() {
            ServiceWorkers::terminate(&waiting);
            state.update_worker_state(&waiting, ServiceWorkerState::Redundant);
        }
        // 16 to 18. It waits.
        state.update_registration_state(&registration, Slot::Waiting, Some(&worker));
        state.update_registration_state(&registration, Slot::Installing, None);
        state.update_worker_state(&worker, ServiceWorkerState::Installed);
    }
    this.save();
    // 19. The job is over, and 21. it is activated where it may.
    let host = Arc::clone(host);
    Some(Box::pin(async move { try_activate(&host, &registration).await }))
}
