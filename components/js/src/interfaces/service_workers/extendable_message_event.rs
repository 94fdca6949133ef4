//! `ExtendableMessageEvent`.

use background_fetch::DomString;

use super::ExtendableEvent;
use crate::bindings::{
    ClientOrServiceWorkerOrMessagePort, ExtendableMessageEventInit, ExtendableMessageEventMethods,
};
use crate::engine::{Cx, Object, Slots, Value};
use crate::interfaces::MessagePort;
use crate::interfaces::structured_clone::Serialized;
use crate::webidl::{Fallible, FromJs, Inherits, Ref, ToJs, create};

/// A message that a worker gets.
///
/// <https://w3c.github.io/ServiceWorker/#extendablemessageevent-interface>
pub struct ExtendableMessageEvent {
    event: ExtendableEvent,
    origin: String,
    last_event_id: DomString,
}

const DATA: &str = "data";
const SOURCE: &str = "source";
const PORTS: &str = "ports";

impl Inherits<ExtendableEvent> for ExtendableMessageEvent {
    fn parent(&self) -> &ExtendableEvent {
        &self.event
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

impl ExtendableMessageEvent {
    /// The event of a message: `messageerror`, where it cannot be read here.
    pub(super) fn received<'js>(
        cx: &Cx<'js>,
        message: Serialized,
        origin: &str,
        source: Value<'js>,
    ) -> Fallible<'js, Ref<'js, ExtendableEvent>> {
        let slots = Slots::default();
        let type_ = match message.deserialize(cx) {
            Ok(received) => {
                let ports = received.ports(cx);
                fill(cx, &slots, received.value, source, &ports)?;
                "message"
            }
            Err(_) => {
                fill(cx, &slots, cx.null(), source, &[])?;
                "messageerror"
            }
        };
        let event = Self {
            event: ExtendableEvent::trusted(cx, type_),
            origin: origin.to_owned(),
            last_event_id: DomString::default(),
        };
        Ok(create(cx, event, slots)?.upcast())
    }
}

impl ExtendableMessageEventMethods for ExtendableMessageEvent {
    fn kept_bytes(&self) -> usize {
        self.origin.len() + 2 * self.last_event_id.len()
    }

    fn constructor<'js>(
        cx: &Cx<'js>,
        slots: &Slots<'js>,
        type_: DomString,
        event_init_dict: ExtendableMessageEventInit<'js>,
    ) -> Fallible<'js, Self> {
        let source = event_init_dict.source.to_js(cx)?;
        fill(cx, slots, event_init_dict.data, source, &event_init_dict.ports)?;
        Ok(Self {
            event: ExtendableEvent::new(cx, type_, &event_init_dict.parent),
            origin: event_init_dict.origin,
            last_event_id: event_init_dict.last_event_id,
        })
    }

    fn data<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Value<'js>> {
        this.required_slot(cx, DATA)
    }

    fn origin<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, String> {
        Ok(this.origin.clone())
    }

    fn last_event_id<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
        Ok(this.last_event_id.clone())
    }

    fn source<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
    ) -> Fallible<'js, Option<ClientOrServiceWorkerOrMessagePort<'js>>> {
        let source = this.slots().named(SOURCE);
        Option::from_js(cx, &source.unwrap_or_else(|| cx.null()))
    }

    fn ports<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Object<'js>> {
        this.required_slot(cx, PORTS)
    }
}
