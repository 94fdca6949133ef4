//! `WorkerGlobalScope` and `DedicatedWorkerGlobalScope`.

use background_fetch::DomString;

use super::worker::post_to_parent;
use super::{WorkerLocation, WorkerNavigator, window_or_worker_global_scope};
use crate::bindings::{
    DedicatedWorkerGlobalScopeMethods, StructuredSerializeOptions, WorkerGlobalScopeMethods,
};
use crate::engine::{Cx, Object, Value};
use crate::interfaces::EventTarget;
use crate::realm::Realm;
use crate::webidl::{Fallible, Inherits, Ref, same_object};

/// What all workers' globals have.
///
/// <https://html.spec.whatwg.org/multipage/workers.html#the-workerglobalscope-common-interface>
#[derive(Default)]
pub struct WorkerGlobalScope(EventTarget);

impl Inherits<EventTarget> for WorkerGlobalScope {
    fn parent(&self) -> &EventTarget {
        &self.0
    }
}

impl WorkerGlobalScopeMethods for WorkerGlobalScope {
    window_or_worker_global_scope!();

    fn self_<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, Ref<'js, WorkerGlobalScope>> {
        Ok(this.clone())
    }

    fn location<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Ref<'js, WorkerLocation>> {
        same_object(this, cx, "location", || {
            WorkerLocation(Realm::of(cx).settings().client.base_url.clone())
        })
    }

    fn navigator<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Ref<'js, WorkerNavigator>> {
        same_object(this, cx, "navigator", || WorkerNavigator)
    }

    fn import_scripts<'js>(_: &Ref<'js, Self>, cx: &Cx<'js>, urls: Vec<String>) -> Fallible<'js, ()> {
        super::import_scripts::import_scripts(cx, &urls)
    }
}

/// The global of a dedicated worker.
///
/// <https://html.spec.whatwg.org/multipage/workers.html#dedicated-workers-and-the-dedicatedworkerglobalscope-interface>
pub struct DedicatedWorkerGlobalScope {
    worker: WorkerGlobalScope,
    /// The name that its maker gave it.
    name: DomString,
}

impl DedicatedWorkerGlobalScope {
    /// That of a worker with a name.
    pub(super) fn new(name: DomString) -> Self {
        let worker = WorkerGlobalScope::default();
        Self { worker, name }
    }
}

impl Inherits<WorkerGlobalScope> for DedicatedWorkerGlobalScope {
    fn parent(&self) -> &WorkerGlobalScope {
        &self.worker
    }
}

impl DedicatedWorkerGlobalScopeMethods for DedicatedWorkerGlobalScope {
    fn name<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
        Ok(this.name.clone())
    }

    fn post_message<'js>(
        _: &Ref<'js, Self>,
        cx: &Cx<'js>,
        message: Value<'js>,
        transfer: Vec<Object<'js>>,
    ) -> Fallible<'js, ()> {
        post_to_parent(cx, &message, &transfer)
    }

    fn post_message_2<'js>(
        _: &Ref<'js, Self>,
        cx: &Cx<'js>,
        message: Value<'js>,
        options: StructuredSerializeOptions<'js>,
    ) -> Fallible<'js, ()> {
        post_to_parent(cx, &message, &options.transfer)
    }

    fn close<'js>(_: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, ()> {
        Realm::of(cx).close();
        Ok(())
    }
}
