//! The algorithms of the Fetch standard's chapter "Fetching": one file each, its steps in order.
//!
//! <https://fetch.spec.whatwg.org/#fetching>
//!
//! Steps for service workers, preloads, timing and developer tools are left out without a word: a background
//! fetch has none of them. Steps that are missing are in this crate's README.

mod content_security_policy;
mod cookies;
mod cors_check;
pub(crate) mod cors_preflight_cache;
mod cors_preflight_fetch;
mod cors_request_headers;
mod cross_origin_resource_policy;
mod fetch_metadata;
mod fetch_params;
mod fetch_response_handover;
pub(crate) mod forbidden_request_headers;
mod http_fetch;
mod http_network_fetch;
mod http_network_or_cache_fetch;
mod http_redirect_fetch;
mod location_url;
mod main_fetch;
mod mixed_content;
mod origin_header;
pub mod parse;
pub(crate) mod policy_at_the_call;
mod port_blocking;
mod potentially_trustworthy;
mod referrer;
mod same_site;
mod scheme_fetch;
mod subresource_integrity;
mod transmit;
mod upload_resumption;

use std::sync::Arc;

use background_fetch::embedder::{FetchEvent, NetworkError, NetworkRequest};
use background_fetch::fetch::{Referrer, RequestMode, ResponseHead};
use futures::SinkExt;
use futures::channel::mpsc;
use http::HeaderValue;
use http::header::{ACCEPT, RANGE};

use crate::body::ResponseBody;
use crate::connection::Connections;
use cors_request_headers::{cors_unsafe_request_header_names, is_cors_safelisted_method};
use fetch_params::FetchParams;
use forbidden_request_headers::{is_forbidden_method, remove_forbidden_request_headers};
use main_fetch::main_fetch;
pub(crate) use upload_resumption::is_resumable;

/// A response on its way to whoever asked.
struct Response {
    head: ResponseHead,
    /// None for a null body.
    body: Option<ResponseBody>,
}

/// What a fetch tells its stream.
pub(crate) enum Message {
    Event(FetchEvent),
    Failed(NetworkError),
    Ended,
}

/// Where a fetch puts its events. Putting one there waits until there is room.
pub(crate) struct Events(mpsc::Sender<Message>);

impl Events {
    pub(crate) fn new(sender: mpsc::Sender<Message>) -> Self {
        Self(sender)
    }

    async fn put(&mut self, event: FetchEvent) {
        self.tell(Message::Event(event)).await;
    }

    async fn tell(&mut self, message: Message) {
        // Without a stream this task is about to be aborted.
        let _ = self.0.send(message).await;
    }
}

/// Fetches a request to its end, whatever that is.
pub(crate) async fn run(connections: Arc<Connections>, request: NetworkRequest, events: Events) {
    let mut fetch_params = FetchParams::new(connections, request, events);
    let last = match fetch(&mut fetch_params).await {
        Ok(()) => Message::Ended,
        Err(error) => Message::Failed(error),
    };
    fetch_params.events.tell(last).await;
}

/// Fetch: what comes before main fetch.
///
/// <https://fetch.spec.whatwg.org/#concept-fetch>
async fn fetch(fetch_params: &mut FetchParams) -> Result<(), NetworkError> {
    // What the Request constructor and the Headers guard "request" refuse; a stored request may not have passed
    // by them.
    let method = &fetch_params.request.method;
    if is_forbidden_method(method.as_str().as_bytes()) {
        return Err(fetch_params
            .hop()
            .fatal(format!("the method {method} is forbidden")));
    }
    match (fetch_params.request.mode, fetch_params.is_user()) {
        (RequestMode::NoCors, false) => restrict_no_cors(fetch_params)?,
        (RequestMode::Navigate, false) => {
            return Err(fetch_params
                .hop()
                .fatal("only the user's own requests can be \"navigate\""));
        }
        // The user has no origin to share anything with.
        (RequestMode::Cors | RequestMode::NoCors, true) => fetch_params.request.mode = RequestMode::Navigate,
        _ => {}
    }
    // A page's referrer is of its origin.
    if let Referrer::Url(url) = &fetch_params.request.referrer
        && !fetch_params.is_user()
        && !fetch_params.is_same_origin(url)
    {
        fetch_params.request.referrer = Referrer::Client;
    }
    let is_user = fetch_params.is_user();
    remove_forbidden_request_headers(&mut fetch_params.request.headers, is_user);
    // 12. `Accept`. An `Accept-Language` (13 and 14) is for the embedder to know, and to set.
    fetch_params
        .request
        .headers
        .entry(ACCEPT)
        .or_insert(HeaderValue::from_static("*/*"));
    // 17. Main fetch, which hands the response over.
    main_fetch(fetch_params, false).await?;
    Ok(())
}

/// What the Request constructor and the Headers guard "request-no-cors" leave of a request that nobody asks another origin
/// about.
fn restrict_no_cors(fetch_params: &mut FetchParams) -> Result<(), NetworkError> {
    let method = &fetch_params.request.method;
    if !is_cors_safelisted_method(method) {
        let reason = format!("the mode \"no-cors\" does not go with the method {method}");
        return Err(fetch_params.hop().fatal(reason));
    }
    let headers = &mut fetch_params.request.headers;
    let is_unsafe = cors_unsafe_request_header_names(headers);
    let is_unsafe: Vec<String> = is_unsafe.into_iter().map(str::to_owned).collect();
    for name in is_unsafe {
        headers.remove(name);
    }
    headers.remove(RANGE);
    Ok(())
}
