//! `ServiceWorkerContainer`.

use std::cell::RefCell;

use background_fetch::DomString;

use super::ServiceWorker;
use super::message::enable_client_messages;
use super::objects::{Objects, asked, registration_object, worker_object};
use crate::bindings::{RegistrationOptions, ServiceWorkerContainerMethods};
use crate::engine::{Cx, Promise, Slots, Value};
use crate::host::Host;
use crate::host::service_workers::{
    Job, JobKind, Outcome, Refusal, RegistrationSnapshot, ServiceWorkers, WorkerSnapshot, check_urls,
};
use crate::interfaces::{EventTarget, create_event};
use crate::realm::Realm;
use crate::webidl::{Error, Fallible, Inherits, Ref, Settles, ToJs, create, resolved};

/// `navigator.serviceWorker`
///
/// <https://w3c.github.io/ServiceWorker/#serviceworkercontainer-interface>
pub struct ServiceWorkerContainer {
    target: EventTarget,
    controller: RefCell<Option<WorkerSnapshot>>,
}

const READY: &str = "ready";
const CONTAINER: &str = "serviceWorker";

impl Inherits<EventTarget> for ServiceWorkerContainer {
    fn parent(&self) -> &EventTarget {
        &self.target
    }
}

impl ServiceWorkerContainer {
    /// A script sets `onmessage`: the client message queue is enabled.
    fn listened<'js>(_: &Ref<'js, EventTarget>, cx: &Cx<'js>, type_: &DomString, is_handler: bool) {
        if is_handler && *type_ == "message" {
            enable_client_messages(cx);
        }
    }

    /// The container of a realm, which is kept in a slot of its navigator.
    pub(crate) fn of<'js>(cx: &Cx<'js>, slots: &Slots<'js>) -> Fallible<'js, Ref<'js, Self>> {
        if let Some(container) = slots.named(CONTAINER) {
            return crate::webidl::FromJs::from_js(cx, &container);
        }
        let objects = Realm::of(cx).data::<Objects>();
        let environment = objects.environment();
        let controller = environment.and_then(|id| Host::of(cx).service_workers.controller(id));
        let state = Self {
            target: EventTarget::observed(Self::listened),
            controller: RefCell::new(controller),
        };
        let container = create(cx, state, Slots::default())?;
        slots.set_named(CONTAINER, container.value());
        *objects.container.borrow_mut() = Some(container.root(cx));
        Ok(container)
    }
}

