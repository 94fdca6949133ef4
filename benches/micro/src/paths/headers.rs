//! What is read in header lists.

use std::hint::black_box;

use background_fetch::fetch::range::resume_validator;
use background_fetch::fetch::{Request, ResponseHead};
use background_fetch::{extract_content_range_values, request_matches_cached_item};
use http::header::{CONTENT_RANGE as CONTENT_RANGE_FIELD, VARY};
use http::{HeaderValue, StatusCode};
use url::Url;

use super::{HotPath, counted};
use crate::network::head;

pub(super) const CONTENT_RANGE: HotPath = HotPath {
    name: "content-range",
    what: "the values of a Content-Range",
    times: 1_000,
    run: content_range,
};

pub(super) const RESPONSE_HEADERS: HotPath = HotPath {
    name: "response-headers",
    what: "length, validator, Vary and exposed headers of a response",
    times: 1_000,
    run: response_headers,
};

fn partial_response() -> (Request, ResponseHead) {
    let url = Url::parse("https://site.example/files/1.bin").expect("a URL");
    let mut head = head(&url, 1_000);
    head.status = StatusCode::PARTIAL_CONTENT;
    let range = HeaderValue::from_static("bytes 123456789-987654320/1234567890123");
    head.headers.insert(CONTENT_RANGE_FIELD, range);
    head.headers
        .insert(VARY, HeaderValue::from_static("Accept-Encoding, Origin"));
    (Request::new(url), head)
}

fn content_range(times: u64) {
    let (_, head) = partial_response();
    counted(&mut || {
        for _ in 0..times {
            let values = extract_content_range_values(black_box(&head.headers));
            assert!(black_box(values).is_some());
        }
    });
}

fn response_headers(times: u64) {
    let (request, head) = partial_response();
    counted(&mut || {
        for _ in 0..times {
            let head = black_box(&head);
            black_box(head.complete_length());
            black_box(resume_validator(&request, head));
            black_box(request_matches_cached_item(
                &request,
                &request,
                Some(head),
                Default::default(),
            ));
            black_box(head.exposed_headers());
        }
    });
}
