//! Fetch metadata: tells a server what kind of request it has, so that it can refuse those that it never expects.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::fetch_params::FetchParams;
use super::potentially_trustworthy::is_potentially_trustworthy_url;
use super::same_site::is_same_site;

/// Not for the user's own requests: without a page there is nobody to tell apart.
///
/// <https://w3c.github.io/webappsec-fetch-metadata/#abstract-opdef-append-the-fetch-metadata-headers-for-a-request>
pub(super) fn append_the_fetch_metadata_headers(fetch_params: &FetchParams, headers: &mut HeaderMap) {
    // 1. Only where nobody on the way learns it.
    if fetch_params.is_user() || !is_potentially_trustworthy_url(fetch_params.current_url()) {
        return;
    }
    let mut set = |name, value| {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    };
    // 2. The destination of `fetch()` is the empty string.
    set("sec-fetch-dest", "empty");
    // 3. The mode.
    set("sec-fetch-mode", fetch_params.request.mode.as_str());
    // 4. The site. 5. The user activates navigations only.
    set("sec-fetch-site", site(fetch_params));
}

/// <https://w3c.github.io/webappsec-fetch-metadata/#abstract-opdef-set-site>
fn site(fetch_params: &FetchParams) -> &'static str {
    // 3. "same-origin", until a hop is not.
    let mut value = "same-origin";
    // 5. For each URL of the list.
    for url in &fetch_params.url_list {
        // 5.1. The same origin.
        if fetch_params.is_same_origin(url) {
            continue;
        }
        // 5.2. and 5.3. Another site: no later hop makes up for it.
        if !is_same_site(&fetch_params.url_origin(), &url.origin()) {
            return "cross-site";
        }
        // 5.4. The same site.
        value = "same-site";
    }
    // 6. and 7. The value.
    value
}
