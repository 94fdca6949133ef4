//! `BackgroundFetchEvent` and `BackgroundFetchUpdateUIEvent`.

use std::rc::Rc;

use background_fetch::embedder::{FunctionalEvent, FunctionalEventName};
use background_fetch::{DomString, api};

use super::{BackgroundFetchRegistration, Objects};
use crate::bindings::{
    BackgroundFetchEventInit, BackgroundFetchEventMethods, BackgroundFetchUIOptions,
    BackgroundFetchUpdateUIEventMethods,
};
use crate::engine::{Cx, Promise, Slots};
use crate::host::service_workers::EventDone;
use crate::interfaces::ExtendableEvent;
use crate::realm::Realm;
use crate::webidl::{Error, Fallible, FromJs, Inherits, Ref, create, promise_of};

/// An event about a background fetch.
///
/// <https://wicg.github.io/background-fetch/#background-fetch-event>
pub struct BackgroundFetchEvent {
    parent: ExtendableEvent,
    inner: api::BackgroundFetchEvent,
}

const REGISTRATION: &str = "registration";

impl Inherits<ExtendableEvent> for BackgroundFetchEvent {
    fn parent(&self) -> &ExtendableEvent {
        &self.parent
    }
}

impl BackgroundFetchEvent {
    fn constructed<'js>(
        cx: &Cx<'js>,
        slots: &Slots<'js>,
        type_: DomString,
        init: BackgroundFetchEventInit<'js>,
        name: FunctionalEventName,
    ) -> Self {
        let instance = init.registration.instance().clone();
        slots.set_named(REGISTRATION, init.registration.value());
        Self {
            parent: ExtendableEvent::new(cx, type_, &init.parent),
            inner: api::BackgroundFetchEvent::new(name, instance),
        }
    }
}

impl BackgroundFetchEventMethods for BackgroundFetchEvent {
    fn constructor<'js>(
        cx: &Cx<'js>,
        slots: &Slots<'js>,
        type_: DomString,
        init: BackgroundFetchEventInit<'js>,
    ) -> Fallible<'js, Self> {
        Ok(Self::constructed(
            cx,
            slots,
            type_,
            init,
            FunctionalEventName::Click,
        ))
    }

    fn registration<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
    ) -> Fallible<'js, Ref<'js, BackgroundFetchRegistration>> {
        let registration = this.slots().named(REGISTRATION).unwrap_or_else(|| cx.undefined());
        Ref::from_js(cx, &registration)
    }
}

/// An event whose user interface a worker may change.
///
/// <https://wicg.github.io/background-fetch/#background-fetch-update-ui-event>
pub struct BackgroundFetchUpdateUIEvent(BackgroundFetchEvent);

impl Inherits<BackgroundFetchEvent> for BackgroundFetchUpdateUIEvent {
    fn parent(&self) -> &BackgroundFetchEvent {
        &self.0
    }
}

impl BackgroundFetchUpdateUIEventMethods for BackgroundFetchUpdateUIEvent {
    fn constructor<'js>(
        cx: &Cx<'js>,
        slots: &Slots<'js>,
        type_: DomString,
        init: BackgroundFetchEventInit<'js>,
    ) -> Fallible<'js, Self> {
        let name = FunctionalEventName::Success;
        Ok(Self(BackgroundFetchEvent::constructed(
            cx, slots, type_, init, name,
        )))
    }

    fn update_ui<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        options: BackgroundFetchUIOptions,
    ) -> Fallible<'js, Promise<'js>> {
        // 1. Both as the ExtendableEvent knows them: an event that a script dispatches again is not trusted any more. The
        // component knows the rest.
        let event = this.upcast::<ExtendableEvent>();
        if !event.is_trusted() || !event.is_active() {
            return Err(Error::dom("InvalidStateError", "the event is no longer active"));
        }
        promise_of(cx, this.0.inner.update_ui(options.into()), |cx, ()| {
            Ok(cx.undefined())
        })
    }
}

/// Makes the event object of a functional event, trusted: the [`EventFactory`](crate::host::service_workers::EventFactory).
pub fn make_event(cx: &Cx<'_>, event: FunctionalEvent, done: EventDone) {
    let objects = match Objects::of(cx) {
        Ok(objects) => objects,
        Err(error) => return done(cx, Err(error)),
    };
    let made = objects.realm().create_event(&event);
    Realm::of(cx).spawn_then(made, move |cx, made| {
        let event = match made {
            Ok(inner) => event_object(cx, &objects, inner),
            Err(exception) => Err(exception.into()),
        };
        done(cx, event);
    });
}

fn event_object<'js>(
    cx: &Cx<'js>,
    objects: &Rc<Objects>,
    inner: api::BackgroundFetchEvent,
) -> Fallible<'js, Ref<'js, ExtendableEvent>> {
    let registration = objects.registration(cx, inner.registration())?;
    let slots = Slots::default();
    slots.set_named(REGISTRATION, registration.value());
    let event = BackgroundFetchEvent {
        parent: ExtendableEvent::trusted(cx, inner.name().as_str()),
        inner: inner.clone(),
    };
    Ok(if inner.name().has_update_ui() {
        create(cx, BackgroundFetchUpdateUIEvent(event), slots)?.upcast()
    } else {
        create(cx, event, slots)?.upcast()
    })
}
