//! `MessageChannel`.

use super::{MessagePort, entangled};
use crate::bindings::MessageChannelMethods;
use crate::engine::{Cx, Slots};
use crate::webidl::{Fallible, Ref};

/// Two ports that are entangled.
///
/// <https://html.spec.whatwg.org/multipage/web-messaging.html#message-channels>
pub struct MessageChannel(());

const PORT_1: &str = "port1";
const PORT_2: &str = "port2";

impl MessageChannelMethods for MessageChannel {
    fn constructor<'js>(cx: &Cx<'js>, slots: &Slots<'js>) -> Fallible<'js, Self> {
        let [first, second] = entangled::entangle();
        slots.set_named(PORT_1, MessagePort::of_end(cx, first)?.value());
        slots.set_named(PORT_2, MessagePort::of_end(cx, second)?.value());
        Ok(Self(()))
    }

    fn port1<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Ref<'js, MessagePort>> {
        this.required_slot(cx, PORT_1)
    }

    fn port2<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Ref<'js, MessagePort>> {
        this.required_slot(cx, PORT_2)
    }
}
