//! Cases: redirects.

use background_fetch::embedder::NetworkErrorKind::Final;
use background_fetch::fetch::{RedirectMode, ResumeRange};
use http::{HeaderValue, Method};

use crate::server::{Exchange, Server};
use crate::world::{Stored, World, get, pattern, upload};

crate::declare_cases! {
    a_redirect_is_followed_and_its_urls_are_told,
    redirects_without_an_end_are_a_final_error,
    a_redirect_is_a_final_error_where_the_request_says_so,
    a_redirect_to_what_is_not_http_is_a_final_error,
    a_range_is_asked_for_at_every_hop,
    a_request_body_is_sent_again_where_the_method_stays,
    a_request_body_is_left_behind_where_the_method_becomes_get,
}

fn redirect(exchange: &mut Exchange, status: &str, to: &str) -> std::io::Result<()> {
    exchange.answer(status, &format!("Location: {to}\r\n"), b"over there")
}

/// Redirects from `/` with this status, and answers elsewhere.
fn redirecting(status: &'static str) -> Server {
    Server::new(move |exchange| match exchange.request.target.as_str() {
        "/" => redirect(exchange, status, "/next"),
        _ => exchange.answer("200 OK", "", b"here"),
    })
}

fn a_redirect_is_followed_and_its_urls_are_told(world: &World) {
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let server = Server::new(move |exchange| match exchange.request.target.as_str() {
            "/" => redirect(exchange, status, "/dir/two"),
            "/dir/two" => redirect(exchange, status, "three?q"),
            _ => exchange.answer("200 OK", "", b"here"),
        });
        let outcome = world.get(&server.url(""));
        assert_eq!(outcome.answer(), (200, &b"here"[..]));
        let hops = [server.url(""), server.url("dir/two"), server.url("dir/three?q")];
        assert_eq!(outcome.head().url_list, hops, "{status}");
        assert_eq!(server.seen().len(), 3);
    }
}

fn redirects_without_an_end_are_a_final_error(world: &World) {
    let server = Server::new(|exchange| redirect(exchange, "302 Found", "/"));
    let url = server.url("");
    world.get(&url).assert_failed(Final, &url);
    assert!(server.seen().len() <= 21, "20 redirects are followed at most");
}

fn a_redirect_is_a_final_error_where_the_request_says_so(world: &World) {
    let server = redirecting("302 Found");
    let url = server.url("");
    let mut request = get(&url);
    request.request.redirect = RedirectMode::Error;
    world.fetch(request).assert_failed(Final, &url);
    assert_eq!(server.only().target, "/");
}

fn a_redirect_to_what_is_not_http_is_a_final_error(world: &World) {
    let server = Server::new(|exchange| redirect(exchange, "302 Found", "file:///etc/hosts"));
    let url = server.url("");
    world.get(&url).assert_failed(Final, &url);
}

fn a_range_is_asked_for_at_every_hop(world: &World) {
    let server = redirecting("302 Found");
    let mut request = get(&server.url(""));
    request.range = Some(ResumeRange {
        start: 7,
        validator: HeaderValue::from_static("\"v1\""),
    });
    assert_eq!(world.fetch(request).answer(), (200, &b"here"[..]));
    let seen = server.seen();
    let ranges: Vec<_> = seen
        .iter()
        .map(|hop| (hop.header("range"), hop.header("if-range")))
        .collect();
    assert_eq!(ranges, [("bytes=7-", "\"v1\""); 2]);
}

fn a_request_body_is_sent_again_where_the_method_stays(world: &World) {
    const LENGTH: usize = 200_000;
    let server = redirecting("307 Temporary Redirect");
    let outcome = world.fetch(upload(
        Method::POST,
        &server.url(""),
        Stored(pattern(LENGTH).into()),
    ));
    assert_eq!(outcome.answer(), (200, &b"here"[..]));
    for hop in server.seen() {
        assert!(
            hop.method == "POST" && hop.body == pattern(LENGTH),
            "other bytes at {}",
            hop.target
        );
    }
    assert_eq!(server.seen().len(), 2);
    assert_eq!(
        outcome.transmitted.last(),
        Some(&(2 * LENGTH as u64)),
        "progress counts all hops together"
    );
}

fn a_request_body_is_left_behind_where_the_method_becomes_get(world: &World) {
    for status in ["301 Moved Permanently", "302 Found", "303 See Other"] {
        let server = redirecting(status);
        let outcome = world.fetch(upload(
            Method::POST,
            &server.url(""),
            Stored(pattern(1000).into()),
        ));
        assert_eq!(outcome.answer(), (200, &b"here"[..]));
        let seen = server.seen();
        let hops: Vec<_> = seen
            .iter()
            .map(|hop| (hop.method.as_str(), hop.body.len()))
            .collect();
        assert_eq!(hops, [("POST", 1000), ("GET", 0)], "{status}");
    }
}
