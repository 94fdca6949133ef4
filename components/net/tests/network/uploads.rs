//! Request bodies.

use std::io::BufReader;

use http::Method;

use crate::support::bodies::{Damaged, Stored, noise};
use crate::support::server::{Reply, Server, accept_one};
use crate::support::{fetch, network, upload, user};

#[test]
fn a_body_is_sent_with_its_length_and_progress_goes_up_to_it() {
    let bytes = noise(1_000_000);
    let server = Server::http(|_| Reply::text("thanks"));
    let outcome = fetch(
        &network(),
        upload(&server.url("/"), Method::POST, Stored::new(bytes.clone())),
    );
    assert_eq!(outcome.answer(), (200, "thanks"));
    assert_eq!(outcome.transmitted.last(), Some(&1_000_000));
    let seen = server.only();
    assert_eq!(seen.header("content-length"), Some("1000000"));
    assert_eq!(seen.header("transfer-encoding"), None);
    assert!(seen.body == bytes);
}

#[test]
fn an_empty_body_has_the_length_0() {
    let server = Server::http(|_| Reply::text("thanks"));
    let outcome = fetch(&network(), upload(&server.url("/"), Method::PUT, Stored::new("")));
    assert_eq!(outcome.answer(), (200, "thanks"));
    assert!(outcome.transmitted.is_empty());
    assert_eq!(server.only().header("content-length"), Some("0"));
}

#[test]
fn a_body_is_read_anew_for_a_307_and_progress_counts_all_hops() {
    let server = Server::http(|seen| match seen.target.as_str() {
        "/a" => Reply::redirect(307, "/b"),
        "/b" => Reply::redirect(308, "/c"),
        _ => Reply::text("thanks"),
    });
    let body = Stored::new(noise(200_000));
    let outcome = fetch(&network(), upload(&server.url("/a"), Method::POST, body.clone()));
    assert_eq!(outcome.answer(), (200, "thanks"));
    assert_eq!(outcome.transmitted.last(), Some(&600_000));
    assert_eq!(body.opened(), 3);
    assert!(server.seen().iter().all(|seen| seen.body == body.bytes));
}

#[test]
fn an_answer_before_the_end_of_the_body_is_the_answer() {
    // The server does not read the body, answers, and keeps the connection until the client is done.
    let url = accept_one(|socket| {
        let mut reader = BufReader::new(socket.try_clone().unwrap());
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            std::io::BufRead::read_line(&mut reader, &mut line).unwrap();
        }
        let answer = "HTTP/1.1 413 Too large\r\nContent-Length: 2\r\n\r\nno";
        std::io::Write::write_all(&mut &socket, answer.as_bytes()).unwrap();
        let _ = std::io::Read::read_to_end(&mut reader, &mut Vec::new());
    });
    let outcome = fetch(
        &network(),
        upload(&url, Method::POST, Stored::new(noise(32 * 1024 * 1024))),
    );
    assert_eq!(outcome.answer(), (413, "no"));
}

#[test]
fn a_stored_body_that_cannot_be_read_is_a_final_error() {
    let network = network();
    let server = Server::http(|_| Reply::text("thanks"));
    let outcome = fetch(&network, upload(&server.url("/"), Method::POST, Damaged));
    let reason = "the request's body ended after 5 of 100 bytes: the file is damaged";
    assert_eq!(
        outcome.fatal(),
        format!("cannot fetch {}: {reason}", server.url("/"))
    );

    let mut short = Stored::new("five!");
    short.length = 10;
    let outcome = fetch(&network, upload(&server.url("/"), Method::POST, short));
    assert!(
        outcome
            .fatal()
            .ends_with("the request's body ended after 5 of 10 bytes"),
        "{outcome:?}"
    );

    let mut long = Stored::new("five!");
    long.length = 4;
    let outcome = fetch(&network, upload(&server.url("/"), Method::POST, long));
    assert!(
        outcome.fatal().ends_with("it is longer than its length"),
        "{outcome:?}"
    );
}

#[test]
fn a_post_without_a_body_says_so() {
    let server = Server::http(|_| Reply::text("thanks"));
    let mut request = user(&server.url("/"));
    request.request.method = Method::POST;
    assert_eq!(fetch(&network(), request).answer(), (200, "thanks"));
    assert_eq!(server.only().header("content-length"), Some("0"));
}

#[test]
fn a_connection_that_ends_during_an_upload_is_a_temporary_error() {
    let url = accept_one(|socket| {
        let mut byte = [0; 1];
        std::io::Read::read_exact(&mut &socket, &mut byte).unwrap();
    });
    let outcome = fetch(
        &network(),
        upload(&url, Method::POST, Stored::new(noise(32 * 1024 * 1024))),
    );
    assert!(outcome.temporary().contains("connection"), "{outcome:?}");
}
