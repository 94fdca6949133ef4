//! [`ResponseHead`]: Fetch's response, without its body.

use bytes::BytesMut;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use url::Url;

use super::request::idl_enum;

/// A response without its body. It keeps every header that the server sent, since a resumption needs the
/// validators; [`exposed_headers`](Self::exposed_headers) is what a script may see.
///
/// <https://fetch.spec.whatwg.org/#concept-response>
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ResponseHead {
    /// The type: which headers scripts may see.
    pub response_type: ResponseType,
    /// The URL list: each URL that was fetched, in the order of the redirects; never empty.
    pub url_list: Vec<Url>,
    /// The status.
    #[cfg_attr(feature = "serde", serde(with = "super::serialized::status"))]
    pub status: StatusCode,
    /// The status message, empty in HTTP/2 and later.
    pub status_message: String,
    /// The internal response's header list, in full.
    #[cfg_attr(feature = "serde", serde(with = "super::serialized::header_list"))]
    pub headers: HeaderMap,
    /// The CORS-exposed header-name list, for a response of type "cors".
    #[cfg_attr(feature = "serde", serde(with = "super::serialized::header_names"))]
    pub cors_exposed_header_names: Vec<HeaderName>,
    /// Whether the body's bytes were decoded by a content coding on their way: then they are not the bytes
    /// that a range counts.
    pub content_decoded: bool,
}

idl_enum! {
    /// <https://fetch.spec.whatwg.org/#concept-response-type>
    ResponseType {
        /// From the same origin, or for the user.
        #[default]
        Basic = "basic",
        /// From another origin that shares it.
        Cors = "cors",
        /// Made by a script.
        Default = "default",
        /// From another origin, and not shared: scripts see nothing of it. No background fetch has one.
        Opaque = "opaque",
        /// A redirect that was not followed.
        OpaqueRedirect = "opaqueredirect",
    }
}

impl ResponseHead {
    /// A response of type "basic" from `url` with these header fields.
    pub fn new(url: Url, status: StatusCode, headers: HeaderMap) -> Self {
        Self {
            response_type: ResponseType::Basic,
            url_list: vec![url],
            status,
            status_message: status.canonical_reason().unwrap_or_default().to_owned(),
            headers,
            cors_exposed_header_names: Vec::new(),
            content_decoded: false,
        }
    }

    /// Copies the header fields into as little memory as they need: they may be parts of a buffer that was read into,
    /// which is many times as large and would stay for as long as they do.
    pub(crate) fn compact(&mut self) {
        let fields = std::mem::take(&mut self.headers);
        let mut bytes = BytesMut::with_capacity(fields.values().map(HeaderValue::len).sum());
        self.headers = HeaderMap::with_capacity(fields.keys_len());
        let mut last = None;
        for (name, value) in fields {
            last = name.or(last);
            bytes.extend_from_slice(value.as_bytes());
            let copied = HeaderValue::from_maybe_shared(bytes.split().freeze());
            let mut copied = copied.unwrap_or_else(|_| value.clone());
            copied.set_sensitive(value.is_sensitive());
            if let Some(name) = &last {
                self.headers.append(name, copied);
            }
        }
    }

    /// The response's URL: the last of its list.
    pub fn url(&self) -> Option<&Url> {
        self.url_list.last()
    }

    /// Whether a redirect led here.
    pub fn redirected(&self) -> bool {
        self.url_list.len() > 1
    }

    /// The length of the whole body in bytes, where the head says it: for user interfaces.
    pub fn complete_length(&self) -> Option<u64> {
        if self.content_decoded {
            return None;
        }
        match self.status {
            StatusCode::PARTIAL_CONTENT => {
                crate::extract_content_range_values(&self.headers)?.complete_length
            }
            _ => {
                let digits = self.headers.get(http::header::CONTENT_LENGTH)?.to_str().ok()?;
                // `parse` takes a plus sign, the grammar does not.
                let is_length = digits.bytes().all(|byte| byte.is_ascii_digit());
                is_length.then(|| digits.parse().ok())?
            }
        }
    }

