//! Servers that are there and say nothing.

use std::time::Duration;

use crate::support::server::{Reply, Server, accept_one};
use crate::support::{fetch, options, user};

const MOMENT: Duration = Duration::from_millis(50);

#[test]
fn a_server_that_does_not_finish_tls_is_given_up() {
    let url = accept_one(|socket| {
        let _ = std::io::copy(&mut &socket, &mut std::io::sink());
    });
    let mut url = url;
    url = url::Url::parse(&url.as_str().replace("http:", "https:")).unwrap();
    let network = options().connect_timeout(MOMENT).build().unwrap();
    let outcome = fetch(&network, user(&url));
    assert!(
        outcome.temporary().ends_with("no connection within 0.05 s"),
        "{outcome:?}"
    );
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    let server = Server::http(|_| Reply::silence_after("HTTP/1.1 200 OK\r\n"));
    let network = options().first_byte_timeout(MOMENT).build().unwrap();
    let outcome = fetch(&network, user(&server.url("/")));
    assert!(
        outcome.temporary().ends_with("no answer within 0.05 s"),
        "{outcome:?}"
    );
    server.wait_until_gone();
}

#[test]
fn a_body_that_stalls_is_given_up_after_its_bytes() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello";
    let server = Server::http(move |_| Reply::silence_after(answer));
    let network = options().stall_timeout(MOMENT).build().unwrap();
    let outcome = fetch(&network, user(&server.url("/")));
    assert_eq!(outcome.body, b"hello");
    assert!(
        outcome
            .temporary()
            .ends_with("no byte of the body came for 0.05 s"),
        "{outcome:?}"
    );
    server.wait_until_gone();
}

#[test]
fn without_limits_everything_works_too() {
    let server = Server::https(|_| Reply::text("at last"));
    let network = options()
        .connect_timeout(None)
        .first_byte_timeout(None)
        .stall_timeout(None)
        .build()
        .unwrap();
    assert_eq!(fetch(&network, user(&server.url("/"))).answer(), (200, "at last"));
}

#[test]
fn a_name_that_nobody_has_is_a_temporary_error() {
    // No label is this long: the resolver says so itself, and asks nobody.
    let url = url::Url::parse(&format!("http://{}.example/", "x".repeat(64))).unwrap();
    let outcome = fetch(&options().build().unwrap(), user(&url));
    assert!(outcome.temporary().contains("lookup"), "{outcome:?}");
}
