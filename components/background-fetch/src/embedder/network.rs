//! [`Network`]: Fetch.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use url::Url;

use crate::fetch::{BodyStream, Client, Request, ResponseHead, ResumeRange};

/// Fetches requests, by the rules of the Fetch standard.
///
/// Called from any thread, many times at once. `background-fetch-net` is the default; a browser lends its own
/// network stack.
///
/// # Testing yours
///
/// `background_fetch_network_suite::run(make)` runs this contract against it, with servers on the loopback.
pub trait Network: Send + Sync {
    /// Fetches a request.
    ///
    /// The stream gives, in this order: [`FetchEvent::Transmitted`] whenever bytes of the request's body have
    /// left, one [`FetchEvent::Response`] when the head of the final response is here,
    /// [`FetchEvent::Body`] for its bytes, content codings removed. It ends when the body ended normally. An
    /// error is its last item; before the response it stands for a network error, after it for an errored body.
    ///
    /// The bytes are pulled: nothing more may be read from the connection than a bounded buffer, until the
    /// stream is polled again. Dropping the stream terminates the fetch at once.
    ///
    /// Where the request has an `Upload-Draft-Interop-Version` the network may tell of an upload resource:
    /// [`FetchEvent::UploadResumable`]. One that never does sends every upload in one go.
    ///
    /// The service-workers mode is "none", and the request bypasses the HTTP cache for ranges. A body
    /// that ends short of its length is an error, never a normal end. A connection that stays silent is an error
    /// after a while: the component stops counting a request that stalls, and does not end it.
    ///
    /// Where the request has [integrity metadata](Request::integrity) that the body does not match, a final error
    /// takes the place of its normal end. Until then the bytes are unchecked: the component stores them, and hands
    /// none out (errata 37).
    ///
    /// <https://fetch.spec.whatwg.org/#concept-fetch>
    fn fetch(&self, request: NetworkRequest) -> FetchStream;

    /// The policy check at the call: whether the Content Security Policies of a page let it connect to `url`; why not, in a
    /// few words that follow the URL, otherwise. `fetch()` rejects then, before anything is stored. Mixed content fails
    /// its record.
    ///
    /// Not called for a client without an origin: the user is under no page's policy. [`fetch`](Self::fetch)
    /// checks again, after each redirect too. By default everything is allowed here, and a record fails later.
    ///
    /// <https://w3c.github.io/webappsec-csp/#should-block-request>, errata 16.
    fn allows(&self, url: &Url, client: &Client) -> Result<(), String> {
        let _ = (url, client);
        Ok(())
    }

    /// Resolves when it is worth trying to reach `url` again: at once when the device is online, when it is
    /// online again otherwise.
    ///
    /// <https://wicg.github.io/background-fetch/#temporarily-unavailable>
    fn available<'a>(&'a self, url: &'a Url) -> BoxFuture<'a, ()>;
}

/// What [`Network::fetch`] gives.
pub type FetchStream = BoxStream<'static, Result<FetchEvent, NetworkError>>;

/// A request to fetch.
#[derive(Clone)]
pub struct NetworkRequest {
    /// The request.
    pub request: Request,
    /// Its client's snapshot: origin, base URL and policies.
    pub client: Arc<Client>,
    /// The range to ask for, where a part is stored already.
    pub range: Option<ResumeRange>,
    /// Its body; present where [`Request::body_length`] is.
    pub body: Option<Arc<dyn BodySource>>,
}

/// A stored request body, which can be read again for each hop.
pub trait BodySource: Send + Sync {
    /// Its length in bytes.
    fn length(&self) -> u64;

    /// Its bytes from the start.
    fn open(&self) -> BodyStream;
}

/// What happens while a request is fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchEvent {
    /// The bytes of the request's body that were transmitted so far, in all hops together.
    Transmitted(u64),
    /// Before the response: what is sent of the request's body can be continued at this upload resource. The server
    /// said so in an informational response with status 104, the interop version of the request and this
    /// `Location`, absolute. After a redirect there may be another: the last counts.
    ///
    /// <https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-resumable-upload-12>
    UploadResumable {
        /// The upload resource.
        upload: Url,
    },
    /// The head of the response.
    Response(Box<ResponseHead>),
    /// Bytes of the response's body; not empty.
    Body(Bytes),
}

/// A network error, or an error while a body was transmitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkError {
    /// Whether another try may help.
    pub kind: NetworkErrorKind,
    /// One sentence: what failed, for which URL, at which hop.
    pub message: String,
    /// How long the server asked to wait before another try.
    pub retry_after: Option<Duration>,
}

/// Whether another try may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkErrorKind {
    /// The resource is temporarily unavailable: no connection, a time-out, a body cut short.
    Temporary,
    /// It will not get better: CORS, mixed content, a bad certificate, garbage for HTTP.
    Final,
}

impl NetworkError {
    /// An error after which another try may help.
    pub fn temporary(message: impl Into<String>) -> Self {
        Self {
            kind: NetworkErrorKind::Temporary,
            message: message.into(),
            retry_after: None,
        }
    }

    /// An error after which no other try helps.
    pub fn fatal(message: impl Into<String>) -> Self {
        Self {
            kind: NetworkErrorKind::Final,
            message: message.into(),
            retry_after: None,
        }
    }
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for NetworkError {}
