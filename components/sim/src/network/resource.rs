//! [`Resource`]: what a scripted server has at a URL, and how it behaves.

use std::collections::BTreeSet;
use std::time::Duration;

use background_fetch::embedder::{NetworkError, NetworkRequest};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, DATE, ETAG, LAST_MODIFIED};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use url::Url;

use super::body::Body;
use super::ranges::{self, Ranges};
use super::response::{Answer, Response, Upload, append};
use super::trouble::{self, Trouble, What};

/// What a scripted server has at a URL, and how it behaves.
///
/// A body with ranges honoured by the rules, unless told otherwise. What is told is of three kinds:
///
/// * how it always is: headers, validators, [`ranges`](Self::ranges), [`chunks`](Self::chunks), delays;
/// * what goes wrong: [`drop_after`](Self::drop_after), [`unreachable`](Self::unreachable) and others. Each
///   meets the next request once, or as often as [`times`](Self::times) or [`always`](Self::always) says right
///   after it; several come one after the other, request by request;
/// * what becomes of it: another resource [`after_requests`](Self::after_requests) or [`at`](Self::at) a time.
///
/// ```
/// use background_fetch_sim::Resource;
///
/// // Twice the connection drops after 1000 bytes; then there is another version.
/// Resource::bytes(vec![1; 5000])
///     .etag("v1")
///     .drop_after(1000)
///     .times(2)
///     .after_requests(2, Resource::bytes(vec![2; 5000]).etag("v2"));
/// ```
#[derive(Clone, Debug)]
pub struct Resource {
    answer: Answer,
    ranges: Ranges,
    range_cap: Option<u64>,
    says_length: bool,
    failure: Option<NetworkError>,
    latency: Duration,
    upload: Upload,
    stops: BTreeSet<u64>,
    troubles: Vec<Trouble>,
    served: u64,
    next: Option<(Change, Box<Resource>)>,
}

/// When a resource becomes another.
#[derive(Clone, Copy, Debug)]
enum Change {
    AfterRequests(u64),
    At(Duration),
}

/// The date of every response with a strong `Last-Modified`.
const TODAY: HeaderValue = HeaderValue::from_static("Thu, 01 Jan 2026 00:00:00 GMT");

/// What it has.
impl Resource {
    /// A resource with this body.
    pub fn bytes(body: impl Into<Bytes>) -> Self {
        Self::of(Body::Bytes(body.into()))
    }

    /// A resource with an empty body and this status.
    ///
    /// # Panics
    ///
    /// When it is no status.
    pub fn status(status: u16) -> Self {
        Self::bytes(Bytes::new()).with_status(status)
    }

    /// A resource of so many bytes, which take no memory; [`pattern`](super::pattern) gives the same.
    pub fn pattern(seed: u64, length: u64) -> Self {
        let length = Some(length);
        Self::of(Body::Pattern { seed, length })
    }

    /// A resource that never ends.
    pub fn endless(seed: u64) -> Self {
        Self::of(Body::Pattern { seed, length: None })
    }

    fn of(body: Body) -> Self {
        Self {
            answer: Answer::new(StatusCode::OK, body),
            ranges: Ranges::Honoured,
            range_cap: None,
            says_length: true,
            failure: None,
            latency: Duration::ZERO,
            upload: Upload::default(),
            stops: BTreeSet::new(),
            troubles: Vec::new(),
            served: 0,
            next: None,
        }
    }

    /// Sets the status, and keeps the body.
    ///
    /// # Panics
    ///
    /// When it is no status.
    pub fn with_status(mut self, status: u16) -> Self {
        self.answer.status = StatusCode::from_u16(status).expect("a status from 100 to 999");
        self
    }

    /// Gives it a strong entity tag: `v1` becomes `"v1"`.
    pub fn etag(self, tag: &str) -> Self {
        self.set(ETAG, &format!("\"{tag}\""))
    }

    /// Gives it a weak entity tag: `v1` becomes `W/"v1"`.
    pub fn weak_etag(self, tag: &str) -> Self {
        self.set(ETAG, &format!("W/\"{tag}\""))
    }

    /// Gives it a `Last-Modified` such as `Sun, 06 Nov 1994 08:49:37 GMT`, strong because `Date` is later.
    pub fn last_modified(mut self, date: &str) -> Self {
        self.answer.headers.insert(DATE, TODAY);
        self.set(LAST_MODIFIED, date)
    }

    /// Gives it a `Last-Modified`, weak because `Date` is the same.
    pub fn weak_last_modified(self, date: &str) -> Self {
        self.set(DATE, date).set(LAST_MODIFIED, date)
    }

