//! Same site.

use url::{Host, Origin};

/// Whether two origins are same site: one scheme, and one host or one registrable domain, by the public suffix list.
///
/// <https://html.spec.whatwg.org/multipage/browsers.html#same-site>
pub(super) fn is_same_site(a: &Origin, b: &Origin) -> bool {
    match (a, b) {
        (Origin::Tuple(scheme_a, host_a, _), Origin::Tuple(scheme_b, host_b, _)) => {
            // 1. Schemelessly same site. 2. The scheme.
            scheme_a == scheme_b && is_schemelessly_same_site(host_a, host_b)
        }
        // Opaque origins are same origin with themselves alone.
        _ => a == b,
    }
}

/// <https://html.spec.whatwg.org/multipage/browsers.html#schemelessly-same-site>
pub(super) fn is_schemelessly_same_site(a: &Host, b: &Host) -> bool {
    // 2.2. One registrable domain. 2.3. One host, without a registrable domain.
    a == b || registrable_domain(a).is_some_and(|domain| registrable_domain(b) == Some(domain))
}

/// <https://url.spec.whatwg.org/#host-registrable-domain>
fn registrable_domain(host: &Host) -> Option<&str> {
    match host {
        Host::Domain(name) => psl::domain_str(name),
        Host::Ipv4(_) | Host::Ipv6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use url::Url;

    #[test]
    fn one_scheme_and_one_registrable_domain_are_one_site() {
        let table = [
            ("https://a.example.com", "https://example.com:8443", true),
            ("https://a.example.com", "https://b.example.com", true),
            ("http://example.com", "https://example.com", false),
            ("https://a.example", "https://b.example", false),
            // Suffixes under which anybody may register.
            ("https://a.co.uk", "https://b.co.uk", false),
            ("https://x.a.co.uk", "https://y.a.co.uk", true),
            ("https://a.github.io", "https://b.github.io", false),
            ("https://github.io", "https://github.io", true),
            ("http://127.0.0.1:1", "http://127.0.0.1:2", true),
            ("http://127.0.0.1", "http://2.0.0.1", false),
            ("http://[::1]", "http://[::1]:81", true),
            ("http://localhost", "http://localhost:81", true),
            ("data:,x", "data:,x", false),
        ];
        for (a, b, expected) in table {
            let [a_url, b_url] = [a, b].map(|url| Url::parse(url).unwrap().origin());
            assert_eq!(is_same_site(&a_url, &b_url), expected, "{a} {b}");
        }
    }
}
