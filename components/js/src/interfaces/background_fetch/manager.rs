//! `BackgroundFetchManager`.

use std::rc::Rc;

use background_fetch::{DomString, Exception, ExceptionName, api};

use super::guide_call::FetchCall;
use super::{BackgroundFetchRegistration, Objects};
use crate::bindings::{
    BackgroundFetchManagerMethods, BackgroundFetchOptions, RequestInfo,
    RequestOrUsvStringOrRequestInfoSequence,
};
use crate::engine::{Cx, Promise, Value};
use crate::interfaces::{DOMException, ServiceWorkerRegistration, request_info};
use crate::realm::Realm;
use crate::webidl::{Error, Fallible, FromJs, Ref, Settles, ToJs, promise_of};

/// The slot of its registration.
pub(super) const REGISTRATION: &str = "registration";

/// Starts and finds background fetches of a registration.
///
/// <https://wicg.github.io/background-fetch/#background-fetch-manager>
pub struct BackgroundFetchManager {
    inner: api::BackgroundFetchManager,
}

impl BackgroundFetchManager {
    pub(super) fn new(inner: api::BackgroundFetchManager) -> Self {
        Self { inner }
    }
}

/// What `fetch()` was given: a single request is a list of one.
pub(super) fn request_infos<'js>(
    cx: &Cx<'js>,
    requests: RequestOrUsvStringOrRequestInfoSequence<'js>,
) -> Fallible<'js, Vec<api::RequestInfo>> {
    let requests = match requests {
        RequestOrUsvStringOrRequestInfoSequence::RequestInfoSequence(requests) => requests,
        RequestOrUsvStringOrRequestInfoSequence::Request(request) => vec![RequestInfo::Request(request)],
        RequestOrUsvStringOrRequestInfoSequence::UsvString(url) => vec![RequestInfo::UsvString(url)],
    };
    requests.iter().map(|request| request_info(cx, request)).collect()
}

/// The platform object of an instance; undefined for none (errata 11).
pub(super) fn object_of<'js>(
    cx: &Cx<'js>,
    instance: Option<api::BackgroundFetchRegistration>,
) -> Fallible<'js, Value<'js>> {
    begun_object(cx, instance, None)
}

/// What a call of `fetch()` settles its promise with.
pub(super) fn fetched<'js>(
    cx: &Cx<'js>,
    outcome: Result<Option<api::BackgroundFetchRegistration>, Exception>,
    call: Option<FetchCall>,
) -> Fallible<'js, Value<'js>> {
    match outcome {
        Ok(instance) => begun_object(cx, instance, call),
        // The draft, and its tests, know it as the name of a DOMException (errata 27).
        Err(exception) if exception.name == ExceptionName::QuotaExceededError => Err(Error::Thrown(
            DOMException::plain(cx, exception.name.as_str(), &exception.message)?,
        )),
        Err(exception) => Err(exception.into()),
    }
}

/// The same, for an instance that comes of a call of `fetch()`: the guide extension remembers it.
fn begun_object<'js>(
    cx: &Cx<'js>,
    instance: Option<api::BackgroundFetchRegistration>,
    call: Option<FetchCall>,
) -> Fallible<'js, Value<'js>> {
    let Some(instance) = instance else {
        return Ok(cx.undefined());
    };
    let object: Ref<'js, BackgroundFetchRegistration> = Objects::of(cx)?.registration(cx, &instance)?;
    if let Some(call) = call {
        *object.remembered.call.borrow_mut() = Some(Rc::new(call));
    }
    Ok(object.value())
}

impl BackgroundFetchManagerMethods for BackgroundFetchManager {
    fn fetch<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        id: DomString,
        requests: RequestOrUsvStringOrRequestInfoSequence<'js>,
        options: BackgroundFetchOptions,
    ) -> Fallible<'js, Promise<'js>> {
        // 9.2, as this realm sees it: what is installed while the call is on its way does not count.
        let registration: Ref<'js, ServiceWorkerRegistration> = Ref::from_js(
            cx,
            &this.slots().named(REGISTRATION).unwrap_or_else(|| cx.undefined()),
        )?;
        if !registration.has_active() {
            return Err(Error::type_error(
                "the service worker registration has no active worker",
            ));
        }
        // 4 and 6. The list, their internal requests and bodies.
        let requests = request_infos(cx, requests)?;
        let options = options.into();
        let call = FetchCall::of(cx, &registration.registration().key, &id, &requests, &options);
        let (promise, settles) = Settles::new(cx)?;
        let answer = this.inner.fetch(id, requests, options);
        Realm::of(cx).spawn_then(answer, move |cx, outcome| {
            settles.settle(cx, fetched(cx, outcome.map(Some), call));
        });
        Ok(promise)
    }

    fn get<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>, id: DomString) -> Fallible<'js, Promise<'js>> {
        promise_of(cx, this.inner.get(id), object_of)
    }

    fn get_ids<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Promise<'js>> {
        promise_of(cx, this.inner.get_ids(), |cx, ids| ids.to_js(cx))
    }
}
