//! `ServiceWorker`.

use std::cell::Cell;
use std::sync::Arc;

use super::message::post_to_worker;
use super::objects::Objects;
use crate::bindings::{ServiceWorkerMethods, ServiceWorkerState, StructuredSerializeOptions};
use crate::engine::{Cx, Object, Slots, Value};
use crate::host::service_workers::{Worker, WorkerSnapshot};
use crate::interfaces::{EventTarget, create_event};
use crate::realm::Realm;
use crate::webidl::{Fallible, Inherits, Ref, create};

/// A service worker, in a realm.
///
/// <https://w3c.github.io/ServiceWorker/#serviceworker-interface>
pub struct ServiceWorker {
    target: EventTarget,
    pub(super) worker: Arc<Worker>,
    state: Cell<ServiceWorkerState>,
}

impl Inherits<EventTarget> for ServiceWorker {
    fn parent(&self) -> &EventTarget {
        &self.target
    }
}

impl ServiceWorker {
    pub(super) fn create<'js>(cx: &Cx<'js>, snapshot: &WorkerSnapshot) -> Fallible<'js, Ref<'js, Self>> {
        let state = Self {
            target: EventTarget::default(),
            worker: Arc::clone(&snapshot.worker),
            state: Cell::new(Realm::of(cx).data::<Objects>().state_of(snapshot)),
        };
        create(cx, state, Slots::default())
    }
}

impl ServiceWorkerMethods for ServiceWorker {
    fn script_url<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, String> {
        Ok(this.worker.script_url.to_string())
    }

    fn state<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, ServiceWorkerState> {
        Ok(this.state.get())
    }

    fn post_message<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        message: Value<'js>,
        transfer: Vec<Object<'js>>,
    ) -> Fallible<'js, ()> {
        post_to_worker(cx, &this.worker, &message, &transfer)
    }

    fn post_message_2<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        message: Value<'js>,
        options: StructuredSerializeOptions<'js>,
    ) -> Fallible<'js, ()> {
        post_to_worker(cx, &this.worker, &message, &options.transfer)
    }
}

/// The task of a worker's new state.
///
/// <https://w3c.github.io/ServiceWorker/#update-worker-state>
pub(crate) fn worker_state_changed(cx: &Cx<'_>, worker: &Arc<Worker>, state: ServiceWorkerState) {
    let objects = Realm::of(cx).data::<Objects>();
    objects.note_state(worker.id, state);
    let object = objects
        .workers
        .borrow()
        .get(&worker.id)
        .and_then(|worker| worker.get(cx));
    // 5.1. There may be no object for it; or one that was made when it was further already.
    let Some(object) = object.filter(|object| (object.state.get() as u8) < state as u8) else {
        return;
    };
    object.state.set(state);
    if let Ok(event) = create_event(cx, "statechange") {
        EventTarget::dispatch(&object.upcast(), cx, &event);
    }
}
