//! Trying again, over real sockets.

use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use background_fetch::BackgroundFetchFailureReason::{BadStatus, FetchError};
use background_fetch::fetch::Request;
use http::Method;
use url::Url;

use crate::story::{Story, get};
use crate::support::server::{Reply, Server};

/// A server that gives these answers one after the other, and the last one again and again.
fn one_after_the_other(answers: Vec<fn() -> Reply>) -> Server {
    let requests = AtomicUsize::new(0);
    Server::http(move |_| {
        let number = requests.fetch_add(1, Ordering::SeqCst);
        answers[number.min(answers.len() - 1)]()
    })
}

#[test]
fn troubles_of_every_kind_are_survived() {
    let server = one_after_the_other(vec![
        || Reply::raw(""),
        || Reply::silence_after(""),
        || Reply::raw("HTTP/1.1 200 OK\r\n"),
        || Reply::new(503, &[("Retry-After", "0")], "busy"),
        || Reply::raw("HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 4\r\n\r\nh"),
        || Reply::new(429, &[("Retry-After", "99999")], "slower"),
        || {
            Reply::silence_after(
                "HTTP/1.1 206 Part\r\nContent-Range: bytes 1-3/4\r\nETag: \"a\"\r\nContent-Length: 3\r\n\r\ne",
            )
        },
        || Reply::new(206, &[("Content-Range", "bytes 2-3/4"), ("ETag", "\"a\"")], "re"),
    ]);
    assert_eq!(get(&server.url("/")).success(), b"here");
    assert_eq!(server.seen().len(), 8);
}

#[test]
fn a_status_that_does_not_go_away_is_the_response_in_the_end() {
    let server = one_after_the_other(vec![|| Reply::new(503, &[], "still busy")]);
    let ended = get(&server.url("/"));
    assert!(ended.failure(BadStatus).contains("503"));
    assert_eq!(ended.body, b"still busy");
    assert_eq!(server.seen().len(), 6);
    let server = one_after_the_other(vec![|| Reply::new(404, &[], "nothing")]);
    let ended = get(&server.url("/"));
    ended.failure(BadStatus);
    assert_eq!((ended.body.as_slice(), server.seen().len()), (&b"nothing"[..], 1));
}

#[test]
fn nobody_at_the_port_is_tried_again_and_says_so() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ended = get(&Url::parse(&format!("http://{address}/")).unwrap());
    let why = ended.failure(FetchError);
    assert!(
        why.contains("connection refused (tried 6 times without progress)"),
        "{why}"
    );
    assert_eq!(ended.record.attempts, 6);
}

#[test]
fn what_will_not_get_better_is_not_tried_again() {
    let server = one_after_the_other(vec![|| Reply::raw("nonsense\r\n\r\n")]);
    let ended = get(&server.url("/"));
    assert!(ended.failure(FetchError).contains("not valid HTTP"));
    assert_eq!(ended.record.attempts, 1);
}

#[test]
fn a_post_is_sent_once_whatever_happens() {
    for answer in [
        || Reply::raw(""),
        || Reply::new(503, &[("Retry-After", "0")], ""),
        || Reply::raw("HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 4\r\n\r\nh"),
    ] {
        let server = one_after_the_other(vec![answer]);
        let mut request = Request::new(server.url("/"));
        request.method = Method::POST;
        let ended = Story::default().tell(request);
        assert_eq!(ended.result.to_string(), "failure");
        assert_eq!(server.seen().len(), 1);
    }
}

#[test]
fn a_server_that_drips_is_left_in_the_end() {
    // Each attempt brings no byte more than the one before: there is no validator to go on with.
    let server = one_after_the_other(vec![|| {
        Reply::silence_after("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ndrip")
    }]);
    let mut story = Story::default();
    story.policies.retry.retries = 2;
    story.policies.retry.first_backoff = Duration::ZERO;
    let ended = story.tell(Request::new(server.url("/")));
    let why = ended.failure(FetchError);
    assert!(why.contains("no byte of the body came for 0.5 s"), "{why}");
}
