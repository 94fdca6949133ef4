//! `EventTarget`: listeners, event handlers, and dispatch.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;

use background_fetch::DomString;

use super::event::{CURRENT_TARGET, TARGET};
use super::{AbortSignal, Event};
use crate::bindings::{AddEventListenerOptionsOrBoolean, EventListenerOptionsOrBoolean, EventTargetMethods};
use crate::engine::{Cx, SlotKey, Slots, Value};
use crate::interfaces::html::report::error_handler_arguments;
use crate::realm::report_thrown;
use crate::webidl::{Callback, Error, Fallible, FromJs, Ref};

/// What events are dispatched to.
///
/// <https://dom.spec.whatwg.org/#interface-eventtarget>
#[derive(Default)]
pub struct EventTarget {
    listeners: RefCell<Vec<Rc<Listener>>>,
    observer: Option<Observer>,
}

/// Is told that somebody listens to a type of events, and whether by an event handler attribute.
pub type Observer = for<'a, 'js> fn(&'a Ref<'js, EventTarget>, &'a Cx<'js>, &'a DomString, bool);

/// An event listener; its callback is in a slot of the target.
struct Listener {
    type_: DomString,
    callback: SlotKey,
    capture: bool,
    once: bool,
    passive: bool,
    /// Whether it is an event handler: the value of an `on…` attribute.
    is_handler: bool,
    removed: Cell<bool>,
}

impl EventTarget {
    /// One that tells an interface that inherits from it when somebody listens.
    pub fn observed(observer: Observer) -> Self {
        Self {
            observer: Some(observer),
            ..Self::default()
        }
    }

    /// Whether anything listens to events of a type.
    pub fn has_listener(&self, type_: &str) -> bool {
        self.listeners
            .borrow()
            .iter()
            .any(|listener| listener.type_ == *type_)
    }

    /// The types of the events that are listened to.
    pub(crate) fn listened_types(&self) -> HashSet<String> {
        let listeners = self.listeners.borrow();
        listeners
            .iter()
            .map(|listener| listener.type_.to_string())
            .collect()
    }

    fn position(&self, matches: impl Fn(&Listener) -> bool) -> Option<usize> {
        self.listeners
            .borrow()
            .iter()
            .position(|listener| matches(listener))
    }

    fn add<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>, listener: Rc<Listener>) {
        if let Some(observer) = this.observer {
            observer(this, cx, &listener.type_, listener.is_handler);
        }
        this.listeners.borrow_mut().push(listener);
    }

    /// Removes a listener; its callback goes with it.
    fn remove(this: &Ref<'_, Self>, place: usize) {
        let listener = this.listeners.borrow_mut().remove(place);
        listener.removed.set(true);
        this.slots().remove(listener.callback);
    }

    /// Dispatches an event here.
    ///
    /// <https://dom.spec.whatwg.org/#concept-event-dispatch>
    pub fn dispatch<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>, event: &Ref<'js, Event>) -> bool {
        // There is no tree: the target is the whole path.
        event.is_dispatched.set(true);
        event.slots().set_named(TARGET, this.value());
        event.slots().set_named(CURRENT_TARGET, this.value());
        event.phase.set(2);
        if !event.stop_propagation.get() {
            let listeners = this.listeners.borrow().clone();
            // Capturing listeners come first.
            for capture in [true, false] {
                if event.stop_propagation.get() && !capture {
                    break;
                }
                for listener in listeners.iter().filter(|listener| listener.capture == capture) {
                    inner_invoke(this, cx, event, listener);
                    if event.stop_immediate_propagation.get() {
                        break;
                    }
                }
            }
        }
        event.phase.set(0);
        event.slots().set_named(CURRENT_TARGET, cx.null());
        event.is_dispatched.set(false);
        event.stop_propagation.set(false);
        event.stop_immediate_propagation.set(false);
        !event.canceled.get()
    }
}

/// <https://dom.spec.whatwg.org/#concept-event-listener-inner-invoke>
fn inner_invoke<'js>(
    this: &Ref<'js, EventTarget>,
    cx: &Cx<'js>,
    event: &Ref<'js, Event>,
    listener: &Rc<Listener>,
) {
    if listener.removed.get() || listener.type_ != event.event_type() {
        return;
    }
    let Some(callback) = this.slots().get(listener.callback) else {
        return;
    };
    let Ok(callback) = Callback::from_js(cx, &callback) else {
        return;
    };
    if listener.once
        && let Some(place) = this.position(|other| std::ptr::eq(other, &**listener))
    {
        EventTarget::remove(this, place);
    }
    event.in_passive_listener.set(listener.passive);
    let called = if listener.is_handler {
        call_handler(this, cx, event, &callback)
    } else {
        callback
            .call_operation(cx, "handleEvent", &this.value(), &[event.value()])
            .map(drop)
    };
    event.in_passive_listener.set(false);
    report_thrown(cx, called);
}

/// <https://html.spec.whatwg.org/multipage/webappapis.html#the-event-handler-processing-algorithm>
fn call_handler<'js>(
    this: &Ref<'js, EventTarget>,
    cx: &Cx<'js>,
    event: &Ref<'js, Event>,
    callback: &Callback<'js>,
) -> Fallible<'js, ()> {
    if !callback.is_function() {
        return Ok(());
    }
    // 3 and 5. What returns false cancels the event; of onerror at a global what returns true does.
    let (returned, cancels) = match error_handler_arguments(cx, this.object(), event) {
        Some(arguments) => (callback.invoke(cx, &this.value(), &arguments)?, true),
        None => (callback.invoke(cx, &this.value(), &[event.value()])?, false),
    };
    if returned.as_bool() == Some(cancels) {
        event.cancel();
    }
    Ok(())
}