    /// Adds a header.
    ///
    /// # Panics
    ///
    /// When it is none.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        append(&mut self.answer.headers, name, value);
        self
    }

    fn set(mut self, name: HeaderName, value: &str) -> Self {
        let value = HeaderValue::try_from(value).unwrap_or_else(|_| panic!("{value:?} is no header value"));
        self.answer.headers.insert(name, value);
        self
    }

    /// Redirects through these URLs, of which the last is the response's.
    ///
    /// # Panics
    ///
    /// When one does not parse.
    pub fn redirects<'a>(mut self, urls: impl IntoIterator<Item = &'a str>) -> Self {
        let parse = |url: &str| Url::parse(url).unwrap_or_else(|error| panic!("{url:?}: {error}"));
        self.answer.redirects = urls.into_iter().map(parse).collect();
        self
    }

    /// Exposes these headers to other origins.
    ///
    /// # Panics
    ///
    /// When one is no header name.
    pub fn expose<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        let parse = |name: &str| HeaderName::try_from(name).expect("a header name");
        self.answer.exposed = names.into_iter().map(parse).collect();
        self
    }
}

/// How it always is.
impl Resource {
    /// Answers requests for a range like this.
    pub fn ranges(mut self, ranges: Ranges) -> Self {
        self.ranges = ranges;
        self
    }

    /// Answers a request for a range with so many bytes at most, and says so.
    pub fn range_cap(mut self, bytes: u64) -> Self {
        self.range_cap = Some(bytes);
        self
    }

    /// Does not say how long the body is.
    pub fn without_length(mut self) -> Self {
        self.says_length = false;
        self
    }

    /// Sends it compressed: the bytes that come out are decoded, and no length is said. Parts come as they are.
    pub fn content_decoded(mut self) -> Self {
        self.answer.content_decoded = true;
        self.says_length = false;
        self
    }

    /// Sends the body in chunks of so many bytes; 16 KiB at first.
    pub fn chunks(mut self, bytes: usize) -> Self {
        self.answer.chunk = bytes.max(1);
        self
    }

    /// Takes so long before each chunk.
    pub fn chunk_delay(mut self, delay: Duration) -> Self {
        self.answer.chunk_delay = delay;
        self
    }

    /// Takes so long before the head.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Reports the upload whenever so many bytes more were transmitted, each of which takes `delay`.
    pub fn upload_steps(mut self, bytes: usize, delay: Duration) -> Self {
        self.upload.step = Some(bytes.max(1));
        self.upload.delay = delay;
        self
    }

    /// Stops each response before this byte of the body, counted from the resource's start, until
    /// [`ScriptedNetwork::release`](super::ScriptedNetwork::release).
    pub fn hold_at(mut self, byte: u64) -> Self {
        self.stops.insert(byte);
        self
    }

    /// Does not share it with other origins: a network error for them.
    pub fn cors_failure(mut self) -> Self {
        self.failure = Some(NetworkError::fatal("the response does not allow this origin"));
        self
    }
}

/// What goes wrong.
impl Resource {
    /// The connection drops after so many bytes of the response's body, as sent: a temporary error. Where there
    /// are fewer left, nothing goes wrong.
    pub fn drop_after(self, bytes: u64) -> Self {
        let error = NetworkError::temporary(format!("the connection was lost after {bytes} bytes"));
        self.break_after(bytes, error)
    }

    /// The response's body breaks with this error after so many bytes.
    pub fn break_after(self, bytes: u64, error: NetworkError) -> Self {
        let after = bytes;
        self.trouble(What::Break { after, error })
    }

    /// The connection drops after so many bytes of the request's body were received: a temporary error.
    pub fn drop_upload_after(self, bytes: u64) -> Self {
        let error = NetworkError::temporary(format!("the connection was lost after {bytes} bytes went up"));
        let after = bytes;
        self.trouble(What::BreakUpload { after, error })
    }

    /// No connection: a temporary error in place of a response.
    pub fn unreachable(self) -> Self {
        self.fails(NetworkError::temporary("no connection"))
    }

    /// This error in place of a response.
    pub fn fails(self, error: NetworkError) -> Self {
        self.trouble(What::Error(error))
    }

    /// Another status, and no body.
    ///
    /// # Panics
    ///
    /// When it is no status.
    pub fn answers(self, status: u16) -> Self {
        let status = StatusCode::from_u16(status).expect("a status from 100 to 999");
        self.trouble(What::Status(status))
    }

    /// After so many bytes of the response's body nothing comes for this time.
    pub fn stall_at(self, bytes: u64, duration: Duration) -> Self {
        let (after, duration) = (bytes, Some(duration));
        self.trouble(What::Stall { after, duration })
    }

    /// After so many bytes of the response's body nothing comes any more.
    pub fn stall_for_ever_at(self, bytes: u64) -> Self {
        let (after, duration) = (bytes, None);
        self.trouble(What::Stall { after, duration })
    }

    /// Nothing goes wrong: puts good requests between bad ones.
    pub fn goes_well(self) -> Self {
        self.trouble(What::Nothing)
    }

