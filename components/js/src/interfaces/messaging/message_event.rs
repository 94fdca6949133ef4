//! `MessageEvent`.

use std::cell::RefCell;

use background_fetch::DomString;

use super::MessagePort;
use crate::bindings::{MessageEventInit, MessageEventMethods, MessageEventSource};
use crate::engine::{Cx, Object, Slots, Value};
use crate::interfaces::{Event, EventTarget};
use crate::webidl::{Fallible, FromJs, Inherits, Ref, ToJs, create};

/// A message, or why there is none.
///
/// <https://html.spec.whatwg.org/multipage/comms.html#messageevent>
pub struct MessageEvent {
    event: Event,
    strings: RefCell<Strings>,
}

#[derive(Default)]
struct Strings {
    origin: String,
    last_event_id: DomString,
}

/// What a message event says.
#[derive(Clone, Debug)]
pub struct Message<'js> {
    /// The message itself.
    pub data: Value<'js>,
    /// The origin that it comes from, where that is said.
    pub origin: String,
    /// Whom it comes from: an object, or null.
    pub source: Value<'js>,
    /// The ports that came with it.
    pub ports: Vec<Ref<'js, MessagePort>>,
}

const DATA: &str = "data";
const SOURCE: &str = "source";
const PORTS: &str = "ports";

impl<'js> Message<'js> {
    /// One without origin, source and ports.
    pub fn new(cx: &Cx<'js>, data: Value<'js>) -> Self {
        Self {
            data,
            origin: String::new(),
            source: cx.null(),
            ports: Vec::new(),
        }
    }

    /// Fires a trusted event at a target: of the type `message`, or `messageerror`.
    ///
    /// # Errors
    ///
    /// Where the engine has no memory.
    pub fn fire(self, cx: &Cx<'js>, type_: &str, target: &Ref<'js, EventTarget>) -> Fallible<'js, ()> {
        let slots = Slots::default();
        fill(cx, &slots, self.data, self.source, &self.ports)?;
        let event = MessageEvent {
            event: Event::trusted(cx, type_),
            strings: RefCell::new(Strings {
                origin: self.origin,
                last_event_id: DomString::default(),
            }),
        };
        let event = create(cx, event, slots)?;
        EventTarget::dispatch(target, cx, &event.upcast());
        Ok(())
    }
}

fn fill<'js>(
    cx: &Cx<'js>,
    slots: &Slots<'js>,
    data: Value<'js>,
    source: Value<'js>,
    ports: &[Ref<'js, MessagePort>],
) -> Fallible<'js, ()> {
    let ports: Vec<_> = ports.iter().map(|port| port.value()).collect();
    slots.set_named(DATA, data);
    slots.set_named(SOURCE, source);
    slots.set_named(PORTS, cx.frozen_array(&ports)?.value());
    Ok(())
}

impl Inherits<Event> for MessageEvent {
    fn parent(&self) -> &Event {
        &self.event
    }
}

impl MessageEventMethods for MessageEvent {
    fn kept_bytes(&self) -> usize {
        let strings = self.strings.borrow();
        strings.origin.len() + 2 * strings.last_event_id.len()
    }

    fn constructor<'js>(
        cx: &Cx<'js>,
        slots: &Slots<'js>,
        type_: DomString,
        event_init_dict: MessageEventInit<'js>,
    ) -> Fallible<'js, Self> {
        let source = event_init_dict.source.to_js(cx)?;
        fill(cx, slots, event_init_dict.data, source, &event_init_dict.ports)?;
        Ok(Self {
            event: Event::new(cx, type_, &event_init_dict.parent),
            strings: RefCell::new(Strings {
                origin: event_init_dict.origin,
                last_event_id: event_init_dict.last_event_id,
            }),
        })
    }

    fn data<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Value<'js>> {
        this.required_slot(cx, DATA)
    }

    fn origin<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, String> {
        Ok(this.strings.borrow().origin.clone())
    }

    fn last_event_id<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
        Ok(this.strings.borrow().last_event_id.clone())
    }

    fn source<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Option<MessageEventSource<'js>>> {
        let source = this.slots().named(SOURCE);
        Option::from_js(cx, &source.unwrap_or_else(|| cx.null()))
    }

    fn ports<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Object<'js>> {
        this.required_slot(cx, PORTS)
    }

    fn init_message_event<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        type_: DomString,
        bubbles: bool,
        cancelable: bool,
        data: Value<'js>,
        origin: String,
        last_event_id: DomString,
        source: Option<MessageEventSource<'js>>,
        ports: Vec<Ref<'js, MessagePort>>,
    ) -> Fallible<'js, ()> {
        if !this.event.initialize_by_script(type_, bubbles, cancelable) {
            return Ok(());
        }
        *this.strings.borrow_mut() = Strings {
            origin,
            last_event_id,
        };
        fill(cx, this.slots(), data, source.to_js(cx)?, &ports)
    }
}
