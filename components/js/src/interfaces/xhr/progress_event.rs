//! `ProgressEvent`.

use background_fetch::DomString;

use crate::bindings::{ProgressEventInit, ProgressEventMethods};
use crate::engine::{Cx, Slots};
use crate::interfaces::{Event, EventTarget};
use crate::webidl::{Fallible, Inherits, Ref, create};

/// The event of something that goes on.
///
/// <https://xhr.spec.whatwg.org/#interface-progressevent>
pub struct ProgressEvent {
    event: Event,
    length_computable: bool,
    loaded: f64,
    total: f64,
}

impl ProgressEvent {
    /// Fires a trusted one, whose total is known.
    ///
    /// <https://xhr.spec.whatwg.org/#concept-event-fire-progress>
    ///
    /// # Errors
    ///
    /// Where the engine has no memory.
    pub fn fire<'js>(
        cx: &Cx<'js>,
        type_: &str,
        target: &Ref<'js, EventTarget>,
        loaded: usize,
        total: usize,
    ) -> Fallible<'js, ()> {
        let event = Self {
            event: Event::trusted(cx, type_),
            length_computable: true,
            loaded: loaded as f64,
            total: total as f64,
        };
        let event = create(cx, event, Slots::default())?;
        EventTarget::dispatch(target, cx, &event.upcast());
        Ok(())
    }
}

impl Inherits<Event> for ProgressEvent {
    fn parent(&self) -> &Event {
        &self.event
    }
}

impl ProgressEventMethods for ProgressEvent {
    fn constructor<'js>(
        cx: &Cx<'js>,
        _: &Slots<'js>,
        type_: DomString,
        event_init_dict: ProgressEventInit,
    ) -> Fallible<'js, Self> {
        Ok(Self {
            event: Event::new(cx, type_, &event_init_dict.parent),
            length_computable: event_init_dict.length_computable,
            loaded: event_init_dict.loaded,
            total: event_init_dict.total,
        })
    }

    fn length_computable<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, bool> {
        Ok(this.length_computable)
    }

    fn loaded<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, f64> {
        Ok(this.loaded)
    }

    fn total<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, f64> {
        Ok(this.total)
    }
}
