//! CORS-safelisted methods and request-headers: which requests go to another origin without asking it first.

use std::collections::BTreeSet;

use background_fetch::fetch::Request;
use http::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_LANGUAGE, CONTENT_TYPE, RANGE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

/// Whether a request to another origin may have to be asked for. The unsafe-request flag is set, as `fetch()` does.
pub(super) fn may_need_preflight(request: &Request) -> bool {
    !is_cors_safelisted_method(&request.method)
        || !cors_unsafe_request_header_names(&request.headers).is_empty()
}

/// <https://fetch.spec.whatwg.org/#cors-safelisted-method>
pub(super) fn is_cors_safelisted_method(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::POST].contains(method)
}

/// The CORS-unsafe request-header names: in lower case, sorted, each once.
///
/// <https://fetch.spec.whatwg.org/#cors-unsafe-request-header-names>
pub(super) fn cors_unsafe_request_header_names(headers: &HeaderMap) -> Vec<&str> {
    // 1. and 2. The names that are unsafe, and those that may be.
    let mut unsafe_names = BTreeSet::new();
    let mut potentially_unsafe_names = BTreeSet::new();
    // 3. The length of the safelisted values together.
    let mut safelist_value_size = 0;
    // 4. Each header.
    for (name, value) in headers {
        if is_cors_safelisted_request_header(name, value) {
            potentially_unsafe_names.insert(name.as_str());
            safelist_value_size += value.len();
        } else {
            unsafe_names.insert(name.as_str());
        }
    }
    // 5. At most 1024.
    if safelist_value_size > 1024 {
        unsafe_names.append(&mut potentially_unsafe_names);
    }
    // 6. Sorted and in lower case.
    unsafe_names.into_iter().collect()
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
            let found = may_need_preflight(&request(method.clone(), fields));
            assert_eq!(found, *expected, "{method} {fields:?}");
        }
    }

    #[test]
    fn the_names_are_sorted_and_safe_ones_come_along_where_they_are_too_long_together() {
        let fields = [
            ("x-b", "1"),
            ("accept", "a"),
            ("x-a", "1"),
            ("authorization", "b"),
        ];
        let names = |request: &Request| cors_unsafe_request_header_names(&request.headers).join(",");
        assert_eq!(names(&request(Method::GET, &fields)), "authorization,x-a,x-b");
        let all = "x".repeat(128);
        let mut many: Vec<_> = (0..9).map(|_| ("accept", all.as_str())).collect();
        many.push(("x-a", "1"));
        assert_eq!(names(&request(Method::GET, &many)), "accept,x-a");
    }
}
