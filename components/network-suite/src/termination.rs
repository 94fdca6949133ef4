//! Cases: bytes are pulled, and a stream that is dropped ends its fetch.

use std::io::{ErrorKind, Write};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use background_fetch::embedder::FetchEvent;
use http::Method;

use crate::PATIENCE;
use crate::server::Server;
use crate::world::{Stored, World, finish, get, next, pattern, upload};

crate::declare_cases! {
    nothing_is_read_ahead_without_bound,
    dropping_the_stream_before_the_answer_ends_the_request,
    dropping_the_stream_inside_of_the_body_ends_the_request,
    dropping_the_stream_inside_of_an_upload_ends_the_request,
}

const MIB: usize = 1 << 20;

fn nothing_is_read_ahead_without_bound(world: &World) {
    const LENGTH: usize = 64 * MIB;
    /// Most of it lies in the system's socket buffers.
    const MOST_AHEAD: usize = 40 * MIB;
    let (stuck, written) = channel();
    let stuck = Mutex::new(stuck);
    let server = Server::new(move |exchange| {
        exchange.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n").as_bytes())?;
        let body = pattern(LENGTH);
        // Until nothing goes any more for a while.
        exchange.socket.set_write_timeout(Some(Duration::from_secs(1)))?;
        let mut sent = 0;
        while sent < LENGTH {
            match exchange.socket.write(&body[sent..]) {
                Ok(length) => sent += length,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => break,
                Err(error) => return Err(error),
            }
        }
        if let Ok(stuck) = stuck.lock() {
            let _ = stuck.send(sent);
        }
        exchange.socket.set_write_timeout(Some(PATIENCE))?;
        exchange.send(&body[sent..])
    });
    let mut events = world.begin(get(&server.url("")));
    let FetchEvent::Response(head) = next(&mut events) else {
        panic!("the response comes first");
    };
    assert_eq!(head.complete_length(), Some(LENGTH as u64));
    let sent = written.recv_timeout(PATIENCE).expect("the server writes");
    assert!(
        sent < MOST_AHEAD,
        "{sent} bytes went into a stream that nobody reads"
    );
    // Nothing of it is lost.
    let mut received = 0;
    let body = pattern(LENGTH);
    while received < LENGTH {
        let FetchEvent::Body(bytes) = next(&mut events) else {
            panic!("bytes of the body were expected");
        };
        assert!(
            body[received..].starts_with(&bytes),
            "other bytes from {received} on"
        );
        received += bytes.len();
    }
    assert_eq!(crate::world::wait(futures::StreamExt::next(&mut events)), None);
}

fn dropping_the_stream_before_the_answer_ends_the_request(world: &World) {
    let server = Server::new(|exchange| exchange.until_gone());
    let mut events = world.begin(get(&server.url("")));
    // Some networks begin with the first poll.
    poll_once(&mut events);
    server.wait_for(1);
    drop(events);
    server.gone();
}

fn dropping_the_stream_inside_of_the_body_ends_the_request(world: &World) {
    let server = Server::new(|exchange| {
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")?;
        exchange.until_gone()
    });
    let mut events = world.begin(get(&server.url("")));
    while !matches!(next(&mut events), FetchEvent::Body(_)) {}
    drop(events);
    server.gone();
    // The network is as good as new.
    let another = Server::answering("", b"hello");
    assert_eq!(world.get(&another.url("")).answer(), (200, &b"hello"[..]));
}

fn dropping_the_stream_inside_of_an_upload_ends_the_request(world: &World) {
    const LENGTH: usize = 64 * MIB;
    let (dropped, go_on) = channel::<()>();
    let go_on = Arc::new(Mutex::new(go_on));
    let server = Server::new(move |exchange| {
        if let Ok(go_on) = go_on.lock() {
            let _ = go_on.recv_timeout(PATIENCE);
        }
        exchange.until_gone()
    });
    let body = Stored(pattern(LENGTH).into());
    let mut events = world.begin(upload(Method::POST, &server.url(""), body));
    let first = next(&mut events);
    assert!(matches!(first, FetchEvent::Transmitted(_)), "{first:?}");
    drop(events);
    let _ = dropped.send(());
    let arrived = server.gone();
    assert!(arrived < LENGTH as u64, "the whole body was sent");
    let _ = finish(world.begin(get(&Server::answering("", b"").url(""))));
}

fn poll_once(events: &mut background_fetch::embedder::FetchStream) {
    let first = futures::FutureExt::now_or_never(futures::StreamExt::next(events));
    assert!(first.is_none(), "{first:?} before the answer");
}
