//! Cases: a response and its body.

use std::thread;

use background_fetch::fetch::headers;
use http::HeaderName;

use crate::server::Server;
use crate::world::{World, finish, get, pattern};

crate::declare_cases! {
    a_response_comes_before_its_body_and_is_the_servers,
    a_body_is_byte_for_byte_what_was_sent,
    a_body_may_come_in_chunks_of_http,
    a_body_without_a_length_ends_with_its_connection,
    a_response_without_a_body_ends_at_once,
    an_error_status_is_a_response,
    content_codings_are_removed_and_it_is_said,
    fetches_run_many_at_once_and_from_any_thread,
}

fn a_response_comes_before_its_body_and_is_the_servers(world: &World) {
    let server = Server::answering("ETag: \"v1\"\r\nX-Two: a\r\nX-Two: b\r\n", b"hello");
    let url = server.url("dir/file?query");
    let outcome = world.get(&url);
    assert_eq!(outcome.answer(), (200, &b"hello"[..]));
    let head = outcome.head();
    assert_eq!(head.url_list, [url]);
    assert_eq!(head.headers["etag"], "\"v1\"");
    let two = headers::get(&head.headers, &HeaderName::from_static("x-two"));
    assert_eq!(two.as_deref(), Some(&b"a, b"[..]));
    assert!(!head.content_decoded, "there was nothing to decode");
    assert_eq!(server.only().target, "/dir/file?query");
    assert_eq!(
        outcome.transmitted.iter().sum::<u64>(),
        0,
        "there was no body to send"
    );
}

fn a_body_is_byte_for_byte_what_was_sent(world: &World) {
    for length in [1, 1000, 65_536, 65_537, 5_000_000] {
        let server = Server::new(move |exchange| exchange.answer("200 OK", "", &pattern(length)));
        let outcome = world.get(&server.url(""));
        assert_eq!(outcome.error, None);
        assert!(outcome.body == pattern(length), "other bytes, of {length}");
        assert_eq!(outcome.head().complete_length(), Some(length as u64));
    }
}

fn a_body_may_come_in_chunks_of_http(world: &World) {
    let server = Server::new(|exchange| {
        exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n")?;
        for part in pattern(100_000).chunks(7000) {
            exchange.send(format!("{:x}\r\n", part.len()).as_bytes())?;
            exchange.send(part)?;
            exchange.send(b"\r\n")?;
        }
        exchange.send(b"0\r\n\r\n")
    });
    let outcome = world.get(&server.url(""));
    assert_eq!(outcome.error, None);
    assert!(outcome.body == pattern(100_000), "other bytes");
}

fn a_body_without_a_length_ends_with_its_connection(world: &World) {
    let server = Server::new(|exchange| {
        exchange.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
        exchange.send(b"until the end")
    });
    assert_eq!(world.get(&server.url("")).answer(), (200, &b"until the end"[..]));
}

fn a_response_without_a_body_ends_at_once(world: &World) {
    let empty = Server::answering("", b"");
    assert_eq!(world.get(&empty.url("")).answer(), (200, &b""[..]));
    let none = Server::new(|exchange| exchange.send(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"));
    assert_eq!(world.get(&none.url("")).answer(), (204, &b""[..]));
}

fn an_error_status_is_a_response(world: &World) {
    for status in [
        "404 Not Found",
        "500 Internal Server Error",
        "503 Service Unavailable",
    ] {
        let server = Server::new(move |exchange| exchange.answer(status, "Retry-After: 7\r\n", b"sorry"));
        let outcome = world.get(&server.url(""));
        let (found, body) = outcome.answer();
        assert!(status.starts_with(&found.to_string()), "{found}, not {status}");
        assert_eq!(body, b"sorry");
        assert_eq!(outcome.head().headers["retry-after"], "7");
    }
}

fn content_codings_are_removed_and_it_is_said(world: &World) {
    /// "hello, hello, hello" in gzip.
    const ENCODED: &[u8] =
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\xd7\x51\xc8\x40\xa2\
                             \x00\x9f\xa1\xca\x09\x13\x00\x00\x00";
    let server = Server::answering("Content-Encoding: gzip\r\n", ENCODED);
    let outcome = world.get(&server.url(""));
    assert_eq!(outcome.answer(), (200, &b"hello, hello, hello"[..]));
    assert!(
        outcome.head().content_decoded,
        "a range does not count these bytes"
    );
}

fn fetches_run_many_at_once_and_from_any_thread(world: &World) {
    let server = Server::new(|exchange| {
        let length = exchange
            .request
            .target
            .trim_start_matches('/')
            .parse()
            .unwrap_or(0);
        exchange.answer("200 OK", "", &pattern(length))
    });
    thread::scope(|scope| {
        for thread in 1..=4 {
            let server = &server;
            let lengths = (1..=4).map(move |index| 10_000 * thread + index);
            let urls: Vec<_> = lengths
                .map(|length| (length, server.url(&length.to_string())))
                .collect();
            scope.spawn(move || {
                // All of them begin before the first is read.
                let begun: Vec<_> = urls
                    .iter()
                    .map(|(length, url)| (*length, world.begin(get(url))))
                    .collect();
                for (length, events) in begun {
                    let outcome = finish(events);
                    assert_eq!(outcome.error, None);
                    assert!(outcome.body == pattern(length), "other bytes, of {length}");
                }
            });
        }
    });
    assert_eq!(server.seen().len(), 16);
}
