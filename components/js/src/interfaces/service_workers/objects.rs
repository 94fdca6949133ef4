//! What a realm has of the user agent's service workers: its objects, and its promises.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use super::message::MessageQueue;
use super::{ServiceWorker, ServiceWorkerContainer, ServiceWorkerRegistration};
use crate::bindings::ServiceWorkerState;
use crate::engine::{Cx, Promise, Value};
use crate::host::Host;
use crate::host::service_workers::{
    Answer, Connected, EnvironmentId, Outcome, Refusal, RegistrationSnapshot, ServiceWorkers, Worker,
    WorkerSnapshot,
};
use crate::realm::Realm;
use crate::webidl::{Fallible, Ref, Rooted, Settles, ToJs};

/// What a realm has of the user agent's service workers.
#[derive(Default)]
pub(super) struct Objects {
    connected: OnceCell<Connected>,
    /// The service worker object map.
    pub(super) workers: RefCell<HashMap<u64, Rooted<ServiceWorker>>>,
    /// The service worker registration object map.
    pub(super) registrations: RefCell<HashMap<u64, Rooted<ServiceWorkerRegistration>>>,
    /// What the realm was told of workers, whether it has their objects or not.
    states: RefCell<HashMap<u64, ServiceWorkerState>>,
    pub(super) container: RefCell<Option<Rooted<ServiceWorkerContainer>>>,
    /// What settles the container's `ready`.
    pub(super) ready: RefCell<Option<Settles>>,
    pending: RefCell<HashMap<u64, Settles>>,
    /// The client message queue.
    pub(super) messages: MessageQueue,
    last: Cell<u64>,
}

/// Makes the realm known to the user agent's service workers.
pub(crate) fn connect(cx: &Cx<'_>) {
    let realm = Realm::of(cx);
    let objects = realm.data::<Objects>();
    let _ = objects.connected.set(ServiceWorkers::connect(&realm));
}

impl Objects {
    /// Notes what the realm is told.
    pub(super) fn note_state(&self, worker: u64, state: ServiceWorkerState) {
        self.states.borrow_mut().insert(worker, state);
    }

    /// The state of a worker: a snapshot may be older than what the realm was told since.
    pub(super) fn state_of(&self, snapshot: &WorkerSnapshot) -> ServiceWorkerState {
        let told = self.states.borrow().get(&snapshot.worker.id).copied();
        match told {
            Some(told) if told as u8 > snapshot.state as u8 => told,
            _ => snapshot.state,
        }
    }

    /// What names the realm among the environments.
    pub(super) fn environment(&self) -> Option<EnvironmentId> {
        self.connected.get().map(|connected| connected.id)
    }
}

/// What names the realm among the environments.
pub(crate) fn environment_of(cx: &Cx<'_>) -> Option<EnvironmentId> {
    Realm::of(cx).data::<Objects>().environment()
}

/// The worker that a client's requests go to, where it listens to them, and the client's id.
pub(crate) fn controlling_worker(cx: &Cx<'_>) -> Option<(Arc<Worker>, String)> {
    let id = Realm::of(cx).data::<Objects>().environment()?;
    let host = Host::of(cx);
    let environment = host.service_workers.environment_by_id(id)?;
    let controller = environment.controller?;
    if !controller.should_skip("fetch") {
        return Some((controller, environment.uuid));
    }
    // It does not listen to requests, and these have it looked after all the same.
    if let Some(registration) = host.service_workers.registration_of(&controller) {
        ServiceWorkers::soft_update_where_stale(&host, &registration);
    }
    None
}

/// A promise, and what the user agent answers to.
pub(super) fn asked<'js>(cx: &Cx<'js>) -> Fallible<'js, (Promise<'js>, Answer)> {
    let realm = Realm::of(cx);
    let objects = realm.data::<Objects>();
    let (promise, settles) = Settles::new(cx)?;
    let id = objects.last.get() + 1;
    objects.last.set(id);
    objects.pending.borrow_mut().insert(id, settles);
    let answer = Answer {
        realm: realm.handle().clone(),
        id,
    };
    Ok((promise, answer))
}

/// Settles a promise that was [asked](asked) for.
pub(crate) fn settle(cx: &Cx<'_>, id: u64, outcome: Result<Outcome, Refusal>) {
    let settles = Realm::of(cx).data::<Objects>().pending.borrow_mut().remove(&id);
    let Some(settles) = settles else { return };
    let outcome = match outcome {
        Ok(outcome) => value_of(cx, outcome),
        Err(refusal) => Err(refusal.into()),
    };
    settles.settle(cx, outcome);
}

fn value_of<'js>(cx: &Cx<'js>, outcome: Outcome) -> Fallible<'js, Value<'js>> {
    match outcome {
        Outcome::Registration(Some(snapshot)) => registration_object(cx, &snapshot)?.to_js(cx),
        Outcome::Registration(None) | Outcome::Undefined => Ok(cx.undefined()),
        Outcome::Boolean(boolean) => Ok(cx.boolean(boolean)),
    }
}

/// <https://w3c.github.io/ServiceWorker/#get-the-service-worker-object>
pub(super) fn worker_object<'js>(
    cx: &Cx<'js>,
    snapshot: &WorkerSnapshot,
) -> Fallible<'js, Ref<'js, ServiceWorker>> {
    let objects = Realm::of(cx).data::<Objects>();
    let known = objects
        .workers
        .borrow()
        .get(&snapshot.worker.id)
        .and_then(|worker| worker.get(cx));
    if let Some(known) = known {
        return Ok(known);
    }
    let object = ServiceWorker::create(cx, snapshot)?;
    objects
        .workers
        .borrow_mut()
        .insert(snapshot.worker.id, object.root(cx));
    Ok(object)
}

/// <https://w3c.github.io/ServiceWorker/#get-the-service-worker-registration-object>
pub(super) fn registration_object<'js>(
    cx: &Cx<'js>,
    snapshot: &RegistrationSnapshot,
) -> Fallible<'js, Ref<'js, ServiceWorkerRegistration>> {
    let objects = Realm::of(cx).data::<Objects>();
    let id = snapshot.registration.id;
    let known = objects
        .registrations
        .borrow()
        .get(&id)
        .and_then(|registration| registration.get(cx));
    if let Some(known) = known {
        known.set_update_via_cache(snapshot.update_via_cache);
        return Ok(known);
    }
    let object = ServiceWorkerRegistration::create(cx, snapshot)?;
    objects.registrations.borrow_mut().insert(id, object.root(cx));
    Ok(object)
}
