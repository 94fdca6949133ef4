//! Going on after an interruption: one version, whole, or an error; never two spliced.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use background_fetch::BackgroundFetchFailureReason::{BadStatus, FetchError};
use background_fetch::fetch::Request;
use http::HeaderValue;
use http::header::RANGE;

use crate::story::{Ended, Story, get};
use crate::support::bodies::encoded;
use crate::support::server::{Reply, Seen, Server};

const BODY: &str = "0123456789";

/// A server whose first answer is cut after four bytes, and what it answers then.
fn cut_then(
    head: &'static str,
    then: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static,
) -> (Ended, Vec<Seen>) {
    let requests = Arc::new(AtomicUsize::new(0));
    let server = Server::http(move |seen| match requests.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::raw(format!("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n{head}\r\n0123")),
        number => then(number, seen),
    });
    let ended = get(&server.url("/"));
    (ended, server.seen())
}

fn part(headers: &[(&str, &str)], body: &str) -> Reply {
    Reply::new(206, headers, body)
}

fn ranges(seen: &[Seen]) -> Vec<Option<&str>> {
    seen.iter().map(|seen| seen.header("range")).collect()
}

#[test]
fn the_rest_of_one_version_completes_it() {
    const MODIFIED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    for (head, name, value) in [
        ("ETag: \"v1\"\r\n", "ETag", "\"v1\""),
        (
            "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nDate: Sun, 06 Nov 1994 08:49:39 GMT\r\n",
            "Last-Modified",
            MODIFIED,
        ),
    ] {
        let (ended, seen) = cut_then(head, move |_, _| {
            part(&[("Content-Range", "bytes 4-9/10"), (name, value)], "456789")
        });
        assert_eq!(ended.success(), BODY.as_bytes());
        assert_eq!(ended.response.as_ref().unwrap().status, 200);
        assert_eq!(seen[1].header("range"), Some("bytes=4-"));
        assert_eq!(seen[1].header("if-range"), Some(value));
        assert_eq!(seen[1].header("accept-encoding"), Some("identity"));
    }
}

#[test]
fn a_part_of_a_part_is_asked_for_until_all_is_there() {
    let (ended, seen) = cut_then("ETag: \"v1\"\r\n", |number, _| {
        let at = number + 3;
        let range = format!("bytes {at}-{at}/10");
        part(&[("Content-Range", &range), ("ETag", "\"v1\"")], &BODY[at..=at])
    });
    assert_eq!(ended.success(), BODY.as_bytes());
    assert_eq!(seen.len(), 7);
}

#[test]
fn a_whole_new_answer_takes_the_place_of_what_was_there() {
    let (ended, seen) = cut_then("ETag: \"v1\"\r\n", |_, _| {
        Reply::new(200, &[("ETag", "\"v2\"")], "another")
    });
    assert_eq!(ended.success(), b"another");
    assert_eq!(ranges(&seen), [None, Some("bytes=4-")]);
}

#[test]
fn without_a_strong_validator_it_starts_again() {
    for validator in [
        "",
        "ETag: W/\"v1\"\r\n",
        "ETag: v1\r\n",
        "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
        "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
    ] {
        let (ended, seen) = cut_then(validator, |_, _| Reply::text("abcdefghij"));
        assert_eq!(ended.success(), b"abcdefghij", "{validator:?}");
        assert_eq!(ranges(&seen), [None, None], "{validator:?}");
    }
}

#[test]
fn another_version_is_never_spliced() {
    for headers in [
        &[("Content-Range", "bytes 4-9/10"), ("ETag", "\"v2\"")][..],
        &[("Content-Range", "bytes 4-9/10"), ("ETag", "W/\"v1\"")],
        &[("Content-Range", "bytes 4-9/11"), ("ETag", "\"v1\"")],
        &[
            ("Content-Range", "bytes 4-9/10"),
            ("ETag", "\"v1\""),
            ("Content-Encoding", "gzip"),
        ],
        &[
            ("Content-Range", "bytes 4-9/10"),
            ("ETag", "\"v1\""),
            ("Content-Type", "multipart/byteranges; boundary=x"),
        ],
    ] {
        let headers = headers.to_vec();
        let (ended, seen) = cut_then("ETag: \"v1\"\r\n", move |number, _| match number {
            1 => part(&headers, "EFGHIJ"),
            _ => Reply::text("ABCDEFGHIJ"),
        });
        assert_eq!(ended.success(), b"ABCDEFGHIJ");
        assert_eq!(ranges(&seen), [None, Some("bytes=4-"), None]);
    }
}

#[test]
fn a_part_that_says_nothing_usable_is_an_error_and_keeps_no_byte_of_it() {
    for (range, why) in [
        (None, "no usable Content-Range"),
        (
            Some("bytes 5-9/10"),
            "starts at byte 5 where byte 4 was asked for",
        ),
        (
            Some("bytes 0-9/10"),
            "starts at byte 0 where byte 4 was asked for",
        ),
        (Some("bytes 9-4/10"), "no usable Content-Range"),
        (Some("bytes=4-9/10"), "no usable Content-Range"),
        (Some("bytes 4-9/9"), "no usable Content-Range"),
        (Some("bytes 4-18446744073709551616/*"), "no usable Content-Range"),
        (Some("octets 4-9/10"), "no usable Content-Range"),
        (Some("bytes */10"), "no usable Content-Range"),
    ] {
        let (ended, _) = cut_then("ETag: \"v1\"\r\n", move |_, _| {
            let mut headers = vec![("ETag", "\"v1\"")];
            headers.extend(range.map(|range| ("Content-Range", range)));
            part(&headers, "EFGHIJ")
        });
        let found = ended.failure(FetchError);
        assert!(found.contains(why), "{range:?}: {found}");
        assert_eq!(ended.body, b"0123", "{range:?}");
    }
}

