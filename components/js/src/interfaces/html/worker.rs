//! `Worker`, and the realm of a dedicated worker.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use url::Url;

use super::report::{ErrorInformation, fire_error_at};
use crate::bindings::{StructuredSerializeOptions, WorkerMethods, WorkerOptions, WorkerType};
use crate::engine::{Cx, Object, Slots, Value};
use crate::host::Level;
use crate::host::page::take_policies;
use crate::host::scripts::{ScriptUse, blob_script, load};
use crate::interfaces::console::print;
use crate::interfaces::messaging::Message;
use crate::interfaces::structured_clone::{Serialized, structured_serialize};
use crate::interfaces::{BlobData, EventTarget, create_event, define_globals, enable_client_messages};
use crate::realm::{Realm, RealmHandle, Settings, report_thrown, spawn};
use crate::webidl::{Error, Fallible, Globals, Inherits, Ref, Rooted};

/// The heap of a dedicated worker: there may be several.
const HEAP: usize = 128 << 20;

/// A dedicated worker, from outside.
///
/// <https://html.spec.whatwg.org/multipage/workers.html#dedicated-workers-and-the-worker-interface>
pub struct Worker {
    target: EventTarget,
    realm: RealmHandle,
}

/// The workers that a realm has made; they end with it.
#[derive(Default)]
struct Children {
    last: Cell<u64>,
    workers: RefCell<HashMap<u64, Child>>,
}

/// A worker: its realm, and the object that stands for it once it is made.
type Child = (RealmHandle, Option<Rooted<Worker>>);

impl Drop for Children {
    fn drop(&mut self) {
        for (realm, _) in self.workers.borrow().values() {
            realm.close();
        }
    }
}

/// The realm that made a worker.
struct Parent {
    realm: RealmHandle,
    id: u64,
}

impl Parent {
    /// Queues a task there, with the object that stands for the worker.
    fn queue_task(&self, task: impl for<'js> FnOnce(&Cx<'js>, &Ref<'js, Worker>) + Send + 'static) {
        let id = self.id;
        self.realm.queue_task(move |cx| {
            let children = Realm::of(cx).data::<Children>();
            let worker = children
                .workers
                .borrow()
                .get(&id)
                .and_then(|(_, worker)| worker.as_ref()?.get(cx));
            if let Some(worker) = worker {
                task(cx, &worker);
            }
        });
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        let id = self.id;
        self.realm.queue_task(move |cx| {
            let children = Realm::of(cx).data::<Children>();
            let gone = children.workers.borrow_mut().remove(&id);
            drop(gone);
        });
    }
}

impl Inherits<EventTarget> for Worker {
    fn parent(&self) -> &EventTarget {
        &self.target
    }
}

impl Worker {
    fn post<'js>(&self, cx: &Cx<'js>, message: &Value<'js>, transfer: &[Object<'js>]) -> Fallible<'js, ()> {
        let serialized = structured_serialize(cx, message, transfer)?;
        self.realm.queue_task(move |cx| {
            let received = Ref::of(cx, &cx.global()).and_then(|global| receive(cx, serialized, &global));
            report_thrown(cx, received);
        });
        Ok(())
    }
}

/// Fires the event of a message.
fn receive<'js>(cx: &Cx<'js>, message: Serialized, target: &Ref<'js, EventTarget>) -> Fallible<'js, ()> {
    match message.deserialize(cx) {
        Ok(received) => {
            let ports = received.ports(cx);
            let message = Message {
                ports,
                ..Message::new(cx, received.value)
            };
            message.fire(cx, "message", target)
        }
        Err(_) => Message::new(cx, cx.null()).fire(cx, "messageerror", target),
    }
}

/// Sends a message from a worker to whoever made it.
pub(super) fn post_to_parent<'js>(
    cx: &Cx<'js>,
    message: &Value<'js>,
    transfer: &[Object<'js>],
) -> Fallible<'js, ()> {
    let serialized = structured_serialize(cx, message, transfer)?;
    if let Some(parent) = Realm::of(cx).data_of::<Parent>() {
        parent.queue_task(|cx, worker| {
            let received = receive(cx, serialized, &worker.upcast());
            report_thrown(cx, received);
        });
    }
    Ok(())
}

/// Has an error that a worker did not handle reported where it was made; false where it is no dedicated worker.
///
/// <https://html.spec.whatwg.org/multipage/webappapis.html#report-an-exception>
pub(super) fn report_to_parent(cx: &Cx<'_>, information: &ErrorInformation, text: &str) -> bool {
    let Some(parent) = Realm::of(cx).data_of::<Parent>() else {
        return false;
    };
    let (information, text) = (information.clone(), text.to_owned());
    parent.queue_task(move |cx, worker| {
        let canceled = fire_error_at(cx, &worker.upcast(), &information, None);
        if !canceled {
            print(cx, Level::Error, &text);
        }
    });
    true
}

