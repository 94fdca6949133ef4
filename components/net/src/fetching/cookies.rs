//! The `Cookie` and `Set-Cookie` headers.

use background_fetch::fetch::CredentialsMode;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};

use super::fetch_params::{FetchParams, ResponseTainting};
use super::same_site::is_same_site;

/// Whether credentials go with this hop, and are taken from its response.
///
/// <https://fetch.spec.whatwg.org/#concept-http-network-or-cache-fetch>, 8.3 and 8.4
pub(super) fn includes_credentials(fetch_params: &FetchParams) -> bool {
    match fetch_params.request.credentials {
        CredentialsMode::Include => true,
        CredentialsMode::SameOrigin => fetch_params.response_tainting == ResponseTainting::Basic,
        CredentialsMode::Omit => false,
    }
}

/// <https://fetch.spec.whatwg.org/#append-a-request-cookie-header>
pub(super) fn append_a_request_cookie_header(fetch_params: &FetchParams, headers: &mut HeaderMap) {
    // Only the user can have set one, and then means it.
    if headers.contains_key(COOKIE) {
        return;
    }
    let jar = fetch_params.connections.cookies.as_ref();
    let cookies =
        jar.and_then(|jar| jar.cookie_header(fetch_params.current_url(), is_same_site_request(fetch_params)));
    if let Some(Ok(mut cookies)) = cookies.map(HeaderValue::try_from) {
        cookies.set_sensitive(true);
        headers.insert(COOKIE, cookies);
    }
}

/// <https://fetch.spec.whatwg.org/#parse-and-store-response-set-cookie-headers>
pub(super) fn parse_and_store_response_set_cookie_headers(fetch_params: &FetchParams, response: &HeaderMap) {
    if let Some(jar) = &fetch_params.connections.cookies
        && response.contains_key(SET_COOKIE)
    {
        let values = response.get_all(SET_COOKIE).iter().map(HeaderValue::as_bytes);
        jar.store(
            fetch_params.current_url(),
            is_same_site_request(fetch_params),
            values,
        );
    }
}

/// Whether this hop goes to the client's own site. What the user fetches is their own, wherever it leads.
///
/// As in browsers it is this hop that counts, whatever the ones before were.
fn is_same_site_request(fetch_params: &FetchParams) -> bool {
    fetch_params.is_user() || is_same_site(&fetch_params.url_origin(), &fetch_params.current_url().origin())
}
