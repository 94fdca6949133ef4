//! Main fetch.

use background_fetch::embedder::NetworkError;
use background_fetch::fetch::{CredentialsMode, RequestMode, ResponseHead, ResponseType, headers};
use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::ACCESS_CONTROL_EXPOSE_HEADERS;
use http::{HeaderName, Method, StatusCode};

use super::Response;
use super::cors_request_headers::needs_preflight;
use super::fetch_params::{FetchParams, ResponseTainting};
use super::fetch_response_handover::fetch_response_handover;
use super::http_fetch::http_fetch;
use super::port_blocking::should_be_blocked_due_to_a_bad_port;
use super::scheme_fetch::scheme_fetch;

/// Gives the response to the hop before where `recursive`; hands it over, and gives none, otherwise.
///
/// <https://fetch.spec.whatwg.org/#concept-main-fetch>
pub(super) fn main_fetch(
    fetch_params: &mut FetchParams,
    recursive: bool,
) -> BoxFuture<'_, Result<Option<Response>, NetworkError>> {
    async move {
        // 7. Blocked ports.
        if should_be_blocked_due_to_a_bad_port(fetch_params) {
            let port = fetch_params.current_url().port().unwrap_or_default();
            return Err(fetch_params.hop().fatal(format!("the port {port} is blocked")));
        }
        // 12. The response.
        let mut response = switch(fetch_params).await?;
        // 13. To the hop before.
        if recursive {
            return Ok(Some(response));
        }
        // 14. The filtered response: its type says which headers scripts may see.
        if response.head.response_type != ResponseType::OpaqueRedirect {
            match fetch_params.response_tainting {
                ResponseTainting::Basic => response.head.response_type = ResponseType::Basic,
                ResponseTainting::Cors => {
                    // 14.1. The CORS-exposed header-name list.
                    let with_credentials = fetch_params.request.credentials == CredentialsMode::Include;
                    response.head.cors_exposed_header_names =
                        cors_exposed_header_names(&response.head, with_credentials);
                    response.head.response_type = ResponseType::Cors;
                }
            }
        }
        // 16. The URL list.
        response.head.url_list.clone_from(&fetch_params.url_list);
        // 22. A null body, whatever the server sends.
        if fetch_params.request.method == Method::HEAD || is_null_body_status(response.head.status) {
            response.body = None;
            response.head.content_decoded = false;
        }
        // 23. Without the check of integrity metadata the bytes would be handed out unchecked.
        if !fetch_params.request.integrity.is_empty() {
            let reason = "integrity metadata cannot be checked by this network";
            return Err(fetch_params.hop().fatal(reason));
        }
        // 24. The handover.
        fetch_response_handover(fetch_params, response).await?;
        Ok(None)
    }
    .boxed()
}

/// Step 12: the first statement that matches.
async fn switch(fetch_params: &mut FetchParams) -> Result<Response, NetworkError> {
    let is_basic = fetch_params.response_tainting == ResponseTainting::Basic;
    let url = fetch_params.current_url();
    if (fetch_params.is_same_origin(url) && is_basic) || fetch_params.request.mode == RequestMode::Navigate {
        fetch_params.response_tainting = ResponseTainting::Basic;
        return scheme_fetch(fetch_params).await;
    }
    if fetch_params.request.mode == RequestMode::SameOrigin {
        let reason = format!(
            "the mode is \"same-origin\", and it is not of the origin {}",
            fetch_params.origin()
        );
        return Err(fetch_params.hop().fatal(reason));
    }
    // The mode "no-cors" was refused before.
    if !is_http_scheme(url.scheme()) {
        return Err(fetch_params.hop().fatal(not_http(url.scheme())));
    }
    let make_cors_preflight = needs_preflight(&fetch_params.request);
    fetch_params.response_tainting = ResponseTainting::Cors;
    http_fetch(fetch_params, make_cors_preflight).await
}

/// <https://fetch.spec.whatwg.org/#http-scheme>
pub(super) fn is_http_scheme(scheme: &str) -> bool {
    matches!(scheme, "http" | "https")
}

/// Why a URL of another scheme is not fetched.
pub(super) fn not_http(scheme: &str) -> String {
    format!("the scheme {scheme} is not http or https")
}

/// <https://fetch.spec.whatwg.org/#null-body-status>
fn is_null_body_status(status: StatusCode) -> bool {
    matches!(status.as_u16(), 101 | 103 | 204 | 205 | 304)
}

fn cors_exposed_header_names(response: &ResponseHead, with_credentials: bool) -> Vec<HeaderName> {
    // Extracting header list values fails as a whole where one of the names is none.
    let names: Result<Vec<_>, _> = headers::members(&response.headers, &ACCESS_CONTROL_EXPOSE_HEADERS)
        .map(HeaderName::from_bytes)
        .collect();
    let names = names.unwrap_or_default();
    if !with_credentials && names.iter().any(|name| name == "*") {
        response.headers.keys().cloned().collect()
    } else {
        names
    }
}
