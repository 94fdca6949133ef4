//! Unregistering, and clearing what is unregistered when nothing uses it any more.
//!
//! What others keep for a registration goes with it. That may take its time, and the program may be stopped meanwhile: it is
//! kept that this is to be done, and the next run goes on with it.

use std::sync::Arc;

use ::background_fetch::RegistrationKey;

use super::job::{Job, Outcome};
use super::model::{Registration, Slot};
use super::register::After;
use super::{Refusal, ServiceWorkers, State};
use crate::bindings::ServiceWorkerState;
use crate::host::Host;

/// <https://w3c.github.io/ServiceWorker/#unregister-algorithm>
pub(super) async fn unregister(host: &Arc<Host>, mut job: Job) -> After {
    let this = &host.service_workers;
    // 1. One's own registrations.
    let origin = job.key.scope.origin().ascii_serialization();
    if job.client.origin.as_deref() != Some(&origin) {
        let message = format!("{} is not of the origin {origin}", job.client.base_url);
        job.settle(Err(Refusal::dom("SecurityError", message)));
        return None;
    }
    let registration = {
        let mut state = this.state.lock();
        // 2 to 4. It is no registration any more.
        let Some(registration) = state.scopes.shift_remove(&job.key) else {
            job.settle(Ok(Outcome::Boolean(false)));
            return None;
        };
        state.unregistered.push(Arc::clone(&registration));
        if this.clear_hook.lock().is_some() {
            state.to_clear.insert(job.key.clone());
        }
        registration
    };
    // Nobody is told before it would be so in the next run, too.
    this.save();
    {
        let mut state = this.state.lock();
        // 5. The promise.
        job.settle(Ok(Outcome::Boolean(true)));
        // 6. It is cleared, now or when nothing uses it.
        try_clear_registration(&mut state, &registration);
    }
    // What others keep for it goes with it, before anything else has its key. What cannot be cleared now stays to be.
    let _ = clear_for_others(host, &job.key).await;
    None
}

/// Clears what others keep for a registration that there is no more.
///
/// # Errors
///
/// A sentence, where that cannot be: it stays to be done.
pub(super) async fn clear_for_others(host: &Arc<Host>, key: &RegistrationKey) -> Result<(), String> {
    let this = &host.service_workers;
    if !this.state.lock().to_clear.contains(key) {
        return Ok(());
    }
    let hook = this.clear_hook.lock().clone();
    let Some(hook) = hook else { return Ok(()) };
    hook(key.clone()).await?;
    this.state.lock().to_clear.shift_remove(key);
    this.save();
    Ok(())
}

/// <https://w3c.github.io/ServiceWorker/#try-clear-registration-algorithm>
pub(super) fn try_clear_registration(state: &mut State, registration: &Arc<Registration>) {
    let is_idle = registration
        .workers()
        .iter()
        .all(|worker| worker.has_no_pending_events());
    if is_idle && !state.is_used(registration) {
        clear_registration(state, registration);
        state
            .unregistered
            .retain(|other| !Arc::ptr_eq(other, registration));
    }
}

/// <https://w3c.github.io/ServiceWorker/#clear-registration-algorithm>
fn clear_registration(state: &State, registration: &Arc<Registration>) {
    let workers = {
        let parts = registration.parts.lock();
        [
            (Slot::Installing, parts.installing.clone()),
            (Slot::Waiting, parts.waiting.clone()),
            (Slot::Active, parts.active.clone()),
        ]
    };
    for (slot, worker) in workers {
        let Some(worker) = worker else { continue };
        ServiceWorkers::terminate(&worker);
        state.update_worker_state(&worker, ServiceWorkerState::Redundant);
        state.update_registration_state(registration, slot, None);
        worker.activated();
    }
}

impl ServiceWorkers {
    /// Clears what others still keep for what the last run unregistered; before they go on with it.
    pub async fn clear_unregistered(host: &Arc<Host>) {
        let keys: Vec<_> = host
            .service_workers
            .state
            .lock()
            .to_clear
            .iter()
            .cloned()
            .collect();
        for key in keys {
            // What cannot be cleared now stays to be.
            let _ = clear_for_others(host, &key).await;
        }
    }

    /// What may be done when a registration is used less: by a client that is gone, or an event that is over.
    ///
    /// <https://w3c.github.io/ServiceWorker/#on-client-unload-algorithm>
    pub(super) fn used_less(host: &Arc<Host>, registration: &Arc<Registration>) {
        let is_registered = {
            let mut state = host.service_workers.state.lock();
            let is_registered = state.is_registered(registration);
            if !is_registered {
                try_clear_registration(&mut state, registration);
            }
            is_registered
        };
        if is_registered && registration.waiting().is_some() {
            let (host_of_task, registration) = (Arc::clone(host), Arc::clone(registration));
            host.spawn(async move {
                super::activate::try_activate(&host_of_task, &registration).await;
            });
        }
    }

    /// The registration that a worker is in, registered or not any more.
    pub fn registration_of(&self, worker: &Arc<super::Worker>) -> Option<Arc<Registration>> {
        let state = self.state.lock();
        let registered = state.scopes.get(&worker.registration);
        let all = registered.into_iter().chain(&state.unregistered);
        let mut found = all.filter(|registration| {
            let mut workers = registration.workers().into_iter();
            workers.any(|other| Arc::ptr_eq(&other, worker))
        });
        found.next().cloned()
    }
}
