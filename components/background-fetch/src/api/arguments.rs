//! `RequestInfo`, and the Request constructor as far as a background fetch needs it.

use http::Method;
use url::Url;

use crate::Exception;
use crate::exception::excerpt;
use crate::fetch::{Client, Request, RequestBody, RequestMode};

/// `RequestInfo`: a URL, or a `Request` object.
///
/// <https://fetch.spec.whatwg.org/#requestinfo>
#[derive(Debug)]
pub enum RequestInfo {
    /// A URL, relative to the client's base URL.
    Url(String),
    /// A `Request` object.
    Request(Box<RequestObject>),
}

/// A `Request` object: its request and its body.
#[derive(Debug)]
pub struct RequestObject {
    /// The request. Its body length is found out.
    pub request: Request,
    /// The body, where it has one.
    pub body: Option<RequestBody>,
    /// Whether the body was used before: then it cannot be sent.
    pub body_used: bool,
}

impl RequestObject {
    /// A request without a body.
    pub fn new(request: Request) -> Self {
        Self {
            request,
            body: None,
            body_used: false,
        }
    }

    /// A request with a body.
    pub fn with_body(request: Request, body: impl Into<RequestBody>) -> Self {
        Self {
            request,
            body: Some(body.into()),
            body_used: false,
        }
    }
}

impl From<&str> for RequestInfo {
    fn from(url: &str) -> Self {
        Self::Url(url.to_owned())
    }
}

impl From<String> for RequestInfo {
    fn from(url: String) -> Self {
        Self::Url(url)
    }
}

impl From<Url> for RequestInfo {
    fn from(url: Url) -> Self {
        Self::Url(url.into())
    }
}

impl From<Request> for RequestInfo {
    fn from(request: Request) -> Self {
        Self::Request(Box::new(RequestObject::new(request)))
    }
}

impl From<RequestObject> for RequestInfo {
    fn from(request: RequestObject) -> Self {
        Self::Request(Box::new(request))
    }
}

/// Invokes the Request constructor; `what` names the request in messages.
///
/// <https://fetch.spec.whatwg.org/#dom-request>
pub(super) fn construct_request(
    info: RequestInfo,
    client: &Client,
    what: &str,
) -> Result<(Request, Option<RequestBody>), Exception> {
    match info {
        // 5. A string is parsed with the base URL; credentials in it are refused.
        RequestInfo::Url(text) => {
            let url = client.base_url.join(&text).map_err(|error| {
                Exception::type_error(format!("{what}: {:?} is not a URL: {error}", excerpt(&text)))
            })?;
            refuse_credentials(&url, what)?;
            let mode = match client.origin {
                Some(_) => RequestMode::Cors,
                None => RequestMode::Navigate,
            };
            Ok((
                Request {
                    mode,
                    ..Request::new(url)
                },
                None,
            ))
        }
        // 6 on. A request object is copied; its body moves, unless it was used.
        RequestInfo::Request(object) => {
            let RequestObject {
                request,
                body,
                body_used,
            } = *object;
            refuse_credentials(&request.url, what)?;
            let url = excerpt(request.url.as_str());
            if request.mode == RequestMode::Navigate && client.origin.is_some() {
                return Err(Exception::type_error(format!(
                    "{what} ({url}) has the mode \"navigate\""
                )));
            }
            if matches!(
                request.method.as_str().to_ascii_uppercase().as_str(),
                "CONNECT" | "TRACE" | "TRACK"
            ) {
                let method = &request.method;
                return Err(Exception::type_error(format!(
                    "{what} ({url}) has the forbidden method {method}"
                )));
            }
            if body.is_some() && matches!(request.method, Method::GET | Method::HEAD) {
                return Err(Exception::type_error(format!(
                    "{what} ({url}) has the method {} and a body",
                    request.method
                )));
            }
            if body_used {
                return Err(Exception::type_error(format!(
                    "the body of {what} ({url}) was used already"
                )));
            }
            Ok((
                Request {
                    body_length: None,
                    ..request
                },
                body,
            ))
        }
    }
}

/// The request that `matchAll()` looks for: a string goes through the Request constructor; of a request object only
/// what is compared matters, so its body may have been used.
pub(super) fn request_to_match(info: RequestInfo, client: &Client) -> Result<Request, Exception> {
    match info {
        RequestInfo::Request(object) => Ok(object.request),
        url => construct_request(url, client, "the request to match").map(|(request, _)| request),
    }
}

/// <https://fetch.spec.whatwg.org/#dom-request>, 5.3.
fn refuse_credentials(url: &Url, what: &str) -> Result<(), Exception> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(());
    }
    let host = url.host_str().unwrap_or_default();
    Err(Exception::type_error(format!(
        "{what}: the URL at {host} has a user name or password in it; remove them"
    )))
}
