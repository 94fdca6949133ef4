//! Subresource integrity.

use background_fetch::fetch::RedirectMode;
use http::Method;

use crate::support::bodies::encoded;
use crate::support::server::{Reply, Server};
use crate::support::{fetch, network, page, user};

// Of "abc", as NIST publishes them.
const SHA256: &str = "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
const SHA384: &str = "sha384-ywB1P0WjXou1oD1pmsZQBycsMqsO3tFjGotgWkP/W+2AhgcroefMI1i67KE0yCWn";
const SHA512: &str =
    "sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==";

#[test]
fn a_body_matches_the_strongest_metadata_or_ends_with_an_error() {
    let server = Server::http(|seen| Reply::text(&seen.target[1..]));
    let network = network();
    let table = [
        ("/abc", SHA256.to_owned(), true),
        ("/abc", SHA384.to_owned(), true),
        ("/abc", SHA512.to_owned(), true),
        ("/abd", SHA256.to_owned(), false),
        ("/abd", SHA384.to_owned(), false),
        ("/abd", SHA512.to_owned(), false),
        ("/", SHA256.to_owned(), false),
        ("/abc", format!("sha256-AAAA {SHA256}"), true),
        ("/abc", format!("sha256-AAAA {SHA512}"), true),
        ("/abc", format!("{SHA256} sha512-AAAA"), false),
        ("/abc", "md5-AAAA".to_owned(), true),
    ];
    for (path, integrity, matches) in table {
        for mut request in [user(&server.url(path)), page(&server.origin(), &server.url(path))] {
            request.request.integrity.clone_from(&integrity);
            let outcome = fetch(&network, request);
            if matches {
                assert_eq!(outcome.answer(), (200, "abc"), "{integrity}");
            } else {
                let message = outcome.fatal();
                assert!(
                    message.contains("its body does not match the integrity metadata, its digest is sha"),
                    "{message}"
                );
            }
        }
    }
}

#[test]
fn the_digest_is_of_the_decoded_bytes_and_of_the_last_hop() {
    let server = Server::http(|seen| match seen.target.as_str() {
        "/start" => Reply::redirect(302, "/end"),
        _ => Reply::new(200, &[("Content-Encoding", "gzip")], encoded("gzip", b"abc")),
    });
    let mut request = user(&server.url("/start"));
    request.request.integrity = SHA256.to_owned();
    assert_eq!(fetch(&network(), request).answer(), (200, "abc"));
}

#[test]
fn a_response_without_a_body_matches_nothing() {
    let server = Server::http(|seen| match seen.target.as_str() {
        "/204" => Reply::raw("HTTP/1.1 204 No Content\r\n\r\n"),
        _ => Reply::redirect(302, "/end"),
    });
    let network = network();
    let table = [
        ("/204", Method::GET, RedirectMode::Follow),
        ("/302", Method::GET, RedirectMode::Manual),
        ("/204", Method::HEAD, RedirectMode::Follow),
    ];
    for (path, method, redirect) in table {
        let mut request = page(&server.origin(), &server.url(path));
        request.request.method = method;
        request.request.redirect = redirect;
        request.request.integrity = SHA256.to_owned();
        let outcome = fetch(&network, request);
        assert!(
            outcome.fatal().contains("its response has no body"),
            "{outcome:?}"
        );
        assert!(outcome.head.is_none());
    }
}

#[test]
fn a_body_that_ends_early_is_cut_short_and_not_wrong() {
    let server = Server::http(|_| Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"));
    let mut request = user(&server.url("/"));
    request.request.integrity = SHA256.to_owned();
    assert!(fetch(&network(), request).temporary().contains("3 of 9 bytes"));
}
