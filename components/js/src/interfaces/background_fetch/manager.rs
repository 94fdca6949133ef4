//! `BackgroundFetchManager`.

use background_fetch::{DomString, api};

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
    let Some(instance) = instance else {
        return Ok(cx.undefined());
    };
    let object: Ref<'js, BackgroundFetchRegistration> = Objects::of(cx)?.registration(cx, &instance)?;
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
        let registration = this
            .slots()
            .named(REGISTRATION)
            .map(|value| Ref::from_js(cx, &value))
            .transpose()?;
        if registration
            .is_some_and(|registration: Ref<'js, ServiceWorkerRegistration>| !registration.has_active())
        {
            return Err(Error::type_error(
                "the service worker registration has no active worker",
            ));
        }
        // 4 and 6. The list, their internal requests and bodies.
        let requests = request_infos(cx, requests)?;
        let fetched = this.inner.fetch(id, requests, options.into());
        promise_of(cx, fetched, |cx, instance| object_of(cx, Some(instance)))
    }

    fn get<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>, id: DomString) -> Fallible<'js, Promise<'js>> {
        promise_of(cx, this.inner.get(id), object_of)
    }

    fn get_ids<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Promise<'js>> {
        promise_of(cx, this.inner.get_ids(), |cx, ids| ids.to_js(cx))
    }
}
