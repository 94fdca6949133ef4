//! [`GuideWorker`]: the script of the guide extension's service worker.

use std::sync::Arc;

use background_fetch::embedder::{FetchEvent, FetchStream, Network, NetworkRequest};
use background_fetch::fetch::{Client, ResponseHead};
use background_fetch_js::host::service_workers::GUIDE_WORKER;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{StreamExt, stream};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use url::{Origin, Url};

/// A network that has its script on one origin.
pub(super) struct GuideWorker {
    pub(super) network: Arc<dyn Network>,
    pub(super) origin: Origin,
}

impl Network for GuideWorker {
    fn fetch(&self, request: NetworkRequest) -> FetchStream {
        let url = &request.request.url;
        if url.origin() == self.origin && url.path() == GUIDE_WORKER {
            return answer(url, "// It does nothing.\n");
        }
        self.network.fetch(request)
    }

    fn allows(&self, url: &Url, client: &Client) -> Result<(), String> {
        self.network.allows(url, client)
    }

    fn available<'a>(&'a self, url: &'a Url) -> BoxFuture<'a, ()> {
        self.network.available(url)
    }
}

/// A whole answer.
fn answer(url: &Url, text: &'static str) -> FetchStream {
    let mime = HeaderValue::from_static("text/javascript; charset=utf-8");
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, mime)]);
    let head = Box::new(ResponseHead::new(url.clone(), StatusCode::OK, headers));
    let events = [
        FetchEvent::Response(head),
        FetchEvent::Body(Bytes::from_static(text.as_bytes())),
    ];
    stream::iter(events.map(Ok)).boxed()
}
