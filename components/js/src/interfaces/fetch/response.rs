//! `Response`.

mod convert;

use std::cell::RefCell;

use background_fetch::fetch::ResponseHead;
use url::Url;

use super::body::{self, Body, Extracted, HasBody, Moved, Package, extract};
use super::header_rules::is_reason_phrase;
use super::{Guard, Headers, SharedHeaders};
use crate::bindings::{BodyInit, ResponseInit, ResponseMethods, ResponseType};
use crate::engine::{Cx, Promise, Slots, Value};
use crate::interfaces::ReadableStream;
use crate::realm::{Charge, Realm};
use crate::webidl::{ByteString, Error, Fallible, Ref, create};

/// A response, as scripts see it.
///
/// <https://fetch.spec.whatwg.org/#response-class>
pub struct Response {
    type_: ResponseType,
    /// The URLs that led here; none where a script made it.
    url_list: Vec<Url>,
    status: u16,
    status_text: Vec<u8>,
    headers: SharedHeaders,
    guard: Guard,
    /// That of the internal response.
    body: Body,
    /// What it is inside, where it comes from the host: with all its headers.
    internal: Option<Box<ResponseHead>>,
}

const HEADERS: &str = "headers";

impl HasBody for Response {
    fn body(&self) -> &Body {
        &self.body
    }

    fn headers(&self) -> &SharedHeaders {
        &self.headers
    }

    fn is_body_hidden(&self) -> bool {
        self.type_ == ResponseType::Opaque
    }
}

impl Default for Response {
    /// A network error.
    ///
    /// <https://fetch.spec.whatwg.org/#concept-network-error>
    fn default() -> Self {
        Self {
            type_: ResponseType::Error,
            url_list: Vec::new(),
            status: 0,
            status_text: Vec::new(),
            headers: SharedHeaders::default(),
            guard: Guard::Immutable,
            body: Body::default(),
            internal: None,
        }
    }
}

impl Response {
    /// It, with the object of its headers in a slot.
    fn assemble<'js>(self, cx: &Cx<'js>, slots: &Slots<'js>) -> Fallible<'js, Self> {
        let headers = Headers::create(cx, SharedHeaders::clone(&self.headers), self.guard)?;
        slots.set_named(HEADERS, headers.value());
        Ok(self)
    }

    fn create<'js>(self, cx: &Cx<'js>) -> Fallible<'js, Ref<'js, Self>> {
        let slots = Slots::default();
        let this = self.assemble(cx, &slots)?;
        create(cx, this, slots)
    }
}

/// A response that a script makes.
///
/// <https://fetch.spec.whatwg.org/#initialize-a-response>
fn initialize<'js>(
    cx: &Cx<'js>,
    slots: &Slots<'js>,
    init: ResponseInit,
    body: Option<Extracted<'js>>,
) -> Fallible<'js, Response> {
    // 1.
    let status = init.status;
    if !(200..=599).contains(&status) {
        let message = format!("{status} is no status of a response: those are 200 to 599");
        return Err(Error::Range(message));
    }
    // 2.
    let status_text = init.status_text.0;
    if !is_reason_phrase(&status_text) {
        return Err(Error::type_error(
            "the statusText has characters that HTTP does not send",
        ));
    }
    // 5.
    let list = SharedHeaders::new(RefCell::default());
    let headers = Headers::new(SharedHeaders::clone(&list), Guard::Response);
    init.headers.map_or(Ok(()), |init| headers.fill(init))?;
    // 6.
    let body = match body {
        Some(_) if is_null_body_status(status) => {
            return Err(Error::type_error(format!(
                "a response with status {status} has no body"
            )));
        }
        Some(Extracted { body, type_, .. }) => {
            if !type_.is_empty() && !list.borrow().contains(b"content-type") {
                list.borrow_mut().append(b"Content-Type", type_.into());
            }
            body
        }
        None => Moved::default(),
    };
    // 3 and 4.
    let response = Response {
        type_: ResponseType::Default,
        status,
        status_text,
        headers: list,
        guard: Guard::Response,
        body: body.into_slots(slots),
        ..Response::default()
    };
    response.assemble(cx, slots)
}

