//! Response bodies: whole, cut, and garbage.

use std::io::{BufReader, Write};

use http::Method;

use crate::support::server::{Reply, Server, accept_one, read_request};
use crate::support::{fetch, network, user};

#[test]
fn bodies_are_framed_by_length_by_chunks_or_by_the_end_of_the_connection() {
    let network = network();
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nX-T: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\nhello",
        "HTTP/1.0 200 OK\r\n\r\nhello",
    ] {
        let server = Server::http(move |_| Reply::raw(answer));
        assert_eq!(
            fetch(&network, user(&server.url("/"))).answer(),
            (200, "hello"),
            "{answer}"
        );
    }
}

#[test]
fn a_body_that_is_cut_short_is_a_temporary_error_after_its_bytes() {
    let network = network();
    let server = Server::http(|_| Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"));
    let outcome = fetch(&network, user(&server.url("/")));
    assert_eq!(outcome.body, b"hello");
    let expected = "its body ended after 5 of 10 bytes: the connection ended early";
    assert_eq!(
        outcome.temporary(),
        format!("cannot fetch {}: {expected}", server.url("/"))
    );

    for cut in ["5\r\nhello\r\n", "a\r\nhello", "5\r\nhello\r\n0\r\n"] {
        let answer = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{cut}");
        let server = Server::http(move |_| Reply::raw(&answer));
        let outcome = fetch(&network, user(&server.url("/")));
        assert_eq!(outcome.body, b"hello");
        assert!(
            outcome
                .temporary()
                .contains("its body ended early, after 5 bytes"),
            "{outcome:?}"
        );
    }
}

#[test]
fn a_body_without_length_over_tls_needs_the_end_of_tls() {
    // The server goes away without close_notify: an attacker could have cut the connection.
    let server = Server::https(|_| Reply::raw("HTTP/1.1 200 OK\r\n\r\nhello"));
    let outcome = fetch(&network(), user(&server.url("/")));
    assert_eq!(outcome.body, b"hello");
    assert!(
        outcome
            .temporary()
            .contains("its body ended early, after 5 bytes")
    );
}

#[test]
fn bad_chunks_are_a_final_error() {
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\nnonsense\r\n";
    let server = Server::http(move |_| Reply::raw(answer));
    let outcome = fetch(&network(), user(&server.url("/")));
    assert!(
        outcome.fatal().contains("the answer is not valid HTTP"),
        "{outcome:?}"
    );
}

#[test]
fn an_answer_that_is_not_http_is_a_final_error() {
    let network = network();
    for answer in [
        "220 mail.example ESMTP\r\n",
        "\u{0}\u{1}\u{2}garbage\r\n\r\n",
        "HTTP/1.1 abc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    ] {
        let server = Server::http(move |_| Reply::raw(answer));
        let outcome = fetch(&network, user(&server.url("/")));
        assert!(
            outcome.fatal().contains("the answer is not valid HTTP"),
            "{answer:?} {outcome:?}"
        );
        assert!(outcome.head.is_none());
    }
}

#[test]
fn a_header_without_bounds_is_a_final_error() {
    let large = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(1024 * 1024));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(10_000));
    for (answer, reason) in [
        (large, "message head is too large"),
        (many, "message head is too large"),
    ] {
        let server = Server::http(move |_| Reply::raw(&answer));
        let outcome = fetch(&network(), user(&server.url("/")));
        assert!(outcome.fatal().contains(reason), "{outcome:?}");
    }
}

#[test]
fn a_connection_that_ends_before_the_answer_is_a_temporary_error() {
    let network = network();
    let closes = accept_one(|socket| {
        read_request(&mut BufReader::new(socket));
    });
    let outcome = fetch(&network, user(&closes));
    assert!(
        outcome
            .temporary()
            .ends_with("the connection was closed before the answer"),
        "{outcome:?}"
    );
    // Closing with unread bytes resets the connection.
    let resets = accept_one(|socket| {
        socket.peek(&mut [0]).unwrap();
    });
    assert!(fetch(&network, user(&resets)).temporary().contains("connection"));
    let half = accept_one(|mut socket| {
        read_request(&mut BufReader::new(socket.try_clone().unwrap()));
        socket.write_all(b"HTTP/1.1 200 O").unwrap();
    });
    assert!(
        fetch(&network, user(&half))
            .temporary()
            .contains("before the answer")
    );
}

#[test]
fn null_body_statuses_and_head_have_no_body_whatever_the_server_says() {
    let network = network();
    for status in ["204 No Content", "205 Reset Content", "304 Not Modified"] {
        let answer = format!("HTTP/1.1 {status}\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello");
        let server = Server::http(move |_| Reply::raw(&answer));
        let outcome = fetch(&network, user(&server.url("/")));
        assert_eq!(outcome.answer().1, "", "{status}");
        assert!(!outcome.head().content_decoded);
    }
    let server = Server::http(|_| Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"));
    let mut request = user(&server.url("/"));
    request.request.method = Method::HEAD;
    let outcome = fetch(&network, request);
    assert_eq!(outcome.answer(), (200, ""));
    assert_eq!(outcome.head().headers["content-length"], "5");
}

#[test]
fn connections_are_used_again() {
    let server = Server::http(|_| Reply::text("again"));
    let network = network();
    for _ in 0..5 {
        assert_eq!(fetch(&network, user(&server.url("/"))).answer(), (200, "again"));
    }
    assert_eq!((server.seen().len(), server.connections()), (5, 1));
}

#[test]
fn other_schemes_are_a_final_error() {
    let network = network();
    for text in ["file:///etc/hosts", "ftp://127.0.0.1/", "data:,x"] {
        let url = url::Url::parse(text).unwrap();
        let error = fetch(&network, user(&url)).error.unwrap();
        assert_eq!(error.kind, background_fetch::embedder::NetworkErrorKind::Final);
        assert!(
            error.message.ends_with("is not http or https"),
            "{}",
            error.message
        );
    }
}