    fn trouble(mut self, what: What) -> Self {
        let left = Some(1);
        self.troubles.push(Trouble { what, left });
        self
    }

    /// Lets what went before go wrong with so many requests.
    ///
    /// # Panics
    ///
    /// When nothing that goes wrong went before.
    pub fn times(mut self, requests: u32) -> Self {
        self.last_trouble().left = Some(requests);
        self
    }

    /// Lets what went before go wrong with every request.
    ///
    /// # Panics
    ///
    /// When nothing that goes wrong went before.
    pub fn always(mut self) -> Self {
        self.last_trouble().left = None;
        self
    }

    fn last_trouble(&mut self) -> &mut Trouble {
        let last = self.troubles.last_mut();
        last.expect("`times` and `always` follow something that goes wrong")
    }
}

/// What becomes of it.
impl Resource {
    /// Becomes another resource once it has answered so many requests.
    pub fn after_requests(self, requests: u64, next: Resource) -> Self {
        self.becomes(Change::AfterRequests(requests), next)
    }

    /// Becomes another resource at a time on the virtual clock. A response that has begun goes on as it was.
    pub fn at(self, time: Duration, next: Resource) -> Self {
        self.becomes(Change::At(time), next)
    }

    fn becomes(mut self, change: Change, next: Resource) -> Self {
        self.next = Some((change, Box::new(next)));
        self
    }

    /// The bytes before which responses stop now.
    pub(super) fn stops(&self) -> &BTreeSet<u64> {
        &self.stops
    }

    /// Becomes the next resource where it is due; says whether it did.
    pub(super) fn turn(&mut self, now: Duration) -> bool {
        let mut turned = false;
        while let Some((change, next)) = self.next.take() {
            let due = match change {
                Change::AfterRequests(requests) => self.served >= requests,
                Change::At(time) => now >= time,
            };
            if !due {
                self.next = Some((change, next));
                break;
            }
            *self = *next;
            turned = true;
        }
        turned
    }

    /// Answers a request.
    pub(super) fn respond(&mut self, request: &NetworkRequest) -> Response {
        self.served += 1;
        let trouble = trouble::next(&mut self.troubles);
        let mut upload = self.upload.clone();
        if let What::BreakUpload { after, error } = &trouble {
            upload.breaks = Some((*after, error.clone()));
        }
        let mut response = match (&trouble, self.failure_for(request)) {
            (What::Error(error), _) => Response::error(about(error, &request.request.url)),
            (_, Some(error)) => Response::error(error),
            _ => Response::answer(self.answer(request, trouble)),
        };
        response.upload = upload;
        response.latency = self.latency;
        response
    }

    fn failure_for(&self, request: &NetworkRequest) -> Option<NetworkError> {
        let error = self.failure.as_ref()?;
        let url = &request.request.url;
        let origin = request.client.origin.as_ref()?;
        (url.origin().ascii_serialization() != *origin).then(|| about(error, url))
    }

    fn answer(&self, request: &NetworkRequest, trouble: What) -> Answer {
        let mut answer = self.answer.clone();
        if let What::Status(status) = trouble {
            answer.status = status;
            answer.body = Body::Bytes(Bytes::new());
            answer.length = Some(0);
        }
        if answer.status == StatusCode::OK && request.request.method == Method::GET {
            answer = ranges::answer(&self.ranges, self.range_cap, request, answer);
        }
        let null_body = matches!(answer.status.as_u16(), 101 | 103 | 204 | 205 | 304);
        if !null_body {
            self.say_length(&mut answer);
        }
        if null_body || request.request.method == Method::HEAD {
            answer.length = Some(0);
        }
        let reached = |bytes: u64| answer.length.is_none_or(|length| bytes <= length);
        match trouble {
            What::Break { after, error } if reached(after) => {
                answer.length = Some(after);
                answer.error = Some(about(&error, &request.request.url));
            }
            What::Stall { after, duration } if reached(after) => answer.stall = Some((after, duration)),
            _ => {}
        }
        answer
    }

    fn say_length(&self, answer: &mut Answer) {
        let whole = answer.status != StatusCode::PARTIAL_CONTENT;
        // A part is sent without a coding, because the request accepts none.
        answer.content_decoded &= whole;
        if answer.content_decoded {
            answer
                .headers
                .insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let lies = matches!(self.ranges, Ranges::NoProgress | Ranges::Overshoot(_)) && !whole;
        if let Some(length) = answer.length
            && self.says_length
            && !lies
            && !answer.headers.contains_key(CONTENT_LENGTH)
        {
            answer.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
    }
}

/// Says which URL an error is about.
fn about(error: &NetworkError, url: &Url) -> NetworkError {
    NetworkError {
        message: format!("{url}: {}", error.message),
        ..error.clone()
    }
}
