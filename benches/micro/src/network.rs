//! [`Supply`]: a network whose servers send what a benchmark hands them, when it does.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use background_fetch::embedder::{FetchEvent, FetchStream, Network, NetworkError, NetworkRequest};
use background_fetch::fetch::ResponseHead;
use bytes::Bytes;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::future::BoxFuture;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderValue, StatusCode};
use url::Url;

/// A network whose servers send what a benchmark hands them. A handle: its clones are the same network.
#[derive(Clone, Default)]
pub struct Supply(Arc<Mutex<VecDeque<Exchange>>>);

/// A request that waits for its response.
pub struct Exchange {
    /// Its URL.
    pub url: Url,
    events: UnboundedSender<Result<FetchEvent, NetworkError>>,
}

impl Supply {
    /// Takes the request that was sent first of those that were not taken.
    pub fn take(&self) -> Option<Exchange> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

impl Exchange {
    /// Sends the head of a response with status 200 and a body of so many bytes.
    pub fn respond(&self, length: u64) {
        let response = FetchEvent::Response(Box::new(head(&self.url, length)));
        self.send(response);
    }

    /// Sends bytes of the body.
    pub fn send_bytes(&self, bytes: Bytes) {
        self.send(FetchEvent::Body(bytes));
    }

    fn send(&self, event: FetchEvent) {
        // Nobody waits for it where the fetch was terminated.
        let _ = self.events.unbounded_send(Ok(event));
    }
}

/// The head of a response as servers send it.
pub fn head(url: &Url, length: u64) -> ResponseHead {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CONTENT_LENGTH, length.into());
    headers.insert(ETAG, HeaderValue::from_static("\"v1\""));
    ResponseHead::new(url.clone(), StatusCode::OK, headers)
}

impl Network for Supply {
    fn fetch(&self, request: NetworkRequest) -> FetchStream {
        let (events, stream): (_, UnboundedReceiver<_>) = unbounded();
        let url = request.request.url;
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push_back(Exchange { url, events });
        Box::pin(stream)
    }

    fn available<'a>(&'a self, _: &'a Url) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }
}