impl EventTargetMethods for EventTarget {
    fn kept_bytes(&self) -> usize {
        let listeners = self.listeners.borrow();
        let types: usize = listeners.iter().map(|listener| 2 * listener.type_.len()).sum();
        // Each has a slot, too.
        types + listeners.len() * (size_of::<Listener>() + 128)
    }

    fn constructor<'js>(_: &Cx<'js>, _: &Slots<'js>) -> Fallible<'js, Self> {
        Ok(Self::default())
    }

    fn add_event_listener<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        type_: DomString,
        callback: Option<Callback<'js>>,
        options: AddEventListenerOptionsOrBoolean<'js>,
    ) -> Fallible<'js, ()> {
        let (capture, once, passive, signal) = match options {
            AddEventListenerOptionsOrBoolean::Boolean(capture) => (capture, false, false, None),
            AddEventListenerOptionsOrBoolean::AddEventListenerOptions(options) => (
                options.parent.capture,
                options.once,
                options.passive.unwrap_or(false),
                options.signal,
            ),
        };
        if signal.as_ref().is_some_and(|signal| signal.is_aborted()) {
            return Ok(());
        }
        let Some(callback) = callback else { return Ok(()) };
        let callback = callback.0.value();
        let is_known = this.position(|other| {
            other.type_ == type_
                && other.capture == capture
                && !other.is_handler
                && this
                    .slots()
                    .get(other.callback)
                    .is_some_and(|value| value.is(&callback))
        });
        if is_known.is_some() {
            return Ok(());
        }
        let listener = Rc::new(Listener {
            type_,
            callback: this.slots().add(callback),
            capture,
            once,
            passive,
            is_handler: false,
            removed: Cell::new(false),
        });
        Self::add(this, cx, listener.clone());
        if let Some(signal) = signal {
            AbortSignal::add_algorithm_on(&signal, cx, this.value(), move |cx, target| {
                if let Ok(target) = Ref::<Self>::from_js(cx, target)
                    && let Some(place) = target.position(|other| std::ptr::eq(other, &*listener))
                {
                    Self::remove(&target, place);
                }
            });
        }
        Ok(())
    }

    fn remove_event_listener<'js>(
        this: &Ref<'js, Self>,
        _: &Cx<'js>,
        type_: DomString,
        callback: Option<Callback<'js>>,
        options: EventListenerOptionsOrBoolean,
    ) -> Fallible<'js, ()> {
        let capture = match options {
            EventListenerOptionsOrBoolean::Boolean(capture) => capture,
            EventListenerOptionsOrBoolean::EventListenerOptions(options) => options.capture,
        };
        let Some(callback) = callback else { return Ok(()) };
        let callback = callback.0.value();
        let place = this.position(|other| {
            other.type_ == type_
                && other.capture == capture
                && !other.is_handler
                && this
                    .slots()
                    .get(other.callback)
                    .is_some_and(|value| value.is(&callback))
        });
        if let Some(place) = place {
            Self::remove(this, place);
        }
        Ok(())
    }

    fn dispatch_event<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        event: Ref<'js, Event>,
    ) -> Fallible<'js, bool> {
        if event.is_dispatched.get() || !event.initialized.get() {
            return Err(Error::dom(
                "InvalidStateError",
                "the event is being dispatched, or was not initialised",
            ));
        }
        event.is_trusted.set(false);
        Ok(Self::dispatch(this, cx, &event))
    }
}

/// The getter of an event handler attribute.
///
/// # Errors
///
/// None.
pub fn event_handler<'js>(
    cx: &Cx<'js>,
    this: &Ref<'js, EventTarget>,
    type_: &str,
) -> Fallible<'js, Value<'js>> {
    let place = this.position(|listener| listener.is_handler && listener.type_ == *type_);
    let callback = place.and_then(|place| this.slots().get(this.listeners.borrow()[place].callback));
    Ok(callback.unwrap_or_else(|| cx.null()))
}

/// The setter of an event handler attribute: what is no object becomes null.
///
/// <https://html.spec.whatwg.org/multipage/webappapis.html#event-handler-attributes>
pub fn set_event_handler<'js>(cx: &Cx<'js>, this: &Ref<'js, EventTarget>, type_: &str, value: &Value<'js>) {
    let place = this.position(|listener| listener.is_handler && listener.type_ == *type_);
    match (value.as_object(), place) {
        (None, Some(place)) => EventTarget::remove(this, place),
        // Setting it is what counts, also to null.
        (None, None) => {
            if let Some(observer) = this.observer {
                observer(this, cx, &type_.into(), true);
            }
        }
        // It keeps its place among the listeners.
        (Some(object), Some(place)) => {
            let slot = this.listeners.borrow()[place].callback;
            this.slots().set(slot, object.value());
        }
        (Some(object), None) => {
            let listener = Listener {
                type_: type_.into(),
                callback: this.slots().add(object.value()),
                capture: false,
                once: false,
                passive: false,
                is_handler: true,
                removed: Cell::new(false),
            };
            EventTarget::add(this, cx, Rc::new(listener));
        }
    }
}
