//! Potentially trustworthy origins and URLs: what travels so that nobody on the way can read or change it.

use url::{Host, Url};

use crate::connection::resolver::is_localhost;

/// Whether a URL is potentially trustworthy. Of the local schemes `data` may come along, and the blobs of pages.
///
/// <https://w3c.github.io/webappsec-secure-contexts/#is-url-trustworthy>
pub(super) fn is_potentially_trustworthy_url(url: &Url) -> bool {
    // 1. and 2. What has its creator's origin, and `data`. 3. By its origin.
    matches!(url.scheme(), "about" | "data") || is_potentially_trustworthy_origin(url)
}

/// Whether the origin of a URL is potentially trustworthy.
///
/// <https://w3c.github.io/webappsec-secure-contexts/#is-origin-trustworthy>
fn is_potentially_trustworthy_origin(url: &Url) -> bool {
    match url.scheme() {
        // 3. Authenticated by its scheme.
        "https" | "wss" => true,
        // 4. and 5. On this device.
        "http" | "ws" => match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => is_localhost(name),
            None => false,
        },
        // A blob has the origin of the page that made it.
        "blob" => Url::parse(url.path())
            .is_ok_and(|page| page.scheme() != "blob" && is_potentially_trustworthy_origin(&page)),
        // 1. and 9. Everything else.
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_and_the_loopback_are_trustworthy_and_plain_http_is_not() {
        let table = [
            ("https://a.example/", true),
            ("http://a.example/", false),
            ("http://127.0.0.1:8080/", true),
            ("http://127.255.0.9/", true),
            ("http://[::1]/", true),
            ("http://[::2]/", false),
            ("http://[::ffff:127.0.0.1]/", false),
            ("http://0.0.0.0/", false),
            ("http://192.168.0.1/", false),
            ("http://localhost/", true),
            ("http://LOCALHOST./", true),
            ("http://a.b.localhost/", true),
            ("http://notlocalhost/", false),
            ("http://localhost.example/", false),
            ("http://127.0.0.1.example/", false),
            ("data:,x", true),
            ("ftp://127.0.0.1/", false),
            ("blob:https://a.example/5e2c", true),
            ("blob:http://a.example/5e2c", false),
            ("blob:null/5e2c", false),
            ("blob:blob:https://a.example/5e2c", false),
        ];
        for (url, expected) in table {
            let found = is_potentially_trustworthy_url(&Url::parse(url).unwrap());
            assert_eq!(found, expected, "{url}");
        }
    }
}
