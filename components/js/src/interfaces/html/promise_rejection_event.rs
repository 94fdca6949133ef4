//! `PromiseRejectionEvent`.

use background_fetch::DomString;

use crate::bindings::{PromiseRejectionEventInit, PromiseRejectionEventMethods};
use crate::engine::{Cx, Object, Slots, Value};
use crate::interfaces::Event;
use crate::webidl::{Fallible, FromJs, Inherits, Ref};

/// The event of a promise that is rejected while nobody handles it, or handled after that.
///
/// <https://html.spec.whatwg.org/multipage/webappapis.html#promiserejectionevent>
pub struct PromiseRejectionEvent(Event);

const PROMISE: &str = "promise";
const REASON: &str = "reason";

impl PromiseRejectionEvent {
    /// An event whose promise and reason are in `slots`.
    pub(super) fn new<'js>(
        event: Event,
        slots: &Slots<'js>,
        promise: Value<'js>,
        reason: Option<Value<'js>>,
    ) -> Self {
        slots.set_named(PROMISE, promise);
        if let Some(reason) = reason {
            slots.set_named(REASON, reason);
        }
        Self(event)
    }
}

impl Inherits<Event> for PromiseRejectionEvent {
    fn parent(&self) -> &Event {
        &self.0
    }
}

impl PromiseRejectionEventMethods for PromiseRejectionEvent {
    fn constructor<'js>(
        cx: &Cx<'js>,
        slots: &Slots<'js>,
        type_: DomString,
        event_init_dict: PromiseRejectionEventInit<'js>,
    ) -> Fallible<'js, Self> {
        let event = Event::new(cx, type_, &event_init_dict.parent);
        let promise = event_init_dict.promise.value();
        Ok(Self::new(event, slots, promise, event_init_dict.reason))
    }

    fn promise<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Object<'js>> {
        let promise = this.slots().named(PROMISE);
        Object::from_js(cx, &promise.unwrap_or_else(|| cx.undefined()))
    }

    fn reason<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Value<'js>> {
        Ok(this.slots().named(REASON).unwrap_or_else(|| cx.undefined()))
    }
}
