//! `MessagePort`.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use background_fetch::DomString;

use super::entangled::{End, PortId};
use super::message_event::Message;
use crate::bindings::{MessagePortMethods, StructuredSerializeOptions};
use crate::engine::{Cx, Object, Root, Slots, Value};
use crate::interfaces::structured_clone::structured_serialize;
use crate::interfaces::{EventTarget, create_event};
use crate::realm::{Realm, report_thrown};
use crate::webidl::{Error, Fallible, Inherits, Ref, Transferable, create};

/// One end of a channel.
///
/// <https://html.spec.whatwg.org/multipage/web-messaging.html#message-ports>
pub struct MessagePort {
    target: EventTarget,
    /// None where it was transferred.
    end: RefCell<Option<End>>,
    id: PortId,
    is_detached: Cell<bool>,
}

/// The ports of a realm.
#[derive(Default)]
struct Ports {
    next: Cell<u64>,
    ports: RefCell<HashMap<PortId, Held>>,
    /// How many there are when those that are gone are looked for again.
    sweeps_at: Cell<usize>,
}

/// How a realm holds a port.
enum Held {
    /// By a WeakRef: nobody waits for its messages.
    Weakly(Root),
    /// Its messages are events of the realm.
    Strongly(Root),
}

impl Held {
    fn port<'js>(&self, cx: &Cx<'js>) -> Option<Ref<'js, MessagePort>> {
        let object = match self {
            Self::Weakly(weak) => cx.deref(&weak.get(cx)).ok()??,
            Self::Strongly(root) => root.get(cx).as_object()?,
        };
        Ref::of(cx, &object).ok()
    }
}

impl Ports {
    fn find<'js>(cx: &Cx<'js>, id: PortId) -> Option<Ref<'js, MessagePort>> {
        Realm::of(cx).data::<Self>().ports.borrow().get(&id)?.port(cx)
    }

    fn next_id(&self) -> PortId {
        self.next.set(self.next.get() + 1);
        PortId(self.next.get())
    }

    fn hold(&self, id: PortId, held: Held) {
        let before = self.ports.borrow_mut().insert(id, held);
        drop(before);
    }

    fn forget(&self, id: PortId) {
        let before = self.ports.borrow_mut().remove(&id);
        drop(before);
    }

    /// Forgets ports that are gone, each time that there are twice as many.
    fn sweep(&self, cx: &Cx<'_>) {
        if self.ports.borrow().len() < self.sweeps_at.get().max(64) {
            return;
        }
        self.ports.borrow_mut().retain(|_, held| held.port(cx).is_some());
        self.sweeps_at.set(self.ports.borrow().len() * 2);
    }
}

impl Inherits<EventTarget> for MessagePort {
    fn parent(&self) -> &EventTarget {
        &self.target
    }
}

