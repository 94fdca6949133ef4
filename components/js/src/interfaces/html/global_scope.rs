//! What windows and workers have in common, and which of them a realm's global is.
//!
//! <https://html.spec.whatwg.org/multipage/webappapis.html#windoworworkerglobalscope-mixin>

use std::rc::Rc;

use super::{DedicatedWorkerGlobalScope, Window};
use crate::engine::{Cx, Job, State, Value};
use crate::interfaces::ServiceWorkerGlobalScope;
use crate::realm::{Realm, report_thrown};
use crate::webidl::{Callback, Error, Fallible, FromJs, Globals, Registry};

/// Says what is behind the realm's global.
pub fn set_global(cx: &Cx<'_>) {
    let realm = Realm::of(cx);
    let state: Rc<dyn State> = match realm.kind() {
        Globals::DEDICATED_WORKER => Rc::new(DedicatedWorkerGlobalScope::new(realm.settings().name.clone())),
        Globals::SERVICE_WORKER => Rc::new(ServiceWorkerGlobalScope::default()),
        _ => Rc::new(Window::default()),
    };
    Registry::of(cx).set_global(cx, state);
}

/// <https://html.spec.whatwg.org/multipage/timers-and-user-prompts.html#dom-queuemicrotask>
pub(super) fn queue_microtask<'js>(cx: &Cx<'js>, callback: &Callback<'js>) -> Fallible<'js, ()> {
    if !callback.is_function() {
        return Err(Error::type_error("the callback is not a function"));
    }
    Ok(cx.queue_job::<Microtask>(&callback.0.value())?)
}

struct Microtask;

impl Job for Microtask {
    fn run<'js>(cx: &Cx<'js>, value: &Value<'js>) {
        let called = Callback::from_js(cx, value)
            .and_then(|callback| callback.invoke(cx, &cx.undefined(), &[]).map(drop));
        report_thrown(cx, called);
    }
}

