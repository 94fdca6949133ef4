//! Any response: bytes are continued only with a strong validator that the response has, and never where the
//! bytes of a range would be other bytes.
//!
//! The input is a byte of choices, and lines of `name:value`.
#![no_main]

use background_fetch::fetch::range::resume_validator;
use background_fetch::fetch::{Request, ResponseHead, ResumeRange};
use http::header::{ETAG, IF_RANGE, LAST_MODIFIED, RANGE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|data: &[u8]| {
    let Some((&choices, lines)) = data.split_first() else {
        return;
    };
    let url = Url::parse("https://example.com/").expect("a URL");
    let mut request = Request::new(url.clone());
    if choices & 1 != 0 {
        request.method = Method::POST;
    }
    if choices & 2 != 0 {
        request
            .headers
            .insert(RANGE, HeaderValue::from_static("bytes=0-1"));
    }
    let status = [
        StatusCode::OK,
        StatusCode::PARTIAL_CONTENT,
        StatusCode::NOT_FOUND,
        StatusCode::NOT_MODIFIED,
    ][usize::from(choices >> 2 & 3)];
    let mut response = ResponseHead::new(url, status, headers(lines));
    response.content_decoded = choices & 16 != 0;

    let Some(validator) = resume_validator(&request, &response) else {
        return;
    };
    assert!(
        choices & 0b1011 == 0 && !response.content_decoded,
        "bytes that must not be continued"
    );
    match response.headers.get(ETAG) {
        Some(etag) => assert!(
            validator == etag && etag.as_bytes().starts_with(b"\""),
            "{etag:?}"
        ),
        None => assert_eq!(Some(&validator), response.headers.get(LAST_MODIFIED)),
    }
    ResumeRange {
        start: u64::MAX,
        validator: validator.clone(),
    }
    .add_to(&mut request.headers);
    assert_eq!(request.headers[RANGE], "bytes=18446744073709551615-");
    assert_eq!(request.headers[IF_RANGE], validator);
});

fn headers(lines: &[u8]) -> HeaderMap {
    let fields = lines.split(|&byte| byte == b'\n').filter_map(|line| {
        let colon = line.iter().position(|&byte| byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        Some((
            name,
            HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?,
        ))
    });
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(name, value);
    }
    headers
}
