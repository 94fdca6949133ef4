//! What the init of a request says.

use background_fetch::fetch::{self, CacheMode, Client, Referrer, ReferrerPolicy, RequestMode};
use http::Method;
use url::Url;

use super::is_same_origin;
use crate::bindings::RequestInit;
use crate::interfaces::fetch::header_rules::{is_forbidden_method, is_token, normalize_method};
use crate::webidl::{Error, Fallible};

/// Whether it says nothing.
pub(super) fn is_empty(init: &RequestInit<'_>) -> bool {
    let RequestInit {
        body,
        cache,
        credentials,
        duplex,
        headers,
        integrity,
        keepalive,
        method,
        mode,
        priority,
        redirect,
        referrer,
        referrer_policy,
        signal,
        window,
    } = init;
    body.is_none()
        && cache.is_none()
        && credentials.is_none()
        && duplex.is_none()
        && headers.is_none()
        && integrity.is_none()
        && keepalive.is_none()
        && method.is_none()
        && mode.is_none()
        && priority.is_none()
        && redirect.is_none()
        && referrer.is_none()
        && referrer_policy.is_none()
        && signal.is_none()
        && window.is_none()
}

/// A value of an enumeration as that of the component: both have the strings of the standard.
fn same<'js, T: std::str::FromStr>(value: &str) -> Fallible<'js, T> {
    value
        .parse()
        .map_err(|_| Error::type_error(format!("\"{value}\" is not known")))
}

/// Steps 10 to 25 of the constructor.
///
/// <https://fetch.spec.whatwg.org/#dom-request>
pub(super) fn apply<'js>(
    request: &mut fetch::Request,
    init: &RequestInit<'js>,
    is_empty: bool,
    client: &Client,
) -> Fallible<'js, ()> {
    // 10.
    if init.window.as_ref().is_some_and(|window| !window.is_nullish()) {
        return Err(Error::type_error("the member window can be null only"));
    }
    // 13.
    if !is_empty {
        if request.mode == RequestMode::Navigate {
            request.mode = RequestMode::SameOrigin;
        }
        request.referrer = Referrer::Client;
        request.referrer_policy = ReferrerPolicy::Empty;
    }
    // 14.
    if let Some(text) = &init.referrer {
        request.referrer = referrer(text, client)?;
    }
    // 15.
    if let Some(policy) = init.referrer_policy {
        request.referrer_policy = same(policy.as_str())?;
    }
    // 16 to 18. Without one it is that of the input; that of a URL is "cors".
    if let Some(mode) = init.mode {
        request.mode = same(mode.as_str())?;
    }
    if init.mode.is_some() && request.mode == RequestMode::Navigate {
        return Err(Error::type_error(
            "a script makes no request with the mode \"navigate\"",
        ));
    }
    // 19.
    if let Some(credentials) = init.credentials {
        request.credentials = same(credentials.as_str())?;
    }
    // 20 and 21.
    if let Some(cache) = init.cache {
        request.cache = same(cache.as_str())?;
    }
    if request.cache == CacheMode::OnlyIfCached && request.mode != RequestMode::SameOrigin {
        return Err(Error::type_error(
            "the cache mode \"only-if-cached\" goes with the mode \"same-origin\" only",
        ));
    }
    // 22 to 24.
    if let Some(redirect) = init.redirect {
        request.redirect = same(redirect.as_str())?;
    }
    if let Some(integrity) = &init.integrity {
        request.integrity = integrity.to_string();
    }
    if let Some(keepalive) = init.keepalive {
        request.keepalive = keepalive;
    }
    // 25.
    if let Some(method) = &init.method {
        request.method = self::method(&method.0)?;
    }
    Ok(())
}

/// Step 25.
fn method<'js>(given: &[u8]) -> Fallible<'js, Method> {
    let shown = given[..given.len().min(60)].escape_ascii();
    if !is_token(given) {
        return Err(Error::type_error(format!("\"{shown}\" is no method")));
    }
    if is_forbidden_method(given) {
        return Err(Error::type_error(format!("the method {shown} is forbidden")));
    }
    Method::from_bytes(&normalize_method(given))
        .map_err(|_| Error::type_error(format!("\"{shown}\" is no method")))
}

/// Step 14.
fn referrer<'js>(text: &str, client: &Client) -> Fallible<'js, Referrer> {
    if text.is_empty() {
        return Ok(Referrer::NoReferrer);
    }
    let url = parse(text, client)?;
    let is_client = url.scheme() == "about" && url.path() == "client";
    Ok(if is_client || !is_same_origin(&url, client) {
        Referrer::Client
    } else {
        Referrer::Url(url)
    })
}

/// Parses a URL with the client's base URL.
pub(super) fn parse<'js>(text: &str, client: &Client) -> Fallible<'js, Url> {
    client.base_url.join(text).map_err(|error| {
        let shown: String = text.chars().take(200).collect();
        Error::type_error(format!("{shown:?} is not a URL: {error}"))
    })
}

/// Step 5.3.
pub(super) fn refuse_credentials<'js>(url: &Url) -> Fallible<'js, ()> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(());
    }
    let host = url.host_str().unwrap_or_default();
    Err(Error::type_error(format!(
        "the URL at {host} has a user name or password in it; remove them"
    )))
}
