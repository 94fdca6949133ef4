//! Content codings: which are known, and which a response has.

use background_fetch::fetch::headers;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

/// A content coding that can be decoded.
///
/// <https://www.iana.org/assignments/http-parameters/http-parameters.xhtml#content-coding>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContentCoding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl ContentCoding {
    /// The name in `Content-Encoding`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }

    fn named(name: &[u8]) -> Option<Self> {
        match name.to_ascii_lowercase().as_slice() {
            b"gzip" | b"x-gzip" => Some(Self::Gzip),
            b"deflate" => Some(Self::Deflate),
            b"br" => Some(Self::Brotli),
            b"zstd" => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// More codings than this on one response are no use to anybody but a bomb.
const MOST: usize = 4;

/// The codings of a response in the order in which they were applied, "identity" left out; none where one of them
/// is unknown, since then the bytes are handed out as they are.
///
/// <https://fetch.spec.whatwg.org/#handle-content-codings>
pub(crate) fn codings_of(response: &HeaderMap) -> Vec<ContentCoding> {
    let named: Option<Vec<_>> = headers::members(response, &CONTENT_ENCODING)
        .filter(|name| !name.eq_ignore_ascii_case(b"identity"))
        .map(ContentCoding::named)
        .collect();
    named.filter(|codings| codings.len() <= MOST).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn codings_are_read_in_order_and_an_unknown_one_leaves_all_alone() {
        use ContentCoding::*;
        let table: &[(&[&'static str], &[ContentCoding])] = &[
            (&[], &[]),
            (&["gzip"], &[Gzip]),
            (&["X-GZip"], &[Gzip]),
            (&["identity, br"], &[Brotli]),
            (&["deflate , gzip", "zstd"], &[Deflate, Gzip, Zstd]),
            (&["gzip, aws-chunked"], &[]),
            (&["gzip, gzip, gzip, gzip, gzip"], &[]),
        ];
        for (values, expected) in table {
            let mut headers = HeaderMap::new();
            for value in *values {
                headers.append(CONTENT_ENCODING, HeaderValue::from_static(value));
            }
            assert_eq!(codings_of(&headers), *expected, "{values:?}");
        }
    }
}
