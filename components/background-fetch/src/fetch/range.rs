//! Ranges: asking for the rest of a resource, and whether that is safe.

use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, DATE, ETAG, IF_RANGE, LAST_MODIFIED, RANGE};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::http_date::imf_fixdate;
use super::{Request, ResponseHead};

/// Asks for the bytes of a resource from `start` on, of the version that `validator` names.
///
/// It travels beside the request and not in its header list: the author did not set these headers, so they
/// play no part in CORS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResumeRange {
    /// The first byte wanted; at least 1.
    pub start: u64,
    /// The strong validator of the bytes at hand, for `If-Range`.
    pub validator: HeaderValue,
}

impl ResumeRange {
    /// Adds a range header to a header list, with the validator that makes it safe.
    ///
    /// <https://fetch.spec.whatwg.org/#concept-request-add-range-header>, and errata 19 for `If-Range`.
    pub fn add_to(&self, headers: &mut HeaderMap) {
        let range = format!("bytes={}-", self.start);
        headers.insert(
            RANGE,
            HeaderValue::try_from(range).expect("digits are a header value"),
        );
        headers.insert(IF_RANGE, self.validator.clone());
        // Encoded bytes are not the bytes that a range counts.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
}

/// The strong validator with which bytes of this response can be continued; none where that is not safe and
/// the record must start again from byte 0 (errata 19).
///
/// <https://httpwg.org/specs/rfc9110.html#field.if-range>
pub fn resume_validator(request: &Request, response: &ResponseHead) -> Option<HeaderValue> {
    let continues = matches!(response.status, StatusCode::OK | StatusCode::PARTIAL_CONTENT);
    // A digest is one of all bytes, in one go.
    let has_integrity = !request.integrity.is_empty();
    // The author's own range is theirs: ours would change its meaning.
    let authors_range = request.headers.contains_key(RANGE);
    if !continues || has_integrity || authors_range || is_encoded(response) || !request.is_get() {
        return None;
    }
    strong_validator(&response.headers)
}

/// Whether the body has, or had on its way, a content coding: then its bytes are not those that a range counts.
pub(crate) fn is_encoded(response: &ResponseHead) -> bool {
    let coded = |coding: &HeaderValue| !coding.as_bytes().eq_ignore_ascii_case(b"identity");
    response.content_decoded || response.headers.get_all(CONTENT_ENCODING).iter().any(coded)
}

/// A strong `ETag`, or a `Last-Modified` that is strong because it lies a second or more before `Date`.
fn strong_validator(headers: &HeaderMap) -> Option<HeaderValue> {
    if let Some(etag) = headers.get(ETAG) {
        let quoted = etag.as_bytes();
        let strong = quoted.len() >= 2 && quoted.starts_with(b"\"") && quoted.ends_with(b"\"");
        return strong.then(|| etag.clone());
    }
    let modified = headers.get(LAST_MODIFIED)?;
    // Any other form of a date is not taken for a strong validator, which costs a refetch and no byte.
    let seconds = |value: &HeaderValue| imf_fixdate(value.as_bytes());
    (seconds(headers.get(DATE)?)? > seconds(modified)?).then(|| modified.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use url::Url;

    fn response(fields: &[(&'static str, &'static str)]) -> ResponseHead {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        ResponseHead::new(Url::parse("https://a.example/").unwrap(), StatusCode::OK, headers)
    }

    fn request() -> Request {
        Request::new(Url::parse("https://a.example/").unwrap())
    }

    #[test]
    fn a_strong_validator_resumes_and_a_weak_or_missing_one_does_not() {
        const EARLY: (&str, &str) = ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT");
        const LATER: (&str, &str) = ("date", "Sun, 06 Nov 1994 08:49:38 GMT");
        const SAME: (&str, &str) = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        type Fields = [(&'static str, &'static str)];
        let table: &[(&Fields, Option<&str>)] = &[
            (&[("etag", "\"v1\"")], Some("\"v1\"")),
            (&[("etag", "W/\"v1\"")], None),
            (&[("etag", "v1")], None),
            (&[("etag", "\"")], None),
            (&[], None),
            (&[EARLY, LATER], Some("Sun, 06 Nov 1994 08:49:37 GMT")),
            (&[EARLY, SAME], None),
            (&[EARLY], None),
            // A weak entity tag is not helped by a date.
            (&[("etag", "W/\"v1\""), EARLY, LATER], None),
            (&[("etag", "\"v1\""), ("content-encoding", "gzip")], None),
            (
                &[("etag", "\"v1\""), ("content-encoding", "identity")],
                Some("\"v1\""),
            ),
        ];
        for (fields, expected) in table {
            let found = resume_validator(&request(), &response(fields));
            assert_eq!(
                found.as_ref().map(|value| value.to_str().unwrap()),
                *expected,
                "{fields:?}"
            );
        }
    }

    #[test]
    fn the_authors_own_range_a_post_integrity_and_an_error_page_are_not_resumed() {
        let tagged = response(&[("etag", "\"v1\"")]);
        let mut ranged = request();
        ranged
            .headers
            .insert(RANGE, HeaderValue::from_static("bytes=5-9"));
        assert_eq!(resume_validator(&ranged, &tagged), None);
        let post = Request {
            method: http::Method::POST,
            ..request()
        };
        assert_eq!(resume_validator(&post, &tagged), None);
        let checked = Request {
            integrity: "sha256-x".to_owned(),
            ..request()
        };
        assert_eq!(resume_validator(&checked, &tagged), None);
        let missing = ResponseHead {
            status: StatusCode::NOT_FOUND,
            ..tagged
        };
        assert_eq!(resume_validator(&request(), &missing), None);
    }

    #[test]
    fn damaged_dates_are_no_validators() {
        for date in [
            "",
            ",",
            "Sun, 06 Nov",
            "Sun, 0x Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 18446744073709551615 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
        ] {
            assert_eq!(imf_fixdate(date.as_bytes()), None, "{date:?}");
        }
    }
}
