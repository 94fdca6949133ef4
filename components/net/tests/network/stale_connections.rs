//! Connections that a server closes just when they are used again, and answers before the end of an upload.

use std::io::{BufReader, Write};
use std::net::{Shutdown, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use http::Method;
use url::Url;

use crate::support::bodies::{Stored, noise};
use crate::support::http2::{Http2Server, respond};
use crate::support::server::{Seen, accept_one, read_request};
use crate::support::{fetch, network, upload, user};

/// A server that answers one request of each connection, reads the next, and closes. Gives the number of requests.
fn answering_once() -> (Url, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = requests.clone();
    thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let counted = counted.clone();
            thread::spawn(move || {
                let mut reader = BufReader::new(&socket);
                let mut read = || -> Option<Seen> {
                    let request = read_request(&mut reader);
                    counted.fetch_add(usize::from(request.is_some()), Ordering::SeqCst);
                    request
                };
                read();
                let _ = (&socket).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                read();
            });
        }
    });
    (url, requests)
}

#[test]
fn a_get_over_a_stale_connection_is_sent_once_more_at_once() {
    let (url, requests) = answering_once();
    let network = network();
    for _ in 0..4 {
        assert_eq!(fetch(&network, user(&url)).answer(), (200, "ok"));
    }
    // The second and the third and the fourth were read by a connection that closed.
    assert_eq!(requests.load(Ordering::SeqCst), 7);
}

#[test]
fn a_get_over_an_http2_connection_that_ends_in_good_order_is_sent_once_more() {
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = requests.clone();
    let server = Http2Server::start(move |_, responder| {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            if number == 1 {
                // Dropping it would reset the stream first.
                tokio::spawn(async move {
                    let _kept = responder;
                    std::future::pending::<()>().await;
                });
                return Some(h2::Reason::NO_ERROR);
            }
            respond(responder, http::Response::new(b"ok"));
            None
        })
    });
    let network = network();
    for _ in 0..2 {
        assert_eq!(fetch(&network, user(&server.url("/"))).answer(), (200, "ok"));
    }
    assert_eq!((requests.load(Ordering::SeqCst), server.connections()), (3, 2));
}

#[test]
fn a_post_over_a_stale_connection_is_not_sent_twice() {
    let (url, requests) = answering_once();
    let network = network();
    assert_eq!(fetch(&network, user(&url)).answer(), (200, "ok"));
    let outcome = fetch(&network, upload(&url, Method::POST, Stored::new("order")));
    assert!(
        outcome
            .temporary()
            .contains("the connection was closed before the answer"),
        "{outcome:?}"
    );
    assert_eq!(requests.load(Ordering::SeqCst), 2);
}

#[test]
fn a_new_connection_that_closes_is_an_error_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::SeqCst);
            read_request(&mut BufReader::new(&socket));
        }
    });
    fetch(&network(), user(&url)).temporary();
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[test]
fn an_early_answer_is_the_answer_although_the_connection_is_reset() {
    for round in 0..20 {
        let url = accept_one(move |mut socket| {
            // Of the body nothing is read: closing then resets the connection.
            let mut head = [0; 1];
            let _ = std::io::Read::read(&mut socket, &mut head);
            let _ = socket
                .write_all(b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 4\r\n\r\nless");
            if round % 2 == 0 {
                let _ = socket.shutdown(Shutdown::Both);
            }
        });
        let outcome = fetch(
            &network(),
            upload(&url, Method::POST, Stored::new(noise(8_000_000))),
        );
        assert_eq!(outcome.answer(), (413, "less"), "round {round}");
    }
}

#[test]
fn an_early_answer_is_the_answer_while_the_server_still_listens() {
    let url = accept_one(|mut socket| {
        let mut head = [0; 1];
        let _ = std::io::Read::read(&mut socket, &mut head);
        let _ =
            socket.write_all(b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 4\r\n\r\nless");
        let _ = socket.shutdown(Shutdown::Write);
        let _ = std::io::copy(&mut socket, &mut std::io::sink());
    });
    let outcome = fetch(
        &network(),
        upload(&url, Method::POST, Stored::new(noise(8_000_000))),
    );
    assert_eq!(outcome.answer(), (413, "less"));
}
