//! Heads of responses that no server should send: each ends within its bound, and says why.

use std::io::{Read, Write};
use std::time::Duration;

use background_fetch_net::{BuildError, HttpNetwork};
use http::{HeaderName, HeaderValue, Method};
use url::Url;

use crate::support::server::{Reply, Server, accept_one};
use crate::support::{Outcome, fetch, network, options, user};

const MOMENT: Duration = Duration::from_millis(100);

fn answered(bytes: impl AsRef<[u8]>) -> Outcome {
    let bytes = bytes.as_ref().to_vec();
    let server = Server::http(move |_| Reply::raw(&bytes));
    fetch(&network(), user(&server.url("/")))
}

/// A server that says something again and again, and reads nothing more.
fn for_ever(first: &'static str, again: &'static str, pause: Duration) -> Url {
    accept_one(move |mut socket| {
        let _ = socket.read(&mut [0; 4096]);
        let mut said = socket.write_all(first.as_bytes());
        while said.is_ok() {
            std::thread::sleep(pause);
            said = socket.write_all(again.as_bytes());
        }
    })
}

#[test]
fn a_line_break_has_no_way_into_a_request() {
    // No type that a request is made of takes one.
    for text in ["a\r\nb: c", "a\nb", "a\rb", "a\0b"] {
        assert!(HeaderValue::from_str(text).is_err(), "{text:?}");
        assert!(HeaderName::try_from(text).is_err(), "{text:?}");
        assert!(Method::try_from(text).is_err(), "{text:?}");
        let agent = HttpNetwork::builder().user_agent(text).build();
        assert!(matches!(agent.err(), Some(BuildError::UserAgent)), "{text:?}");
    }
    let server = Server::http(|_| Reply::text("safe"));
    let url = server.url("/a\r\nX-In: 1?b\r\nc=%0d%0aX-In:%201#\r\nd");
    assert_eq!(fetch(&network(), user(&url)).answer(), (200, "safe"));
    let seen = server.only();
    assert_eq!(seen.target, "/aX-In:%201?bc=%0d%0aX-In:%201");
    assert_eq!(seen.header("x-in"), None);
}

#[test]
fn a_location_brings_no_line_break_into_the_next_request() {
    let server = Server::http(|seen| match seen.target.as_str() {
        "/" => Reply::redirect(302, "/next\t?a%0d%0aX-In: 1"),
        _ => Reply::text("safe"),
    });
    assert_eq!(fetch(&network(), user(&server.url("/"))).answer(), (200, "safe"));
    let seen = &server.seen()[1];
    assert_eq!(
        (seen.target.as_str(), seen.header("x-in")),
        ("/next?a%0d%0aX-In:%201", None)
    );
}

#[test]
fn too_large_a_head_or_too_many_fields_are_a_final_error() {
    let large = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    let outcome = answered(large);
    assert!(
        outcome.fatal().contains("the answer is not valid HTTP"),
        "{outcome:?}"
    );
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(1000));
    let outcome = answered(many);
    assert!(
        outcome.fatal().contains("the answer is not valid HTTP"),
        "{outcome:?}"
    );
    let long_reason = format!("HTTP/1.1 200 {}\r\n\r\n", "x".repeat(1 << 20));
    answered(long_reason).fatal();
}

#[test]
fn a_head_that_never_ends_is_cut_off_by_its_size_or_by_time() {
    let fast = for_ever(
        "HTTP/1.1 200 OK\r\n",
        "X-Again: xxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n",
        Duration::ZERO,
    );
    fetch(&network(), user(&fast)).fatal();
    let drip = for_ever("HTTP/1.1 200 OK\r\n", "x", Duration::from_millis(1));
    let patient = options().first_byte_timeout(MOMENT).build().unwrap();
    let outcome = fetch(&patient, user(&drip));
    assert!(
        outcome.temporary().ends_with("no answer within 0.1 s"),
        "{outcome:?}"
    );
}

#[test]
fn early_hints_are_passed_over_and_an_endless_row_of_them_is_not() {
    let hints = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n";
    let few = format!(
        "{}HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        hints.repeat(50)
    );
    let outcome = answered(few);
    assert_eq!(outcome.answer(), (200, "ok"));
    assert!(!outcome.head().headers.contains_key("link"));
    let endless = for_ever("", hints, Duration::ZERO);
    let outcome = fetch(&network(), user(&endless));
    assert!(
        outcome
            .fatal()
            .ends_with("100 interim responses came, and no answer"),
        "{outcome:?}"
    );
}

#[test]
fn a_content_length_that_cannot_be_is_a_final_error() {
    for length in [
        "-1",
        "+1",
        "1 2",
        "0x10",
        "1.0",
        "18446744073709551616",
        "99999999999999999999999999",
        "five",
        "",
    ] {
        let outcome = answered(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\nhello"
        ));
        assert!(
            outcome.fatal().contains("the answer is not valid HTTP"),
            "{length:?}: {outcome:?}"
        );
    }
}

