//! The constructor of `Request`.

mod init;

use background_fetch::fetch;
use http::Method;
use url::Url;

use super::Request;
use crate::bindings::{RequestInfo, RequestInit};
use crate::engine::{Cx, Slots};
use crate::interfaces::fetch::body::{self, Extracted, HasBody, Moved, extract};
use crate::interfaces::fetch::{Guard, Headers, SharedHeaders};
use crate::realm::Realm;
use crate::webidl::{Error, Fallible};

/// <https://fetch.spec.whatwg.org/#dom-request>
pub(super) fn construct<'js>(
    cx: &Cx<'js>,
    slots: &Slots<'js>,
    input: RequestInfo<'js>,
    mut init: RequestInit<'js>,
) -> Fallible<'js, Request> {
    let realm = Realm::of(cx);
    let client = &realm.settings().client;
    // 5 and 6. What the input is.
    let (mut request, list, mut signal, blob) = match &input {
        RequestInfo::UsvString(text) => {
            let url = init::parse(text, client)?;
            init::refuse_credentials(&url)?;
            let blob = realm.settings().host.blob_urls.resolve(&url, client);
            (fetch::Request::new(url), None, None, blob)
        }
        RequestInfo::Request(input) => {
            let signal = Request::signal_of(input, cx)?;
            let list = input.headers.borrow().clone();
            (
                input.request.clone(),
                Some(list),
                Some(signal),
                input.blob.clone(),
            )
        }
    };
    // 10 to 25.
    let is_empty = init::is_empty(&init);
    init::apply(&mut request, &init, is_empty, client)?;
    // 26. The signal.
    if let Some(given) = init.signal.take() {
        signal = given;
    }
    // 32. Who may change the headers.
    let mut guard = Guard::Request;
    if request.mode == fetch::RequestMode::NoCors {
        if !matches!(request.method, Method::GET | Method::HEAD | Method::POST) {
            return Err(Error::type_error(format!(
                "the mode \"no-cors\" does not go with the method {}",
                request.method
            )));
        }
        guard = Guard::RequestNoCors;
    }
    // 31 and 33. Those of the init take the place of the input's; either are checked.
    let list = list.unwrap_or_default();
    let headers = SharedHeaders::default();
    let checked = Headers::new(SharedHeaders::clone(&headers), guard);
    match init.headers.take() {
        Some(given) => checked.fill(given)?,
        None if is_empty => {
            headers.replace(list);
        }
        None => {
            for (name, value) in list.iter() {
                checked.append_header(name, value)?;
            }
        }
    }
    // 34 to 42.
    let body = body_of(cx, &input, &init, &request, &checked)?;
    let this = Request {
        request,
        headers,
        guard,
        body: body.into_slots(slots),
        blob,
    };
    // 29 and 30.
    let signals: Vec<_> = signal.into_iter().collect();
    Request::assemble(cx, slots, this, &signals)
}

/// Steps 34 to 42.
fn body_of<'js>(
    cx: &Cx<'js>,
    input: &RequestInfo<'js>,
    init: &RequestInit<'js>,
    request: &fetch::Request,
    headers: &Headers,
) -> Fallible<'js, Moved<'js>> {
    // 34.
    let input = match input {
        RequestInfo::Request(input) if !HasBody::body(&**input).is_null() => Some(input),
        _ => None,
    };
    let given = init.body.as_ref().and_then(Option::as_ref);
    // 35.
    if (given.is_some() || input.is_some()) && matches!(request.method, Method::GET | Method::HEAD) {
        return Err(Error::type_error(format!(
            "a request with the method {} has no body",
            request.method
        )));
    }
    // 36 to 39. That of the init.
    if let Some(given) = given {
        let Extracted {
            body,
            type_,
            has_source,
        } = extract(cx, given, request.keepalive)?;
        if !type_.is_empty() && !headers.list().borrow().contains(b"content-type") {
            headers.append_header(b"Content-Type", type_.as_bytes())?;
        }
        if !has_source && init.duplex.is_none() {
            return Err(Error::type_error(
                "a stream as the body needs the member duplex, with the value \"half\"",
            ));
        }
        check_stream_mode(has_source, request)?;
        return Ok(body);
    }
    // 40 to 42. That of the input.
    match input {
        Some(input) => {
            check_stream_mode(HasBody::body(&**input).has_source(), request)?;
            body::transfer(input, cx)
        }
        None => Ok(Moved::default()),
    }
}

/// Step 39.2.
fn check_stream_mode<'js>(has_source: bool, request: &fetch::Request) -> Fallible<'js, ()> {
    let is_allowed = matches!(
        request.mode,
        fetch::RequestMode::SameOrigin | fetch::RequestMode::Cors
    );
    if has_source || is_allowed {
        return Ok(());
    }
    Err(Error::type_error(format!(
        "a stream as the body does not go with the mode \"{}\"",
        request.mode
    )))
}

/// Whether a URL is of the client's origin.
fn is_same_origin(url: &Url, client: &fetch::Client) -> bool {
    client.origin.as_deref() == Some(&*url.origin().ascii_serialization())
}
