//! Nothing more is read than a bounded buffer, until the stream is polled.

use std::io::{BufReader, Write};
use std::sync::mpsc::channel;

use background_fetch::embedder::{FetchEvent, Network};
use futures::StreamExt;
use futures::executor::block_on;

use crate::support::server::{accept_one, read_request, write_until_stuck};
use crate::support::{PATIENCE, network, user};

const MIB: usize = 1024 * 1024;

#[test]
fn a_stream_that_nobody_polls_stops_the_server_and_loses_nothing() {
    let total = 64 * MIB;
    let (stuck, accepted) = channel();
    let url = accept_one(move |mut socket| {
        read_request(&mut BufReader::new(socket.try_clone().unwrap()));
        write!(socket, "HTTP/1.1 200 OK\r\nContent-Length: {total}\r\n\r\n").unwrap();
        let written = write_until_stuck(&mut socket, total);
        stuck.send(written).unwrap();
        socket.write_all(&vec![7; total - written]).unwrap();
    });
    let network = network();
    let mut events = network.fetch(user(&url));
    let accepted = accepted.recv_timeout(PATIENCE).unwrap();
    // Most of it lies in the system's socket buffers, whose size is not ours.
    assert!(
        accepted < 40 * MIB,
        "{accepted} bytes went into a stream that nobody reads"
    );
    let received = block_on(async {
        let mut received = 0;
        while let Some(event) = events.next().await {
            if let FetchEvent::Body(bytes) = event.unwrap() {
                assert!(bytes.len() <= MIB, "a chunk of {} bytes", bytes.len());
                received += bytes.len();
            }
        }
        received
    });
    assert_eq!(received, total);
}