#[test]
fn an_absurd_content_length_reserves_no_memory_and_ends_with_the_connection() {
    for length in [u64::MAX - 2, 1 << 62] {
        let outcome = answered(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\nhello"
        ));
        assert_eq!(outcome.body, b"hello");
        assert!(
            outcome
                .temporary()
                .contains(&format!("its body ended after 5 of {length} bytes")),
            "{outcome:?}"
        );
    }
}

#[test]
fn two_content_lengths_are_an_error_where_they_differ() {
    for lengths in ["Content-Length: 5\r\nContent-Length: 6", "Content-Length: 5, 6"] {
        let outcome = answered(format!("HTTP/1.1 200 OK\r\n{lengths}\r\n\r\nhello!"));
        assert!(
            outcome.fatal().contains("the answer is not valid HTTP"),
            "{lengths:?}: {outcome:?}"
        );
    }
    let same = answered("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!(same.answer(), (200, "hello"));
}

#[test]
fn chunks_win_over_a_content_length_which_is_not_believed() {
    for (first, second) in [
        ("Content-Length: 2", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 100"),
    ] {
        let outcome = answered(format!(
            "HTTP/1.1 200 OK\r\n{first}\r\n{second}\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
        ));
        assert_eq!(outcome.answer(), (200, "hello"));
        assert_eq!(outcome.head().complete_length(), None);
    }
}

#[test]
fn a_transfer_coding_that_nobody_asked_for_is_a_final_error() {
    for coding in ["gzip", "gzip, chunked", "chunked, gzip", "xchunked"] {
        let outcome = answered(format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: {coding}\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
        ));
        assert!(
            outcome
                .fatal()
                .ends_with("a transfer coding that nobody asked for"),
            "{coding}: {outcome:?}"
        );
    }
}

#[test]
fn text_that_is_not_utf_8_is_kept_as_bytes() {
    let outcome = answered(b"HTTP/1.1 200 \xff\xfe\r\nX-Raw: \xff\xc3\x28\r\nContent-Length: 2\r\n\r\nok");
    assert_eq!(outcome.answer(), (200, "ok"));
    assert_eq!(outcome.head().status_message, "");
    assert_eq!(outcome.head().headers["x-raw"].as_bytes(), b"\xff\xc3\x28");
}

#[test]
fn a_location_that_is_not_utf_8_is_followed_or_fails_and_never_panics() {
    let server = Server::http(|seen| match seen.target.as_str() {
        "/" => Reply::raw(b"HTTP/1.1 302 Found\r\nLocation: /\xff\xfe?\xc3\xa4\r\nContent-Length: 0\r\n\r\n"),
        _ => Reply::text("there"),
    });
    let outcome = fetch(&network(), user(&server.url("/")));
    match &outcome.error {
        None => assert!(server.seen()[1].target.is_ascii()),
        Some(_) => assert!(outcome.fatal().contains("its redirect is invalid"), "{outcome:?}"),
    }
}

#[test]
fn heads_that_are_none_are_final_errors() {
    for head in [
        "HTTP/1.1 99999 OK\r\n\r\n",
        "HTTP/1.1 1 OK\r\n\r\n",
        "HTTP/9.9 200 OK\r\n\r\n",
        "ICY 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nspace : x\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: empty\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\r\n folded\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: \u{0}\r\n\r\n",
        "<html>hello</html>\r\n\r\n",
        "\u{15}\u{3}\u{1}\u{0}\u{2}\u{2}P",
    ] {
        let outcome = answered(head);
        assert!(
            outcome.fatal().contains("the answer is not valid HTTP"),
            "{head:?}: {outcome:?}"
        );
    }
}

#[test]
fn a_loop_of_redirects_ends() {
    let server = Server::http(|seen| Reply::redirect(302, if seen.target == "/a" { "/b" } else { "/a" }));
    let outcome = fetch(&network(), user(&server.url("/a")));
    assert!(
        outcome
            .fatal()
            .ends_with("it redirects once more after 20 redirects"),
        "{outcome:?}"
    );
    assert_eq!(server.seen().len(), 21);
    // A loop in which every hop has a long body reads none of them.
    let server = Server::http(|_| {
        Reply::raw(format!(
            "HTTP/1.1 301 Moved\r\nLocation: /\r\nContent-Length: {}\r\n\r\n{}",
            1_u64 << 50,
            "x".repeat(1 << 16)
        ))
    });
    fetch(&network(), user(&server.url("/"))).fatal();
}

#[test]
fn a_long_location_is_an_error_and_its_message_is_short() {
    let server = Server::http(|_| Reply::redirect(302, &format!("/{}", "x".repeat(200_000))));
    let outcome = fetch(&network(), user(&server.url("/")));
    assert!(outcome.fatal().len() < 1000, "{outcome:?}");
}