/// <https://fetch.spec.whatwg.org/#null-body-status>
fn is_null_body_status(status: u16) -> bool {
    matches!(status, 101 | 103 | 204 | 205 | 304)
}

/// <https://fetch.spec.whatwg.org/#redirect-status>
fn is_redirect_status(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

impl ResponseMethods for Response {
    fn kept_bytes(&self) -> usize {
        let urls: usize = self.url_list.iter().map(|url| url.as_str().len()).sum();
        urls + self.status_text.len()
    }

    fn constructor<'js>(
        cx: &Cx<'js>,
        slots: &Slots<'js>,
        body: Option<BodyInit<'js>>,
        init: ResponseInit,
    ) -> Fallible<'js, Self> {
        let body = body.map(|body| extract(cx, &body, false)).transpose()?;
        initialize(cx, slots, init, body)
    }

    fn error<'js>(cx: &Cx<'js>) -> Fallible<'js, Ref<'js, Self>> {
        Self::default().create(cx)
    }

    /// <https://fetch.spec.whatwg.org/#dom-response-redirect>
    fn redirect<'js>(cx: &Cx<'js>, url: String, status: u16) -> Fallible<'js, Ref<'js, Self>> {
        // 1 and 2.
        let base = Realm::of(cx).settings().client.base_url.clone();
        let parsed = base.join(&url).map_err(|error| {
            let shown: String = url.chars().take(200).collect();
            Error::type_error(format!("{shown:?} is not a URL: {error}"))
        })?;
        // 3.
        if !is_redirect_status(status) {
            return Err(Error::Range(format!("{status} is no status of a redirect")));
        }
        // 4 to 8.
        let response = Self {
            type_: ResponseType::Default,
            status,
            ..Self::default()
        };
        let mut headers = response.headers.borrow_mut();
        headers.append(b"Location", parsed.as_str().into());
        drop(headers);
        response.create(cx)
    }

    /// <https://fetch.spec.whatwg.org/#dom-response-json>
    fn static_json<'js>(cx: &Cx<'js>, data: Value<'js>, init: ResponseInit) -> Fallible<'js, Ref<'js, Self>> {
        // 1.
        let json = cx.to_json(&data)?;
        let json = json.ok_or_else(|| Error::type_error("the data has no JSON"))?;
        // 2 to 4.
        let body = Extracted {
            body: Body::bytes(Charge::bytes(cx, json.to_text(cx)?.into_bytes())?).into(),
            type_: "application/json".to_owned(),
            has_source: true,
        };
        let slots = Slots::default();
        let response = initialize(cx, &slots, init, Some(body))?;
        create(cx, response, slots)
    }

    fn type_<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, ResponseType> {
        Ok(this.type_)
    }

    fn url<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, String> {
        // Without its fragment.
        Ok(this.url_list.last().map_or_else(String::new, |url| {
            let mut url = url.clone();
            url.set_fragment(None);
            url.into()
        }))
    }

    fn redirected<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, bool> {
        Ok(this.url_list.len() > 1)
    }

    fn status<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, u16> {
        Ok(this.status)
    }

    fn ok<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, bool> {
        Ok((200..=299).contains(&this.status))
    }

    fn status_text<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, ByteString> {
        Ok(ByteString(this.status_text.clone()))
    }

    fn headers<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Ref<'js, Headers>> {
        this.required_slot(cx, HEADERS)
    }

    /// <https://fetch.spec.whatwg.org/#dom-response-clone>
    fn clone<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Ref<'js, Self>> {
        let body = body::clone(this, cx)?;
        let slots = Slots::default();
        let copy = Self {
            type_: this.type_,
            url_list: this.url_list.clone(),
            status: this.status,
            status_text: this.status_text.clone(),
            headers: SharedHeaders::new(RefCell::new(this.headers.borrow().clone())),
            guard: this.guard,
            body: body.into_slots(&slots),
            internal: this.internal.clone(),
        };
        let copy = copy.assemble(cx, &slots)?;
        create(cx, copy, slots)
    }

    body::methods!();
}
