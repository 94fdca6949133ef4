//! Messages between pages and service workers.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::Arc;

use crate::engine::{Cx, Object, Value};
use crate::host::Host;
use crate::host::service_workers::{Environment, ServiceWorkers, Worker, WorkerSnapshot};
use crate::interfaces::messaging::Message;
use crate::interfaces::structured_clone::{Serialized, structured_serialize};
use crate::realm::{Realm, report_thrown};
use crate::webidl::{Fallible, ToJs};

use super::objects::{Objects, worker_object};
use super::{Client, ExtendableEvent, ExtendableMessageEvent, WorkerRealm};

/// Whom a message to a worker comes from.
enum Sender {
    Client(Box<Environment>),
    Worker(WorkerSnapshot),
}

impl Sender {
    fn of(cx: &Cx<'_>) -> Option<Self> {
        let realm = Realm::of(cx);
        if let Some(own) = realm.data_of::<WorkerRealm>() {
            return Some(Self::Worker(own.worker.snapshot()));
        }
        let id = realm.data::<Objects>().environment()?;
        let environment = Host::of(cx).service_workers.environment_by_id(id)?;
        Some(Self::Client(Box::new(environment)))
    }

    fn object<'js>(self, cx: &Cx<'js>) -> Fallible<'js, Value<'js>> {
        match self {
            Self::Client(environment) => Client::object(cx, *environment),
            Self::Worker(snapshot) => worker_object(cx, &snapshot)?.to_js(cx),
        }
    }
}

/// Sends a message to a worker.
///
/// <https://w3c.github.io/ServiceWorker/#service-worker-postmessage-options>
pub(super) fn post_to_worker<'js>(
    cx: &Cx<'js>,
    worker: &Arc<Worker>,
    message: &Value<'js>,
    transfer: &[Object<'js>],
) -> Fallible<'js, ()> {
    // 4. The message, as data.
    let serialized = structured_serialize(cx, message, transfer)?;
    // 5. Nobody listens.
    if worker.should_skip("message") {
        return Ok(());
    }
    // 6. Its event.
    let origin = Realm::of(cx).settings().client.origin.clone().unwrap_or_default();
    let Some(sender) = Sender::of(cx) else {
        return Ok(());
    };
    ServiceWorkers::post(&Host::of(cx), worker, move |cx, inactive| {
        let event = sender
            .object(cx)
            .and_then(|source| ExtendableMessageEvent::received(cx, serialized, &origin, source));
        ExtendableEvent::dispatch_made(cx, event, inactive);
    });
    Ok(())
}

/// Sends a message to a client.
///
/// <https://w3c.github.io/ServiceWorker/#client-postmessage-options>
pub(super) fn post_to_client<'js>(
    cx: &Cx<'js>,
    client: &Environment,
    message: &Value<'js>,
    transfer: &[Object<'js>],
) -> Fallible<'js, ()> {
    let serialized = structured_serialize(cx, message, transfer)?;
    let origin = Realm::of(cx).settings().client.origin.clone().unwrap_or_default();
    let source = WorkerRealm::worker_of(cx)?.snapshot();
    let message = Posted {
        serialized,
        origin,
        source,
    };
    client.realm.queue_task(move |cx| {
        let objects = Realm::of(cx).data::<Objects>();
        objects.messages.waiting.borrow_mut().push_back(message);
        if objects.messages.is_enabled.get() {
            receive_next(cx);
        }
    });
    Ok(())
}

/// A message to a client, on its way.
struct Posted {
    serialized: Serialized,
    origin: String,
    source: WorkerSnapshot,
}

/// Holds the messages to a client until it is ready for them.
///
/// <https://w3c.github.io/ServiceWorker/#dfn-client-message-queue>
#[derive(Default)]
pub(super) struct MessageQueue {
    is_enabled: Cell<bool>,
    waiting: RefCell<VecDeque<Posted>>,
}

/// Lets the messages of a client through: its document is there, or its script listens.
pub(crate) fn enable_client_messages(cx: &Cx<'_>) {
    let realm = Realm::of(cx);
    let objects = realm.data::<Objects>();
    if objects.messages.is_enabled.replace(true) {
        return;
    }
    // A task each; those that come behind stay behind.
    for _ in 0..objects.messages.waiting.borrow().len() {
        realm.handle().queue_task(receive_next);
    }
}

/// The task of a message to a client.
fn receive_next(cx: &Cx<'_>) {
    let next = Realm::of(cx)
        .data::<Objects>()
        .messages
        .waiting
        .borrow_mut()
        .pop_front();
    if let Some(message) = next {
        let received = receive(cx, message);
        report_thrown(cx, received);
    }
}

/// Fires the event of a message at the client's container.
fn receive<'js>(cx: &Cx<'js>, message: Posted) -> Fallible<'js, ()> {
    let Posted {
        serialized,
        origin,
        source,
    } = message;
    let objects = Realm::of(cx).data::<Objects>();
    let container = objects
        .container
        .borrow()
        .as_ref()
        .and_then(|container| container.get(cx));
    // The page is there, and nobody listens at what nobody has asked for.
    let Some(container) = container else { return Ok(()) };
    let source = worker_object(cx, &source)?.to_js(cx)?;
    let (type_, message) = match serialized.deserialize(cx) {
        Ok(received) => {
            let ports = received.ports(cx);
            let data = received.value;
            (
                "message",
                Message {
                    data,
                    origin,
                    source,
                    ports,
                },
            )
        }
        Err(_) => (
            "messageerror",
            Message {
                origin,
                source,
                ..Message::new(cx, cx.null())
            },
        ),
    };
    message.fire(cx, type_, &container.upcast())
}
