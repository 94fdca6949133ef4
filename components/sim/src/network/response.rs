//! [`Response`]: one answer of a scripted server.

use std::time::Duration;

use background_fetch::embedder::{FetchStream, NetworkError, NetworkRequest};
use background_fetch::fetch::{RedirectMode, RequestMode, ResponseHead, ResponseType};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use url::Url;

use super::body::Body;

/// One answer: what [`Resource`](super::Resource) makes for each request, and what a closure given to
/// [`ScriptedNetwork::respond_once`](super::ScriptedNetwork::respond_once) returns.
pub struct Response {
    pub(super) kind: Kind,
    pub(super) upload: Upload,
    pub(super) latency: Duration,
}

pub(super) enum Kind {
    /// A network error instead of a response.
    Error(NetworkError),
    Answer(Box<Answer>),
    /// Whatever this stream gives.
    Stream(FetchStream),
}

/// How the request's body is received.
#[derive(Clone, Debug, Default)]
pub(super) struct Upload {
    /// The bytes between two reports of progress; none for as they come.
    pub(super) step: Option<usize>,
    /// The time that each step takes.
    pub(super) delay: Duration,
    /// An error once so many bytes were received.
    pub(super) breaks: Option<(u64, NetworkError)>,
}

/// A head and a body, and how the body comes.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) redirects: Vec<Url>,
    pub(super) exposed: Vec<HeaderName>,
    pub(super) content_decoded: bool,
    pub(super) body: Body,
    /// The first byte of the body that is sent.
    pub(super) first: u64,
    /// The bytes that are sent; none for without end.
    pub(super) length: Option<u64>,
    pub(super) chunk: usize,
    pub(super) chunk_delay: Duration,
    /// After so many bytes nothing comes for a while, or for ever.
    pub(super) stall: Option<(u64, Option<Duration>)>,
    /// An error in place of a normal end.
    pub(super) error: Option<NetworkError>,
}

impl Answer {
    pub(super) fn new(status: StatusCode, body: Body) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            redirects: Vec::new(),
            exposed: Vec::new(),
            content_decoded: false,
            first: 0,
            length: body.length(),
            body,
            chunk: 16 * 1024,
            chunk_delay: Duration::ZERO,
            stall: None,
            error: None,
        }
    }

    /// The head as it answers `request`, or the network error that Fetch makes of it.
    pub(super) fn head(&self, request: &NetworkRequest) -> Result<ResponseHead, NetworkError> {
        let (client, request) = (&request.client, &request.request);
        let mut url_list = vec![request.url.clone()];
        url_list.extend(self.redirects.iter().cloned());
        let mut response_type = ResponseType::Basic;
        if let Some(origin) = &client.origin
            && url_list
                .iter()
                .any(|url| url.origin().ascii_serialization() != *origin)
        {
            if request.mode == RequestMode::SameOrigin {
                return Err(NetworkError::fatal(format!(
                    "{} is not of the origin {origin}, and the mode is \"same-origin\"",
                    request.url
                )));
            }
            response_type = ResponseType::Cors;
        }
        let mut status = self.status;
        if !self.redirects.is_empty() {
            match request.redirect {
                RedirectMode::Follow => {}
                RedirectMode::Error => {
                    return Err(NetworkError::fatal(format!(
                        "{} redirects, and the redirect mode is \"error\"",
                        request.url
                    )));
                }
                RedirectMode::Manual => {
                    url_list.truncate(1);
                    status = StatusCode::FOUND;
                    response_type = ResponseType::OpaqueRedirect;
                }
            }
        }
        let mut head = ResponseHead::new(request.url.clone(), status, self.headers.clone());
        head.response_type = response_type;
        head.url_list = url_list;
        head.content_decoded = self.content_decoded;
        if response_type == ResponseType::Cors {
            head.cors_exposed_header_names = self.exposed.clone();
        }
        Ok(head)
    }
}

impl Response {
    /// An empty response with this status, and no header.
    ///
    /// # Panics
    ///
    /// When it is no status.
    pub fn new(status: u16) -> Self {
        let status = StatusCode::from_u16(status).expect("a status from 100 to 999");
        Self::answer(Answer::new(status, Body::Bytes(Bytes::new())))
    }

    /// A network error in place of a response.
    pub fn error(error: NetworkError) -> Self {
        Self::of(Kind::Error(error))
    }

    /// Exactly what this stream gives.
    pub fn stream(stream: FetchStream) -> Self {
        Self::of(Kind::Stream(stream))
    }

    /// Adds a header.
    pub fn header(self, name: &str, value: &str) -> Self {
        self.with(|answer| append(&mut answer.headers, name, value))
    }

    /// Sets the body.
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        let body = Body::Bytes(body.into());
        self.with(|answer| {
            answer.length = body.length();
            answer.body = body;
        })
    }

    /// Ends the body with this error.
    pub fn ends_with(self, error: NetworkError) -> Self {
        self.with(|answer| answer.error = Some(error))
    }

    /// Sends the body in chunks of so many bytes.
    pub fn chunks(self, bytes: usize) -> Self {
        self.with(|answer| answer.chunk = bytes.max(1))
    }

    pub(super) fn answer(answer: Answer) -> Self {
        Self::of(Kind::Answer(Box::new(answer)))
    }

    fn of(kind: Kind) -> Self {
        Self {
            kind,
            upload: Upload::default(),
            latency: Duration::ZERO,
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Answer)) -> Self {
        match &mut self.kind {
            Kind::Answer(answer) => change(answer),
            Kind::Error(_) | Kind::Stream(_) => panic!("only a response has headers and a body"),
        }
        self
    }
}

/// Adds a header of a test's.
pub(super) fn append(headers: &mut HeaderMap, name: &str, value: &str) {
    let name = HeaderName::try_from(name).unwrap_or_else(|_| panic!("{name:?} is no header name"));
    let value = HeaderValue::try_from(value).unwrap_or_else(|_| panic!("{value:?} is no header value"));
    headers.append(name, value);
}
