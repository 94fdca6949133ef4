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
    if fetch_params.response_tainting == ResponseTainting::Basic {
        if request.method == Method::GET || request.method == Method::HEAD {
            return;
        }
        // 4.1. The referrer policy; its other values only matter for another origin's URL.
        let policy = match request.referrer_policy {
            ReferrerPolicy::Empty => fetch_params.client.referrer_policy,
            policy => policy,
        };
        if request.mode != RequestMode::Cors && policy == ReferrerPolicy::NoReferrer {
            origin = "null".to_owned();
        }
    }
    if let Ok(origin) = HeaderValue::try_from(origin) {
        headers.insert(ORIGIN, origin);
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
