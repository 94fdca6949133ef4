//! The guide extension: what two guides on the web describe beside the standard.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use background_fetch::inspect::FetchInspection;
use background_fetch::{
    BackgroundFetchResult, CacheQueryOptions, DomString, FetchKey, RegistrationKey, ResponseResult, api,
};

use super::guide_call::FetchCall;
use super::manager::{fetched, request_infos};
use super::{BackgroundFetchRegistration, Objects};
use crate::bindings::{
    BackgroundFetchFile, BackgroundFetchOptions, BackgroundFetchStatus, GuideBackgroundFetchMethods,
    NavigatorMethods, RequestOrUsvStringOrRequestInfoSequence, ServiceWorkerContainerMethods,
};
use crate::engine::{Cx, Native, Object, Promise};
use crate::host::Host;
use crate::interfaces::{Navigator, ServiceWorkerContainer, ServiceWorkerRegistration};
use crate::realm::Realm;
use crate::webidl::{Fallible, FromJs, Ref, Settles, ToJs};

/// `navigator.backgroundFetch`: the manager of the page's ready registration.
pub struct GuideBackgroundFetch;

/// What the component answers.
type Answer = api::Promise<Option<api::BackgroundFetchRegistration>>;

/// Asks a manager of the realm; with what `fetch()` is called with.
type Ask = Box<dyn FnOnce(&Cx<'_>, &Objects, &RegistrationKey) -> (Answer, Option<FetchCall>)>;

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
    let asked = Ref::<ServiceWorkerRegistration>::from_js(cx, registration).and_then(|registration| {
        let objects = Objects::of(cx)?;
        Ok(ask(cx, &objects, &registration.registration().key))
    });
    let (answer, call) = match asked {
        Ok(asked) => asked,
        Err(error) => return settles.settle(cx, Err(error)),
    };
    Realm::of(cx).spawn_then(answer, move |cx, outcome| {
        settles.settle(cx, fetched(cx, outcome, call));
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
            Box::new(move |cx, objects, registration| {
                let options = options.into();
                let call = FetchCall::of(cx, registration, &id, &requests, &options);
                let manager = objects.realm().background_fetch(registration);
                let fetched = manager.fetch(id, requests, options);
                (Box::pin(async move { fetched.await.map(Some) }), call)
            }),
        )
    }

    fn get<'js>(_: &Ref<'js, Self>, cx: &Cx<'js>, id: DomString) -> Fallible<'js, Promise<'js>> {
        let ask: Ask = Box::new(move |_, objects, registration| {
            (objects.realm().background_fetch(registration).get(id), None)
        });
        ask_ready(cx, ask)
    }
}

/// What the extension remembers of a background fetch, whose records may be gone.
#[derive(Default)]
pub(super) struct Remembered {
    seen: RefCell<Option<Rc<FetchInspection>>>,
    /// What `fetch()` was called with.
    pub(super) call: Rc<RefCell<Option<Rc<FetchCall>>>>,
}

impl Remembered {
    /// How it is: as it is now, while that can be seen.
    fn look(&self, cx: &Cx<'_>, key: FetchKey) -> Option<Rc<FetchInspection>> {
        let engine = Host::of(cx).background_fetch.lock().clone();
        let now = engine.and_then(|engine| engine.inspect_one(key));
        let mut remembered = self.seen.borrow_mut();
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
    pub(super) fn look(&self, cx: &Cx<'_>) -> Option<Rc<FetchInspection>> {
        self.remembered.look(cx, self.instance().key())
    }

    /// Keeps what `start()` needs once the records are gone.
    pub(super) fn remember(&self, cx: &Cx<'_>) {
        let Some(seen) = self.look(cx) else {
            return;
        };
        let call = Rc::clone(&self.remembered.call);
        let records = self.instance().match_all(None, CacheQueryOptions::default());
        Realm::of(cx).spawn_then(records, move |_, records| {
            // Where another realm called it; the records themselves would keep the bodies in storage.
            let mut call = call.borrow_mut();
            if let (None, Ok(records)) = (&*call, records) {
                *call = Some(Rc::new(FetchCall::of_records(&seen, &records)));
            }
        });
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
        let mut files = files.collect::<Result<Vec<_>, _>>()?;
        // It was over before anybody could look.
        if let (None, Some(call)) = (&now, &*self.remembered.call.borrow()) {
            files = call.files(cx)?;
        }
        Ok(cx.array(&files)?)
    }
}
