//! Sites: what belongs together, by the public suffix list.

use url::{Host, Url};

/// Whether two URLs are schemefully same site.
///
/// <https://html.spec.whatwg.org/#same-site>
pub(crate) fn is_same_site(a: &Url, b: &Url) -> bool {
    a.origin().is_tuple()
        && a.scheme() == b.scheme()
        && match (a.host(), b.host()) {
            (Some(Host::Domain(a)), Some(Host::Domain(b))) => registrable(a) == registrable(b),
            (Some(a), Some(b)) => a == b,
            _ => false,
        }
}

/// The registrable domain, or the whole of a domain that has none.
fn registrable(domain: &str) -> &str {
    psl::domain_str(domain).unwrap_or(domain)
}

/// Whether whoever has a name under this domain has no other than their own: "com", "co.uk", "github.io", and any
/// name without a dot.
pub(super) fn is_public_suffix(domain: &str) -> bool {
    !domain.contains('.') || psl::suffix_str(domain) == Some(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_a_scheme_and_a_registrable_domain() {
        let table = [
            ("https://a.example.com", "https://b.example.com", true),
            ("https://example.com:444", "https://www.example.com", true),
            ("http://a.example.com", "https://a.example.com", false),
            ("https://a.co.uk", "https://b.co.uk", false),
            ("https://a.github.io", "https://b.github.io", false),
            ("https://github.io", "https://github.io", true),
            ("http://127.0.0.1:1", "http://127.0.0.1:2", true),
            ("http://127.0.0.1", "http://127.1.0.1", false),
            ("http://10.0.0.1", "http://11.0.0.1", false),
            ("http://[::1]", "http://[::1]:8", true),
            ("http://localhost", "http://127.0.0.1", false),
            ("http://localhost", "http://localhost:8080", true),
            ("data:,", "data:,", false),
        ];
        for (a, b, expected) in table {
            let (a, b) = (Url::parse(a).unwrap(), Url::parse(b).unwrap());
            assert_eq!(is_same_site(&a, &b), expected, "{a} {b}");
        }
    }
}
