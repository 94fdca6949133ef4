//! What the component reads.

use std::time::SystemTime;

use background_fetch::fetch::range::resume_validator;
use background_fetch::fetch::{
    Request, ResponseHead, ResponseType, ResumeRange, headers, retry_after, upload,
};
use background_fetch::{ContentRange, extract_content_range_values};
use http::header::{
    CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, IF_RANGE, LAST_MODIFIED, RANGE, RETRY_AFTER, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use sfv::{BareItem, Dictionary, Item, ListEntry, Parser};
use url::Url;

use crate::combined;

pub fn check(choices: u8, fields: &HeaderMap) {
    content_range(fields);
    lists(fields);
    wait(fields);
    uploads(fields);
    let response = response(choices, fields);
    response_head(&response);
    continuation(choices, &response);
}

fn response(choices: u8, fields: &HeaderMap) -> ResponseHead {
    let url = Url::parse("https://example.com/").expect("a URL");
    let status = [
        StatusCode::OK,
        StatusCode::PARTIAL_CONTENT,
        StatusCode::NOT_FOUND,
        StatusCode::NOT_MODIFIED,
    ][usize::from(choices >> 2 & 3)];
    let mut response = ResponseHead::new(url, status, fields.clone());
    response.content_decoded = choices & 16 != 0;
    if choices & 32 != 0 {
        response.response_type = ResponseType::Cors;
        response.cors_exposed_header_names = vec![ETAG, http::header::SET_COOKIE];
    }
    response
}

/// What is taken for a range is well-formed, and reads the same when it is written again.
fn content_range(fields: &HeaderMap) {
    let Some(range) = extract_content_range_values(fields) else {
        return;
    };
    assert!(range.first <= range.last, "{range:?}");
    assert!(
        range.complete_length.is_none_or(|length| range.last < length),
        "{range:?}"
    );
    let again = extract_content_range_values(&HeaderMap::from_iter([(CONTENT_RANGE, written(&range))]));
    assert_eq!(again, Some(range));
}

fn written(range: &ContentRange) -> HeaderValue {
    let length = range
        .complete_length
        .map_or("*".to_owned(), |length| length.to_string());
    HeaderValue::try_from(format!("bytes {}-{}/{length}", range.first, range.last)).expect("digits")
}

/// Values are combined, and split into members that need no more reading.
fn lists(fields: &HeaderMap) {
    for name in fields.keys() {
        assert_eq!(headers::get(fields, name), combined(fields, name));
    }
    for member in headers::members(fields, &VARY) {
        assert!(!member.is_empty() && member == member.trim_ascii() && !member.contains(&b','));
    }
}

/// A wait is the number of seconds, or from one date to the other.
fn wait(fields: &HeaderMap) {
    let found = retry_after(fields);
    let text = |name: &HeaderName| fields.get(name)?.to_str().ok();
    let Some(value) = text(&RETRY_AFTER) else {
        return assert_eq!(found.filter(|_| !fields.contains_key(RETRY_AFTER)), None);
    };
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number has are for ever.
        let seconds = value.trim_start_matches('0').parse::<u64>();
        let expected = seconds.unwrap_or(if value.contains(|digit| digit != '0') {
            u64::MAX
        } else {
            0
        });
        return assert_eq!(found.map(|wait| wait.as_secs()), Some(expected));
    }
    let parsed = |value: &str| httpdate::parse_http_date(value).ok();
    let Some((date, now)) = text(&DATE).and_then(|now| Some((now, parsed(now)?))) else {
        return;
    };
    let Some(then) = parsed(value) else { return };
    let expected = then.duration_since(now).ok();
    // What that crate would write is right beyond doubt; it lets some days pass that no month has.
    let is_canonical = |text: &str, time: SystemTime| httpdate::fmt_http_date(time) == text;
    if found.is_some() || (is_canonical(value, then) && is_canonical(date, now)) {
        assert_eq!(found, expected, "{value:?} at {date:?}");
    }
}

/// The fields of resumable uploads are structured fields: what that crate reads, and nothing else.
fn uploads(fields: &HeaderMap) {
    let item = |name: &HeaderName| -> Option<BareItem> {
        let value = combined(fields, name)?;
        Some(Parser::new(&value).parse::<Item>().ok()?.bare_item)
    };
    for (name, found) in [
        (upload::UPLOAD_OFFSET, upload::upload_offset(fields)),
        (upload::UPLOAD_LENGTH, upload::upload_length(fields)),
    ] {
        assert_eq!(found, item(&name).as_ref().and_then(unsigned), "{name}");
    }
    let complete = match item(&upload::UPLOAD_COMPLETE) {
        Some(BareItem::Boolean(complete)) => Some(complete),
        _ => None,
    };
    assert_eq!(upload::upload_complete(fields), complete);
    assert_eq!(upload::max_append_size(fields), max_append_size(fields));
}

fn unsigned(item: &BareItem) -> Option<u64> {
    match item {
        BareItem::Integer(value) => u64::try_from(i64::from(*value)).ok(),
        _ => None,
    }
}

fn max_append_size(fields: &HeaderMap) -> Option<u64> {
    let value = combined(fields, &upload::UPLOAD_LIMIT)?;
    let limits: Dictionary = Parser::new(&value).parse().ok()?;
    let known = [
        "max-size",
        "min-size",
        "max-append-size",
        "min-append-size",
        "max-age",
    ];
    let mut found = None;
    for (key, member) in limits.iter().filter(|(key, _)| known.contains(&key.as_str())) {
        let ListEntry::Item(item) = member else {
            return None;
        };
        let value = unsigned(&item.bare_item)?;
        if key.as_str() == "max-append-size" {
            found = Some(value);
        }
    }
    found
}

/// Nothing is lost where a head is stored, and a script sees what it may.
fn response_head(response: &ResponseHead) {
    let stored = serde_json::to_vec(response).expect("a head can be stored");
    let loaded: ResponseHead = serde_json::from_slice(&stored).expect("a stored head can be loaded");
    assert_eq!(loaded, *response);

    for (name, value) in &response.exposed_headers() {
        let is_cookie = name == http::header::SET_COOKIE || name == "set-cookie2";
        assert!(!is_cookie && response.headers.get_all(name).iter().any(|found| found == value));
    }
    if let Some(length) = response.complete_length() {
        assert!(!response.content_decoded);
        if response.status == StatusCode::PARTIAL_CONTENT {
            assert!(response.headers.contains_key(CONTENT_RANGE));
        } else {
            let value = response.headers[CONTENT_LENGTH].to_str().expect("digits");
            assert!(value.bytes().all(|byte| byte.is_ascii_digit()), "{value:?}");
            assert_eq!(
                value.trim_start_matches('0'),
                length.to_string().trim_start_matches('0')
            );
        }
    }
}

/// Bytes are continued with a strong validator of that response only, and never where the bytes of a range would be
/// other bytes.
fn continuation(choices: u8, response: &ResponseHead) {
    let mut request = Request::new(response.url_list[0].clone());
    if choices & 1 != 0 {
        request.method = Method::POST;
    }
    if choices & 2 != 0 {
        request
            .headers
            .insert(RANGE, HeaderValue::from_static("bytes=0-1"));
    }
    let Some(validator) = resume_validator(&request, response) else {
        return;
    };
    assert!(
        choices & 0b1011 == 0 && !response.content_decoded,
        "bytes that must not be continued"
    );
    match response.headers.get(ETAG) {
        Some(etag) => assert!(
            validator == etag && etag.as_bytes().starts_with(b"\"") && etag.as_bytes().ends_with(b"\""),
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
}