    /// Whether the status is an ok status.
    ///
    /// <https://fetch.spec.whatwg.org/#ok-status>
    pub fn is_ok(&self) -> bool {
        self.status.is_success()
    }

    /// Whether scripts see no status, header or body of it: it is opaque, or a redirect that was not followed.
    ///
    /// <https://fetch.spec.whatwg.org/#concept-filtered-response-opaque>
    pub fn is_hidden(&self) -> bool {
        matches!(
            self.response_type,
            ResponseType::Opaque | ResponseType::OpaqueRedirect
        )
    }

    /// Whether the status is a null body status.
    ///
    /// <https://fetch.spec.whatwg.org/#null-body-status>
    pub fn has_null_body_status(&self) -> bool {
        matches!(self.status.as_u16(), 101 | 103 | 204 | 205 | 304)
    }

    /// The header list of the filtered response: what a script may see.
    ///
    /// <https://fetch.spec.whatwg.org/#concept-filtered-response>
    pub fn exposed_headers(&self) -> HeaderMap {
        const FORBIDDEN: [&str; 2] = ["set-cookie", "set-cookie2"];
        const SAFELISTED: [&str; 7] = [
            "cache-control",
            "content-language",
            "content-length",
            "content-type",
            "expires",
            "last-modified",
            "pragma",
        ];
        let exposed = |name: &HeaderName| match self.response_type {
            ResponseType::Basic | ResponseType::Default => !FORBIDDEN.contains(&name.as_str()),
            ResponseType::Cors => {
                SAFELISTED.contains(&name.as_str())
                    || (self.cors_exposed_header_names.contains(name) && !FORBIDDEN.contains(&name.as_str()))
            }
            ResponseType::Opaque | ResponseType::OpaqueRedirect => false,
        };
        self.headers
            .iter()
            .filter(|(name, _)| exposed(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn a_content_length_is_digits_alone() {
        for (value, expected) in [("5", Some(5)), ("+5", None), ("5, 5", None), ("", None)] {
            let mut headers = HeaderMap::new();
            headers.insert(http::header::CONTENT_LENGTH, HeaderValue::from_static(value));
            let url = Url::parse("https://a.example/").unwrap();
            let head = ResponseHead::new(url, StatusCode::OK, headers);
            assert_eq!(head.complete_length(), expected, "{value:?}");
        }
    }

    #[test]
    fn a_compact_head_is_the_same_and_keeps_no_buffer() {
        let buffer = Bytes::from(vec![b'v'; 8192]);
        let mut headers = HeaderMap::new();
        for (name, length) in [("etag", 10), ("set-cookie", 3), ("set-cookie", 4), ("x-own", 0)] {
            let value = HeaderValue::from_maybe_shared(buffer.slice(..length)).unwrap();
            headers.append(name, value);
        }
        headers.get_mut("etag").unwrap().set_sensitive(true);
        let mut head = ResponseHead::new(Url::parse("https://a.example/").unwrap(), StatusCode::OK, headers);
        let before = head.clone();
        head.compact();
        assert_eq!(head, before);
        assert!(head.headers["etag"].is_sensitive() && !head.headers["x-own"].is_sensitive());
        drop(before);
        assert!(buffer.is_unique());
    }

    #[test]
    fn a_cors_response_exposes_safelisted_and_named_headers_only() {
        let mut headers = HeaderMap::new();
        for name in ["content-type", "etag", "x-secret", "set-cookie"] {
            headers.insert(name, HeaderValue::from_static("v"));
        }
        let mut head = ResponseHead::new(Url::parse("https://a.example/").unwrap(), StatusCode::OK, headers);
        assert_eq!(head.exposed_headers().len(), 3, "basic hides cookies alone");
        head.response_type = ResponseType::Cors;
        head.cors_exposed_header_names = vec![http::header::ETAG, http::header::SET_COOKIE];
        let exposed = head.exposed_headers();
        assert!(exposed.contains_key("etag") && exposed.contains_key("content-type"));
        assert_eq!(exposed.len(), 2);
    }
}
