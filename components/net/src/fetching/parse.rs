//! What the algorithms read out of header lists, for the fuzzer: no part of the interface.

use background_fetch::fetch::{Client, ReferrerPolicy};
use http::header::{ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use url::Url;

use super::{
    content_security_policy, cors_check, cors_preflight_fetch, cors_request_headers,
    forbidden_request_headers, location_url, referrer, subresource_integrity, upload_resumption,
};
use crate::CookieJar;
use crate::body::content_coding;
use crate::cookies::file;

/// Where a redirect from `url` leads; none without a `Location`.
pub fn location(response: &HeaderMap, url: &Url) -> Result<Option<Url>, String> {
    location_url::location_url(response, url).map_err(|error| error.to_string())
}

/// The upload resource that a 104 names for a request of this interop version to `base`.
pub fn upload_resource(response: &HeaderMap, version: &HeaderValue, base: &Url) -> Option<Url> {
    let status = StatusCode::from_u16(104).ok()?;
    upload_resumption::upload_resource(status, response, version, base)
}

/// The names of the content codings that are removed, in the order in which they were applied.
pub fn content_codings(response: &HeaderMap) -> Vec<&'static str> {
    let codings = content_coding::codings_of(response);
    codings.into_iter().map(|coding| coding.name()).collect()
}

/// Whether a response is shared with a request of this origin; why not, otherwise.
pub fn cors_check(with_credentials: bool, origin: &str, response: &HeaderMap) -> Result<(), String> {
    cors_check::check(with_credentials, origin.to_owned(), response).map_err(|error| error.to_string())
}

/// The methods that the answer to a preflight allows; none where it is invalid.
pub fn allowed_methods(response: &HeaderMap) -> Option<Vec<Method>> {
    cors_preflight_fetch::list_of(response, &ACCESS_CONTROL_ALLOW_METHODS, |token| {
        Method::from_bytes(token).ok()
    })
}

/// The header names that the answer to a preflight allows; none where it is invalid.
pub fn allowed_header_names(response: &HeaderMap) -> Option<Vec<HeaderName>> {
    cors_preflight_fetch::list_of(response, &ACCESS_CONTROL_ALLOW_HEADERS, |token| {
        HeaderName::from_bytes(token).ok()
    })
}

/// For how many seconds the answer to a preflight holds.
pub fn preflight_max_age(response: &HeaderMap) -> u64 {
    cors_preflight_fetch::max_age(response)
}

/// The names of the header fields that a request to another origin has to ask for.
pub fn cors_unsafe_request_header_names(request: &HeaderMap) -> Vec<&str> {
    cors_request_headers::cors_unsafe_request_header_names(request)
}

/// Removes what whoever made a request may not set.
pub fn remove_forbidden_request_headers(request: &mut HeaderMap, is_user: bool) {
    forbidden_request_headers::remove_forbidden_request_headers(request, is_user);
}

/// The referrer policy of a redirect, the empty string for none.
pub fn referrer_policy(response: &HeaderMap) -> ReferrerPolicy {
    referrer::parse_a_referrer_policy(response)
}

/// Whether the Content Security Policies of a page let it connect to `url`; by which directive not, otherwise.
pub fn content_security_policy(client: &Client, url: &Url) -> Result<(), String> {
    content_security_policy::should_request_be_blocked_by_csp(client, url, 0)
}

/// `url`, upgraded where the policies of a page ask for it.
pub fn upgraded(client: &Client, mut url: Url) -> Url {
    content_security_policy::upgrade_insecure_request(client, &mut url);
    url
}

/// Whether a body matches integrity metadata; none where the metadata asks for nothing that is known.
pub fn integrity(metadata: &str, body: &[u8]) -> Option<bool> {
    let mut check = subresource_integrity::IntegrityCheck::new(metadata)?;
    check.update(body);
    Some(check.finish().is_ok())
}

/// Stores the `Set-Cookie` values of a response from `url`.
pub fn store_cookies<'a>(
    jar: &CookieJar,
    url: &Url,
    same_site: bool,
    values: impl Iterator<Item = &'a [u8]>,
) {
    jar.store(url, same_site, values);
}

/// The value of the `Cookie` header for a request to `url`.
pub fn cookie_header(jar: &CookieJar, url: &Url, same_site: bool) -> Option<String> {
    jar.cookie_header(url, same_site)
}

/// What the text of a cookie jar's file says, as it is saved again; why it is none, otherwise.
pub fn cookie_jar(text: &[u8]) -> Result<Vec<u8>, String> {
    file::parse(text).map(|cookies| file::text(&cookies))
}
