//! `Window`.

use std::cell::{Cell, RefCell};

use background_fetch::DomString;

use super::post_message::post_message;
use super::{Location, Navigator, window_or_worker_global_scope};
use crate::bindings::{WindowMethods, WindowPostMessageOptions};
use crate::engine::{Cx, Object, Value};
use crate::interfaces::{Document, EventTarget};
use crate::realm::Realm;
use crate::webidl::{Error, Fallible, FromJs, Globals, Inherits, Ref, ToJs, same_object};

/// The global of a page.
///
/// <https://html.spec.whatwg.org/multipage/nav-history-apis.html#the-window-object>
#[derive(Default)]
pub struct Window {
    target: EventTarget,
    name: RefCell<DomString>,
    is_closed: Cell<bool>,
}

/// A window, as scripts hold it. There are no other pages to go to, so that it is the global itself.
///
/// <https://html.spec.whatwg.org/multipage/nav-history-apis.html#the-windowproxy-exotic-object>
#[derive(Clone, Debug)]
pub struct WindowProxy<'js>(Object<'js>);

impl<'js> FromJs<'js> for WindowProxy<'js> {
    fn from_js(cx: &Cx<'js>, value: &Value<'js>) -> Fallible<'js, Self> {
        let has_window = Realm::of(cx).kind().meets(Globals::WINDOW);
        let window = value
            .as_object()
            .filter(|object| has_window && *object == cx.global());
        window
            .map(Self)
            .ok_or_else(|| Error::type_error("it is not a Window"))
    }

    fn is_exactly(cx: &Cx<'js>, value: &Value<'js>) -> bool {
        Self::from_js(cx, value).is_ok()
    }
}

impl<'js> ToJs<'js> for WindowProxy<'js> {
    fn to_js(&self, _: &Cx<'js>) -> Fallible<'js, Value<'js>> {
        Ok(self.0.value())
    }
}

const OPENER: &str = "opener";

impl Inherits<EventTarget> for Window {
    fn parent(&self) -> &EventTarget {
        &self.target
    }
}

impl WindowMethods for Window {
    window_or_worker_global_scope!();

    fn window<'js>(_: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, WindowProxy<'js>> {
        Ok(WindowProxy(cx.global()))
    }

    fn self_<'js>(_: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, WindowProxy<'js>> {
        Ok(WindowProxy(cx.global()))
    }

    fn name<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
        Ok(this.name.borrow().clone())
    }

    fn set_name<'js>(this: &Ref<'js, Self>, _: &Cx<'js>, value: DomString) -> Fallible<'js, ()> {
        *this.name.borrow_mut() = value;
        Ok(())
    }

    fn document<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Ref<'js, Document>> {
        same_object(this, cx, "document", Document::default)
    }

    fn location<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Ref<'js, Location>> {
        same_object(this, cx, "location", || {
            Location::new(Realm::of(cx).settings().client.base_url.clone())
        })
    }

    fn close<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, ()> {
        this.is_closed.set(true);
        Realm::of(cx).close();
        Ok(())
    }

    fn closed<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, bool> {
        Ok(this.is_closed.get())
    }

    fn stop<'js>(_: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, ()> {
        Ok(())
    }

    fn focus<'js>(_: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, ()> {
        Ok(())
    }

    fn blur<'js>(_: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, ()> {
        Ok(())
    }

    fn frames<'js>(_: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, WindowProxy<'js>> {
        Ok(WindowProxy(cx.global()))
    }

    fn length<'js>(_: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, u32> {
        Ok(0)
    }

    fn top<'js>(_: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Option<WindowProxy<'js>>> {
        Ok(Some(WindowProxy(cx.global())))
    }

    fn opener<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Value<'js>> {
        Ok(this.slots().named(OPENER).unwrap_or_else(|| cx.null()))
    }

    fn set_opener<'js>(this: &Ref<'js, Self>, _: &Cx<'js>, value: Value<'js>) -> Fallible<'js, ()> {
        this.slots().set_named(OPENER, value);
        Ok(())
    }

    fn parent<'js>(_: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Option<WindowProxy<'js>>> {
        Ok(Some(WindowProxy(cx.global())))
    }

    fn navigator<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Ref<'js, Navigator>> {
        same_object(this, cx, "navigator", || Navigator)
    }

    fn client_information<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Ref<'js, Navigator>> {
        Self::navigator(this, cx)
    }

    fn post_message<'js>(
        _: &Ref<'js, Self>,
        cx: &Cx<'js>,
        message: Value<'js>,
        target_origin: String,
        transfer: Vec<Object<'js>>,
    ) -> Fallible<'js, ()> {
        post_message(cx, &message, &target_origin, &transfer)
    }

    fn post_message_2<'js>(
        _: &Ref<'js, Self>,
        cx: &Cx<'js>,
        message: Value<'js>,
        options: WindowPostMessageOptions<'js>,
    ) -> Fallible<'js, ()> {
        post_message(cx, &message, &options.target_origin, &options.parent.transfer)
    }
}
