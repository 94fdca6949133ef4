//! Dropping the stream terminates the fetch; dropping the network does not.

use std::sync::mpsc::channel;

use background_fetch::embedder::{FetchEvent, Network};
use futures::StreamExt;
use futures::executor::block_on;
use http::Method;

use crate::support::bodies::{Stored, noise};
use crate::support::server::{Reply, Server, accept_one};
use crate::support::{PATIENCE, fetch, network, options, upload, user};

#[test]
fn dropping_the_stream_before_the_answer_closes_the_connection() {
    let server = Server::http(|_| Reply::silence_after(""));
    let network = network();
    let events = network.fetch(user(&server.url("/")));
    while server.seen().is_empty() {
        std::thread::yield_now();
    }
    drop(events);
    server.wait_until_gone();
}

#[test]
fn dropping_the_stream_inside_of_the_body_closes_the_connection() {
    for server in [Server::http, Server::https].map(|start: fn(_) -> Server| {
        start(|_: &_| Reply::silence_after("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"))
    }) {
        let network = network();
        let mut events = network.fetch(user(&server.url("/")));
        block_on(async { while !matches!(events.next().await.unwrap().unwrap(), FetchEvent::Body(_)) {} });
        drop(events);
        server.wait_until_gone();
    }
}

#[test]
fn dropping_the_stream_inside_of_an_upload_closes_the_connection() {
    let (gone, wait) = channel();
    let (dropped, go_on) = channel();
    let url = accept_one(move |mut socket| {
        go_on.recv().unwrap();
        let read = std::io::copy(&mut socket, &mut std::io::sink());
        gone.send(read.unwrap_or_default()).unwrap();
    });
    let network = network();
    let total = 64 * 1024 * 1024;
    let mut events = network.fetch(upload(&url, Method::POST, Stored::new(noise(total))));
    assert!(matches!(
        block_on(events.next()),
        Some(Ok(FetchEvent::Transmitted(_)))
    ));
    drop(events);
    dropped.send(()).unwrap();
    let read = wait.recv_timeout(PATIENCE).unwrap();
    assert!(read < total as u64, "the whole body was sent");
}

#[test]
fn a_stream_outlives_the_network_and_its_own_runtime_goes_with_the_last() {
    let server = Server::http(|_| Reply::text("still here"));
    let network = network();
    let events = network.fetch(user(&server.url("/")));
    drop(network);
    let events: Vec<_> = block_on(events.collect());
    assert_eq!(events.last(), Some(&Ok(FetchEvent::Body("still here".into()))));
}

#[test]
fn the_network_may_be_dropped_inside_of_another_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async { drop(network()) });
}

#[test]
fn a_given_runtime_runs_the_fetches_and_its_end_is_a_temporary_error() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let network = options().runtime(runtime.handle().clone()).build().unwrap();
    let server = Server::http(|seen| match seen.target.as_str() {
        "/silent" => Reply::silence_after("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"),
        _ => Reply::text("hello"),
    });
    assert_eq!(fetch(&network, user(&server.url("/"))).answer(), (200, "hello"));
    let mut events = network.fetch(user(&server.url("/silent")));
    block_on(async { while !matches!(events.next().await.unwrap().unwrap(), FetchEvent::Body(_)) {} });
    runtime.shutdown_background();
    let error = block_on(events.next()).unwrap().unwrap_err();
    assert!(
        error.message.ends_with("the network was shut down"),
        "{}",
        error.message
    );
    assert!(block_on(events.next()).is_none());
}