#[test]
fn a_part_longer_than_it_says_is_an_error() {
    let (ended, _) = cut_then("ETag: \"v1\"\r\n", |_, _| {
        part(&[("Content-Range", "bytes 4-5/10"), ("ETag", "\"v1\"")], "456789")
    });
    assert!(
        ended
            .failure(FetchError)
            .contains("more bytes than its Content-Range says")
    );
    assert!(BODY.as_bytes().starts_with(&ended.body));
}

#[test]
fn a_416_is_success_where_all_is_there_and_a_new_start_elsewhere() {
    let refused = |range: &str| Reply::new(416, &[("Content-Range", range), ("ETag", "\"v1\"")], "no");
    // All ten bytes came, and the end did not.
    let server = Server::http(move |seen| match seen.header("range") {
        None => Reply::raw(
            "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n",
        ),
        Some(range) => {
            assert_eq!(range, "bytes=10-");
            refused("bytes */10")
        }
    });
    assert_eq!(get(&server.url("/")).success(), BODY.as_bytes());
    let (ended, seen) = cut_then("ETag: \"v1\"\r\n", move |_, seen| match seen.header("range") {
        Some(_) => refused("bytes */3"),
        None => Reply::text("new"),
    });
    assert_eq!(ended.success(), b"new");
    assert_eq!(ranges(&seen), [None, Some("bytes=4-"), None]);
}

#[test]
fn an_encoded_first_answer_is_not_continued() {
    let whole = encoded("gzip", BODY.repeat(1000).as_bytes());
    let half = whole[..whole.len() / 2].to_vec();
    let length = whole.len();
    let requests = AtomicUsize::new(0);
    let server = Server::http(move |_| {
        let head = format!(
            "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Encoding: gzip\r\nContent-Length: {length}\r\n\r\n"
        );
        match requests.fetch_add(1, Ordering::SeqCst) {
            0 => Reply::raw([head.as_bytes(), &half].concat()),
            _ => Reply::raw([head.as_bytes(), &whole].concat()),
        }
    });
    let ended = get(&server.url("/"));
    assert_eq!(ended.success(), BODY.repeat(1000).as_bytes());
    assert_eq!(ranges(&server.seen()), [None, None]);
}

#[test]
fn the_authors_range_is_theirs_and_is_not_mixed_with_ours() {
    let requests = AtomicUsize::new(0);
    let server = Server::http(move |_| {
        let head = "HTTP/1.1 206 Partial\r\nETag: \"v1\"\r\nContent-Range: bytes 2-7/10\r\nContent-Length: 6\r\n\r\n";
        match requests.fetch_add(1, Ordering::SeqCst) {
            0 => Reply::raw(format!("{head}23")),
            _ => Reply::raw(format!("{head}234567")),
        }
    });
    let mut request = Request::new(server.url("/"));
    request
        .headers
        .insert(RANGE, HeaderValue::from_static("bytes=2-7"));
    let ended = Story::default().tell(request);
    assert_eq!(ended.success(), b"234567");
    assert_eq!(ended.response.unwrap().status, 206);
    for seen in server.seen() {
        assert_eq!(
            (seen.header("range"), seen.header("if-range")),
            (Some("bytes=2-7"), None)
        );
    }
}

#[test]
fn several_ranges_of_the_authors_are_the_multipart_answer_that_they_asked_for() {
    let parts = "--x\r\nContent-Range: bytes 0-1/10\r\n\r\n01\r\n--x--\r\n";
    let server = Server::http(move |_| part(&[("Content-Type", "multipart/byteranges; boundary=x")], parts));
    let mut request = Request::new(server.url("/"));
    request
        .headers
        .insert(RANGE, HeaderValue::from_static("bytes=0-1,4-5"));
    assert_eq!(Story::default().tell(request).success(), parts.as_bytes());
}

#[test]
fn a_part_that_nobody_asked_for_is_whole_or_an_error() {
    let from_0 = |range: &'static str| {
        let server = Server::http(move |_| part(&[("Content-Range", range), ("ETag", "\"v1\"")], BODY));
        get(&server.url("/"))
    };
    assert_eq!(from_0("bytes 0-9/10").success(), BODY.as_bytes());
    from_0("bytes 4-13/14").failure(FetchError);
    let server = Server::http(|_| part(&[("Content-Type", "multipart/byteranges; boundary=x")], "--x--"));
    let ended = get(&server.url("/"));
    assert!(ended.failure(FetchError).contains("multipart"), "{ended:?}");
}

#[test]
fn another_status_on_the_way_is_the_response() {
    let (ended, _) = cut_then("ETag: \"v1\"\r\n", |_, _| Reply::new(410, &[], "gone for good"));
    ended.failure(BadStatus);
    assert_eq!(ended.body, b"gone for good");
    assert_eq!(ended.response.unwrap().status, 410);
}
