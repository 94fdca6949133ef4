//! `AbortController`.

use super::AbortSignal;
use crate::bindings::AbortControllerMethods;
use crate::engine::{Cx, Slots, Value};
use crate::webidl::{Fallible, Ref};

/// What aborts the operations that its signal was given to.
///
/// <https://dom.spec.whatwg.org/#interface-abortcontroller>
pub struct AbortController(());

const SIGNAL: &str = "signal";

impl AbortControllerMethods for AbortController {
    fn constructor<'js>(cx: &Cx<'js>, slots: &Slots<'js>) -> Fallible<'js, Self> {
        slots.set_named(SIGNAL, AbortSignal::create(cx)?.value());
        Ok(Self(()))
    }

    fn signal<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Ref<'js, AbortSignal>> {
        this.required_slot(cx, SIGNAL)
    }

    fn abort<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>, reason: Value<'js>) -> Fallible<'js, ()> {
        AbortSignal::signal_abort(&Self::signal(this, cx)?, cx, &reason);
        Ok(())
    }
}
