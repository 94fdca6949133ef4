//! Cases: what fails, and whether another try may help.

use std::net::{Ipv4Addr, TcpListener};

use background_fetch::embedder::NetworkErrorKind::{Final, Temporary};
use url::Url;

use crate::server::Server;
use crate::world::{World, get, pattern, wait};

crate::declare_cases! {
    a_refused_connection_is_a_temporary_error,
    a_connection_that_ends_before_the_answer_is_a_temporary_error,
    a_body_short_of_its_length_is_a_temporary_error_after_a_prefix,
    a_body_whose_chunks_do_not_end_is_a_temporary_error,
    garbage_for_http_is_a_final_error,
    a_body_that_does_not_match_its_integrity_metadata_ends_with_a_final_error,
    a_network_that_is_online_is_available,
}

fn a_refused_connection_is_a_temporary_error(world: &World) {
    let port = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port on the loopback");
        listener.local_addr().expect("its address").port()
    };
    let url = Url::parse(&format!("http://127.0.0.1:{port}/a")).expect("a URL");
    let outcome = world.get(&url);
    assert!(outcome.head.is_none());
    outcome.assert_failed(Temporary, &url);
}

fn a_connection_that_ends_before_the_answer_is_a_temporary_error(world: &World) {
    for part in ["", "HTTP/1.1 200 OK\r\nContent-Le"] {
        let server = Server::new(move |exchange| exchange.send(part.as_bytes()));
        let outcome = world.get(&server.url(""));
        assert!(outcome.head.is_none());
        outcome.assert_failed(Temporary, &server.url(""));
    }
}

fn a_body_short_of_its_length_is_a_temporary_error_after_a_prefix(world: &World) {
    let server = Server::new(|exchange| {
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\nETag: \"v1\"\r\n\r\n")?;
        exchange.send(&pattern(100_000))
    });
    let outcome = world.get(&server.url(""));
    outcome.assert_failed(Temporary, &server.url(""));
    assert_eq!(outcome.head().headers["etag"], "\"v1\"");
    assert!(outcome.body.len() <= 100_000 && pattern(100_000).starts_with(&outcome.body));
}

fn a_body_whose_chunks_do_not_end_is_a_temporary_error(world: &World) {
    let server = Server::new(|exchange| {
        exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    });
    let outcome = world.get(&server.url(""));
    outcome.assert_failed(Temporary, &server.url(""));
    assert!(b"hello".starts_with(&outcome.body));
}

fn garbage_for_http_is_a_final_error(world: &World) {
    let server = Server::new(|exchange| exchange.send(b"\x00\x01 this is not HTTP \xff\r\n\r\n"));
    let outcome = world.get(&server.url(""));
    assert!(outcome.head.is_none());
    outcome.assert_failed(Final, &server.url(""));
}

fn a_body_that_does_not_match_its_integrity_metadata_ends_with_a_final_error(world: &World) {
    const OF_HELLO: &str = "sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    let server = Server::new(|exchange| {
        let body = exchange.request.target.trim_start_matches('/').to_owned();
        exchange.answer("200 OK", "", body.as_bytes())
    });
    let with_metadata = |path: &str| {
        let mut request = get(&server.url(path));
        request.request.integrity = OF_HELLO.to_owned();
        world.fetch(request)
    };
    assert_eq!(with_metadata("hello").answer(), (200, &b"hello"[..]));
    with_metadata("jello").assert_failed(Final, &server.url(""));
}

fn a_network_that_is_online_is_available(world: &World) {
    let server = Server::answering("", b"");
    wait(world.network().available(&server.url("")));
    // It says nothing about one resource: that one is not there.
    let url = Url::parse("http://127.0.0.1:9/").expect("a URL");
    wait(world.network().available(&url));
}
