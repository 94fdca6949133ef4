//! `ServiceWorkerGlobalScope`.

use std::sync::Arc;

use super::objects::{registration_object, worker_object};
use super::{Clients, ServiceWorker, ServiceWorkerRegistration};
use crate::bindings::ServiceWorkerGlobalScopeMethods;
use crate::engine::{Cx, Promise};
use crate::host::Host;
use crate::host::service_workers::{ServiceWorkers, Worker};
use crate::interfaces::WorkerGlobalScope;
use crate::realm::Realm;
use crate::webidl::{Error, Fallible, Inherits, Ref, resolved, same_object};

/// The worker that a realm is of.
pub struct WorkerRealm {
    /// The worker.
    pub worker: Arc<Worker>,
}

impl WorkerRealm {
    pub(crate) fn new(worker: Arc<Worker>) -> Self {
        Self { worker }
    }

    /// That of a realm of a service worker.
    ///
    /// # Errors
    ///
    /// An InvalidStateError where it is none.
    pub(crate) fn worker_of<'js>(cx: &Cx<'js>) -> Fallible<'js, Arc<Worker>> {
        let own = Realm::of(cx).data_of::<Self>();
        let own = own.ok_or_else(|| Error::dom("InvalidStateError", "it is no service worker"))?;
        Ok(Arc::clone(&own.worker))
    }
}

/// The global of a service worker.
///
/// <https://w3c.github.io/ServiceWorker/#serviceworkerglobalscope-interface>
#[derive(Default)]
pub struct ServiceWorkerGlobalScope(WorkerGlobalScope);

impl Inherits<WorkerGlobalScope> for ServiceWorkerGlobalScope {
    fn parent(&self) -> &WorkerGlobalScope {
        &self.0
    }
}

impl ServiceWorkerGlobalScopeMethods for ServiceWorkerGlobalScope {
    fn clients<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Ref<'js, Clients>> {
        same_object(this, cx, "clients", || Clients)
    }

    fn registration<'js>(
        _: &Ref<'js, Self>,
        cx: &Cx<'js>,
    ) -> Fallible<'js, Ref<'js, ServiceWorkerRegistration>> {
        let worker = WorkerRealm::worker_of(cx)?;
        let host = Host::of(cx);
        // Until it is installing it is in no place of its registration.
        let registration = host
            .service_workers
            .registration_of(&worker)
            .or_else(|| host.service_workers.registration(&worker.registration));
        match registration {
            Some(registration) => registration_object(cx, &registration.snapshot()),
            None => Err(Error::dom("InvalidStateError", "the registration is gone")),
        }
    }

    fn service_worker<'js>(_: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Ref<'js, ServiceWorker>> {
        let worker = WorkerRealm::worker_of(cx)?;
        worker_object(cx, &worker.snapshot())
    }

    fn skip_waiting<'js>(_: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Promise<'js>> {
        let worker = WorkerRealm::worker_of(cx)?;
        ServiceWorkers::skip_waiting(&Host::of(cx), &worker);
        resolved(cx, &cx.undefined())
    }
}
