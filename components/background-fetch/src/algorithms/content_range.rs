//! Extract content-range values.

use http::HeaderMap;
use http::header::CONTENT_RANGE;

/// The values of a `Content-Range`: `bytes first-last/complete`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentRange {
    /// The position of the first byte.
    pub first: u64,
    /// The position of the last byte; not before the first.
    pub last: u64,
    /// The length of the whole resource, where it is known; greater than the last position.
    pub complete_length: Option<u64>,
}

/// Extracts content-range values from a response's header list. None stands for failure: there is no
/// `Content-Range`, or it is no single byte content-range.
///
/// <https://wicg.github.io/background-fetch/#extract-content-range-values-algorithm>
pub fn extract_content_range_values(headers: &HeaderMap) -> Option<ContentRange> {
    // 1 and 2. The value of the first `Content-Range`.
    let value = headers.get(CONTENT_RANGE)?.as_bytes();
    // 3. It must parse as a single byte content-range: "bytes", a space, and what follows (errata 10).
    let rest = after_unit(value)?;
    let (range, complete_length) = split_once(rest, b'/')?;
    let (first, last) = split_once(range, b'-')?;
    // 4 and 5. The first and the last position as integers.
    let (first, last) = (integer(first)?, integer(last)?);
    // 6 and 7. The complete length; "*" is null.
    let complete_length = match complete_length {
        b"*" => None,
        digits => Some(integer(digits)?),
    };
    // A range that is none, by RFC 9110, 14.4.
    if first > last || complete_length.is_some_and(|length| length <= last) {
        return None;
    }
    // 8. Return them.
    Some(ContentRange {
        first,
        last,
        complete_length,
    })
}

/// The complete length of an unsatisfied range, `bytes */length`, as a `416` gives it.
///
/// <https://httpwg.org/specs/rfc9110.html#field.content-range>
pub(crate) fn unsatisfied_complete_length(headers: &HeaderMap) -> Option<u64> {
    let rest = after_unit(headers.get(CONTENT_RANGE)?.as_bytes())?;
    integer(rest.strip_prefix(b"*/")?)
}

/// What follows "bytes" and a space; a string in a grammar matches in any case.
fn after_unit(value: &[u8]) -> Option<&[u8]> {
    let (unit, rest) = value.split_at_checked(b"bytes ".len())?;
    unit.eq_ignore_ascii_case(b"bytes ").then_some(rest)
}

/// Digits, one or more, as an integer; none for anything else or over 64 bits.
fn integer(digits: &[u8]) -> Option<u64> {
    // `parse` takes a plus sign, the grammar does not.
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn split_once(bytes: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let position = bytes.iter().position(|&byte| byte == separator)?;
    Some((&bytes[..position], &bytes[position + 1..]))
}
