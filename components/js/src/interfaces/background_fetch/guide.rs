//! The guide extension: what two guides on the web describe beside the standard.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use background_fetch::inspect::FetchInspection;
use background_fetch::{
    BackgroundFetchResult, DomString, Engine, FetchKey, RegistrationKey, ResponseResult, api,
};

use super::manager::{object_of, request_infos};
use super::{BackgroundFetchRegistration, Objects};
use crate::bindings::{
    BackgroundFetchFile, BackgroundFetchOptions, BackgroundFetchStatus, GuideBackgroundFetchMethods,
    NavigatorMethods, RequestOrUsvStringOrRequestInfoSequence, ServiceWorkerContainerMethods,
};
use crate::engine::{Cx, Native, Object, Promise};
use crate::host::Host;
use crate::interfaces::{Navigator, ServiceWorkerContainer, ServiceWorkerRegistration};
use crate::realm::Realm;
use crate::webidl::{Error, Fallible, FromJs, Ref, Settles, ToJs, promise_of};

/// `navigator.backgroundFetch`: the manager of the page's ready registration.
pub struct GuideBackgroundFetch;

/// What the component answers.
type Answer = api::Promise<Option<api::BackgroundFetchRegistration>>;

/// Asks a manager.
type Ask = Box<dyn FnOnce(&api::BackgroundFetchManager) -> Answer>;

/// Asks the manager of the ready registration, when there is one.
fn ask_ready<'js>(cx: &Cx<'js>, ask: Ask) -> Fallible<'js, Promise<'js>> {
    let navigator = cx.global().get(cx, "navigator")?;
    let navigator = Ref::<Navigator>::from_js(cx, &navigator)?;
    let container: Ref<'js, ServiceWorkerContainer> = Navigator::service_worker(&navigator, cx)?;
    let ready = ServiceWorkerContainer::ready(&container, cx)?;
    let (promise, settles) = Settles::new(cx)?;
    let todo = Cell::new(Some((settles, ask)));
    let on_ready: Native = Box::new(move |arguments| {
        let cx = &arguments.cx;
        if let Some((settles, ask)) = todo.take() {
            answer(cx, &arguments.get(0), settles, ask);
        }
        Ok(cx.undefined())
    });
    let on_ready = cx.function("", 1, on_ready)?;
    // It is never rejected.
    ready.then(cx, &on_ready, &on_ready)?;
    Ok(promise)
}

fn answer<'js>(cx: &Cx<'js>, registration: &crate::engine::Value<'js>, settles: Settles, ask: Ask) {
    let manager = Ref::<ServiceWorkerRegistration>::from_js(cx, registration).and_then(|registration| {
        let objects = Objects::of(cx)?;
        Ok(objects.realm().background_fetch(&registration.registration().key))
    });
    let manager = match manager {
        Ok(manager) => manager,
        Err(error) => return settles.settle(cx, Err(error)),
    };
    Realm::of(cx).spawn_then(ask(&manager), move |cx, outcome| {
        let outcome = outcome
            .map_err(Error::from)
            .and_then(|instance| object_of(cx, instance));
        settles.settle(cx, outcome);
    });
}

impl GuideBackgroundFetchMethods for GuideBackgroundFetch {
    fn fetch<'js>(
        _: &Ref<'js, Self>,
        cx: &Cx<'js>,
        id: DomString,
        requests: RequestOrUsvStringOrRequestInfoSequence<'js>,
        options: BackgroundFetchOptions,
    ) -> Fallible<'js, Promise<'js>> {
        let requests = request_infos(cx, requests)?;
        ask_ready(
            cx,
            Box::new(move |manager| {
                let fetched = manager.fetch(id, requests, options.into());
                Box::pin(async move { fetched.await.map(Some) })
            }),
        )
    }

    fn get<'js>(_: &Ref<'js, Self>, cx: &Cx<'js>, id: DomString) -> Fallible<'js, Promise<'js>> {
        ask_ready(cx, Box::new(move |manager| manager.get(id)))
    }
}

/// What the extension remembers of a background fetch, whose records may be gone.
#[derive(Default)]
pub(super) struct Remembered(RefCell<Option<Rc<FetchInspection>>>);

