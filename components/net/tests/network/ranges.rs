//! Ranges: the component's own and the author's.

use background_fetch::fetch::ResumeRange;
use http::HeaderValue;
use http::header::{ACCEPT_ENCODING, RANGE};

use crate::support::bodies::encoded;
use crate::support::server::{Reply, Server};
use crate::support::{fetch, network, page, user};

fn rest() -> Reply {
    Reply::new(
        206,
        &[("Content-Range", "bytes 5-9/10"), ("ETag", "\"v1\"")],
        "56789",
    )
}

#[test]
fn a_resumption_asks_for_the_rest_of_this_version_unencoded() {
    let server = Server::https(|_| rest());
    let mut request = user(&server.url("/"));
    request
        .request
        .headers
        .insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    request.range = Some(ResumeRange {
        start: 5,
        validator: HeaderValue::from_static("\"v1\""),
    });
    let outcome = fetch(&network(), request);
    assert_eq!(outcome.answer(), (206, "56789"));
    let seen = server.only();
    assert_eq!(seen.header("range"), Some("bytes=5-"));
    assert_eq!(seen.header("if-range"), Some("\"v1\""));
    assert_eq!(seen.header("accept-encoding"), Some("identity"));
}

#[test]
fn a_resumption_needs_no_preflight_and_survives_redirects() {
    let server = Server::http(|seen| match seen.target.as_str() {
        "/a" => Reply::new(
            302,
            &[("Location", "/b"), ("Access-Control-Allow-Origin", "*")],
            "",
        ),
        _ => Reply::new(206, &[("Access-Control-Allow-Origin", "*")], "rest"),
    });
    let mut request = page("http://page.example", &server.url("/a"));
    request.range = Some(ResumeRange {
        start: 5,
        validator: HeaderValue::from_static("\"v1\""),
    });
    assert_eq!(fetch(&network(), request).answer(), (206, "rest"));
    for seen in server.seen() {
        assert_eq!(seen.header("range"), Some("bytes=5-"));
        assert_eq!(seen.header("if-range"), Some("\"v1\""));
    }
}

#[test]
fn an_authors_range_asks_for_no_coding() {
    let server = Server::https(|_| rest());
    let mut request = user(&server.url("/"));
    request
        .request
        .headers
        .insert(RANGE, HeaderValue::from_static("bytes=5-"));
    assert_eq!(fetch(&network(), request).answer(), (206, "56789"));
    let seen = server.only();
    assert_eq!(seen.header("accept-encoding"), Some("identity"));
    assert_eq!(seen.header("if-range"), None);
}

#[test]
fn a_part_of_encoded_bytes_is_left_encoded() {
    let body = encoded("gzip", b"text");
    let part = body.clone();
    let server = Server::http(move |_| Reply::new(206, &[("Content-Encoding", "gzip")], &part));
    let outcome = fetch(&network(), user(&server.url("/")));
    assert_eq!((outcome.error, outcome.body), (None, body));
    assert!(!outcome.head.unwrap().content_decoded);
}
