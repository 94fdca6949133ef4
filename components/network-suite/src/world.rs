//! What the cases are told with.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Instant;

use background_fetch::embedder::{
    BodySource, FetchEvent, FetchStream, Network, NetworkError, NetworkErrorKind, NetworkRequest,
};
use background_fetch::fetch::{BodyStream, Client, Request, ResponseHead};
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::Method;
use url::Url;

use crate::PATIENCE;

/// A network under test.
pub struct World {
    network: Arc<dyn Network>,
}

impl World {
    /// A world with this network.
    pub fn new(network: Arc<dyn Network>) -> Self {
        Self { network }
    }

    /// The network.
    pub fn network(&self) -> &Arc<dyn Network> {
        &self.network
    }

    /// Begins a fetch.
    pub(crate) fn begin(&self, request: NetworkRequest) -> FetchStream {
        self.network.fetch(request)
    }

    /// Fetches to the end, and checks the order of the events.
    pub(crate) fn fetch(&self, request: NetworkRequest) -> Outcome {
        finish(self.begin(request))
    }

    /// Fetches a URL of a server with `GET`.
    pub(crate) fn get(&self, url: &Url) -> Outcome {
        self.fetch(get(url))
    }
}

/// Waits for something that must come.
pub(crate) fn wait<T>(what: impl Future<Output = T>) -> T {
    let mut what = pin!(what);
    let waker = Waker::from(Arc::new(Waiting(thread::current())));
    let lost = Instant::now() + PATIENCE;
    loop {
        if let Poll::Ready(value) = what.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        let left = lost.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "nothing came for {PATIENCE:?}");
        thread::park_timeout(left);
    }
}

struct Waiting(Thread);

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The next event, which must come.
pub(crate) fn next(events: &mut FetchStream) -> FetchEvent {
    match wait(events.next()) {
        Some(Ok(event)) => event,
        Some(Err(error)) => panic!("an event was expected: {error}"),
        None => panic!("an event was expected, and the stream ended"),
    }
}

/// Polls a stream to its end, and checks the order of its events.
pub(crate) fn finish(mut events: FetchStream) -> Outcome {
    let mut outcome = Outcome::default();
    while let Some(event) = wait(events.next()) {
        assert_eq!(outcome.error, None, "an error is the last item");
        match event {
            Ok(FetchEvent::Transmitted(total)) => {
                assert!(
                    outcome.head.is_none(),
                    "progress of the request after the response"
                );
                assert!(
                    outcome.transmitted.last().is_none_or(|last| *last <= total),
                    "progress goes back"
                );
                outcome.transmitted.push(total);
            }
            Ok(FetchEvent::UploadResumable { .. }) => {
                assert!(outcome.head.is_none(), "an upload resource after the response");
            }
            Ok(FetchEvent::Response(head)) => {
                assert_eq!(outcome.head.replace(*head), None, "there is one response");
            }
            Ok(FetchEvent::Body(bytes)) => {
                assert!(outcome.head.is_some(), "a body before its response");
                assert!(!bytes.is_empty(), "bytes of a body are never none");
                outcome.body.extend_from_slice(&bytes);
            }
            Err(error) => {
                assert!(!error.message.is_empty(), "an error says what failed");
                outcome.error = Some(error);
            }
        }
    }
    outcome
}

/// Everything that a fetch gave.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) transmitted: Vec<u64>,
    pub(crate) head: Option<ResponseHead>,
    pub(crate) body: Vec<u8>,
    pub(crate) error: Option<NetworkError>,
}

impl Outcome {
    /// The head of a response that came.
    #[track_caller]
    pub(crate) fn head(&self) -> &ResponseHead {
        match &self.head {
            Some(head) => head,
            None => panic!("no response: {:?}", self.error),
        }
    }

    /// The status and the body of a fetch that ended normally.
    #[track_caller]
    pub(crate) fn answer(&self) -> (u16, &[u8]) {
        assert_eq!(self.error, None);
        (self.head().status.as_u16(), &self.body)
    }

    /// Checks that it ended with such an error, which says for which URL.
    #[track_caller]
    pub(crate) fn assert_failed(&self, kind: NetworkErrorKind, url: &Url) {
        let Some(error) = &self.error else {
            panic!("no error: {:?}", self.head);
        };
        assert_eq!(error.kind, kind, "{error}");
        let port = url.port().map(|port| port.to_string()).unwrap_or_default();
        assert!(
            error.message.contains(&port),
            "{error}: it does not say for which URL"
        );
    }
}

/// A `GET` of a URL by a page at its origin.
pub(crate) fn get(url: &Url) -> NetworkRequest {
    by(url, url)
}

/// A `GET` of `url` by a page at `page`.
pub(crate) fn by(page: &Url, url: &Url) -> NetworkRequest {
    NetworkRequest {
        request: Request::new(url.clone()),
        client: Arc::new(Client::page(page.clone())),
        range: None,
        body: None,
    }
}

/// A request with a body, by a page at its origin.
pub(crate) fn upload(method: Method, url: &Url, body: Stored) -> NetworkRequest {
    let mut request = get(url);
    request.request.method = method;
    request.request.body_length = Some(body.length());
    request.body = Some(Arc::new(body));
    request
}

/// A request body as a storage has it: in pieces, from the start each time.
pub(crate) struct Stored(pub(crate) Bytes);

impl BodySource for Stored {
    fn length(&self) -> u64 {
        self.0.len() as u64
    }

    fn open(&self) -> BodyStream {
        const PIECE: usize = 16 * 1024;
        let mut rest = self.0.clone();
        let mut pieces = Vec::new();
        while !rest.is_empty() {
            pieces.push(Ok(rest.split_to(PIECE.min(rest.len()))));
        }
        stream::iter(pieces).boxed()
    }
}

/// Bytes of which no two stretches are alike.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length as u64)
        .map(|index| (index.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8)
        .collect()
}
