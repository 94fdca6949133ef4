//! `Request`.

mod construct;
mod convert;

use std::cell::RefCell;

use background_fetch::fetch;

use super::body::{self, Body, HasBody, Package};
use super::{Guard, Headers, SharedHeaders};
use crate::bindings::{
    ReferrerPolicy, RequestCache, RequestCredentials, RequestDestination, RequestDuplex, RequestInfo,
    RequestInit, RequestMethods, RequestMode, RequestRedirect,
};
use crate::engine::{Cx, Promise, Slots};
use crate::interfaces::{AbortSignal, BlobData, ReadableStream};
use crate::webidl::{ByteString, Error, Fallible, Ref, create};
use background_fetch::DomString;

pub use convert::{request_info, request_info_to_match};

/// A request, as scripts see it.
///
/// <https://fetch.spec.whatwg.org/#request-class>
pub struct Request {
    /// All but its headers, which are in a list of their own.
    request: fetch::Request,
    headers: SharedHeaders,
    guard: Guard,
    body: Body,
    /// The blob that its URL stood for when it was made.
    blob: Option<BlobData>,
}

const HEADERS: &str = "headers";
const SIGNAL: &str = "signal";

impl HasBody for Request {
    fn body(&self) -> &Body {
        &self.body
    }

    fn headers(&self) -> &SharedHeaders {
        &self.headers
    }
}

impl Request {
    /// An object with a list of headers, and a signal that is aborted with others.
    fn assemble<'js>(
        cx: &Cx<'js>,
        slots: &Slots<'js>,
        this: Self,
        signals: &[Ref<'js, AbortSignal>],
    ) -> Fallible<'js, Self> {
        let headers = Headers::create(cx, SharedHeaders::clone(&this.headers), this.guard)?;
        slots.set_named(HEADERS, headers.value());
        let signal = AbortSignal::dependent(cx, signals)?;
        slots.set_named(SIGNAL, signal.value());
        Ok(this)
    }

    /// Its signal.
    pub(in crate::interfaces) fn signal_of<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
    ) -> Fallible<'js, Ref<'js, AbortSignal>> {
        this.required_slot(cx, SIGNAL)
    }

    /// The blob that its URL stood for when it was made.
    ///
    /// <https://url.spec.whatwg.org/#concept-url-blob-entry>
    pub(super) fn blob_url_entry(&self) -> Option<&BlobData> {
        self.blob.as_ref()
    }

    /// The object that `new Request(input, init)` makes.
    pub(in crate::interfaces) fn of<'js>(
        cx: &Cx<'js>,
        input: RequestInfo<'js>,
        init: RequestInit<'js>,
    ) -> Fallible<'js, Ref<'js, Self>> {
        let slots = Slots::default();
        let this = Self::constructor(cx, &slots, input, init)?;
        create(cx, this, slots)
    }
}

/// A value of an enumeration of Web IDL as that of the component, or the other way round: they have the same strings.
macro_rules! same {
    ($value:expr, $bindings:ident) => {
        $bindings::from_idl($value.as_str()).ok_or_else(|| Error::type_error("no such value"))
    };
}

impl RequestMethods for Request {
    fn kept_bytes(&self) -> usize {
        self.request.url.as_str().len() + self.request.integrity.len()
    }

    fn constructor<'js>(
        cx: &Cx<'js>,
        slots: &Slots<'js>,
        input: RequestInfo<'js>,
        init: RequestInit<'js>,
    ) -> Fallible<'js, Self> {
        construct::construct(cx, slots, input, init)
    }

    fn method<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, ByteString> {
        Ok(this.request.method.as_str().into())
    }

    fn url<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, String> {
        Ok(this.request.url.to_string())
    }

    fn headers<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Ref<'js, Headers>> {
        this.required_slot(cx, HEADERS)
    }

    fn destination<'js>(_: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, RequestDestination> {
        Ok(RequestDestination::Empty)
    }

    fn referrer<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, String> {
        Ok(match &this.request.referrer {
            fetch::Referrer::NoReferrer => String::new(),
            fetch::Referrer::Client => "about:client".to_owned(),
            fetch::Referrer::Url(url) => url.to_string(),
        })
    }

    fn referrer_policy<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, ReferrerPolicy> {
        same!(this.request.referrer_policy, ReferrerPolicy)
    }

    fn mode<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, RequestMode> {
        same!(this.request.mode, RequestMode)
    }

    fn credentials<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, RequestCredentials> {
        same!(this.request.credentials, RequestCredentials)
    }

    fn cache<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, RequestCache> {
        same!(this.request.cache, RequestCache)
    }

    fn redirect<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, RequestRedirect> {
        same!(this.request.redirect, RequestRedirect)
    }

    fn integrity<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
        Ok(this.request.integrity.as_str().into())
    }

    fn keepalive<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, bool> {
        Ok(this.request.keepalive)
    }

    fn is_reload_navigation<'js>(_: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, bool> {
        Ok(false)
    }

    fn is_history_navigation<'js>(_: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, bool> {
        Ok(false)
    }

    fn signal<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Ref<'js, AbortSignal>> {
        Self::signal_of(this, cx)
    }

    fn duplex<'js>(_: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, RequestDuplex> {
        Ok(RequestDuplex::Half)
    }

    /// <https://fetch.spec.whatwg.org/#dom-request-clone>
    fn clone<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Ref<'js, Self>> {
        // 1 and 2.
        let body = body::clone(this, cx)?;
        let slots = Slots::default();
        let copy = Self {
            request: this.request.clone(),
            headers: SharedHeaders::new(RefCell::new(this.headers.borrow().clone())),
            guard: this.guard,
            body: body.into_slots(&slots),
            blob: this.blob.clone(),
        };
        // 3 to 6.
        let signal = Self::signal_of(this, cx)?;
        let copy = Self::assemble(cx, &slots, copy, &[signal])?;
        create(cx, copy, slots)
    }

    body::methods!();
}
