//! The `Origin` header.

use background_fetch::fetch::{ReferrerPolicy, RequestMode};
use http::header::ORIGIN;
use http::{HeaderMap, HeaderValue, Method};

use super::fetch_params::{FetchParams, ResponseTainting};

/// <https://fetch.spec.whatwg.org/#append-a-request-origin-header>
pub(super) fn append_a_request_origin_header(fetch_params: &FetchParams, headers: &mut HeaderMap) {
    // The user has no origin to tell.
    if fetch_params.is_user() {
        return;
    }
    // 2. The origin.
    let mut origin = byte_serialized_request_origin(fetch_params);
    let request = &fetch_params.request;
    // 3. CORS asks for it. 4. Otherwise it goes with what may change something.
    if fetch_params.response_tainting != ResponseTainting::Cors {
        if request.method == Method::GET || request.method == Method::HEAD {
            return;
        }
        // 4.1. What the referrer policy hides.
        if request.mode != RequestMode::Cors && is_hidden(fetch_params) {
            origin = "null".to_owned();
        }
    }
    if let Ok(origin) = HeaderValue::try_from(origin) {
        headers.insert(ORIGIN, origin);
    }
}

/// Whether the referrer policy, which main fetch has determined, hides the origin.
fn is_hidden(fetch_params: &FetchParams) -> bool {
    use ReferrerPolicy::*;
    let url = fetch_params.current_url();
    match fetch_params.request.referrer_policy {
        NoReferrer => true,
        NoReferrerWhenDowngrade | StrictOrigin | StrictOriginWhenCrossOrigin => {
            fetch_params.origin().starts_with("https:") && url.scheme() != "https"
        }
        SameOrigin => !fetch_params.is_same_origin(url),
        Empty | Origin | OriginWhenCrossOrigin | UnsafeUrl => false,
    }
}

/// <https://fetch.spec.whatwg.org/#byte-serializing-a-request-origin>
pub(super) fn byte_serialized_request_origin(fetch_params: &FetchParams) -> String {
    // 2. A detour through another origin taints it.
    if fetch_params.is_redirect_tainted() {
        return "null".to_owned();
    }
    // 3. The origin.
    fetch_params.origin()
}
