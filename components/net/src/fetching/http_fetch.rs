//! HTTP fetch.

use background_fetch::embedder::NetworkError;
use background_fetch::fetch::{RedirectMode, RequestMode, ResponseHead, ResponseType, retry_after};
use http::StatusCode;

use super::Response;
use super::cors_check::{CorsError, cors_check};
use super::fetch_params::{FetchParams, ResponseTainting};
use super::http_network_or_cache_fetch::http_network_or_cache_fetch;
use super::http_redirect_fetch::http_redirect_fetch;

/// <https://fetch.spec.whatwg.org/#concept-http-fetch>
pub(super) async fn http_fetch(
    fetch_params: &mut FetchParams,
    make_cors_preflight: bool,
) -> Result<Response, NetworkError> {
    // 4.1. Without CORS-preflight fetch the server was not asked, and the request must not go out.
    if make_cors_preflight {
        let reason = "its method or header fields need a CORS preflight, which this network cannot do";
        return Err(fetch_params.hop().fatal(reason));
    }
    // 4.3. From the network.
    let mut response = http_network_or_cache_fetch(fetch_params).await?;
    // 4.4. The CORS check, for redirects too.
    if fetch_params.response_tainting == ResponseTainting::Cors {
        cors_check(fetch_params, &response.head.headers)
            .map_err(|error| not_shared(fetch_params, &response.head, &error))?;
    }
    // 6. Redirects.
    if is_redirect_status(response.head.status) {
        match fetch_params.request.redirect {
            RedirectMode::Error => {
                let reason = "it redirects, and the redirect mode is \"error\"";
                return Err(fetch_params.hop().fatal(reason));
            }
            // The user sees the redirect itself.
            RedirectMode::Manual if fetch_params.request.mode == RequestMode::Navigate => {}
            RedirectMode::Manual => {
                response.head.response_type = ResponseType::OpaqueRedirect;
                response.head.content_decoded = false;
                response.body = None;
            }
            RedirectMode::Follow => return http_redirect_fetch(fetch_params, response).await,
        }
    }
    // 7. The response.
    Ok(response)
}

/// A response that may not be shared. What stands before a server and says that it is busy seldom knows of CORS:
/// that is for the time being.
fn not_shared(fetch_params: &FetchParams, response: &ResponseHead, error: &CorsError) -> NetworkError {
    let reason = format!("the CORS check failed: {error}");
    match response.status.as_u16() {
        status @ (408 | 425 | 429 | 502..=504) => NetworkError {
            retry_after: retry_after(&response.headers),
            ..fetch_params
                .hop()
                .temporary(format!("{reason} (status {status})"))
        },
        _ => fetch_params.hop().fatal(reason),
    }
}

/// <https://fetch.spec.whatwg.org/#redirect-status>
pub(super) fn is_redirect_status(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}
