//! [`WptNetwork`]: the network of a test, with the wrappers that its server need not make.

use std::sync::Arc;

use background_fetch::embedder::{FetchEvent, FetchStream, Network, NetworkError, NetworkRequest};
use background_fetch::fetch::{Client, Request, RequestMode, ResponseHead};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt, stream};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use url::Url;

use super::wrappers::{Made, REPORT, VENDOR, wrapper_of};

/// A network that makes what the harness needs, and asks another for the rest.
pub(crate) struct WptNetwork(pub(crate) Arc<dyn Network>);

/// The largest script or listing that is read.
const LARGEST: usize = 16 << 20;

impl WptNetwork {
    /// Reads a file of the server as the user would: without a page's policies.
    pub(crate) async fn read(&self, url: &Url) -> Result<String, String> {
        read(Arc::clone(&self.0), url.clone()).await
    }
}

async fn read(network: Arc<dyn Network>, url: Url) -> Result<String, String> {
    let request = Request {
        mode: RequestMode::Navigate,
        ..Request::new(url.clone())
    };
    let request = NetworkRequest {
        request,
        client: Arc::new(Client::user(url.clone())),
        range: None,
        body: None,
    };
    let mut events = network.fetch(request);
    let mut body = Vec::new();
    let failed = |error: NetworkError| format!("{url} cannot be fetched: {error}");
    while let Some(event) = events.try_next().await.map_err(failed)? {
        match event {
            FetchEvent::Response(head) if !head.is_ok() => {
                return Err(format!(
                    "{url} cannot be fetched: the server answers {}",
                    head.status
                ));
            }
            FetchEvent::Body(bytes) if body.len() + bytes.len() > LARGEST => {
                return Err(format!("{url} is larger than {LARGEST} bytes"));
            }
            FetchEvent::Body(bytes) => body.extend_from_slice(&bytes),
            _ => {}
        }
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}

impl Network for WptNetwork {
    fn fetch(&self, request: NetworkRequest) -> FetchStream {
        let url = request.request.url.clone();
        let javascript = |body: &str| Made {
            mime: "text/javascript; charset=utf-8",
            body: body.to_owned(),
        };
        match url.path() {
            "/resources/testharnessreport.js" => return answer(url, javascript(REPORT)),
            "/resources/testdriver-vendor.js" => return answer(url, javascript(VENDOR)),
            _ => {}
        }
        let Some((wrapper, source)) = wrapper_of(&url) else {
            return self.0.fetch(request);
        };
        let network = Arc::clone(&self.0);
        let made = async move {
            let mut source_url = url.clone();
            source_url.set_path(&source);
            source_url.set_query(None);
            match read(network, source_url).await {
                Ok(text) => answer(url.clone(), wrapper.make(&url, &source, &text)),
                Err(message) => stream::iter([Err(NetworkError::fatal(message))]).boxed(),
            }
        };
        stream::once(made).flatten().boxed()
    }

    fn allows(&self, url: &Url, client: &Client) -> Result<(), String> {
        self.0.allows(url, client)
    }

    fn available<'a>(&'a self, url: &'a Url) -> BoxFuture<'a, ()> {
        self.0.available(url)
    }
}

fn answer(url: Url, made: Made) -> FetchStream {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(made.mime));
    let head = ResponseHead::new(url, StatusCode::OK, headers);
    let events = [
        FetchEvent::Response(Box::new(head)),
        FetchEvent::Body(Bytes::from(made.body)),
    ];
    stream::iter(events.map(Ok)).boxed()
}
