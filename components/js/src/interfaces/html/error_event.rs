//! `ErrorEvent`.

use background_fetch::DomString;

use crate::bindings::{ErrorEventInit, ErrorEventMethods};
use crate::engine::{Cx, Slots, Value};
use crate::interfaces::Event;
use crate::webidl::{Fallible, Inherits, Ref};

/// The event of an exception that nobody catches.
///
/// <https://html.spec.whatwg.org/multipage/webappapis.html#the-errorevent-interface>
pub struct ErrorEvent {
    event: Event,
    /// Where, and what.
    pub(super) message: DomString,
    pub(super) filename: String,
    pub(super) lineno: u32,
    pub(super) colno: u32,
}

const ERROR: &str = "error";

impl ErrorEvent {
    /// An event whose error is in `slots`.
    pub(super) fn new<'js>(event: Event, slots: &Slots<'js>, init: ErrorEventInit<'js>) -> Self {
        if let Some(error) = init.error {
            slots.set_named(ERROR, error);
        }
        Self {
            event,
            message: init.message,
            filename: init.filename,
            lineno: init.lineno,
            colno: init.colno,
        }
    }
}

impl Inherits<Event> for ErrorEvent {
    fn parent(&self) -> &Event {
        &self.event
    }
}

impl ErrorEventMethods for ErrorEvent {
    fn kept_bytes(&self) -> usize {
        2 * self.message.len() + self.filename.len()
    }

    fn constructor<'js>(
        cx: &Cx<'js>,
        slots: &Slots<'js>,
        type_: DomString,
        event_init_dict: ErrorEventInit<'js>,
    ) -> Fallible<'js, Self> {
        let event = Event::new(cx, type_, &event_init_dict.parent);
        Ok(Self::new(event, slots, event_init_dict))
    }

    fn message<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
        Ok(this.message.clone())
    }

    fn filename<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, String> {
        Ok(this.filename.clone())
    }

    fn lineno<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, u32> {
        Ok(this.lineno)
    }

    fn colno<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, u32> {
        Ok(this.colno)
    }

    fn error<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Value<'js>> {
        Ok(this.slots().named(ERROR).unwrap_or_else(|| cx.undefined()))
    }
}
