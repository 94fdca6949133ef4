//! High Resolution Time: `Performance`.

use crate::bindings::PerformanceMethods;
use crate::engine::{Cx, Object};
use crate::realm::Realm;
use crate::webidl::{Fallible, Inherits, Ref};

use super::EventTarget;

/// The realm's clock.
///
/// <https://w3c.github.io/hr-time/#sec-performance>
#[derive(Default)]
pub struct Performance(EventTarget);

impl Inherits<EventTarget> for Performance {
    fn parent(&self) -> &EventTarget {
        &self.0
    }
}

/// Milliseconds, to five microseconds.
///
/// <https://w3c.github.io/hr-time/#dfn-coarsen-time>
fn coarsen(milliseconds: f64) -> f64 {
    (milliseconds * 200.0).floor() / 200.0
}

impl PerformanceMethods for Performance {
    fn now<'js>(_: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, f64> {
        Ok(coarsen(Realm::of(cx).now()))
    }

    fn time_origin<'js>(_: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, f64> {
        Ok(coarsen(Realm::of(cx).time_origin()))
    }

    fn to_json<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Object<'js>> {
        let object = cx.object();
        object.define_value(cx, "timeOrigin", cx.number(Self::time_origin(this, cx)?))?;
        Ok(object)
    }
}
