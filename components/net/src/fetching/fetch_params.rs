//! [`FetchParams`]: a fetch and its request, as the algorithms pass them on.

use std::sync::Arc;

use background_fetch::embedder::{BodySource, NetworkRequest};
use background_fetch::fetch::{Client, Request, ResumeRange};
use futures::channel::mpsc;
use http::Method;
use url::{Origin, Url};

use super::Events;
use crate::connection::Connections;
use crate::failure::Hop;

/// A fetch params, with the parts of its request that change from hop to hop.
///
/// <https://fetch.spec.whatwg.org/#fetch-params>
pub(super) struct FetchParams {
    pub(super) connections: Arc<Connections>,
    pub(super) events: Events,
    /// The bytes of the request's body that were transmitted, in all hops together.
    pub(super) transmitted: u64,

    /// The request. Its URL is the first; the current one is the last of `url_list`.
    pub(super) request: Request,
    pub(super) client: Arc<Client>,
    /// The request's body; none for null. Its source is never null: it can be opened again.
    pub(super) body: Option<Arc<dyn BodySource>>,
    /// The range that the component asks for. It is not in the header list: the author did not set it.
    pub(super) range: Option<ResumeRange>,
    pub(super) url_list: Vec<Url>,
    pub(super) redirect_count: u32,
    pub(super) response_tainting: ResponseTainting,
}

/// <https://fetch.spec.whatwg.org/#concept-request-response-tainting>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResponseTainting {
    Basic,
    Cors,
    Opaque,
}

impl FetchParams {
    pub(super) fn new(connections: Arc<Connections>, request: NetworkRequest, events: Events) -> Self {
        Self {
            connections,
            events,
            transmitted: 0,
            url_list: vec![request.request.url.clone()],
            request: request.request,
            client: request.client,
            body: request.body,
            range: request.range,
            redirect_count: 0,
            response_tainting: ResponseTainting::Basic,
        }
    }

    /// The request that asks whether this one may be sent: without a body, a range, or anybody who listens.
    ///
    /// <https://fetch.spec.whatwg.org/#cors-preflight-fetch-0>, 1.
    pub(super) fn cors_preflight(&self) -> Self {
        let (nobody, _) = mpsc::channel(0);
        let mut request = Request::new(self.request.url.clone());
        request.method = Method::OPTIONS;
        request.referrer = self.request.referrer.clone();
        request.referrer_policy = self.request.referrer_policy;
        Self {
            connections: self.connections.clone(),
            events: Events::new(nobody),
            transmitted: 0,
            request,
            client: self.client.clone(),
            body: None,
            range: None,
            url_list: self.url_list.clone(),
            redirect_count: self.redirect_count,
            response_tainting: ResponseTainting::Cors,
        }
    }

    /// The request's current URL.
    ///
    /// <https://fetch.spec.whatwg.org/#concept-request-current-url>
    pub(super) fn current_url(&self) -> &Url {
        self.url_list.last().expect("a URL list is never empty")
    }

    /// The request's current URL, to change it in place.
    pub(super) fn current_url_mut(&mut self) -> &mut Url {
        self.url_list.last_mut().expect("a URL list is never empty")
    }

    /// Whether the user fetches, and no page.
    pub(super) fn is_user(&self) -> bool {
        self.client.origin.is_none()
    }

    /// The request's origin, serialised. The user's is that of their base URL, which only the mode "same-origin"
    /// asks for.
    ///
    /// <https://fetch.spec.whatwg.org/#concept-request-origin>
    pub(super) fn origin(&self) -> String {
        match &self.client.origin {
            Some(origin) => origin.clone(),
            None => self.client.base_url.origin().ascii_serialization(),
        }
    }

    /// The request's origin, parsed.
    pub(super) fn url_origin(&self) -> Origin {
        Url::parse(&self.origin()).map_or_else(|_| Origin::new_opaque(), |url| url.origin())
    }

    /// Whether a URL's origin is same origin with the request's origin.
    pub(super) fn is_same_origin(&self, url: &Url) -> bool {
        // An opaque origin serialises to "null", and is the same as no other.
        url.origin().is_tuple() && url.origin().ascii_serialization() == self.origin()
    }

    /// Whether the request's redirect-taint is not "same-origin".
    ///
    /// <https://fetch.spec.whatwg.org/#concept-request-tainted-origin>
    pub(super) fn is_redirect_tainted(&self) -> bool {
        self.url_list.windows(2).any(|pair| {
            let (last_url, url) = (&pair[0], &pair[1]);
            url.origin() != last_url.origin() && !self.is_same_origin(last_url)
        })
    }

    /// Where the fetch is, for messages.
    pub(super) fn hop(&self) -> Hop {
        Hop::last_of(&self.url_list)
    }
}
