//! Extract content-range values, and the header syntax that it parses.

use background_fetch::{ContentRange, extract_content_range_values};
use http::header::CONTENT_RANGE;
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;

fn extract(value: &str) -> Option<ContentRange> {
    let value = HeaderValue::from_bytes(value.as_bytes()).expect("a header value");
    extract_content_range_values(&HeaderMap::from_iter([(CONTENT_RANGE, value)]))
}

fn range(first: u64, last: u64, complete_length: Option<u64>) -> Option<ContentRange> {
    Some(ContentRange {
        first,
        last,
        complete_length,
    })
}

fn all_fail(values: &[&str]) {
    for value in values {
        assert_eq!(extract(value), None, "{value:?}");
    }
}

#[test]
fn without_a_content_range_it_fails() {
    assert_eq!(extract_content_range_values(&HeaderMap::new()), None);
}

#[test]
fn the_first_of_several_content_ranges_counts() {
    let mut headers = HeaderMap::new();
    headers.append(CONTENT_RANGE, HeaderValue::from_static("bytes 0-1/2"));
    headers.append(CONTENT_RANGE, HeaderValue::from_static("bytes 5-6/7"));
    assert_eq!(extract_content_range_values(&headers), range(0, 1, Some(2)));
    headers.clear();
    headers.append(CONTENT_RANGE, HeaderValue::from_static("nonsense"));
    headers.append(CONTENT_RANGE, HeaderValue::from_static("bytes 5-6/7"));
    assert_eq!(extract_content_range_values(&headers), None);
}

#[test]
fn positions_and_the_complete_length_are_integers() {
    assert_eq!(extract("bytes 0-0/1"), range(0, 0, Some(1)));
    assert_eq!(extract("bytes 5-9/10"), range(5, 9, Some(10)));
    assert_eq!(extract("bytes 5-9/11"), range(5, 9, Some(11)));
    assert_eq!(extract("bytes 0005-09/0010"), range(5, 9, Some(10)));
    assert_eq!(
        extract("bytes 4294967296-8589934591/8589934592"),
        range(1 << 32, (1 << 33) - 1, Some(1 << 33)),
        "no limit of 32 bits"
    );
    assert_eq!(
        extract("bytes 0-18446744073709551614/18446744073709551615"),
        range(0, u64::MAX - 1, Some(u64::MAX))
    );
}

#[test]
fn a_star_is_an_unknown_complete_length() {
    assert_eq!(extract("bytes 5-9/*"), range(5, 9, None));
    assert_eq!(
        extract("bytes 0-18446744073709551615/*"),
        range(0, u64::MAX, None)
    );
    all_fail(&["bytes 5-9/**", "bytes 5-9/*1", "bytes 5-9/", "bytes 5-9"]);
}

#[test]
fn the_unit_is_followed_by_a_space() {
    assert_eq!(extract("bytes 0-1/2"), range(0, 1, Some(2)));
    all_fail(&[
        "bytes=0-1/2",
        "bytes0-1/2",
        "bytes\t0-1/2",
        "bytes  0-1/2",
        "0-1/2",
        "items 0-1/2",
        "bytes",
        "bytes ",
        "",
    ]);
}

#[test]
fn the_unit_is_compared_without_case() {
    // A quoted string in an ABNF matches in any case.
    assert_eq!(extract("Bytes 0-1/2"), range(0, 1, Some(2)));
    assert_eq!(extract("BYTES 0-1/*"), range(0, 1, None));
}

#[test]
fn positions_that_cannot_be_fail() {
    all_fail(&[
        // The first after the last.
        "bytes 2-1/3",
        // The last at or past the complete length.
        "bytes 0-1/1",
        "bytes 0-2/2",
        "bytes 0-0/0",
        // Over 64 bits.
        "bytes 0-18446744073709551616/*",
        "bytes 18446744073709551616-18446744073709551617/*",
        "bytes 0-1/18446744073709551616",
        "bytes 0-1/99999999999999999999999999999999999999999",
    ]);
}

#[test]
fn anything_but_digits_fails() {
    all_fail(&[
        "bytes */2",
        "bytes */*",
        "bytes -1/2",
        "bytes 0-/2",
        "bytes -/2",
        "bytes 0/2",
        "bytes +0-1/2",
        "bytes 0-+1/2",
        "bytes 0-1/+2",
        "bytes 0x0-0x1/0x2",
        "bytes 0-1/2, bytes 2-3/4",
        "bytes 0-1,2-3/4",
        "bytes 0 - 1 / 2",
        "bytes 0-1/2 ",
        "bytes 0--1/2",
        "bytes 0-1/2/3",
        "bytes ٠-١/٢",
    ]);
}

proptest! {
    #[test]
    fn no_value_panics_and_what_is_taken_is_a_range(value in any::<Vec<u8>>()) {
        if let Ok(value) = HeaderValue::from_bytes(&value)
            && let Some(range) = extract_content_range_values(&HeaderMap::from_iter([(CONTENT_RANGE, value)]))
        {
            prop_assert!(range.first <= range.last);
            prop_assert!(range.complete_length.is_none_or(|length| range.last < length));
        }
    }

    #[test]
    fn almost_a_range_does_not_panic(value in "[bB]ytes[ =]?[0-9*+-]{0,22}-?[0-9*]{0,22}/?[0-9*]{0,22}") {
        if let Some(range) = extract(&value) {
            prop_assert!(range.first <= range.last);
            prop_assert!(range.complete_length.is_none_or(|length| range.last < length));
        }
    }

    #[test]
    fn every_range_comes_back_as_it_was_written(
        first in any::<u64>(),
        more in any::<u64>(),
        beyond in proptest::option::of(1..=u64::MAX),
    ) {
        let last = first.saturating_add(more);
        let complete_length = beyond.and_then(|beyond| last.checked_add(beyond));
        let length = complete_length.map_or("*".to_owned(), |length| length.to_string());
        let found = extract(&format!("bytes {first}-{last}/{length}"));
        prop_assert_eq!(found, Some(ContentRange { first, last, complete_length }));
    }
}