impl MessagePort {
    /// The port of an end, in this realm.
    pub(super) fn of_end<'js>(cx: &Cx<'js>, end: End) -> Fallible<'js, Ref<'js, Self>> {
        let realm = Realm::of(cx);
        let ports = realm.data::<Ports>();
        ports.sweep(cx);
        let id = ports.next_id();
        let port = Self {
            target: EventTarget::observed(Self::listened),
            end: RefCell::new(Some(end)),
            id,
            is_detached: Cell::new(false),
        };
        let port = create(cx, port, Slots::default())?;
        let weak = cx.weak(port.object())?;
        ports.hold(id, Held::Weakly(cx.root(&weak)));
        if let Some(end) = port.end.borrow().as_ref() {
            end.attach(realm.handle().clone(), id);
        }
        Ok(port)
    }

    /// A script sets `onmessage`: the port message queue is enabled.
    fn listened<'js>(target: &Ref<'js, EventTarget>, cx: &Cx<'js>, type_: &DomString, is_handler: bool) {
        if let Some(port) = target
            .downcast::<Self>()
            .filter(|_| is_handler && *type_ == "message")
        {
            Self::enable(&port, cx);
        }
    }

    fn enable<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) {
        let end = this.end.borrow();
        let Some(end) = end.as_ref() else { return };
        if end.is_entangled() || end.has_messages() {
            let ports = Realm::of(cx).data::<Ports>();
            ports.hold(this.id, Held::Strongly(cx.root(&this.value())));
        }
        end.enable();
    }

    /// Nothing will come any more: it lives as long as somebody has it.
    fn let_go_where_over<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) {
        let is_over = match this.end.borrow().as_ref() {
            Some(end) => !end.is_entangled() && !end.has_messages(),
            None => true,
        };
        if is_over {
            Realm::of(cx).data::<Ports>().forget(this.id);
        }
    }

    /// The task of a message.
    ///
    /// <https://html.spec.whatwg.org/multipage/web-messaging.html#message-port-post-message-steps>
    pub(super) fn deliver(cx: &Cx<'_>, id: PortId) {
        let Some(this) = Ports::find(cx, id) else { return };
        let message = this.end.borrow().as_ref().and_then(End::take);
        if let Some(message) = message {
            // 7.3 to 7.6.
            let fired = match message.deserialize(cx) {
                Ok(deserialized) => {
                    let ports = deserialized.ports(cx);
                    let message = Message {
                        ports,
                        ..Message::new(cx, deserialized.value)
                    };
                    message.fire(cx, "message", &this.upcast())
                }
                Err(_) => Message::new(cx, cx.null()).fire(cx, "messageerror", &this.upcast()),
            };
            report_thrown(cx, fired);
        }
        Self::let_go_where_over(&this, cx);
    }

    /// The task of the other port's end.
    pub(super) fn other_is_gone(cx: &Cx<'_>, id: PortId) {
        let Some(this) = Ports::find(cx, id) else { return };
        if let Ok(event) = create_event(cx, "close") {
            EventTarget::dispatch(&this.upcast(), cx, &event);
        }
        Self::let_go_where_over(&this, cx);
    }

    /// <https://html.spec.whatwg.org/multipage/web-messaging.html#message-port-post-message-steps>
    fn post<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        message: &Value<'js>,
        transfer: &[Object<'js>],
    ) -> Fallible<'js, ()> {
        // 2.
        if transfer.contains(this.object()) {
            let message = "a port cannot be transferred through itself";
            return Err(Error::dom("DataCloneError", message));
        }
        // 3 and 4. The other port may be among what goes through it: then nobody is there to take it.
        let is_doomed = transfer.iter().any(|object| {
            let port = Ref::<Self>::of(cx, object).ok();
            port.is_some_and(|port| {
                let (end, other) = (this.end.borrow(), port.end.borrow());
                matches!((end.as_ref(), other.as_ref()), (Some(end), Some(other)) if end.is_with(other))
            })
        });
        // 5.
        let serialized = structured_serialize(cx, message, transfer)?;
        // 6 and 7.
        if let Some(end) = this.end.borrow().as_ref().filter(|_| !is_doomed) {
            end.post(serialized);
        }
        Ok(())
    }
}

impl Transferable for MessagePort {
    type Data = End;

    fn is_detached(this: &Ref<'_, Self>) -> bool {
        this.is_detached.get()
    }

    /// <https://html.spec.whatwg.org/multipage/web-messaging.html#message-ports:transfer-steps>
    fn transfer<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, End> {
        let end = this.end.take();
        let end = end.ok_or_else(|| Error::dom("DataCloneError", "the port is detached already"))?;
        this.is_detached.set(true);
        end.detach();
        Realm::of(cx).data::<Ports>().forget(this.id);
        Ok(end)
    }

    /// <https://html.spec.whatwg.org/multipage/web-messaging.html#message-ports:transfer-receiving-steps>
    fn receive<'js>(cx: &Cx<'js>, end: End) -> Fallible<'js, Ref<'js, Self>> {
        Self::of_end(cx, end)
    }
}

impl MessagePortMethods for MessagePort {
    fn post_message<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        message: Value<'js>,
        transfer: Vec<Object<'js>>,
    ) -> Fallible<'js, ()> {
        Self::post(this, cx, &message, &transfer)
    }

    fn post_message_2<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        message: Value<'js>,
        options: StructuredSerializeOptions<'js>,
    ) -> Fallible<'js, ()> {
        Self::post(this, cx, &message, &options.transfer)
    }

    fn start<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, ()> {
        Self::enable(this, cx);
        Ok(())
    }

    fn close<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, ()> {
        this.is_detached.set(true);
        // What came before is still given to it.
        if let Some(end) = this.end.borrow().as_ref() {
            end.disentangle();
        }
        Self::let_go_where_over(this, cx);
        Ok(())
    }
}
