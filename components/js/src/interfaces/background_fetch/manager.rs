//! `BackgroundFetchManager`.

use std::rc::Rc;

use background_fetch::{DomString, api};

use super::guide_call::FetchCall;
use super::{BackgroundFetchRegistration, Objects};
use crate::bindings::{
    BackgroundFetchManagerMethods, BackgroundFetchOptions, RequestInfo,
    RequestOrUsvStringOrRequestInfoSequence,
};
use crate::engine::{Cx, Promise, Value};
use crate::interfaces::{ServiceWorkerRegistration, request_info};
use crate::webidl::{Error, Fallible, FromJs, Ref, ToJs, promise_of};

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

/// The same, for an instance that comes of a call of `fetch()`: the guide extension remembers it.
pub(super) fn begun_object<'js>(
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
        let fetched = this.inner.fetch(id, requests, options);
        promise_of(cx, fetched, |cx, instance| begun_object(cx, Some(instance), call))
    }

    fn get<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>, id: DomString) -> Fallible<'js, Promise<'js>> {
        promise_of(cx, this.inner.get(id), object_of)
    }

    fn get_ids<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Promise<'js>> {
        promise_of(cx, this.inner.get_ids(), |cx, ids| ids.to_js(cx))
    }
}
