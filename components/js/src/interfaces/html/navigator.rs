//! `Navigator` and `WorkerNavigator`.
//!
//! <https://html.spec.whatwg.org/multipage/system-state.html#the-navigator-object>

use std::thread::available_parallelism;

use background_fetch::DomString;

use crate::bindings::{NavigatorMethods, WorkerNavigatorMethods};
use crate::engine::{Cx, Object};
use crate::host::Host;
use crate::interfaces::{GuideBackgroundFetch, Permissions, ServiceWorkerContainer, StorageManager};
use crate::webidl::{Fallible, FromJs, Ref, ToJs, same_object};

/// What a page is told of the user agent.
pub struct Navigator;

/// What a worker is told of the user agent.
pub struct WorkerNavigator;

const LANGUAGES: &str = "languages";

/// The mixins that both have.
macro_rules! navigator {
    () => {
        fn app_code_name<'js>(_: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
            Ok("Mozilla".into())
        }

        fn app_name<'js>(_: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
            Ok("Netscape".into())
        }

        fn app_version<'js>(_: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
            Ok("5.0".into())
        }

        fn platform<'js>(_: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
            Ok("".into())
        }

        fn product<'js>(_: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
            Ok("Gecko".into())
        }

        fn product_sub<'js>(_: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
            Ok("20030107".into())
        }

        fn user_agent<'js>(_: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, DomString> {
            Ok(Host::of(cx).navigator.user_agent.as_str().into())
        }

        fn vendor<'js>(_: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
            Ok("".into())
        }

        fn vendor_sub<'js>(_: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
            Ok("".into())
        }

        fn language<'js>(_: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, DomString> {
            let host = Host::of(cx);
            let language = host
                .navigator
                .languages
                .first()
                .map_or("en", String::as_str);
            Ok(language.into())
        }

        fn languages<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Object<'js>> {
            if let Some(languages) = this.slots().named(LANGUAGES) {
                return Object::from_js(cx, &languages);
            }
            let languages = Object::from_js(cx, &Host::of(cx).navigator.languages.to_js(cx)?)?;
            languages.freeze(cx)?;
            this.slots().set_named(LANGUAGES, languages.value());
            Ok(languages)
        }

        fn on_line<'js>(_: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, bool> {
            Ok(true)
        }

        fn service_worker<'js>(
            this: &Ref<'js, Self>,
            cx: &Cx<'js>,
        ) -> Fallible<'js, Ref<'js, ServiceWorkerContainer>> {
            ServiceWorkerContainer::of(cx, this.slots())
        }

        fn permissions<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Ref<'js, Permissions>> {
            same_object(this, cx, "permissions", || Permissions)
        }

        fn storage<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Ref<'js, StorageManager>> {
            same_object(this, cx, "storage", || StorageManager)
        }

        fn hardware_concurrency<'js>(_: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, u64> {
            Ok(available_parallelism().map_or(1, |count| count.get() as u64))
        }
    };
}

impl NavigatorMethods for Navigator {
    fn background_fetch<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
    ) -> Fallible<'js, Ref<'js, GuideBackgroundFetch>> {
        same_object(this, cx, "backgroundFetch", || GuideBackgroundFetch)
    }

    navigator!();
}

impl WorkerNavigatorMethods for WorkerNavigator {
    navigator!();
}
