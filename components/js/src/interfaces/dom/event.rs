//! `Event` and `CustomEvent`.

use std::cell::{Cell, RefCell};

use background_fetch::DomString;

use super::EventTarget;
use crate::bindings::{CustomEventInit, CustomEventMethods, EventInit, EventMethods};
use crate::engine::{Cx, Slots, Value};
use crate::realm::Realm;
use crate::webidl::{Fallible, FromJs, Inherits, Ref, create};

/// An event.
///
/// <https://dom.spec.whatwg.org/#interface-event>
pub struct Event {
    type_: RefCell<DomString>,
    bubbles: Cell<bool>,
    cancelable: Cell<bool>,
    composed: bool,
    time_stamp: f64,
    pub(super) initialized: Cell<bool>,
    pub(super) is_trusted: Cell<bool>,
    pub(super) is_dispatched: Cell<bool>,
    pub(super) stop_propagation: Cell<bool>,
    pub(super) stop_immediate_propagation: Cell<bool>,
    pub(super) canceled: Cell<bool>,
    pub(super) in_passive_listener: Cell<bool>,
    pub(super) phase: Cell<u16>,
}

pub(super) const TARGET: &str = "target";
pub(super) const CURRENT_TARGET: &str = "currentTarget";

impl Event {
    /// What a constructor gives.
    pub fn new(cx: &Cx<'_>, type_: DomString, init: &EventInit) -> Self {
        Self {
            type_: RefCell::new(type_),
            bubbles: Cell::new(init.bubbles),
            cancelable: Cell::new(init.cancelable),
            composed: init.composed,
            time_stamp: Realm::of(cx).now(),
            initialized: Cell::new(true),
            is_trusted: Cell::new(false),
            is_dispatched: Cell::new(false),
            stop_propagation: Cell::new(false),
            stop_immediate_propagation: Cell::new(false),
            canceled: Cell::new(false),
            in_passive_listener: Cell::new(false),
            phase: Cell::new(0),
        }
    }

    /// What the user agent makes: trusted, and neither bubbling nor cancelable.
    pub fn trusted(cx: &Cx<'_>, type_: &str) -> Self {
        let init = EventInit {
            bubbles: false,
            cancelable: false,
            composed: false,
        };
        let event = Self::new(cx, type_.into(), &init);
        event.is_trusted.set(true);
        event
    }

    /// The same, but cancelable.
    pub fn trusted_cancelable(cx: &Cx<'_>, type_: &str) -> Self {
        let event = Self::trusted(cx, type_);
        event.cancelable.set(true);
        event
    }

    /// Its type.
    pub fn event_type(&self) -> DomString {
        self.type_.borrow().clone()
    }

    /// Whether it was canceled.
    pub fn is_canceled(&self) -> bool {
        self.canceled.get()
    }

    /// Whether the user agent made it.
    pub fn is_trusted_event(&self) -> bool {
        self.is_trusted.get()
    }

    /// Sets the canceled flag, where it may.
    pub(super) fn cancel(&self) {
        if self.cancelable.get() && !self.in_passive_listener.get() {
            self.canceled.set(true);
        }
    }

    /// What the `init…Event` operations do; false while it is being dispatched.
    pub(crate) fn initialize_by_script(&self, type_: DomString, bubbles: bool, cancelable: bool) -> bool {
        let changes = !self.is_dispatched.get();
        if changes {
            self.initialize(type_, bubbles, cancelable);
        }
        changes
    }

    fn initialize(&self, type_: DomString, bubbles: bool, cancelable: bool) {
        self.initialized.set(true);
        self.stop_propagation.set(false);
        self.stop_immediate_propagation.set(false);
        self.canceled.set(false);
        self.is_trusted.set(false);
        *self.type_.borrow_mut() = type_;
        self.bubbles.set(bubbles);
        self.cancelable.set(cancelable);
    }
}

fn target_in<'js>(
    this: &Ref<'js, Event>,
    cx: &Cx<'js>,
    slot: &'static str,
) -> Fallible<'js, Option<Ref<'js, EventTarget>>> {
    match this.slots().named(slot) {
        Some(target) => Option::from_js(cx, &target),
        None => Ok(None),
    }
}

impl EventMethods for Event {
    fn kept_bytes(&self) -> usize {
        2 * self.type_.borrow().len()
    }

