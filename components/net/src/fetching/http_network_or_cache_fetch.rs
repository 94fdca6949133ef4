//! HTTP-network-or-cache fetch.

use background_fetch::embedder::NetworkError;
use background_fetch::fetch::{CacheMode, Referrer};
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_LENGTH, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    IF_UNMODIFIED_SINCE, PRAGMA, RANGE, REFERER, USER_AGENT,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::Response;
use super::cookies::{
    append_a_request_cookie_header, includes_credentials, parse_and_store_response_set_cookie_headers,
};
use super::fetch_metadata::append_the_fetch_metadata_headers;
use super::fetch_params::FetchParams;
use super::http_network_fetch::http_network_fetch;
use super::origin_header::append_a_request_origin_header;

/// There is no HTTP cache: what the background fetch keeps is its own.
///
/// <https://fetch.spec.whatwg.org/#concept-http-network-or-cache-fetch>
pub(super) async fn http_network_or_cache_fetch(
    fetch_params: &mut FetchParams,
) -> Result<Response, NetworkError> {
    let request = &fetch_params.request;
    // 8.2. The header list of this hop; the request keeps its own for the next.
    let mut headers = request.headers.clone();
    // 8.5. to 8.9. `Content-Length`.
    let content_length = match &fetch_params.body {
        Some(body) => Some(body.length()),
        None if [Method::POST, Method::PUT].contains(&request.method) => Some(0),
        None => None,
    };
    if let Some(length) = content_length {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    // 8.10. The limit on keepalive requests is not for background fetches (errata 17).
    // 8.11. `Referer`.
    if let Referrer::Url(url) = &request.referrer
        && let Ok(value) = HeaderValue::try_from(url.as_str())
    {
        headers.insert(REFERER, value);
    }
    // 8.12. `Origin`.
    append_a_request_origin_header(fetch_params, &mut headers);
    // 8.13. `Sec-Fetch-*`.
    append_the_fetch_metadata_headers(fetch_params, &mut headers);
    // 8.15. `User-Agent`.
    headers
        .entry(USER_AGENT)
        .or_insert_with(|| fetch_params.connections.user_agent.clone());
    // 8.16. to 8.18. What caches on the way may do.
    append_cache_headers(cache_mode(request.cache, &headers), &mut headers);
    // 8.19. A part of encoded bytes could not be decoded.
    if headers.contains_key(RANGE) {
        append_if_missing(&mut headers, ACCEPT_ENCODING, "identity");
    }
    // 8.20. What HTTP itself needs: boxes on the way damage the newer codings where there is no TLS.
    let codings = match fetch_params.current_url().scheme() {
        "https" => "gzip, deflate, br, zstd",
        _ => "gzip, deflate",
    };
    append_if_missing(&mut headers, ACCEPT_ENCODING, codings);
    // The component's own range, with its validator.
    if let Some(range) = &fetch_params.range {
        range.add_to(&mut headers);
    }
    // 8.3. and 8.4. Whether credentials are included. 8.21.1. Cookies.
    let include_credentials = includes_credentials(fetch_params);
    if include_credentials {
        append_a_request_cookie_header(fetch_params, &mut headers);
    }
    // 11.1. Without a cache nothing is in it.
    if fetch_params.request.cache == CacheMode::OnlyIfCached {
        return Err(fetch_params
            .hop()
            .fatal("the cache mode is \"only-if-cached\", and there is no cache"));
    }
    // 11.2. From the network.
    let response = http_network_fetch(fetch_params, headers).await?;
    // HTTP-network fetch, 17. Its cookies, for every hop.
    if include_credentials {
        parse_and_store_response_set_cookie_headers(fetch_params, &response.head.headers);
    }
    // 15. A proxy wants credentials, and there is nobody to ask.
    if response.head.status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
        let reason = "the proxy wants other credentials (status 407)";
        return Err(fetch_params.hop().fatal(reason));
    }
    Ok(response)
}

/// 8.16. An author's conditional request is not for a cache.
fn cache_mode(mode: CacheMode, headers: &HeaderMap) -> CacheMode {
    let conditional = [
        IF_MODIFIED_SINCE,
        IF_NONE_MATCH,
        IF_UNMODIFIED_SINCE,
        IF_MATCH,
        IF_RANGE,
    ]
    .iter()
    .any(|name| headers.contains_key(name));
    if mode == CacheMode::Default && conditional {
        CacheMode::NoStore
    } else {
        mode
    }
}

fn append_cache_headers(mode: CacheMode, headers: &mut HeaderMap) {
    match mode {
        // 8.17. Validate first.
        CacheMode::NoCache => append_if_missing(headers, CACHE_CONTROL, "max-age=0"),
        // 8.18. Past every cache.
        CacheMode::NoStore | CacheMode::Reload => {
            append_if_missing(headers, PRAGMA, "no-cache");
            append_if_missing(headers, CACHE_CONTROL, "no-cache");
        }
        CacheMode::Default | CacheMode::ForceCache | CacheMode::OnlyIfCached => {}
    }
}

fn append_if_missing(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}
