//! What names and values of headers may be, and who may set them.

use super::mime;

/// <https://fetch.spec.whatwg.org/#header-name>
pub(super) fn is_header_name(name: &[u8]) -> bool {
    is_token(name)
}

/// Whether it is a method.
///
/// <https://fetch.spec.whatwg.org/#concept-method>
pub(super) fn is_token(bytes: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !bytes.is_empty() && bytes.iter().all(is_part)
}

/// <https://fetch.spec.whatwg.org/#concept-header-value-normalize>
pub(super) fn normalize(value: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' ');
    let Some(first) = value.iter().position(|byte| !is_space(byte)) else {
        return &[];
    };
    let last = value.iter().rposition(|byte| !is_space(byte)).unwrap_or(first);
    &value[first..=last]
}

/// Whether a [normalized](normalize) value is one.
///
/// <https://fetch.spec.whatwg.org/#header-value>
pub(super) fn is_header_value(value: &[u8]) -> bool {
    !value.iter().any(|byte| matches!(byte, 0 | b'\n' | b'\r'))
}

/// <https://fetch.spec.whatwg.org/#forbidden-method>
pub(super) fn is_forbidden_method(method: &[u8]) -> bool {
    is_one_of(method, &["connect", "trace", "track"])
}

/// <https://fetch.spec.whatwg.org/#concept-method-normalize>
pub(super) fn normalize_method(method: &[u8]) -> Vec<u8> {
    if is_one_of(method, &["delete", "get", "head", "options", "post", "put"]) {
        method.to_ascii_uppercase()
    } else {
        method.to_vec()
    }
}

fn is_one_of(text: &[u8], names: &[&str]) -> bool {
    names
        .iter()
        .any(|name| text.eq_ignore_ascii_case(name.as_bytes()))
}

fn starts_with(text: &[u8], prefix: &str) -> bool {
    text.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
}

/// <https://fetch.spec.whatwg.org/#forbidden-request-header>
pub(super) fn is_forbidden_request_header(name: &[u8], value: &[u8]) -> bool {
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
    // 1. The names. 2. The prefixes.
    if is_one_of(name, &NAMES) || starts_with(name, "proxy-") || starts_with(name, "sec-") {
        return true;
    }
    // 3. Another method by the back door.
    if is_one_of(
        name,
        &["x-http-method", "x-http-method-override", "x-method-override"],
    ) {
        let mut methods = value.split(|byte| *byte == b',').map(normalize);
        return methods.any(is_forbidden_method);
    }
    // 4.
    false
}

/// <https://fetch.spec.whatwg.org/#forbidden-response-header-name>
pub(super) fn is_forbidden_response_header_name(name: &[u8]) -> bool {
    is_one_of(name, &["set-cookie", "set-cookie2"])
}

/// <https://fetch.spec.whatwg.org/#no-cors-safelisted-request-header-name>
pub(super) fn is_no_cors_safelisted_name(name: &[u8]) -> bool {
    is_one_of(
        name,
        &["accept", "accept-language", "content-language", "content-type"],
    )
}

/// <https://fetch.spec.whatwg.org/#privileged-no-cors-request-header-name>
pub(super) const PRIVILEGED_NO_CORS: &[u8] = b"range";

/// <https://fetch.spec.whatwg.org/#no-cors-safelisted-request-header>
pub(super) fn is_no_cors_safelisted(name: &[u8], value: &[u8]) -> bool {
    is_no_cors_safelisted_name(name) && is_cors_safelisted(name, value)
}

/// <https://fetch.spec.whatwg.org/#cors-safelisted-request-header>; a range is none here.
fn is_cors_safelisted(name: &[u8], value: &[u8]) -> bool {
    // 1.
    if value.len() > 128 {
        return false;
    }
    // 2.
    if is_one_of(name, &["accept-language", "content-language"]) {
        let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b" *,-.;=".contains(byte);
        return value.iter().all(is_allowed);
    }
    if value.iter().any(is_cors_unsafe) {
        return false;
    }
    if is_one_of(name, &["content-type"]) {
        const SIMPLE: [&str; 3] = [
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "text/plain",
        ];
        return mime::parse(value).is_some_and(|type_| SIMPLE.contains(&&*mime::essence(&type_)));
    }
    true
}

/// <https://fetch.spec.whatwg.org/#cors-unsafe-request-header-byte>
fn is_cors_unsafe(byte: &u8) -> bool {
    (*byte < 0x20 && *byte != b'\t') || b"\"():<>?@[\\]{}\x7f".contains(byte)
}

/// Whether it may be a response's status message.
///
/// <https://httpwg.org/specs/rfc9112.html#status.line>
pub(super) fn is_reason_phrase(text: &[u8]) -> bool {
    text.iter()
        .all(|byte| matches!(byte, b'\t' | b' '..=b'~' | 0x80..=0xff))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_set_what() {
        assert!(is_forbidden_request_header(b"Sec-Fetch-Mode", b"x"));
        assert!(is_forbidden_request_header(b"X-HTTP-Method", b"GET, track"));
        assert!(!is_forbidden_request_header(b"X-HTTP-Method", b"\"track\""));
        assert!(is_no_cors_safelisted(
            b"Content-Type",
            b"text/plain;charset=utf-8"
        ));
        assert!(!is_no_cors_safelisted(b"Content-Type", b"text/html"));
        assert!(!is_no_cors_safelisted(b"Accept", b"a(b"));
        assert!(is_no_cors_safelisted(b"accept-language", b"en;q=0.1"));
        assert!(!is_no_cors_safelisted(b"accept-language", b"en\""));
        assert_eq!(normalize(b"\r\n a b\t"), b"a b");
        assert_eq!(normalize_method(b"pUt"), b"PUT");
        assert_eq!(normalize_method(b"patch"), b"patch");
    }
}
