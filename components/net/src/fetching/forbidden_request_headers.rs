//! Forbidden request-headers: what a page may not set, and what nobody may.

use http::{HeaderMap, HeaderName, HeaderValue};

/// Removes what whoever made the request may not set: for a page the forbidden request-headers, for the user
/// only those that say how the message is framed and routed.
pub(super) fn remove_forbidden_request_headers(headers: &mut HeaderMap, is_user: bool) {
    let forbidden = |(name, value): (&HeaderName, &HeaderValue)| {
        let remove = is_framing_header(name) || (!is_user && is_forbidden_request_header(name, value));
        remove.then(|| name.clone())
    };
    let forbidden: Vec<HeaderName> = headers.iter().filter_map(forbidden).collect();
    for name in forbidden {
        headers.remove(name);
    }
}

/// Whether a header belongs to the connection, so that nobody's request may set it: HTTP/1.1 messages would be cut at
/// the wrong place, HTTP/2 forbids them.
pub fn is_framing_header(name: &HeaderName) -> bool {
    const FRAMING: [&str; 11] = [
        "connection",
        "content-length",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    FRAMING.contains(&name.as_str())
}

/// <https://fetch.spec.whatwg.org/#forbidden-request-header>
fn is_forbidden_request_header(name: &HeaderName, value: &HeaderValue) -> bool {
    const NAMES: [&str; 21] = [
        "accept-charset",
        "accept-encoding",
        "access-control-request-headers",
        "access-control-request-method",
        "connection",
        "content-length",
        "cookie",
        "cookie2",
        "date",
        "dnt",
        "expect",
        "host",
        "keep-alive",
        "origin",
        "referer",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
    ];
    let name = name.as_str();
    // 1. The names. 2. The prefixes.
    if NAMES.contains(&name) || name.starts_with("proxy-") || name.starts_with("sec-") {
        return true;
    }
    // 3. Another method by the back door.
    if ["x-http-method", "x-http-method-override", "x-method-override"].contains(&name) {
        return value
            .as_bytes()
            .split(|byte| *byte == b',')
            .any(|method| is_forbidden_method(method.trim_ascii()));
    }
    // 4. Everything else is the author's.
    false
}

/// <https://fetch.spec.whatwg.org/#forbidden-method>
pub(super) fn is_forbidden_method(method: &[u8]) -> bool {
    ["CONNECT", "TRACE", "TRACK"]
        .iter()
        .any(|forbidden| method.eq_ignore_ascii_case(forbidden.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(is_user: bool) -> Vec<&'static str> {
        const FIELDS: [(&str, &str); 9] = [
            ("accept-encoding", "gzip"),
            ("content-length", "7"),
            ("cookie", "a=b"),
            ("host", "other.example"),
            ("proxy-authorization", "Basic x"),
            ("sec-fetch-site", "none"),
            ("transfer-encoding", "chunked"),
            ("x-http-method-override", "PUT, trace"),
            ("x-mine", "1"),
        ];
        let mut headers = HeaderMap::new();
        for (name, value) in FIELDS {
            headers.append(name, HeaderValue::from_static(value));
        }
        remove_forbidden_request_headers(&mut headers, is_user);
        let names = FIELDS.into_iter().map(|(name, _)| name);
        names.filter(|name| headers.contains_key(*name)).collect()
    }

    #[test]
    fn a_page_sets_no_forbidden_header_and_the_user_no_framing() {
        assert_eq!(left(false), ["x-mine"]);
        assert_eq!(
            left(true),
            [
                "accept-encoding",
                "cookie",
                "proxy-authorization",
                "sec-fetch-site",
                "x-http-method-override",
                "x-mine"
            ]
        );
    }
}
