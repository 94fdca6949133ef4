//! What the tests share: a network, requests, and servers on the loopback that do as they are told.

pub(crate) mod bodies;
pub(crate) mod certificates;
pub(crate) mod http2;
pub(crate) mod http2_frames;
pub(crate) mod proxy;
pub(crate) mod server;

use std::sync::Arc;
use std::time::Duration;

use background_fetch::embedder::{
    BodySource, FetchEvent, Network, NetworkError, NetworkErrorKind, NetworkRequest,
};
use background_fetch::fetch::{Client, Request, ResponseHead};
use background_fetch_net::{HttpNetwork, HttpNetworkBuilder, Proxies};
use futures::StreamExt;
use futures::executor::block_on;
use url::Url;

/// Long enough for any machine; reached only where something hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Options that trust the tests' certificates and nothing else, and know no proxy.
pub(crate) fn options() -> HttpNetworkBuilder {
    HttpNetwork::builder()
        .proxies(Proxies::none())
        .platform_roots(false)
        .root_certificate(certificates::root())
}

/// A network with the default options.
pub(crate) fn network() -> HttpNetwork {
    options().build().expect("a network")
}

/// The user's own `GET`.
pub(crate) fn user(url: &Url) -> NetworkRequest {
    from(Client::user(url.clone()), Request::new(url.clone()))
}

/// A `GET` in mode "cors" from a page at `page`.
pub(crate) fn page(page: &str, url: &Url) -> NetworkRequest {
    let page = Url::parse(page).expect("the page's URL");
    from(Client::page(page), Request::new(url.clone()))
}

fn from(client: Client, request: Request) -> NetworkRequest {
    NetworkRequest {
        request,
        client: Arc::new(client),
        range: None,
        body: None,
    }
}

/// The user's request with a body.
pub(crate) fn upload(url: &Url, method: http::Method, body: impl BodySource + 'static) -> NetworkRequest {
    let mut request = user(url);
    request.request.method = method;
    request.request.body_length = Some(body.length());
    request.body = Some(Arc::new(body));
    request
}

/// Everything that a fetch gave.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) transmitted: Vec<u64>,
    pub(crate) uploads: Vec<Url>,
    pub(crate) head: Option<ResponseHead>,
    pub(crate) body: Vec<u8>,
    pub(crate) error: Option<NetworkError>,
}

impl Outcome {
    /// The head of a response that came.
    pub(crate) fn head(&self) -> &ResponseHead {
        self.head
            .as_ref()
            .unwrap_or_else(|| panic!("no response: {:?}", self.error))
    }

    /// The status and body of a fetch that ended normally.
    #[track_caller]
    pub(crate) fn answer(&self) -> (u16, &str) {
        assert_eq!(self.error, None);
        (
            self.head().status.as_u16(),
            std::str::from_utf8(&self.body).expect("text"),
        )
    }

    /// The message of a temporary error.
    #[track_caller]
    pub(crate) fn temporary(&self) -> &str {
        self.failed(NetworkErrorKind::Temporary)
    }

    /// The message of a final error.
    #[track_caller]
    pub(crate) fn fatal(&self) -> &str {
        self.failed(NetworkErrorKind::Final)
    }

    #[track_caller]
    fn failed(&self, kind: NetworkErrorKind) -> &str {
        let error = self
            .error
            .as_ref()
            .unwrap_or_else(|| panic!("no error: {:?}", self.head));
        assert_eq!(error.kind, kind, "{}", error.message);
        assert!(
            error.message.starts_with("cannot fetch http"),
            "{}",
            error.message
        );
        &error.message
    }
}

/// Fetches to the end, on an executor that is not the network's, and checks the order of the events.
pub(crate) fn fetch(network: &HttpNetwork, request: NetworkRequest) -> Outcome {
    block_on(async {
        let mut outcome = Outcome::default();
        let mut events = network.fetch(request);
        while let Some(event) = events.next().await {
            assert_eq!(outcome.error, None, "an error is the last item");
            match event {
                Ok(FetchEvent::Transmitted(total)) => {
                    assert!(outcome.head.is_none(), "progress after the response");
                    assert!(
                        outcome.transmitted.last() < Some(&total),
                        "progress without progress"
                    );
                    outcome.transmitted.push(total);
                }
                Ok(FetchEvent::UploadResumable { upload }) => {
                    assert!(outcome.head.is_none(), "an upload resource after the response");
                    outcome.uploads.push(upload);
                }
                Ok(FetchEvent::Response(head)) => assert_eq!(outcome.head.replace(*head), None),
                Ok(FetchEvent::Body(bytes)) => {
                    assert!(outcome.head.is_some() && !bytes.is_empty());
                    outcome.body.extend_from_slice(&bytes);
                }
                Err(error) => outcome.error = Some(error),
            }
        }
        assert!(events.next().await.is_none(), "the end is the end");
        outcome
    })
}
