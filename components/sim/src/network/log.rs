//! [`RequestLog`]: what a scripted network was asked, and how it went.

use std::sync::Arc;
use std::time::Duration;

use background_fetch::embedder::{NetworkError, NetworkErrorKind, NetworkRequest};
use background_fetch::fetch::ResumeRange;
use bytes::BytesMut;
use http::{HeaderMap, Method, StatusCode};
use parking_lot::Mutex;
use url::Url;

/// A request that reached the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestLog {
    /// Its place in the log, from 0.
    pub number: usize,
    /// When it came, on the virtual clock.
    pub at: Duration,
    /// The method.
    pub method: Method,
    /// The URL, with its fragment.
    pub url: Url,
    /// The header list as a server sees it: the author's, and what the range adds.
    pub headers: HeaderMap,
    /// The range asked for, with its validator.
    pub range: Option<ResumeRange>,
    /// The bytes of the request's body that the server received.
    pub body: BytesMut,
    /// The status of the response, once its head was given.
    pub status: Option<StatusCode>,
    /// The bytes of the response's body that were given.
    pub sent: u64,
    /// How it ended; none while it is in flight.
    pub ending: Option<Ending>,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The body ended normally.
    Complete,
    /// With a network error, or an error in the body.
    Failed(NetworkErrorKind),
    /// The stream was dropped before its end: the fetch was terminated.
    Terminated,
}

/// Every request, in the order in which they came.
#[derive(Default)]
pub(super) struct Log {
    requests: Vec<RequestLog>,
    in_flight: usize,
    peak: usize,
}

impl Log {
    pub(super) fn requests(&self) -> &[RequestLog] {
        &self.requests
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(super) fn peak(&self) -> usize {
        self.peak
    }
}

/// The line of one request, to write on; dropped before the end it says "terminated".
pub(super) struct LogLine {
    log: Arc<Mutex<Log>>,
    number: usize,
}

impl LogLine {
    pub(super) fn begin(log: Arc<Mutex<Log>>, request: &NetworkRequest, at: Duration) -> Self {
        let mut headers = request.request.headers.clone();
        if let Some(range) = &request.range {
            range.add_to(&mut headers);
        }
        let number = {
            let mut log = log.lock();
            let number = log.requests.len();
            log.requests.push(RequestLog {
                number,
                at,
                method: request.request.method.clone(),
                url: request.request.url.clone(),
                headers,
                range: request.range.clone(),
                body: BytesMut::new(),
                status: None,
                sent: 0,
                ending: None,
            });
            log.in_flight += 1;
            log.peak = log.peak.max(log.in_flight);
            number
        };
        Self { log, number }
    }

    pub(super) fn write(&self, write: impl FnOnce(&mut RequestLog)) {
        write(&mut self.log.lock().requests[self.number]);
    }

    pub(super) fn complete(&self) {
        self.end(Ending::Complete);
    }

    pub(super) fn fail(&self, error: &NetworkError) {
        self.end(Ending::Failed(error.kind));
    }

    /// The first ending stays.
    fn end(&self, ending: Ending) {
        let mut log = self.log.lock();
        let line = &mut log.requests[self.number];
        if line.ending.is_none() {
            line.ending = Some(ending);
            log.in_flight -= 1;
        }
    }
}

impl Drop for LogLine {
    fn drop(&mut self) {
        self.end(Ending::Terminated);
    }
}
