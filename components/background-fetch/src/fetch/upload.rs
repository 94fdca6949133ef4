//! The header fields of resumable uploads, in both directions.
//!
//! They are structured fields (RFC 9651): a value of another type makes the whole field ignored.
//!
//! <https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-resumable-upload-12>

use http::{HeaderMap, HeaderName, HeaderValue};

use super::headers::get;
use super::structured_field::{self, BareItem};

/// `Upload-Complete`: whether this request has the end of the representation; whether this response is the targeted
/// resource's.
pub const UPLOAD_COMPLETE: HeaderName = HeaderName::from_static("upload-complete");

/// `Upload-Offset`: the bytes of the representation that the server has processed.
pub const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");

/// `Upload-Length`: the bytes of the whole representation.
pub const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");

/// `Upload-Limit`: what the server allows.
pub const UPLOAD_LIMIT: HeaderName = HeaderName::from_static("upload-limit");

/// `Upload-Draft-Interop-Version`: which iteration of the draft is spoken. It goes when the draft is an RFC.
pub const UPLOAD_DRAFT_INTEROP_VERSION: HeaderName = HeaderName::from_static("upload-draft-interop-version");

/// The iteration that is spoken here: that of draft-ietf-httpbis-resumable-upload-12.
pub const INTEROP_VERSION: HeaderValue = HeaderValue::from_static("9");

/// The value of `Upload-Complete` that is true.
pub const TRUE: HeaderValue = HeaderValue::from_static("?1");

/// The value of `Upload-Complete` that is false.
pub const FALSE: HeaderValue = HeaderValue::from_static("?0");

/// The media type of what an upload append sends.
pub const PARTIAL_UPLOAD: HeaderValue = HeaderValue::from_static("application/partial-upload");

/// The status of the informational response that names an upload resource: 104 (Upload Resumption Supported).
pub const UPLOAD_RESUMPTION_SUPPORTED: u16 = 104;

/// `Upload-Complete`, where it is valid.
pub fn upload_complete(headers: &HeaderMap) -> Option<bool> {
    match item(headers, &UPLOAD_COMPLETE)? {
        BareItem::Boolean(complete) => Some(complete),
        _ => None,
    }
}

/// `Upload-Offset`, where it is valid.
pub fn upload_offset(headers: &HeaderMap) -> Option<u64> {
    item(headers, &UPLOAD_OFFSET)?.unsigned()
}

/// `Upload-Length`, where it is valid.
pub fn upload_length(headers: &HeaderMap) -> Option<u64> {
    item(headers, &UPLOAD_LENGTH)?.unsigned()
}

/// The `max-append-size` of `Upload-Limit`: the most bytes that one request may have.
pub fn max_append_size(headers: &HeaderMap) -> Option<u64> {
    const KNOWN: [&[u8]; 5] = [
        b"max-size",
        b"min-size",
        b"max-append-size",
        b"min-append-size",
        b"max-age",
    ];
    let value = get(headers, &UPLOAD_LIMIT)?;
    let mut found = None;
    for (key, member) in structured_field::dictionary(&value)? {
        // An unknown key is ignored; a known one of another type ignores all.
        if KNOWN.contains(&key) {
            let value = member.unsigned()?;
            found = found.or((key == b"max-append-size").then_some(value));
        }
    }
    found
}

/// The value of a field that is an Item, without its parameters.
fn item(headers: &HeaderMap, name: &HeaderName) -> Option<BareItem> {
    structured_field::item(&get(headers, name)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name.clone(), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn values_of_another_type_are_ignored() {
        let offset = |values: &[&'static str]| upload_offset(&headers(UPLOAD_OFFSET, values));
        assert_eq!(offset(&["0"]), Some(0));
        assert_eq!(offset(&[" 25000000;a=b "]), Some(25_000_000));
        assert_eq!(offset(&["999999999999999"]), Some(999_999_999_999_999));
        for bad in ["", "-1", "+1", "1.0", "1, 2", "?1", "\"1\"", "1000000000000000"] {
            assert_eq!(offset(&[bad]), None, "{bad}");
        }
        assert_eq!(offset(&["1", "1"]), None);
        let complete = |values: &[&'static str]| upload_complete(&headers(UPLOAD_COMPLETE, values));
        assert_eq!(complete(&["?1"]), Some(true));
        assert_eq!(complete(&["?0;x"]), Some(false));
        for bad in ["1", "true", "?2", ""] {
            assert_eq!(complete(&[bad]), None, "{bad}");
        }
    }

    #[test]
    fn limits_are_read_from_all_their_lines() {
        let limit = |values: &[&'static str]| max_append_size(&headers(UPLOAD_LIMIT, values));
        assert_eq!(
            limit(&["max-size=10", "max-append-size=7;x=y, other=\"z\""]),
            Some(7)
        );
        assert_eq!(limit(&["max-append-size=7, max-append-size=8"]), Some(8));
        assert_eq!(limit(&["max-append-size=7", "max-age=soon"]), None);
        // What is quoted is no member.
        assert_eq!(
            limit(&["max-append-size=7, note=\"a, max-append-size=1, b\""]),
            Some(7)
        );
        assert_eq!(
            limit(&["note=\"a, max-append-size=1\", max-append-size=7"]),
            Some(7)
        );
        assert_eq!(limit(&["max-append-size=7, note=\"a"]), None);
        assert_eq!(limit(&["max-append-size"]), None);
        assert_eq!(limit(&["max-age=3600"]), None);
        assert_eq!(limit(&[]), None);
    }
}
