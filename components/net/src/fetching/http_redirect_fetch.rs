//! HTTP-redirect fetch.

use background_fetch::embedder::NetworkError;
use background_fetch::fetch::RequestMode;
use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LOCATION, CONTENT_TYPE, COOKIE,
    PROXY_AUTHORIZATION,
};
use http::{Method, StatusCode};
use url::Url;

use super::Response;
use super::fetch_params::{FetchParams, ResponseTainting};
use super::location_url::location_url;
use super::main_fetch::{is_http_scheme, main_fetch};
use super::referrer::set_referrer_policy_on_redirect;
use super::upload_resumption::remove_upload_fields;
use crate::failure::shown;

/// <https://fetch.spec.whatwg.org/#concept-http-redirect-fetch>
pub(super) async fn http_redirect_fetch(
    fetch_params: &mut FetchParams,
    response: Response,
) -> Result<Response, NetworkError> {
    let hop = fetch_params.hop();
    // 3. The location URL.
    let location = location_url(&response.head.headers, fetch_params.current_url())
        // 5. Where it is a failure.
        .map_err(|error| hop.fatal(format!("its redirect is invalid: {error}")))?;
    // 4. Where there is none.
    let Some(location) = location else {
        return Ok(response);
    };
    // 6. Only HTTP(S).
    if !is_http_scheme(location.scheme()) {
        let reason = format!("it redirects to {}, which is not http or https", shown(&location));
        return Err(hop.fatal(reason));
    }
    // 7. At most 20 redirects.
    if fetch_params.redirect_count == 20 {
        return Err(hop.fatal("it redirects once more after 20 redirects"));
    }
    // 8. One more.
    fetch_params.redirect_count += 1;
    // 9. No credentials in another origin's URL, 10. and none after another origin was asked.
    let cross_origin =
        fetch_params.request.mode == RequestMode::Cors && !fetch_params.is_same_origin(&location);
    let tainted = fetch_params.response_tainting == ResponseTainting::Cors;
    if includes_credentials(&location) && (cross_origin || tainted) {
        let reason = format!(
            "it redirects to {} with credentials in the URL, which CORS forbids",
            shown(&location)
        );
        return Err(hop.fatal(reason));
    }
    // 12. The methods that become `GET`.
    let status = response.head.status;
    let method = &fetch_params.request.method;
    let post_moved =
        matches!(status, StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND) && method == Method::POST;
    let see_other = status == StatusCode::SEE_OTHER && method != Method::GET && method != Method::HEAD;
    let is_user = fetch_params.is_user();
    let headers = &mut fetch_params.request.headers;
    if post_moved || see_other {
        // 12.1. The method and the body.
        fetch_params.request.method = Method::GET;
        fetch_params.request.body_length = None;
        fetch_params.body = None;
        // 12.2. What described the body.
        for name in [CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LOCATION, CONTENT_TYPE] {
            headers.remove(name);
        }
        remove_upload_fields(headers);
    }
    // 13. No other origin gets what was meant for this one.
    if fetch_params.url_list.last().map(Url::origin) != Some(location.origin()) {
        headers.remove(AUTHORIZATION);
        // Only the user can have set these.
        headers.remove(COOKIE);
        headers.remove(PROXY_AUTHORIZATION);
        // The author did not set these, and the other origin did not allow them.
        if !is_user {
            remove_upload_fields(headers);
        }
    }
    // 14. The body's source is opened anew for each hop.
    // 18. The URL list.
    fetch_params.url_list.push(location);
    // 19. The referrer policy.
    set_referrer_policy_on_redirect(&mut fetch_params.request, &response.head.headers);
    // The connection of this hop is free, or closed where its body is long.
    drop(response);
    // 22. The next hop.
    let next = main_fetch(fetch_params, true).await?;
    Ok(next.expect("a recursive main fetch gives its response"))
}

/// <https://url.spec.whatwg.org/#include-credentials>
fn includes_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}
