//! What is in a cache, as objects of scripts, and back.

use std::sync::Arc;

use background_fetch::fetch::{self, ResponseHead};
use background_fetch::{CacheQueryOptions, Exception, ExceptionName};
use futures::{StreamExt, TryStreamExt};
use http::header::VARY;
use http::{Method, StatusCode};

use crate::bindings::{RequestInfo, RequestInit, ResponseMethods};
use crate::engine::{Cx, Promise, Value};
use crate::host::caches::{CacheEntry, CacheList, StoredBody};
use crate::interfaces::{EndReason, Failure, Guard, Request, Response};
use crate::realm::Realm;
use crate::webidl::{Error, Fallible, FromJs, Ref, Settles, charge_for};

/// The request of an argument.
///
/// # Errors
///
/// A TypeError where it is a string and no URL, or has a header that HTTP does not send.
pub(super) fn request_of<'js>(cx: &Cx<'js>, info: RequestInfo<'js>) -> Fallible<'js, fetch::Request> {
    match info {
        RequestInfo::Request(request) => request.to_component(),
        url => Request::of(cx, url, no_init(cx)?)?.to_component(),
    }
}

/// The dictionary without members.
pub(super) fn no_init<'js>(cx: &Cx<'js>) -> Fallible<'js, RequestInit<'js>> {
    RequestInit::from_js(cx, &cx.undefined())
}

/// Whether a request is never found: it is no GET, and its method counts.
pub(super) fn is_never_found(request: &fetch::Request, options: CacheQueryOptions) -> bool {
    request.method != Method::GET && !options.ignore_method
}

/// Checks that a request may be put.
///
/// # Errors
///
/// A TypeError where it is not of HTTP, or not a GET.
pub(super) fn check_request<'js>(request: &fetch::Request) -> Fallible<'js, ()> {
    if !matches!(request.url.scheme(), "http" | "https") {
        let scheme = request.url.scheme();
        return Err(Error::type_error(format!(
            "a URL with the scheme {scheme:.40} cannot be cached"
        )));
    }
    if request.method != Method::GET {
        let method = &request.method;
        return Err(Error::type_error(format!(
            "a request with the method {method:.40} cannot be cached"
        )));
    }
    Ok(())
}

/// What may be put of a response: its head; none of a network error.
///
/// # Errors
///
/// A TypeError where it is a part, or one that varies with everything.
pub(super) fn check_response<'js>(response: &Response) -> Fallible<'js, Option<ResponseHead>> {
    if response.is_network_error() {
        return Ok(None);
    }
    let head = response.head()?;
    if head.status == StatusCode::PARTIAL_CONTENT {
        return Err(Error::type_error(
            "a response with status 206 is a part, and cannot be cached",
        ));
    }
    // Of an opaque response nobody sees what it varies with.
    let values = head.headers.get_all(VARY).iter().filter(|_| !head.is_hidden());
    let mut members = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    if members.any(|member| member.trim_ascii() == b"*") {
        return Err(Error::type_error(
            "a response with \"Vary: *\" is never found again, and cannot be cached",
        ));
    }
    Ok(Some(head))
}

/// A response that is on its way into a cache.
pub(super) struct Incoming {
    pub(super) request: fetch::Request,
    pub(super) response: Option<ResponseHead>,
    pub(super) body: Option<fetch::BodyStream>,
    pub(super) end: EndReason,
}

impl Incoming {
    /// Takes a response's body.
    ///
    /// # Errors
    ///
    /// A TypeError where the response may not be put, or was used.
    pub(super) fn take<'js>(
        cx: &Cx<'js>,
        request: fetch::Request,
        response: &Ref<'js, Response>,
    ) -> Fallible<'js, Self> {
        let head = check_response(response)?;
        let end = EndReason::default();
        Ok(Self {
            request,
            response: head,
            body: Response::take_body_with_end(response, cx, end.clone())?,
            end,
        })
    }

    /// Keeps its body.
    pub(super) async fn keep(self, list: &dyn CacheList) -> Result<CacheEntry, Failure> {
        let kept: Option<Result<StoredBody, Exception>> = match self.body {
            Some(body) => Some(list.keep_body(body).await),
            None => None,
        };
        // What a script is told is what its stream says.
        let failure = |exception: Exception| match self.end.take() {
            Some(reason) => Failure::Value(reason),
            None => exception.into(),
        };
        Ok(CacheEntry {
            request: self.request,
            response: self.response,
            body: kept.transpose().map_err(failure)?,
        })
    }
}

/// A new object of an entry's response.
pub(super) fn response_object<'js>(cx: &Cx<'js>, entry: &CacheEntry) -> Fallible<'js, Value<'js>> {
    let Some(head) = &entry.response else {
        return Ok(Response::error(cx)?.value());
    };
    let broken = |message| Failure::from(Exception::new(ExceptionName::TypeError, message));
    let body = entry.body.as_ref().map(|body| body.source.open());
    let body = body.map(|body| body.map_err(broken).boxed_local());
    Ok(Response::from_head(cx, head, &head.exposed_headers(), body)?.value())
}

/// A frozen array of new objects.
pub(super) fn frozen_array<'js>(
    cx: &Cx<'js>,
    entries: &[Arc<CacheEntry>],
    object: impl Fn(&Cx<'js>, &CacheEntry) -> Fallible<'js, Value<'js>>,
) -> Fallible<'js, Value<'js>> {
    let objects: Fallible<'js, Vec<_>> = entries.iter().map(|entry| object(cx, entry)).collect();
    let array = cx.array(&objects?)?;
    array.freeze(cx)?;
    Ok(array.value())
}

/// A new object of an entry's request.
pub(super) fn request_object<'js>(cx: &Cx<'js>, entry: &CacheEntry) -> Fallible<'js, Value<'js>> {
    Ok(Request::from_component(cx, &entry.request, Guard::Immutable, None)?.value())
}

/// The promise of something that may fail with a value of scripts.
///
/// # Errors
///
/// Where the engine has no memory.
pub(super) fn promise_or_failure<'js>(
    cx: &Cx<'js>,
    future: impl Future<Output = Result<(), Failure>> + 'static,
    failed: impl for<'a> FnOnce(&Cx<'a>, &Error<'a>) + 'static,
) -> Fallible<'js, Promise<'js>> {
    let charge = charge_for(cx, &future)?;
    let (promise, settles) = Settles::new(cx)?;
    Realm::of(cx).spawn_then(future, move |cx, outcome| {
        drop(charge);
        let outcome = outcome.map_err(|failure| failure.into_error(cx));
        if let Err(error) = &outcome {
            failed(cx, error);
        }
        settles.settle(cx, outcome.map(|()| cx.undefined()));
    });
    Ok(promise)
}
