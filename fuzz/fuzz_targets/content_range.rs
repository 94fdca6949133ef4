//! Any value of `Content-Range`: what is taken for one is well-formed, and reads the same when written again.
#![no_main]

use background_fetch::{ContentRange, extract_content_range_values};
use http::header::CONTENT_RANGE;
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(value) = HeaderValue::from_bytes(data) else {
        return;
    };
    let Some(range) = extract(value) else {
        return;
    };
    assert!(range.first <= range.last, "{range:?}");
    assert!(
        range.complete_length.is_none_or(|length| range.last < length),
        "{range:?}"
    );
    let again = extract(written(&range)).expect("what was read can be written and read");
    assert_eq!(
        (range.first, range.last, range.complete_length),
        (again.first, again.last, again.complete_length)
    );
});

fn extract(value: HeaderValue) -> Option<ContentRange> {
    extract_content_range_values(&HeaderMap::from_iter([(CONTENT_RANGE, value)]))
}

fn written(range: &ContentRange) -> HeaderValue {
    let length = range
        .complete_length
        .map_or("*".to_owned(), |length| length.to_string());
    HeaderValue::try_from(format!("bytes {}-{}/{length}", range.first, range.last)).expect("digits")
}
