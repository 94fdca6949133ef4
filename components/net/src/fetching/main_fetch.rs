//! Main fetch.

use background_fetch::embedder::NetworkError;
use background_fetch::fetch::{
    CredentialsMode, RedirectMode, Referrer, ReferrerPolicy, RequestMode, ResponseHead, ResponseType, headers,
};
use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::ACCESS_CONTROL_EXPOSE_HEADERS;
use http::{HeaderName, Method, StatusCode};

use super::Response;
use super::content_security_policy::{should_request_be_blocked_by_csp, upgrade_insecure_request};
use super::cors_request_headers::may_need_preflight;
use super::fetch_params::{FetchParams, ResponseTainting};
use super::fetch_response_handover::fetch_response_handover;
use super::http_fetch::http_fetch;
use super::mixed_content::should_fetching_be_blocked_as_mixed_content;
use super::port_blocking::should_be_blocked_due_to_a_bad_port;
use super::referrer::determine_referrer;
use super::scheme_fetch::scheme_fetch;
use super::subresource_integrity::IntegrityCheck;

/// Gives the response to the hop before where `recursive`; hands it over, and gives none, otherwise.
///
/// <https://fetch.spec.whatwg.org/#concept-main-fetch>
pub(super) fn main_fetch(
    fetch_params: &mut FetchParams,
    recursive: bool,
) -> BoxFuture<'_, Result<Option<Response>, NetworkError>> {
    async move {
        // 5. Upgrade it to a potentially trustworthy URL, if the page asks for it. 6. is for images and media.
        let client = fetch_params.client.clone();
        upgrade_insecure_request(&client, fetch_params.current_url_mut());
        // 7. What is blocked.
        if let Some(reason) = why_blocked(fetch_params) {
            return Err(fetch_params.hop().fatal(reason));
        }
        // 8. The referrer policy.
        if fetch_params.request.referrer_policy == ReferrerPolicy::Empty {
            fetch_params.request.referrer_policy = client.referrer_policy;
        }
        // 9. The referrer.
        let referrer = determine_referrer(&fetch_params.request, &client, fetch_params.current_url());
        fetch_params.request.referrer = referrer.map_or(Referrer::NoReferrer, Referrer::Url);
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
                ResponseTainting::Opaque => response.head.response_type = ResponseType::Opaque,
            }
        }
        // 16. The URL list.
        response.head.url_list.clone_from(&fetch_params.url_list);
        // 22. A null body, whatever the server sends.
        if fetch_params.request.method == Method::HEAD || is_null_body_status(response.head.status) {
            response.body = None;
            response.head.content_decoded = false;
        }
        // 23. Integrity metadata. 23.2. A null body matches none, nor does one that is not to be seen.
        let integrity = &fetch_params.request.integrity;
        if !integrity.is_empty() && response.head.response_type == ResponseType::Opaque {
            let reason = "its response is opaque, so nothing may be compared with the integrity metadata";
            return Err(fetch_params.hop().fatal(reason));
        }
        if !integrity.is_empty() && response.body.is_none() {
            let reason = "its response has no body, so it cannot match the integrity metadata";
            return Err(fetch_params.hop().fatal(reason));
        }
        let check = IntegrityCheck::new(integrity);
        // 23.3. and 24. The handover.
        fetch_response_handover(fetch_params, response, check).await?;
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
    if fetch_params.request.mode == RequestMode::NoCors {
        if fetch_params.request.redirect != RedirectMode::Follow {
            let reason =
                "with the mode \"no-cors\" the redirects of another origin are followed, or it is not asked";
            return Err(fetch_params.hop().fatal(reason));
        }
        fetch_params.response_tainting = ResponseTainting::Opaque;
        return scheme_fetch(fetch_params).await;
    }
    if !is_http_scheme(url.scheme()) {
        return Err(fetch_params.hop().fatal(not_http(url.scheme())));
    }
    let make_cors_preflight = may_need_preflight(&fetch_params.request);
    fetch_params.response_tainting = ResponseTainting::Cors;
    let response = http_fetch(fetch_params, make_cors_preflight).await;
    if make_cors_preflight && response.is_err() {
        fetch_params.connections.cors_preflight_cache.clear(fetch_params);
    }
    response
}

/// Step 7.
fn why_blocked(fetch_params: &FetchParams) -> Option<String> {
    let (client, url) = (&fetch_params.client, fetch_params.current_url());
    if should_be_blocked_due_to_a_bad_port(fetch_params) {
        return Some(format!("the port {} is blocked", url.port().unwrap_or_default()));
    }
    if should_fetching_be_blocked_as_mixed_content(client, url) {
        let reason =
            "mixed content: the page is secure, and neither TLS nor the loopback protects the request";
        return Some(reason.to_owned());
    }
    should_request_be_blocked_by_csp(client, url, fetch_params.redirect_count).err()
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
