//! `ServiceWorkerRegistration`.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::global_scope::WorkerRealm;
use super::objects::{Objects, asked, worker_object};
use crate::bindings::{
    ServiceWorkerRegistrationMethods, ServiceWorkerState, ServiceWorkerUpdateViaCache, WorkerType,
};
use crate::engine::{Cx, Promise, Slots};
use crate::host::Host;
use crate::host::service_workers::{
    Job, JobKind, Refusal, Registration, RegistrationSnapshot, ServiceWorkers, Slot, WorkerSnapshot,
};
use crate::interfaces::{BackgroundFetchManager, EventTarget, create_event};
use crate::realm::Realm;
use crate::webidl::{Fallible, FromJs, Inherits, Ref, create};

use super::ServiceWorker;

/// A registration, in a realm.
///
/// <https://w3c.github.io/ServiceWorker/#serviceworkerregistration-interface>
pub struct ServiceWorkerRegistration {
    target: EventTarget,
    registration: Arc<Registration>,
    workers: RefCell<[Option<WorkerSnapshot>; 3]>,
    update_via_cache: Cell<ServiceWorkerUpdateViaCache>,
}

impl Inherits<EventTarget> for ServiceWorkerRegistration {
    fn parent(&self) -> &EventTarget {
        &self.target
    }
}

impl ServiceWorkerRegistration {
    pub(super) fn create<'js>(
        cx: &Cx<'js>,
        snapshot: &RegistrationSnapshot,
    ) -> Fallible<'js, Ref<'js, Self>> {
        let state = Self {
            target: EventTarget::default(),
            registration: Arc::clone(&snapshot.registration),
            workers: RefCell::new(snapshot.workers.clone()),
            update_via_cache: Cell::new(snapshot.update_via_cache),
        };
        create(cx, state, Slots::default())
    }

    /// Whether it has an active worker, as far as this realm was told.
    pub fn has_active(&self) -> bool {
        self.workers.borrow()[Slot::Active as usize].is_some()
    }

    /// What it stands for.
    pub fn registration(&self) -> &Arc<Registration> {
        &self.registration
    }

    pub(super) fn set_update_via_cache(&self, value: ServiceWorkerUpdateViaCache) {
        self.update_via_cache.set(value);
    }

    fn worker<'js>(&self, cx: &Cx<'js>, slot: Slot) -> Fallible<'js, Option<Ref<'js, ServiceWorker>>> {
        let snapshot = self.workers.borrow()[slot as usize].clone();
        snapshot.map(|snapshot| worker_object(cx, &snapshot)).transpose()
    }

    fn newest(&self) -> Option<WorkerSnapshot> {
        self.workers.borrow().iter().flatten().next().cloned()
    }
}

impl ServiceWorkerRegistrationMethods for ServiceWorkerRegistration {
    fn background_fetch<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
    ) -> Fallible<'js, Ref<'js, BackgroundFetchManager>> {
        const MANAGER: &str = "backgroundFetch";
        if let Some(manager) = this.slots().named(MANAGER) {
            return Ref::from_js(cx, &manager);
        }
        let manager = crate::interfaces::Objects::of(cx)?.manager(cx, this)?;
        this.slots().set_named(MANAGER, manager.value());
        Ok(manager)
    }

    fn installing<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
    ) -> Fallible<'js, Option<Ref<'js, ServiceWorker>>> {
        this.worker(cx, Slot::Installing)
    }

    fn waiting<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Option<Ref<'js, ServiceWorker>>> {
        this.worker(cx, Slot::Waiting)
    }

    fn active<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Option<Ref<'js, ServiceWorker>>> {
        this.worker(cx, Slot::Active)
    }

    fn scope<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, String> {
        Ok(this.registration.key.scope.to_string())
    }

    fn update_via_cache<'js>(
        this: &Ref<'js, Self>,
        _: &Cx<'js>,
    ) -> Fallible<'js, ServiceWorkerUpdateViaCache> {
        Ok(this.update_via_cache.get())
    }

    /// <https://w3c.github.io/ServiceWorker/#service-worker-registration-update>
    fn update<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Promise<'js>> {
        // 2 and 3. There is something to update.
        let newest = this.newest().ok_or_else(|| {
            Refusal::dom(
                "InvalidStateError",
                "the registration has no worker to be updated",
            )
        })?;
        // 4. A worker that installs does not update itself.
        if let Some(own) = Realm::of(cx).data_of::<WorkerRealm>()
            && own.worker.state() == ServiceWorkerState::Installing
        {
            let message = "a worker that is installing does not update its registration";
            return Err(Refusal::dom("InvalidStateError", message).into());
        }
        // 5 to 7. The job.
        let (promise, answer) = asked(cx)?;
        let job = Job {
            kind: JobKind::Update,
            key: this.registration.key.clone(),
            script_url: Some(newest.worker.script_url.clone()),
            worker_type: newest.worker.type_,
            update_via_cache: this.registration.snapshot().update_via_cache,
            force_bypass_cache: false,
            only_where_none: false,
            client: Realm::of(cx).settings().client.clone(),
            answers: vec![answer],
        };
        ServiceWorkers::schedule_job(&Host::of(cx), job);
        Ok(promise)
    }

    /// <https://w3c.github.io/ServiceWorker/#navigator-service-worker-unregister>
    fn unregister<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Promise<'js>> {
        let (promise, answer) = asked(cx)?;
        let job = Job {
            kind: JobKind::Unregister,
            key: this.registration.key.clone(),
            script_url: None,
            worker_type: WorkerType::Classic,
            update_via_cache: ServiceWorkerUpdateViaCache::Imports,
            force_bypass_cache: false,
            only_where_none: false,
            client: Realm::of(cx).settings().client.clone(),
            answers: vec![answer],
        };
        ServiceWorkers::schedule_job(&Host::of(cx), job);
        Ok(promise)
    }
}

fn object_of<'js>(cx: &Cx<'js>, registration: &Registration) -> Option<Ref<'js, ServiceWorkerRegistration>> {
    let objects = Realm::of(cx).data::<Objects>();
    let registrations = objects.registrations.borrow();
    registrations.get(&registration.id)?.get(cx)
}

/// The task of a registration's new worker.
///
/// <https://w3c.github.io/ServiceWorker/#update-registration-state>
pub(crate) fn registration_changed(
    cx: &Cx<'_>,
    registration: &Arc<Registration>,
    slot: Slot,
    worker: Option<WorkerSnapshot>,
) {
    if let Some(object) = object_of(cx, registration) {
        object.workers.borrow_mut()[slot as usize] = worker;
    }
}

/// The task of an update that was found.
pub(crate) fn update_found(cx: &Cx<'_>, registration: &Arc<Registration>) {
    if let Some(object) = object_of(cx, registration)
        && let Ok(event) = create_event(cx, "updatefound")
    {
        EventTarget::dispatch(&object.upcast(), cx, &event);
    }
}
