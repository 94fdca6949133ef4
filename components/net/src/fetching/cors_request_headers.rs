//! CORS-safelisted methods and request-headers: which requests go to another origin without asking it first.

use background_fetch::fetch::Request;
use http::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_LANGUAGE, CONTENT_TYPE, RANGE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

/// Whether a CORS-preflight fetch comes first. The unsafe-request flag is set, as `fetch()` does.
pub(super) fn needs_preflight(request: &Request) -> bool {
    // A CORS-safelisted method: <https://fetch.spec.whatwg.org/#cors-safelisted-method>
    let safelisted = [Method::GET, Method::HEAD, Method::POST].contains(&request.method);
    !safelisted || has_cors_unsafe_request_headers(&request.headers)
}

/// Whether the CORS-unsafe request-header names are not empty.
///
/// <https://fetch.spec.whatwg.org/#cors-unsafe-request-header-names>
fn has_cors_unsafe_request_headers(headers: &HeaderMap) -> bool {
    // 3. and 4. Each header, and the length of the safelisted values together.
    let mut safelist_value_size = 0;
    for (name, value) in headers {
        if !is_cors_safelisted_request_header(name, value) {
            return true;
        }
        safelist_value_size += value.len();
    }
    // 5. At most 1024.
    safelist_value_size > 1024
}

/// <https://fetch.spec.whatwg.org/#cors-safelisted-request-header>
fn is_cors_safelisted_request_header(name: &HeaderName, value: &HeaderValue) -> bool {
    let value = value.as_bytes();
    // 1. The length of the value.
    if value.len() > 128 {
        return false;
    }
    // 2. The name. 3. Nothing against it.
    if name == ACCEPT {
        !value.iter().any(is_cors_unsafe_request_header_byte)
    } else if name == ACCEPT_LANGUAGE || name == CONTENT_LANGUAGE {
        value
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b" *,-.;=".contains(byte))
    } else if name == CONTENT_TYPE {
        !value.iter().any(is_cors_unsafe_request_header_byte) && is_form_or_plain_text(value)
    } else if name == RANGE {
        is_single_range_with_a_start(value)
    } else {
        false
    }
}

/// <https://fetch.spec.whatwg.org/#cors-unsafe-request-header-byte>
fn is_cors_unsafe_request_header_byte(byte: &u8) -> bool {
    (*byte < 0x20 && *byte != b'\t') || b"\"():<>?@[\\]{}\x7f".contains(byte)
}

/// Whether this is a MIME type with one of the essences that HTML forms send.
fn is_form_or_plain_text(value: &[u8]) -> bool {
    let essence = value.split(|byte| *byte == b';').next().unwrap_or_default();
    let essence = essence.trim_ascii().to_ascii_lowercase();
    matches!(
        essence.as_slice(),
        b"application/x-www-form-urlencoded" | b"multipart/form-data" | b"text/plain"
    )
}

/// A single range header value, white space not allowed, whose start is there.
///
/// <https://fetch.spec.whatwg.org/#simple-range-header-value>
fn is_single_range_with_a_start(value: &[u8]) -> bool {
    let number = |digits: &str| {
        let digits_only = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits_only.then(|| digits.parse::<u64>().ok()).flatten()
    };
    let Some((start, end)) = std::str::from_utf8(value)
        .ok()
        .and_then(|value| value.strip_prefix("bytes="))
        .and_then(|range| range.split_once('-'))
    else {
        return false;
    };
    match (number(start), number(end)) {
        (Some(start), Some(end)) => start <= end,
        (Some(_), None) => end.is_empty(),
        (None, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use url::Url;

    fn request(method: Method, fields: &[(&'static str, &str)]) -> Request {
        let mut request = Request::new(Url::parse("https://a.example/").unwrap());
        request.method = method;
        for (name, value) in fields {
            request
                .headers
                .append(*name, HeaderValue::try_from(*value).unwrap());
        }
        request
    }

    #[test]
    fn what_html_forms_could_always_send_needs_no_preflight() {
        let long = "x".repeat(129);
        let all = "x".repeat(128);
        let many: Vec<_> = (0..9).map(|_| ("accept", all.as_str())).collect();
        type Fields<'a> = &'a [(&'static str, &'a str)];
        let table: &[(Method, Fields<'_>, bool)] = &[
            (Method::GET, &[], false),
            (
                Method::POST,
                &[("content-type", "Text/Plain;charset=utf-8")],
                false,
            ),
            (Method::POST, &[("content-type", "application/json")], true),
            (Method::POST, &[("content-type", "text/plain; a=\"b\"")], true),
            (Method::PUT, &[], true),
            (Method::GET, &[("accept", "text/*")], false),
            (Method::GET, &[("accept", "{}")], true),
            (Method::GET, &[("accept", &long)], true),
            (Method::GET, &many, true),
            (Method::GET, &[("accept-language", "de-CH, en;q=0.5")], false),
            (Method::GET, &[("content-language", "de/ch")], true),
            (Method::GET, &[("range", "bytes=0-99")], false),
            (Method::GET, &[("range", "bytes=5-")], false),
            (Method::GET, &[("range", "bytes=-5")], true),
            (Method::GET, &[("range", "bytes=5-4")], true),
            (Method::GET, &[("range", "bytes=0-1,3-4")], true),
            (Method::GET, &[("range", "bytes= 0-1")], true),
            (Method::GET, &[("authorization", "Basic x")], true),
            (Method::GET, &[("x-mine", "1")], true),
        ];
        for (method, fields, expected) in table {
            let found = needs_preflight(&request(method.clone(), fields));
            assert_eq!(found, *expected, "{method} {fields:?}");
        }
    }
}
