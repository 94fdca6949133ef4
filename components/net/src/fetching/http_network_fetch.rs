//! HTTP-network fetch.

use background_fetch::embedder::NetworkError;
use background_fetch::fetch::{ResponseHead, headers};
use http::header::{CONTENT_LENGTH, PROXY_AUTHORIZATION, TRANSFER_ENCODING};
use http::{HeaderMap, StatusCode, Uri, Version};
use hyper::ext::ReasonPhrase;
use url::{Position, Url};

use super::Response;
use super::fetch_params::FetchParams;
use super::transmit::transmit;
use crate::body::ResponseBody;
use crate::body::content_coding::codings_of;
use crate::body::incoming::IncomingBody;

/// <https://fetch.spec.whatwg.org/#concept-http-network-fetch>
pub(super) async fn http_network_fetch(
    fetch_params: &mut FetchParams,
    mut request_headers: HeaderMap,
) -> Result<Response, NetworkError> {
    let hop = fetch_params.hop();
    let url = fetch_params.current_url();
    if url.scheme() == "https" && !fetch_params.connections.has_roots {
        return Err(hop.fatal("TLS: no root certificate is known"));
    }
    let uri = uri(url).ok_or_else(|| hop.fatal("its URL is too long, or no URL for HTTP"))?;
    // HTTP-network-or-cache fetch, 8.22.1. The proxy's entry.
    if let Some(authorization) = fetch_params.connections.proxies.authorization(&uri) {
        request_headers.insert(PROXY_AUTHORIZATION, authorization);
    }
    // 7. and 8. Over a connection of the pool, or a new one.
    let http_response = transmit(fetch_params, &uri, &request_headers).await?;
    // 8.5. A status of 101 switches to a protocol that nobody asked for.
    let (mut parts, incoming) = http_response.into_parts();
    if parts.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(hop.fatal("the answer is not valid HTTP: it switches to another protocol"));
    }
    let status_message = status_message(&parts);
    // Where both are there, `Transfer-Encoding` says where the body ends (RFC 9112, 6.3).
    if parts.headers.contains_key(TRANSFER_ENCODING) {
        parts.headers.remove(CONTENT_LENGTH);
    }
    // Without a `TE` header only chunks may come: other bytes would be taken for the body's.
    if !headers::members(&parts.headers, &TRANSFER_ENCODING)
        .all(|coding| coding.eq_ignore_ascii_case(b"chunked"))
    {
        return Err(hop.fatal("the answer is not valid HTTP: it has a transfer coding that nobody asked for"));
    }
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
    let incoming = IncomingBody::new(incoming, &fetch_params.connections.timeouts, hop);
    // 19. The response.
    Ok(Response {
        head,
        body: Some(ResponseBody::new(incoming, codings)),
    })
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
