//! What Fetch finds against a request fails its record with "fetch-error", and hands nothing out.

use std::sync::atomic::{AtomicUsize, Ordering};

use background_fetch::BackgroundFetchFailureReason::FetchError;
use background_fetch::fetch::{Client, Request};
use url::Url;

use crate::story::{Ended, Story};
use crate::support::server::{Reply, Server};

const ANY_ORIGIN: (&str, &str) = ("Access-Control-Allow-Origin", "*");
/// Of "abc", as NIST publishes it.
const SHA256: &str = "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";

fn shared() -> Server {
    Server::http(|_| Reply::new(200, &[ANY_ORIGIN, ("ETag", "\"v1\"")], "abc"))
}

/// From a page under these policies.
fn from(page: &str, policies: &[String], request: Request) -> Ended {
    let mut client = Client::page(Url::parse(page).unwrap());
    client.content_security_policies = policies.to_vec();
    let story = Story {
        client: Some(client),
        ..Story::default()
    };
    story.tell(request)
}

#[test]
fn a_redirect_to_mixed_content_fails_the_record() {
    let end = shared();
    let mut location = end.url("/");
    location.set_host(Some("0.0.0.0")).unwrap();
    let location = String::from(location);
    let start = Server::http(move |_| Reply::new(302, &[ANY_ORIGIN, ("Location", &location)], ""));
    let ended = from("https://page.example", &[], Request::new(start.url("/")));
    assert!(ended.failure(FetchError).contains("mixed content"));
    assert_eq!(end.connections(), 0);
    let ended = from("http://page.example", &[], Request::new(start.url("/")));
    assert_eq!(ended.success(), b"abc");
}

#[test]
fn a_redirect_to_what_the_pages_policy_excludes_fails_the_record() {
    let end = shared();
    let location = String::from(end.url("/"));
    let start = Server::http(move |_| Reply::new(302, &[ANY_ORIGIN, ("Location", &location)], ""));
    let policy = format!("connect-src {}", start.origin());
    let ended = from("http://page.example", &[policy], Request::new(start.url("/")));
    let why = ended.failure(FetchError);
    assert!(why.contains("Content Security Policy"), "{why}");
    assert_eq!(end.connections(), 0);
}

#[test]
fn a_failed_cors_check_fails_the_record_and_stores_no_byte() {
    let server = Server::http(|_| Reply::text("secret"));
    let ended = from("http://page.example", &[], Request::new(server.url("/")));
    assert!(ended.failure(FetchError).contains("the CORS check failed"));
    assert!(ended.body.is_empty() && ended.response.is_none());
}

#[test]
fn a_wrong_digest_fails_the_record_and_a_cut_body_starts_again() {
    let checked = |url| Request {
        integrity: SHA256.to_owned(),
        ..Request::new(url)
    };
    let wrong = Server::http(|_| Reply::text("abd"));
    let ended = Story::default().tell(checked(wrong.url("/")));
    assert!(
        ended
            .failure(FetchError)
            .contains("does not match the integrity metadata")
    );
    let tries = AtomicUsize::new(0);
    let cut = Server::http(move |_| match tries.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::raw("HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 3\r\n\r\nab"),
        _ => Reply::new(200, &[("ETag", "\"v1\"")], "abc"),
    });
    let ended = Story::default().tell(checked(cut.url("/")));
    assert_eq!(ended.success(), b"abc");
    for seen in cut.seen() {
        assert_eq!(seen.header("range"), None);
    }
    assert_eq!(cut.seen().len(), 2);
}