/// The methods of the mixin `WindowOrWorkerGlobalScope`, for a global.
macro_rules! window_or_worker_global_scope {
    () => {
        fn origin<'js>(
            _: &$crate::webidl::Ref<'js, Self>,
            cx: &$crate::engine::Cx<'js>,
        ) -> $crate::webidl::Fallible<'js, String> {
            let origin = $crate::realm::Realm::of(cx)
                .settings()
                .client
                .origin
                .clone();
            Ok(origin.unwrap_or_else(|| "null".to_owned()))
        }

        fn is_secure_context<'js>(
            _: &$crate::webidl::Ref<'js, Self>,
            cx: &$crate::engine::Cx<'js>,
        ) -> $crate::webidl::Fallible<'js, bool> {
            Ok($crate::realm::Realm::of(cx).is_secure_context())
        }

        fn cross_origin_isolated<'js>(
            _: &$crate::webidl::Ref<'js, Self>,
            _: &$crate::engine::Cx<'js>,
        ) -> $crate::webidl::Fallible<'js, bool> {
            Ok(false)
        }

        fn structured_clone<'js>(
            _: &$crate::webidl::Ref<'js, Self>,
            cx: &$crate::engine::Cx<'js>,
            value: $crate::engine::Value<'js>,
            options: $crate::bindings::StructuredSerializeOptions<'js>,
        ) -> $crate::webidl::Fallible<'js, $crate::engine::Value<'js>> {
            $crate::interfaces::structured_clone::structured_clone(cx, &value, &options)
        }

        fn report_error<'js>(
            _: &$crate::webidl::Ref<'js, Self>,
            cx: &$crate::engine::Cx<'js>,
            e: $crate::engine::Value<'js>,
        ) -> $crate::webidl::Fallible<'js, ()> {
            $crate::interfaces::html::report::report_exception(cx, &e);
            Ok(())
        }

        fn btoa<'js>(
            _: &$crate::webidl::Ref<'js, Self>,
            _: &$crate::engine::Cx<'js>,
            data: background_fetch::DomString,
        ) -> $crate::webidl::Fallible<'js, background_fetch::DomString> {
            super::base64::btoa(&data)
        }

        fn atob<'js>(
            _: &$crate::webidl::Ref<'js, Self>,
            _: &$crate::engine::Cx<'js>,
            data: background_fetch::DomString,
        ) -> $crate::webidl::Fallible<'js, $crate::webidl::ByteString> {
            super::base64::atob(&data)
        }

        fn set_timeout<'js>(
            _: &$crate::webidl::Ref<'js, Self>,
            cx: &$crate::engine::Cx<'js>,
            handler: $crate::bindings::TimerHandler<'js>,
            timeout: i32,
            arguments: Vec<$crate::engine::Value<'js>>,
        ) -> $crate::webidl::Fallible<'js, i32> {
            super::timers::initialize(cx, handler, timeout, arguments, false)
        }

        fn clear_timeout<'js>(
            _: &$crate::webidl::Ref<'js, Self>,
            cx: &$crate::engine::Cx<'js>,
            id: i32,
        ) -> $crate::webidl::Fallible<'js, ()> {
            super::timers::clear(cx, id);
            Ok(())
        }

        fn set_interval<'js>(
            _: &$crate::webidl::Ref<'js, Self>,
            cx: &$crate::engine::Cx<'js>,
            handler: $crate::bindings::TimerHandler<'js>,
            timeout: i32,
            arguments: Vec<$crate::engine::Value<'js>>,
        ) -> $crate::webidl::Fallible<'js, i32> {
            super::timers::initialize(cx, handler, timeout, arguments, true)
        }

        fn clear_interval<'js>(
            _: &$crate::webidl::Ref<'js, Self>,
            cx: &$crate::engine::Cx<'js>,
            id: i32,
        ) -> $crate::webidl::Fallible<'js, ()> {
            super::timers::clear(cx, id);
            Ok(())
        }

        fn queue_microtask<'js>(
            _: &$crate::webidl::Ref<'js, Self>,
            cx: &$crate::engine::Cx<'js>,
            callback: $crate::webidl::Callback<'js>,
        ) -> $crate::webidl::Fallible<'js, ()> {
            super::global_scope::queue_microtask(cx, &callback)
        }

        fn fetch<'js>(
            _: &$crate::webidl::Ref<'js, Self>,
            cx: &$crate::engine::Cx<'js>,
            input: $crate::bindings::RequestInfo<'js>,
            init: $crate::bindings::RequestInit<'js>,
        ) -> $crate::webidl::Fallible<'js, $crate::engine::Promise<'js>> {
            $crate::interfaces::fetch::fetch(cx, input, init)
        }

        fn performance<'js>(
            this: &$crate::webidl::Ref<'js, Self>,
            cx: &$crate::engine::Cx<'js>,
        ) -> $crate::webidl::Fallible<'js, $crate::webidl::Ref<'js, $crate::interfaces::Performance>> {
            $crate::webidl::same_object(this, cx, "performance", || {
                $crate::interfaces::Performance::default()
            })
        }

        fn crypto<'js>(
            this: &$crate::webidl::Ref<'js, Self>,
            cx: &$crate::engine::Cx<'js>,
        ) -> $crate::webidl::Fallible<'js, $crate::webidl::Ref<'js, $crate::interfaces::Crypto>> {
            $crate::webidl::same_object(this, cx, "crypto", || $crate::interfaces::Crypto)
        }

        fn caches<'js>(
            this: &$crate::webidl::Ref<'js, Self>,
            cx: &$crate::engine::Cx<'js>,
        ) -> $crate::webidl::Fallible<'js, $crate::webidl::Ref<'js, $crate::interfaces::CacheStorage>> {
            $crate::webidl::same_object(this, cx, "caches", || $crate::interfaces::CacheStorage)
        }
    };
}
pub(super) use window_or_worker_global_scope;