impl ServiceWorkerContainerMethods for ServiceWorkerContainer {
    fn controller<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
    ) -> Fallible<'js, Option<Ref<'js, ServiceWorker>>> {
        let controller = this.controller.borrow().clone();
        controller
            .map(|snapshot| worker_object(cx, &snapshot))
            .transpose()
    }

    /// <https://w3c.github.io/ServiceWorker/#navigator-service-worker-ready>
    fn ready<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Promise<'js>> {
        // 1. The same promise each time.
        if let Some(promise) = this.slots().named(READY).and_then(|promise| promise.as_promise()) {
            return Ok(promise);
        }
        let (promise, settles) = Settles::new(cx)?;
        this.slots().set_named(READY, promise.value());
        let objects = Realm::of(cx).data::<Objects>();
        *objects.ready.borrow_mut() = Some(settles);
        // 3. There may be an active worker already; otherwise its activation resolves it.
        let environment = objects.environment();
        let found = environment.and_then(|id| Host::of(cx).service_workers.ready_registration(id));
        if let Some(snapshot) = found {
            Realm::of(cx).handle().queue_task(move |cx| ready(cx, snapshot));
        } else if Realm::of(cx).has_guide() {
            // When the script that runs has had its chance to register one.
            Realm::of(cx).spawn_then(async {}, |cx, ()| {
                let client = Realm::of(cx).settings().client.clone();
                ServiceWorkers::register_for_guide(&Host::of(cx), client);
            });
        }
        Ok(promise)
    }

    /// <https://w3c.github.io/ServiceWorker/#navigator-service-worker-register>
    fn register<'js>(
        _: &Ref<'js, Self>,
        cx: &Cx<'js>,
        script_url: String,
        options: RegistrationOptions,
    ) -> Fallible<'js, Promise<'js>> {
        let client = Realm::of(cx).settings().client.clone();
        let parse = |url: &str| {
            let parsed = client.base_url.join(url);
            parsed.map_err(|error| Error::type_error(format!("{url:.200} is not a URL: {error}")))
        };
        // 4 to 7. The URLs.
        let mut script_url = parse(&script_url)?;
        let scope = options.scope.as_deref().map(parse).transpose()?;
        let key = check_urls(&mut script_url, scope.as_ref(), client.storage_key.clone())?;
        // 8. The job.
        let (promise, answer) = asked(cx)?;
        let job = Job {
            kind: JobKind::Register,
            key,
            script_url: Some(script_url),
            worker_type: options.type_,
            update_via_cache: options.update_via_cache,
            force_bypass_cache: false,
            only_where_none: false,
            client,
            answers: vec![answer],
        };
        ServiceWorkers::schedule_job(&Host::of(cx), job);
        Ok(promise)
    }

    /// <https://w3c.github.io/ServiceWorker/#navigator-service-worker-getRegistration>
    fn get_registration<'js>(
        _: &Ref<'js, Self>,
        cx: &Cx<'js>,
        client_url: String,
    ) -> Fallible<'js, Promise<'js>> {
        let client = Realm::of(cx).settings().client.clone();
        // 2 to 4. The URL.
        let url = client.base_url.join(&client_url);
        let mut url =
            url.map_err(|error| Error::type_error(format!("{client_url:.200} is not a URL: {error}")))?;
        url.set_fragment(None);
        // 5. Of the same origin.
        let origin = url.origin().ascii_serialization();
        if client.origin.as_ref() != Some(&origin) {
            let own = client.origin.unwrap_or_default();
            return Err(Refusal::dom("SecurityError", format!("{url} is not of the origin {own}")).into());
        }
        // 8. The registration that it is in.
        let (promise, answer) = asked(cx)?;
        let found = Host::of(cx)
            .service_workers
            .match_registration(&client.storage_key, &url);
        let snapshot = found.map(|registration| registration.snapshot());
        answer.give(Ok(Outcome::Registration(snapshot)));
        Ok(promise)
    }

    /// <https://w3c.github.io/ServiceWorker/#navigator-service-worker-getRegistrations>
    fn get_registrations<'js>(_: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Promise<'js>> {
        let storage_key = Realm::of(cx).settings().client.storage_key.clone();
        let found = Host::of(cx).service_workers.registrations(&storage_key);
        let objects: Result<Vec<Value<'js>>, _> = found
            .iter()
            .map(|registration| registration_object(cx, &registration.snapshot())?.to_js(cx))
            .collect();
        let array = cx.array(&objects?)?;
        array.freeze(cx)?;
        resolved(cx, &array.value())
    }

    /// <https://w3c.github.io/ServiceWorker/#navigator-service-worker-startMessages>
    fn start_messages<'js>(_: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, ()> {
        enable_client_messages(cx);
        Ok(())
    }
}

/// The task of an activation that a page's `ready` waits for.
pub(crate) fn ready(cx: &Cx<'_>, snapshot: RegistrationSnapshot) {
    let settles = Realm::of(cx).data::<Objects>().ready.borrow_mut().take();
    if let Some(settles) = settles {
        let object = registration_object(cx, &snapshot).and_then(|object| object.to_js(cx));
        settles.settle(cx, object);
    }
}

/// The task of another controller.
///
/// <https://w3c.github.io/ServiceWorker/#notify-controller-change-algorithm>
pub(crate) fn controller_changed(cx: &Cx<'_>, controller: Option<WorkerSnapshot>) {
    let objects = Realm::of(cx).data::<Objects>();
    let container = objects
        .container
        .borrow()
        .as_ref()
        .and_then(|container| container.get(cx));
    let Some(container) = container else { return };
    *container.controller.borrow_mut() = controller;
    if let Ok(event) = create_event(cx, "controllerchange") {
        EventTarget::dispatch(&container.upcast(), cx, &event);
    }
}
