//! The globals of a realm.

use super::exceptions::define_exceptions;
use super::html::{report, set_global};
use super::{connect_background_fetch, define_streams};
use crate::bindings::{INTERFACES, NAMESPACES};
use crate::engine::{Completion, Cx, Symbol};
use crate::host::Host;
use crate::realm::Realm;
use crate::webidl::define_all;

/// What the engine has and a standard defines: the standard's take the place.
const OF_THE_ENGINE: [&str; 5] = ["queueMicrotask", "performance", "atob", "btoa", "DOMException"];

/// Sets up a realm's global: its interfaces, its members, and what becomes of errors. The [kind](Realm::kind) of the
/// realm says which interface is the global's.
///
/// # Errors
///
/// Where the engine has no memory.
pub fn define_globals<'js>(cx: &Cx<'js>) -> Completion<'js, ()> {
    // It is no script's time.
    Realm::of(cx).wait(|| define(cx))
}

fn define<'js>(cx: &Cx<'js>) -> Completion<'js, ()> {
    let global = cx.global();
    for name in OF_THE_ENGINE {
        global.remove(cx, name)?;
    }
    global.remove(cx, Symbol::ToStringTag)?;
    set_global(cx);
    super::service_workers::connect(cx);
    define_all(cx, INTERFACES, NAMESPACES)?;
    // What is no Web IDL comes after the interfaces, which it finds on the global.
    define_exceptions(cx)?;
    define_streams(cx)?;
    Realm::of(cx).set_reporter(report::report);
    let engine = Host::of(cx).background_fetch.lock().clone();
    if let Some(engine) = engine {
        connect_background_fetch(cx, &engine);
    }
    Ok(())
}