    fn constructor<'js>(
        cx: &Cx<'js>,
        _: &Slots<'js>,
        type_: DomString,
        event_init_dict: EventInit,
    ) -> Fallible<'js, Self> {
        Ok(Self::new(cx, type_, &event_init_dict))
    }

    fn type_<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
        Ok(this.event_type())
    }

    fn target<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Option<Ref<'js, EventTarget>>> {
        target_in(this, cx, TARGET)
    }

    fn src_element<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Option<Ref<'js, EventTarget>>> {
        target_in(this, cx, TARGET)
    }

    fn current_target<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
    ) -> Fallible<'js, Option<Ref<'js, EventTarget>>> {
        target_in(this, cx, CURRENT_TARGET)
    }

    fn composed_path<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Vec<Ref<'js, EventTarget>>> {
        // There is no tree: the path is the target.
        Ok(Self::current_target(this, cx)?.into_iter().collect())
    }

    fn event_phase<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, u16> {
        Ok(this.phase.get())
    }

    fn stop_propagation<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, ()> {
        this.stop_propagation.set(true);
        Ok(())
    }

    fn cancel_bubble<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, bool> {
        Ok(this.stop_propagation.get())
    }

    fn set_cancel_bubble<'js>(this: &Ref<'js, Self>, _: &Cx<'js>, value: bool) -> Fallible<'js, ()> {
        if value {
            this.stop_propagation.set(true);
        }
        Ok(())
    }

    fn stop_immediate_propagation<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, ()> {
        this.stop_propagation.set(true);
        this.stop_immediate_propagation.set(true);
        Ok(())
    }

    fn bubbles<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, bool> {
        Ok(this.bubbles.get())
    }

    fn cancelable<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, bool> {
        Ok(this.cancelable.get())
    }

    fn return_value<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, bool> {
        Ok(!this.canceled.get())
    }

    fn set_return_value<'js>(this: &Ref<'js, Self>, _: &Cx<'js>, value: bool) -> Fallible<'js, ()> {
        if !value {
            this.cancel();
        }
        Ok(())
    }

    fn prevent_default<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, ()> {
        this.cancel();
        Ok(())
    }

    fn default_prevented<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, bool> {
        Ok(this.canceled.get())
    }

    fn composed<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, bool> {
        Ok(this.composed)
    }

    fn is_trusted<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, bool> {
        Ok(this.is_trusted.get())
    }

    fn time_stamp<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, f64> {
        Ok(this.time_stamp)
    }

    fn init_event<'js>(
        this: &Ref<'js, Self>,
        _: &Cx<'js>,
        type_: DomString,
        bubbles: bool,
        cancelable: bool,
    ) -> Fallible<'js, ()> {
        this.initialize_by_script(type_, bubbles, cancelable);
        Ok(())
    }
}

/// An event with a value of the script's.
///
/// <https://dom.spec.whatwg.org/#interface-customevent>
pub struct CustomEvent(Event);

const DETAIL: &str = "detail";

impl Inherits<Event> for CustomEvent {
    fn parent(&self) -> &Event {
        &self.0
    }
}

impl CustomEventMethods for CustomEvent {
    fn constructor<'js>(
        cx: &Cx<'js>,
        slots: &Slots<'js>,
        type_: DomString,
        event_init_dict: CustomEventInit<'js>,
    ) -> Fallible<'js, Self> {
        slots.set_named(DETAIL, event_init_dict.detail);
        Ok(Self(Event::new(cx, type_, &event_init_dict.parent)))
    }

    fn detail<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Value<'js>> {
        Ok(this.slots().named(DETAIL).unwrap_or_else(|| cx.null()))
    }

    fn init_custom_event<'js>(
        this: &Ref<'js, Self>,
        _: &Cx<'js>,
        type_: DomString,
        bubbles: bool,
        cancelable: bool,
        detail: Value<'js>,
    ) -> Fallible<'js, ()> {
        if this.0.initialize_by_script(type_, bubbles, cancelable) {
            this.slots().set_named(DETAIL, detail);
        }
        Ok(())
    }
}

/// Makes a trusted event object.
///
/// # Errors
///
/// Where the engine has no memory.
pub fn create_event<'js>(cx: &Cx<'js>, type_: &str) -> Fallible<'js, Ref<'js, Event>> {
    create(cx, Event::trusted(cx, type_), Slots::default())
}
