//! HTTP fetch.

use background_fetch::embedder::NetworkError;
use background_fetch::fetch::{RedirectMode, RequestMode, ResponseType};
use http::StatusCode;

use super::Response;
use super::cors_check::{cors_check, not_shared};
use super::cors_preflight_cache::Permission;
use super::cors_preflight_fetch::cors_preflight_fetch;
use super::cors_request_headers::{cors_unsafe_request_header_names, is_cors_safelisted_method};
use super::cross_origin_resource_policy::cross_origin_resource_policy_check;
use super::fetch_params::{FetchParams, ResponseTainting};
use super::http_network_or_cache_fetch::http_network_or_cache_fetch;
use super::http_redirect_fetch::http_redirect_fetch;

/// <https://fetch.spec.whatwg.org/#concept-http-fetch>
pub(super) async fn http_fetch(
    fetch_params: &mut FetchParams,
    make_cors_preflight: bool,
) -> Result<Response, NetworkError> {
    // 4.1. Ask first, unless the server has said that it wants such requests.
    if make_cors_preflight && is_not_in_cache(fetch_params) {
        cors_preflight_fetch(fetch_params).await?;
    }
    // 4.3. From the network.
    let mut response = http_network_or_cache_fetch(fetch_params).await?;
    // 4.4. The CORS check, for redirects too.
    if fetch_params.response_tainting == ResponseTainting::Cors {
        cors_check(fetch_params, &response.head.headers).map_err(|error| {
            let reason = format!("the CORS check failed: {error}");
            not_shared(fetch_params, &response.head, reason)
        })?;
    }
    // 5. The cross-origin resource policy check, for redirects too.
    if fetch_params.response_tainting == ResponseTainting::Opaque {
        cross_origin_resource_policy_check(fetch_params, &response.head.headers)
            .map_err(|reason| fetch_params.hop().fatal(reason))?;
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

/// Whether the method or a header name has no match in the CORS-preflight cache.
fn is_not_in_cache(fetch_params: &FetchParams) -> bool {
    let request = &fetch_params.request;
    let cache = &fetch_params.connections.cors_preflight_cache;
    let method = Permission::Method(request.method.clone());
    if !is_cors_safelisted_method(&request.method) && !cache.matches(fetch_params, &method) {
        return true;
    }
    let is_unsafe = cors_unsafe_request_header_names(&request.headers);
    let unsafe_names = request
        .headers
        .keys()
        .filter(|name| is_unsafe.contains(&name.as_str()));
    unsafe_names
        .into_iter()
        .any(|name| !cache.matches(fetch_params, &Permission::HeaderName(name.clone())))
}

/// <https://fetch.spec.whatwg.org/#redirect-status>
pub(super) fn is_redirect_status(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}
