//! Cross-origin resource policy check: a server says who may embed what it does not share.

use background_fetch::fetch::headers;
use http::{HeaderMap, HeaderName};
use url::{Origin, Url};

use super::fetch_params::FetchParams;
use super::same_site::{is_same_site, is_schemelessly_same_site};

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Whether the request's origin may have a response; why not, in a few words, otherwise. No page here has an embedder
/// policy of its own, so without a header it may.
///
/// <https://fetch.spec.whatwg.org/#cross-origin-resource-policy-check>
pub(super) fn cross_origin_resource_policy_check(
    fetch_params: &FetchParams,
    response: &HeaderMap,
) -> Result<(), String> {
    check(&fetch_params.url_origin(), fetch_params.current_url(), response)
}

/// <https://fetch.spec.whatwg.org/#cross-origin-resource-policy-internal-check>
fn check(origin: &Origin, url: &Url, response: &HeaderMap) -> Result<(), String> {
    // 2. The policy.
    let policy = headers::get(response, &CROSS_ORIGIN_RESOURCE_POLICY);
    // 3 to 6. What it allows.
    let (allowed, policy) = match policy.as_deref() {
        Some(b"same-origin") => (*origin == url.origin(), "same-origin"),
        Some(b"same-site") => (may_be_embedded_by_site(origin, url), "same-site"),
        _ => return Ok(()),
    };
    match allowed {
        true => Ok(()),
        false => Err(format!(
            "its Cross-Origin-Resource-Policy is \"{policy}\", and the origin is {}",
            origin.ascii_serialization()
        )),
    }
}

/// The same site, but not what TLS protects for a page without it.
fn may_be_embedded_by_site(origin: &Origin, url: &Url) -> bool {
    let there = url.origin();
    match (origin, &there) {
        (Origin::Tuple(scheme, host, _), Origin::Tuple(_, other, _)) => {
            is_schemelessly_same_site(host, other) && (scheme == "https" || url.scheme() != "https")
        }
        _ => is_same_site(origin, &there),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn the_policy_is_compared_with_the_origin_of_the_url() {
        let table = [
            ("https://a.example", "https://a.example/x", [true, true]),
            ("https://www.a.example", "https://a.example/x", [false, true]),
            ("https://a.example", "https://a.example:8443/x", [false, true]),
            ("https://a.example", "http://a.example/x", [false, true]),
            ("http://a.example", "https://a.example/x", [false, false]),
            ("https://b.example", "https://a.example/x", [false, false]),
            ("data:,x", "https://a.example/x", [false, false]),
        ];
        for (page, url, expected) in table {
            let [page, url] = [page, url].map(|url| Url::parse(url).unwrap());
            let allowed = |policy| {
                let mut headers = HeaderMap::new();
                headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static(policy));
                check(&page.origin(), &url, &headers).is_ok()
            };
            assert_eq!(
                ["same-origin", "same-site"].map(allowed),
                expected,
                "{page} {url}"
            );
            // What is not a policy restricts nothing.
            for policy in ["cross-origin", "Same-Origin", "same-origin, same-origin", ""] {
                assert!(allowed(policy), "{policy}");
            }
            assert!(check(&page.origin(), &url, &HeaderMap::new()).is_ok());
        }
    }
}