impl Remembered {
    /// How it is: as it is now, while that can be seen.
    fn look(&self, cx: &Cx<'_>, key: FetchKey) -> Option<Rc<FetchInspection>> {
        let engine = Host::of(cx).background_fetch.lock().clone();
        let now = engine.and_then(|engine| engine.inspect_one(key));
        let mut remembered = self.0.borrow_mut();
        // Once its records are gone the last look has them.
        if let Some(now) = now.filter(|now| !now.records.is_empty()) {
            *remembered = Some(Rc::new(now));
        }
        remembered.clone()
    }
}

fn status_of(
    instance: &api::BackgroundFetchRegistration,
    now: Option<&FetchInspection>,
) -> BackgroundFetchStatus {
    if instance.result() != BackgroundFetchResult::Empty {
        return BackgroundFetchStatus::Completed;
    }
    let Some(now) = now else {
        return BackgroundFetchStatus::Pending;
    };
    let unsettled = || {
        now.records
            .iter()
            .filter(|record| record.result == ResponseResult::Empty)
    };
    // Nothing is on its way, and the last try of something failed.
    let is_stuck =
        unsettled().all(|record| !record.in_flight) && unsettled().any(|record| !record.detail.is_empty());
    if now.paused.any() || is_stuck {
        return BackgroundFetchStatus::Interrupted;
    }
    BackgroundFetchStatus::Pending
}

impl BackgroundFetchRegistration {
    fn look(&self, cx: &Cx<'_>) -> Option<Rc<FetchInspection>> {
        self.remembered.look(cx, self.instance().key())
    }

    pub(super) fn guide_status(&self, cx: &Cx<'_>) -> BackgroundFetchStatus {
        status_of(self.instance(), self.look(cx).as_deref())
    }

    pub(super) fn guide_files<'js>(&self, cx: &Cx<'js>) -> Fallible<'js, Object<'js>> {
        let now = self.look(cx);
        let records = now.iter().flat_map(|now| &now.records);
        let files = records.map(|record| {
            let size = match record.result {
                ResponseResult::Empty => record.content_length.unwrap_or(record.downloaded),
                _ => record.downloaded,
            };
            let file = BackgroundFetchFile {
                url: record.url.to_string(),
                size,
            };
            file.to_js(cx)
        });
        let files = files.collect::<Result<Vec<_>, _>>()?;
        Ok(cx.array(&files)?)
    }

    /// Releases what waits or is paused; begins anew what is settled.
    pub(super) fn guide_start<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Promise<'js>> {
        let gone = || {
            Error::dom(
                "InvalidStateError",
                "nothing is known of this background fetch any more",
            )
        };
        let engine = Host::of(cx).background_fetch.lock().clone().ok_or_else(gone)?;
        let now = this.look(cx).ok_or_else(gone)?;
        let instance = this.instance().clone();
        if instance.result() == BackgroundFetchResult::Empty {
            let released = release(engine, now.key, instance);
            return promise_of(cx, released, |cx, instance| object_of(cx, Some(instance)));
        }
        if now
            .records
            .iter()
            .any(|record| record.upload_total > 0 || record.method != "GET")
        {
            return Err(Error::dom(
                "InvalidStateError",
                "only what was fetched with GET begins anew: call fetch() with the requests",
            ));
        }
        let urls: Vec<String> = now.records.iter().map(|record| record.url.to_string()).collect();
        let options = background_fetch::BackgroundFetchOptions {
            ui: background_fetch::BackgroundFetchUIOptions {
                title: Some(now.title.clone()),
                icons: None,
            },
            download_total: now.download_total,
        };
        let registration: &RegistrationKey = &now.registration;
        let manager = Objects::of(cx)?.realm().background_fetch(registration);
        let fetched = manager.fetch(now.id.clone(), urls, options);
        promise_of(cx, fetched, |cx, instance| object_of(cx, Some(instance)))
    }
}

async fn release(
    engine: Engine,
    key: FetchKey,
    instance: api::BackgroundFetchRegistration,
) -> Result<api::BackgroundFetchRegistration, background_fetch::Exception> {
    let refused = |error: background_fetch::ControlError| {
        background_fetch::Exception::new(
            background_fetch::ExceptionName::InvalidStateError,
            error.to_string(),
        )
    };
    let paused = engine.inspect_one(key).map(|now| now.paused).unwrap_or_default();
    if paused.permission {
        engine.allow(key).await.map_err(refused)?;
    }
    if paused.user {
        engine.resume(key).await.map_err(refused)?;
    }
    Ok(instance)
}
