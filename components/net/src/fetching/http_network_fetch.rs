//! HTTP-network fetch.

use std::future::pending;
use std::time::Duration;

use background_fetch::embedder::{FetchEvent, NetworkError};
use background_fetch::fetch::ResponseHead;
use futures::{FutureExt, pin_mut, select_biased};
use http::{HeaderMap, StatusCode, Uri, Version};
use hyper::body::Incoming;
use hyper::ext::ReasonPhrase;
use hyper_util::client::legacy::connect::capture_connection;
use tokio::sync::watch;
use url::{Position, Url};

use super::Response;
use super::fetch_params::FetchParams;
use super::upload_resumption::UploadResources;
use crate::body::ResponseBody;
use crate::body::content_coding::codings_of;
use crate::body::incoming::IncomingBody;
use crate::body::upload::Upload;
use crate::failure::{Cause, seconds};

/// <https://fetch.spec.whatwg.org/#concept-http-network-fetch>
pub(super) async fn http_network_fetch(
    fetch_params: &mut FetchParams,
    headers: HeaderMap,
) -> Result<Response, NetworkError> {
    let hop = fetch_params.hop();
    let url = fetch_params.current_url();
    if url.scheme() == "https" && !fetch_params.connections.has_roots {
        return Err(hop.fatal("TLS: no root certificate is known"));
    }
    let uri = uri(url).ok_or_else(|| hop.fatal("its URL is too long, or no URL for HTTP"))?;
    // 7. and 8. Over a connection of the pool, or a new one.
    let (transmitted, progress) = watch::channel(fetch_params.transmitted);
    let mut request = http::Request::new(Upload::new(fetch_params.body.as_deref(), transmitted));
    *request.method_mut() = fetch_params.request.method.clone();
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    let http_response = transmit(fetch_params, request, progress).await?;
    // 8.5. A status of 101 switches to a protocol that nobody asked for.
    let (mut parts, incoming) = http_response.into_parts();
    if parts.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(hop.fatal("the answer is not valid HTTP: it switches to another protocol"));
    }
    let status_message = status_message(&parts);
    // 15. The body, read as it is pulled. 18.1. Its content codings; a part cannot be decoded.
    let codings = match parts.status {
        StatusCode::PARTIAL_CONTENT => Vec::new(),
        _ => codings_of(&parts.headers),
    };
    let mut head = ResponseHead::new(
        fetch_params.current_url().clone(),
        parts.status,
        std::mem::take(&mut parts.headers),
    );
    head.status_message = status_message;
    head.content_decoded = !codings.is_empty();
    let incoming = IncomingBody::new(incoming, fetch_params.connections.timeouts.stall, hop);
    // 19. The response.
    Ok(Response {
        head,
        body: Some(ResponseBody::new(incoming, codings)),
    })
}

/// Sends a request, tells how much of its body has left, and waits for the header of the response. The rest of
/// the body goes on beside the response.
async fn transmit(
    fetch_params: &mut FetchParams,
    mut request: http::Request<Upload>,
    mut progress: watch::Receiver<u64>,
) -> Result<http::Response<Incoming>, NetworkError> {
    let resources = UploadResources::listen(&mut request, fetch_params.current_url());
    let mut connection = capture_connection(&mut request);
    let connected = async move {
        if connection.wait_for_connection_metadata().await.is_none() {
            pending::<()>().await;
        }
    }
    .fuse();
    let response = fetch_params.connections.client(&request).request(request).fuse();
    pin_mut!(connected, response);
    let limit = fetch_params.connections.timeouts.first_byte;
    // Connecting has a limit of its own.
    let mut waiting = None;
    loop {
        let result = {
            let changed = changed(&mut progress).fuse();
            let late = after(waiting).fuse();
            pin_mut!(changed, late);
            select_biased! {
                () = changed => None,
                result = response => Some(result),
                () = connected => {
                    waiting = limit;
                    continue;
                }
                () = late => {
                    let waited = waiting.map(seconds).unwrap_or_default();
                    let reason = format!("no answer within {waited}");
                    return Err(fetch_params.hop().temporary(reason));
                }
            }
        };
        if let Some(upload) = resources.news() {
            fetch_params
                .events
                .put(FetchEvent::UploadResumable { upload })
                .await;
        }
        let total = *progress.borrow_and_update();
        if total > fetch_params.transmitted {
            fetch_params.transmitted = total;
            fetch_params.events.put(FetchEvent::Transmitted(total)).await;
        }
        if let Some(result) = result {
            return result.map_err(|error| fetch_params.hop().failed(&Cause::of(&error)));
        }
        waiting = limit;
    }
}

/// The next progress; never once the body is gone.
async fn changed(progress: &mut watch::Receiver<u64>) {
    if progress.changed().await.is_err() {
        pending::<()>().await;
    }
}

async fn after(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => pending().await,
    }
}

/// A URL as HTTP wants it: without credentials and fragment.
fn uri(url: &Url) -> Option<Uri> {
    let host = url.host_str()?;
    let authority = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    Uri::builder()
        .scheme(url.scheme())
        .authority(authority)
        .path_and_query(&url[Position::BeforePath..Position::AfterQuery])
        .build()
        .ok()
}

fn status_message(parts: &http::response::Parts) -> String {
    if parts.version > Version::HTTP_11 {
        return String::new();
    }
    match parts.extensions.get::<ReasonPhrase>() {
        Some(reason) => reason.as_bytes().iter().copied().map(char::from).collect(),
        None => parts.status.canonical_reason().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_loses_credentials_and_fragment_on_its_way_to_http() {
        let table = [
            ("https://user:pass@a.example/x?y#z", Some("https://a.example/x?y")),
            ("http://[::1]:8080", Some("http://[::1]:8080/")),
            (
                "https://a.example/a|b^c[d]?e={}",
                Some("https://a.example/a|b^c[d]?e={}"),
            ),
            ("mailto:a@b.example", None),
        ];
        for (url, expected) in table {
            let found = uri(&Url::parse(url).unwrap()).map(|uri| uri.to_string());
            assert_eq!(found.as_deref(), expected, "{url}");
        }
        let long = Url::parse(&format!("https://a.example/{}", "x".repeat(70_000))).unwrap();
        assert_eq!(uri(&long), None);
    }
}
