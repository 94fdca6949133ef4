//! `InstallEvent`, and the event of an activation.

use background_fetch::DomString;

use super::ExtendableEvent;
use crate::bindings::{ExtendableEventInit, InstallEventMethods};
use crate::engine::{Cx, Slots};
use crate::webidl::{Fallible, Inherits, Ref, create};

/// The event of an installation.
///
/// <https://w3c.github.io/ServiceWorker/#installevent-interface>
pub struct InstallEvent(ExtendableEvent);

/// The event of an activation, which has no interface of its own.
pub struct ActivateEvent;

impl Inherits<ExtendableEvent> for InstallEvent {
    fn parent(&self) -> &ExtendableEvent {
        &self.0
    }
}

impl InstallEvent {
    pub(crate) fn make<'js>(cx: &Cx<'js>) -> Fallible<'js, Ref<'js, ExtendableEvent>> {
        let event = Self(ExtendableEvent::trusted(cx, "install"));
        Ok(create(cx, event, Slots::default())?.upcast())
    }
}

impl ActivateEvent {
    pub(crate) fn make<'js>(cx: &Cx<'js>) -> Fallible<'js, Ref<'js, ExtendableEvent>> {
        ExtendableEvent::make(cx, "activate")
    }
}

impl InstallEventMethods for InstallEvent {
    fn constructor<'js>(
        cx: &Cx<'js>,
        _: &Slots<'js>,
        type_: DomString,
        event_init_dict: ExtendableEventInit,
    ) -> Fallible<'js, Self> {
        Ok(Self(ExtendableEvent::new(cx, type_, &event_init_dict)))
    }
}
