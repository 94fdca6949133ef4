//! `ExtendableEvent`.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use background_fetch::DomString;

use crate::bindings::{ExtendableEventInit, ExtendableEventMethods};
use crate::engine::{Cx, Function, Promise, Slots};
use crate::host::service_workers::Inactive;
use crate::interfaces::html::report::report_rejected;
use crate::interfaces::{Event, EventTarget};
use crate::realm::Realm;
use crate::webidl::{Error, Fallible, Inherits, Ref, create};

/// An event whose worker is kept running until its promises are settled.
///
/// <https://w3c.github.io/ServiceWorker/#extendableevent-interface>
pub struct ExtendableEvent {
    event: Event,
    life: Rc<Life>,
}

/// How long an event is active.
#[derive(Default)]
struct Life {
    /// The dispatch flag.
    is_dispatched: Cell<bool>,
    /// The pending promises count.
    pending: Cell<usize>,
    was_rejected: Cell<bool>,
    /// Is told when it is no longer active.
    inactive: RefCell<Option<Inactive>>,
}

/// The events of a realm that are extended: one whose promise nobody holds any more, and which is never settled, is among them
/// until it lasted for too long.
#[derive(Default)]
struct Extended(RefCell<Vec<Rc<Life>>>);

impl Life {
    /// <https://w3c.github.io/ServiceWorker/#extendableevent-active>
    fn is_active(&self) -> bool {
        self.is_dispatched.get() || self.pending.get() > 0
    }

    fn ended(&self) {
        if self.is_active() {
            return;
        }
        if let Some(inactive) = self.inactive.borrow_mut().take() {
            // Nobody waits any more where the worker is on its way out.
            let _ = inactive.send(Ok(self.was_rejected.get()));
        }
    }

    fn settled(&self, was_rejected: bool) {
        self.pending.set(self.pending.get() - 1);
        self.was_rejected.set(self.was_rejected.get() | was_rejected);
        self.ended();
    }
}

impl Inherits<Event> for ExtendableEvent {
    fn parent(&self) -> &Event {
        &self.event
    }
}

impl ExtendableEvent {
    /// What a constructor gives.
    pub fn new(cx: &Cx<'_>, type_: DomString, init: &ExtendableEventInit) -> Self {
        Self {
            event: Event::new(cx, type_, &init.parent),
            life: Rc::default(),
        }
    }

    /// What the user agent makes.
    pub fn trusted(cx: &Cx<'_>, type_: &str) -> Self {
        Self {
            event: Event::trusted(cx, type_),
            life: Rc::default(),
        }
    }

    /// The same, but cancelable.
    pub fn trusted_cancelable(cx: &Cx<'_>, type_: &str) -> Self {
        Self {
            event: Event::trusted_cancelable(cx, type_),
            life: Rc::default(),
        }
    }

    /// Whether its listeners are being called.
    pub(crate) fn is_being_dispatched(&self) -> bool {
        self.life.is_dispatched.get()
    }

    /// Whether the user agent made it.
    pub fn is_trusted(&self) -> bool {
        self.event.is_trusted_event()
    }

    /// Whether it is being dispatched, or a promise extends it.
    ///
    /// <https://w3c.github.io/ServiceWorker/#extendableevent-active>
    pub fn is_active(&self) -> bool {
        self.life.is_active()
    }

    /// A trusted event of this interface itself.
    pub(crate) fn make<'js>(cx: &Cx<'js>, type_: &str) -> Fallible<'js, Ref<'js, Self>> {
        create(cx, Self::trusted(cx, type_), Slots::default())
    }

    /// Dispatches it at the worker's global; `inactive` is told when it is no longer active.
    pub(crate) fn dispatch<'js>(cx: &Cx<'js>, this: &Ref<'js, Self>, inactive: Inactive) {
        *this.life.inactive.borrow_mut() = Some(inactive);
        this.life.is_dispatched.set(true);
        if let Ok(global) = Ref::<EventTarget>::of(cx, &cx.global()) {
            EventTarget::dispatch(&global, cx, &this.upcast());
        }
        this.life.is_dispatched.set(false);
        this.life.ended();
        if this.life.is_active() {
            let extended = Realm::of(cx).data::<Extended>();
            extended.0.borrow_mut().push(Rc::clone(&this.life));
        }
    }

    /// Dispatches an event of an interface that inherits from this, where one was made.
    pub(crate) fn dispatch_made<'js>(cx: &Cx<'js>, made: Fallible<'js, Ref<'js, Self>>, inactive: Inactive) {
        match made {
            Ok(event) => Self::dispatch(cx, &event, inactive),
            Err(error) => {
                let text = error.to_value(cx).to_text(cx).unwrap_or_default();
                let _ = inactive.send(Err(text));
            }
        }
    }

    /// <https://w3c.github.io/ServiceWorker/#extendableevent-add-lifetime-promise>
    pub(crate) fn add_lifetime_promise<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        promise: &Promise<'js>,
    ) -> Fallible<'js, ()> {
        // 1. The user agent's own.
        if !this.is_trusted() {
            return Err(Error::dom(
                "InvalidStateError",
                "only an event of the user agent keeps the worker running",
            ));
        }
        // 2. In time.
        if !this.life.is_active() {
            return Err(Error::dom("InvalidStateError", "the event is no longer active"));
        }
        // 3 and 4. One more.
        this.life.pending.set(this.life.pending.get() + 1);
        // 5. When it is settled, and the reactions of scripts have run, one less.
        let [fulfilled, rejected] = [false, true].map(|was_rejected| reaction(cx, &this.life, was_rejected));
        promise.then(cx, &fulfilled?, &rejected?)?;
        Ok(())
    }
}

fn reaction<'js>(cx: &Cx<'js>, life: &Rc<Life>, was_rejected: bool) -> Fallible<'js, Function<'js>> {
    let life = Rc::clone(life);
    let function = cx.function(
        "",
        1,
        Box::new(move |arguments| {
            let cx = &arguments.cx;
            if was_rejected {
                report_rejected(cx, "an event", &arguments.get(0));
            }
            let life = Rc::clone(&life);
            let later = cx.function(
                "",
                0,
                Box::new(move |arguments| {
                    life.settled(was_rejected);
                    if !life.is_active() {
                        let extended = Realm::of(&arguments.cx).data::<Extended>();
                        extended.0.borrow_mut().retain(|other| !Rc::ptr_eq(other, &life));
                    }
                    Ok(arguments.cx.undefined())
                }),
            )?;
            let (promise, resolver) = cx.promise()?;
            resolver.resolve(cx, &cx.undefined());
            promise.then(cx, &later, &later)?;
            Ok(cx.undefined())
        }),
    );
    Ok(function?)
}

impl ExtendableEventMethods for ExtendableEvent {
    fn constructor<'js>(
        cx: &Cx<'js>,
        _: &Slots<'js>,
        type_: DomString,
        event_init_dict: ExtendableEventInit,
    ) -> Fallible<'js, Self> {
        Ok(Self::new(cx, type_, &event_init_dict))
    }

    fn wait_until<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>, f: Promise<'js>) -> Fallible<'js, ()> {
        Self::add_lifetime_promise(this, cx, &f)
    }
}
