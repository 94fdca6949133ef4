//! Cases: what is sent.

use background_fetch::fetch::ResumeRange;
use bytes::Bytes;
use http::{HeaderValue, Method};

use crate::server::Server;
use crate::world::{Stored, World, get, pattern, upload};

crate::declare_cases! {
    the_authors_headers_are_sent,
    without_a_range_none_is_asked_for,
    a_range_is_asked_for_as_it_is_given,
    a_range_is_never_answered_by_a_cache,
    a_request_body_arrives_whole_and_its_progress_is_told,
    a_request_body_may_be_empty,
}

fn the_authors_headers_are_sent(world: &World) {
    let server = Server::answering("", b"");
    let mut request = get(&server.url(""));
    let headers = &mut request.request.headers;
    headers.insert("x-mine", HeaderValue::from_static("yes"));
    headers.insert("content-length", HeaderValue::from_static("12"));
    assert_eq!(world.fetch(request).answer().0, 200);
    let seen = server.only();
    assert_eq!((seen.method.as_str(), seen.header("x-mine")), ("GET", "yes"));
    assert_ne!(
        seen.header("content-length"),
        "12",
        "how a message is framed is not the author's"
    );
}

fn without_a_range_none_is_asked_for(world: &World) {
    let server = Server::answering("", b"");
    assert_eq!(world.get(&server.url("")).answer().0, 200);
    let seen = server.only();
    assert_eq!((seen.header("range"), seen.header("if-range")), ("", ""));
}

/// The rest of a resource of which five bytes are stored.
fn from_byte_five() -> Option<ResumeRange> {
    Some(ResumeRange {
        start: 5,
        validator: HeaderValue::from_static("\"v1\""),
    })
}

fn a_range_is_asked_for_as_it_is_given(world: &World) {
    let server = Server::new(|exchange| {
        let headers = "Content-Range: bytes 5-9/10\r\nETag: \"v1\"\r\n";
        exchange.answer("206 Partial Content", headers, b"56789")
    });
    let mut request = get(&server.url(""));
    request.range = from_byte_five();
    let outcome = world.fetch(request);
    assert_eq!(outcome.answer(), (206, &b"56789"[..]));
    assert_eq!(outcome.head().headers["content-range"], "bytes 5-9/10");
    let seen = server.only();
    assert_eq!(
        (seen.header("range"), seen.header("if-range")),
        ("bytes=5-", "\"v1\"")
    );
    assert_eq!(
        seen.header("accept-encoding"),
        "identity",
        "encoded bytes are not those of a range"
    );
}

fn a_range_is_never_answered_by_a_cache(world: &World) {
    let server = Server::answering("Cache-Control: max-age=3600\r\nETag: \"v1\"\r\n", b"0123456789");
    let url = server.url("");
    assert_eq!(world.get(&url).answer(), (200, &b"0123456789"[..]));
    let mut request = get(&url);
    request.range = from_byte_five();
    assert_eq!(world.fetch(request).answer(), (200, &b"0123456789"[..]));
    assert_eq!(server.seen().len(), 2);
}

fn a_request_body_arrives_whole_and_its_progress_is_told(world: &World) {
    for length in [1, 100_000, 3_000_000] {
        let server = Server::answering("", b"thank you");
        let body = Stored(pattern(length).into());
        let outcome = world.fetch(upload(Method::POST, &server.url(""), body));
        assert_eq!(outcome.answer(), (200, &b"thank you"[..]));
        let seen = server.only();
        assert_eq!(seen.method, "POST");
        assert!(seen.body == pattern(length), "other bytes, of {length}");
        assert_eq!(outcome.transmitted.last(), Some(&(length as u64)), "of {length}");
    }
}

fn a_request_body_may_be_empty(world: &World) {
    let server = Server::answering("", b"");
    let outcome = world.fetch(upload(Method::PUT, &server.url(""), Stored(Bytes::new())));
    assert_eq!(outcome.answer().0, 200);
    let seen = server.only();
    assert_eq!((seen.method.as_str(), seen.body.len()), ("PUT", 0));
    assert_eq!(seen.header("content-length"), "0");
}
