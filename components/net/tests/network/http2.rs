//! HTTP/2.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use background_fetch::embedder::Network;
use bytes::Bytes;
use futures::FutureExt;
use futures::executor::block_on;
use h2::Reason;
use http::{Method, Response};

use crate::support::bodies::{Stored, noise};
use crate::support::http2::{Http2Server, read, respond};
use crate::support::server::{Reply, Server};
use crate::support::{PATIENCE, fetch, network, options, upload, user};

fn text(body: &'static str) -> Response<&'static [u8]> {
    Response::new(body.as_bytes())
}

#[test]
fn http_2_is_negotiated_and_one_connection_serves_all() {
    let server = Http2Server::start(|request, responder| {
        async move {
            assert_eq!(request.version(), http::Version::HTTP_2);
            respond(responder, text("two"));
            None
        }
        .boxed()
    });
    let network = network();
    for _ in 0..5 {
        let outcome = fetch(&network, user(&server.url("/")));
        assert_eq!(outcome.answer(), (200, "two"));
        assert_eq!(outcome.head().status_message, "");
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn http_2_is_not_offered_where_it_is_switched_off() {
    let server = Server::https(|_| Reply::text("one"));
    let network = options().http2(false).build().unwrap();
    let outcome = fetch(&network, user(&server.url("/")));
    assert_eq!(outcome.answer(), (200, "one"));
    assert_eq!(outcome.head().status_message, "Said");
}

#[test]
fn an_upload_goes_through_http_2_with_its_length_and_progress() {
    let bytes = noise(1_000_000);
    let (sent, received) = channel();
    let server = Http2Server::start(move |request, responder| {
        let sent = sent.clone();
        async move {
            let length = request.headers()["content-length"].clone();
            sent.send((length, read(request.into_body()).await)).unwrap();
            respond(responder, text("thanks"));
            None
        }
        .boxed()
    });
    let outcome = fetch(
        &network(),
        upload(&server.url("/"), Method::POST, Stored::new(bytes.clone())),
    );
    assert_eq!(outcome.answer(), (200, "thanks"));
    assert_eq!(outcome.transmitted.last(), Some(&1_000_000));
    let (length, body) = received.recv_timeout(PATIENCE).unwrap();
    assert_eq!(length, "1000000");
    assert!(body == bytes);
}

#[test]
fn a_refused_stream_a_goaway_and_a_reset_are_temporary_errors() {
    let network = network();
    let refused = Http2Server::start(|_, mut responder| {
        async move {
            responder.send_reset(Reason::REFUSED_STREAM);
            None
        }
        .boxed()
    });
    let outcome = fetch(&network, user(&refused.url("/")));
    assert!(
        outcome
            .temporary()
            .contains("the server reset the HTTP/2 stream: "),
        "{outcome:?}"
    );

    let away = Http2Server::start(|_, _| async { Some(Reason::ENHANCE_YOUR_CALM) }.boxed());
    let outcome = fetch(&network, user(&away.url("/")));
    assert!(outcome.temporary().contains("HTTP/2"), "{outcome:?}");

    let reset = Http2Server::start(|_, mut responder| {
        async move {
            let mut stream = responder.send_response(Response::new(()), false).unwrap();
            stream.send_data(Bytes::from_static(b"hello"), false).unwrap();
            stream.send_reset(Reason::INTERNAL_ERROR);
            None
        }
        .boxed()
    });
    let outcome = fetch(&network, user(&reset.url("/")));
    assert!(
        outcome
            .temporary()
            .contains("the server reset the HTTP/2 stream: "),
        "{outcome:?}"
    );
}

#[test]
fn a_body_shorter_than_its_length_is_a_temporary_error_in_http_2() {
    let server = Http2Server::start(|_, responder| {
        async move {
            let mut response = text("hello");
            response.headers_mut().insert("content-length", 10.into());
            respond(responder, response);
            None
        }
        .boxed()
    });
    let outcome = fetch(&network(), user(&server.url("/")));
    assert!(
        outcome
            .temporary()
            .contains("its body is not as long as its Content-Length of 10 bytes"),
        "{outcome:?}"
    );
}

#[test]
fn a_large_header_is_a_final_error_in_http_2() {
    let server = Http2Server::start(|_, responder| {
        async move {
            let mut response = text("");
            let value = "x".repeat(1024 * 1024).try_into().unwrap();
            response.headers_mut().insert("x-large", value);
            respond(responder, response);
            None
        }
        .boxed()
    });
    let outcome = fetch(&network(), user(&server.url("/")));
    outcome.fatal();
}

#[test]
fn a_stream_that_nobody_polls_stops_an_http_2_server() {
    const PIECE: usize = 64 * 1024;
    const PIECES: usize = 1024;
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = sent.clone();
    let server = Http2Server::start(move |_, mut responder| {
        let counted = counted.clone();
        async move {
            let mut stream = responder.send_response(Response::new(()), false).unwrap();
            for _ in 0..PIECES {
                stream.reserve_capacity(PIECE);
                while stream.capacity() < PIECE {
                    if !matches!(
                        std::future::poll_fn(|context| stream.poll_capacity(context)).await,
                        Some(Ok(_))
                    ) {
                        return None;
                    }
                }
                stream.send_data(Bytes::from_static(&[7; PIECE]), false).unwrap();
                counted.fetch_add(PIECE, Ordering::SeqCst);
            }
            stream.send_data(Bytes::new(), true).unwrap();
            None
        }
        .boxed()
    });
    let network = network();
    let events = network.fetch(user(&server.url("/")));
    let mut before = 0;
    loop {
        std::thread::sleep(std::time::Duration::from_millis(300));
        let now = sent.load(Ordering::SeqCst);
        if now > 0 && now == before {
            break;
        }
        before = now;
    }
    assert!(
        before < 8 * 1024 * 1024,
        "{before} bytes went into a stream that nobody reads"
    );
    let received = block_on(async {
        use background_fetch::embedder::FetchEvent;
        use futures::StreamExt;
        let lengths = events.map(|event| match event.unwrap() {
            FetchEvent::Body(bytes) => bytes.len(),
            _ => 0,
        });
        lengths.fold(0, |sum, length| async move { sum + length }).await
    });
    assert_eq!(received, PIECE * PIECES);
}

#[test]
fn dropping_the_stream_resets_it_and_keeps_the_connection() {
    let (gone, wait) = channel();
    let server = Http2Server::start(move |request, mut responder| {
        let gone = gone.clone();
        async move {
            if request.uri().path() == "/next" {
                respond(responder, text("next"));
                return None;
            }
            let mut stream = responder.send_response(Response::new(()), false).unwrap();
            stream.send_data(Bytes::from_static(b"hello"), false).unwrap();
            let reason = std::future::poll_fn(|context| stream.poll_reset(context)).await;
            gone.send(reason.unwrap()).unwrap();
            None
        }
        .boxed()
    });
    let network = network();
    let mut events = network.fetch(user(&server.url("/")));
    block_on(async {
        use futures::StreamExt;
        events.next().await.unwrap().unwrap();
        events.next().await.unwrap().unwrap();
    });
    drop(events);
    assert_eq!(wait.recv_timeout(PATIENCE).unwrap(), Reason::CANCEL);
    assert_eq!(
        fetch(&network, user(&server.url("/next"))).answer(),
        (200, "next")
    );
    assert_eq!(server.connections(), 1);
}
