//! [`GuideWorker`]: the script of the guide extension's service worker.

use std::sync::Arc;

use background_fetch::embedder::{FetchStream, Network, NetworkRequest};
use background_fetch::fetch::Client;
use background_fetch_js::host::service_workers::GUIDE_WORKER;
use futures::future::BoxFuture;
use http::StatusCode;
use url::{Origin, Url};

use super::served_folder::answer;

/// A network that has its script on one origin.
pub(super) struct GuideWorker {
    pub(super) network: Arc<dyn Network>,
    pub(super) origin: Origin,
}

impl Network for GuideWorker {
    fn fetch(&self, request: NetworkRequest) -> FetchStream {
        let url = &request.request.url;
        if url.origin() == self.origin && url.path() == GUIDE_WORKER {
            let script = "// It does nothing.\n".to_owned();
            return answer(url, StatusCode::OK, "text/javascript; charset=utf-8", script);
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