impl WorkerMethods for Worker {
    /// <https://html.spec.whatwg.org/multipage/workers.html#dom-worker>
    fn constructor<'js>(
        cx: &Cx<'js>,
        slots: &Slots<'js>,
        script_url: String,
        options: WorkerOptions,
    ) -> Fallible<'js, Self> {
        // 2 to 4. The URL.
        let realm = Realm::of(cx);
        let url = realm.settings().client.base_url.join(&script_url);
        let url = url
            .map_err(|error| Error::dom("SyntaxError", format!("{script_url:.200} is not a URL: {error}")))?;
        // 5 to 9. Its realm, in parallel.
        // What comes from the network has policies of its own; what is local has those of whoever made it.
        let is_local = matches!(url.scheme(), "blob" | "data");
        let mut client = if is_local {
            realm.client()
        } else {
            realm.settings().client.clone()
        };
        client.base_url = url.clone();
        if url.scheme() == "data" {
            client.origin = Some("null".to_owned());
        }
        let mut settings = Settings {
            kind: Globals::DEDICATED_WORKER,
            client,
            is_module: options.type_ == WorkerType::Module,
            name: options.name,
            ..realm.settings().clone()
        };
        settings.limits.memory = settings.limits.memory.min(HEAP);
        let children = realm.data::<Children>();
        let id = children.last.get() + 1;
        children.last.set(id);
        // It is resolved now: a script may take it away before it is fetched.
        let blob = realm
            .settings()
            .host
            .blob_urls
            .resolve(&url, &realm.settings().client);
        let parent = realm.handle().clone();
        let place = settings.account.worker();
        let place = place.map_err(|message| Error::dom("OperationError", message))?;
        let child = spawn("worker", settings, move |cx| {
            let realm = Realm::of(cx);
            realm.set_data(Rc::new(Parent { realm: parent, id }));
            realm.set_data(Rc::new(place));
            begin(cx, &url, blob);
        });
        let child = child.map_err(|message| Error::dom("OperationError", message))?;
        children.workers.borrow_mut().insert(id, (child.clone(), None));
        slots.when_created(Box::new(move |cx, object| {
            let Ok(worker) = Ref::<Self>::of(cx, object) else {
                return;
            };
            let children = Realm::of(cx).data::<Children>();
            if let Some((_, rooted)) = children.workers.borrow_mut().get_mut(&id) {
                *rooted = Some(worker.root(cx));
            }
        }));
        Ok(Self {
            target: EventTarget::default(),
            realm: child,
        })
    }

    fn terminate<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, ()> {
        this.realm.close();
        Ok(())
    }

    fn post_message<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        message: Value<'js>,
        transfer: Vec<Object<'js>>,
    ) -> Fallible<'js, ()> {
        this.post(cx, &message, &transfer)
    }

    fn post_message_2<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        message: Value<'js>,
        options: StructuredSerializeOptions<'js>,
    ) -> Fallible<'js, ()> {
        this.post(cx, &message, &options.transfer)
    }
}

/// The first task of a worker's realm: its script.
///
/// <https://html.spec.whatwg.org/multipage/workers.html#run-a-worker>
fn begin(cx: &Cx<'_>, url: &Url, blob: Option<BlobData>) {
    let realm = Realm::of(cx);
    if let Err(thrown) = define_globals(cx) {
        return report_thrown(cx, Err::<(), _>(thrown.into()));
    }
    let is_module = realm.settings().is_module;
    let what = match is_module {
        true => ScriptUse::Module,
        false => ScriptUse::Worker,
    };
    let script = match blob {
        Some(blob) => blob_script(url.clone(), blob, what),
        None => load(&realm, url, what),
    };
    let script = match script {
        Ok(script) => script,
        Err(message) => {
            // 11.1. There is no script: an event that says no more.
            if let Some(parent) = realm.data_of::<Parent>() {
                parent.queue_task(move |cx, worker| {
                    print(cx, Level::Error, &message);
                    if let Ok(event) = create_event(cx, "error") {
                        EventTarget::dispatch(&worker.upcast(), cx, &event);
                    }
                });
            }
            realm.close();
            return;
        }
    };
    take_policies(&realm, &script.headers);
    // A task that comes behind this one.
    enable_client_messages(cx);
    if !is_module {
        let ran = Realm::run_classic_script(cx, &script.source, script.url.as_str());
        return report_thrown(cx, ran.map_err(Error::from));
    }
    // What is thrown at the top level is a rejection, which is reported as every other.
    let promise = Realm::run_script(cx, || cx.run_module(&script.source, script.url.as_str()));
    report_thrown(cx, promise.map_err(Error::from));
}
