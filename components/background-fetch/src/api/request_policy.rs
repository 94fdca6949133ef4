//! What the arguments show to be wrong rejects `fetch()` with a TypeError (errata 16). What a page's policies exclude
//! is the network's to say: `Network::allows`.

use url::Url;

use super::RequestInfo;
use crate::Exception;
use crate::exception::excerpt;
use crate::fetch::{Client, is_bad_port};

/// `fetch()` takes http and https alone, as browsers do.
pub(super) fn refuse_scheme(url: &Url, what: &str) -> Result<(), Exception> {
    match url.scheme() {
        "http" | "https" => Ok(()),
        scheme => Err(Exception::type_error(format!(
            "{what} has a URL with the scheme {}; a background fetch takes http and https",
            excerpt(scheme)
        ))),
    }
}

/// A page does not talk to services that are not HTTP; the user may.
///
/// <https://fetch.spec.whatwg.org/#block-bad-port>
pub(super) fn refuse_bad_port(url: &Url, client: &Client, what: &str) -> Result<(), Exception> {
    match url.port().filter(|port| is_bad_port(*port)) {
        Some(port) if client.origin.is_some() => Err(Exception::type_error(format!(
            "{what} ({}) goes to port {port}, which is blocked: it belongs to a service that is not HTTP",
            excerpt(url.as_str())
        ))),
        _ => Ok(()),
    }
}

/// A URL with a line break and a `<` is likely the rest of a page that an injected, unclosed attribute swallowed.
/// The parser removes the line break, so this looks at the author's text; a `Request` object has none.
///
/// <https://github.com/whatwg/fetch/pull/519>
pub(super) fn refuse_dangling_markup(
    request: &RequestInfo,
    client: &Client,
    what: &str,
) -> Result<(), Exception> {
    let RequestInfo::Url(text) = request else {
        return Ok(());
    };
    // The parser strips these off the ends before it looks for line breaks.
    let text = text.trim_matches(|char: char| char <= ' ');
    let has_line_break = text.contains(['\n', '\r']);
    if client.origin.is_none() || !has_line_break || !text.contains('<') {
        return Ok(());
    }
    Err(Exception::type_error(format!(
        "{what} has a URL with dangling markup: a line break and a \"<\"; encode them as %0A and %3C"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clients() -> [Client; 2] {
        let url = Url::parse("https://page.example/").unwrap();
        [Client::page(url.clone()), Client::user(url)]
    }

    fn refused(refuse: impl Fn(&Client) -> Result<(), Exception>) -> [bool; 2] {
        clients().map(|client| refuse(&client).is_err())
    }

    #[test]
    fn a_page_is_refused_dangling_markup_and_the_user_is_not() {
        let table = [
            ("a\nb<c", true),
            ("<\r\n", false),
            ("<a\rb", true),
            ("a<b", false),
            ("a\nb", false),
            ("\n a<b \n", false),
            ("a%0Ab%3C", false),
        ];
        for (text, expected) in table {
            let request = RequestInfo::from(text);
            let found = refused(|client| refuse_dangling_markup(&request, client, "request 0"));
            assert_eq!(found, [expected, false], "{text:?}");
        }
    }

    #[test]
    fn a_page_is_refused_bad_ports_and_the_user_is_not() {
        let table = [
            ("https://a.example:25/", true),
            ("http://a.example:10080/", true),
            ("https://a.example/", false),
            ("https://a.example:8443/", false),
        ];
        for (url, expected) in table {
            let url = Url::parse(url).unwrap();
            let found = refused(|client| refuse_bad_port(&url, client, "request 0"));
            assert_eq!(found, [expected, false], "{url}");
        }
        let url = Url::parse("https://a.example:25/").unwrap();
        let error = refuse_bad_port(&url, &clients()[0], "request 3").unwrap_err();
        assert!(
            error
                .message
                .starts_with("request 3 (https://a.example:25/) goes to port 25"),
            "{error}"
        );
    }

    #[test]
    fn only_http_and_https_are_taken() {
        let table = [
            ("https://a.example/", true),
            ("http://a.example/", true),
            ("http://127.0.0.1/", true),
            ("data:text/plain,foo", false),
            ("blob:https://a.example/1", false),
            ("file:///a", false),
            ("ftp://a.example/", false),
            ("wss://127.0.0.1/", false),
            ("about:blank", false),
            ("foobar:bazqux", false),
        ];
        for (url, expected) in table {
            let found = refuse_scheme(&Url::parse(url).unwrap(), "request 0").is_ok();
            assert_eq!(found, expected, "{url}");
        }
    }
}
