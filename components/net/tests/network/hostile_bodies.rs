//! Bodies of responses that no server should send: each ends within its bound, and says why.

use std::io::{Read, Write};
use std::time::Duration;

use crate::support::server::{Reply, Server, accept_one};
use crate::support::{Outcome, fetch, network, options, user};
use background_fetch::embedder::{FetchEvent, Network};
use futures::StreamExt;

const MOMENT: Duration = Duration::from_millis(100);

fn chunked(body: impl AsRef<[u8]>) -> Outcome {
    let answer = [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        body.as_ref(),
    ]
    .concat();
    let server = Server::http(move |_| Reply::raw(&answer));
    fetch(&network(), user(&server.url("/")))
}

#[test]
fn chunks_that_are_none_are_final_errors_after_what_came() {
    for bad in [
        "x\r\n",
        "-1\r\nx\r\n",
        "\r\n\r\n",
        "5 5\r\nhello\r\n",
        "ffffffffffffffff1\r\nx\r\n",
        "10000000000000000\r\nx\r\n",
        "5\r\nhelloXX",
        "5\nhello\n0\n\n",
    ] {
        let outcome = chunked(format!("2\r\nok\r\n{bad}"));
        assert!(outcome.body.starts_with(b"ok"), "{bad:?}: {outcome:?}");
        assert!(
            outcome.fatal().contains("the answer is not valid HTTP"),
            "{bad:?}: {outcome:?}"
        );
    }
}

#[test]
fn a_chunk_that_is_too_large_for_this_world_ends_with_the_connection() {
    let outcome = chunked("ffffffffffffffff\r\nhello");
    assert_eq!(outcome.body, b"hello");
    assert!(
        outcome
            .temporary()
            .contains("its body ended early, after 5 bytes"),
        "{outcome:?}"
    );
}

#[test]
fn endless_extensions_of_a_chunk_are_cut_off() {
    let outcome = chunked(format!("2\r\nok\r\n2;{}\r\nok\r\n0\r\n\r\n", "x".repeat(1 << 20)));
    outcome.fatal();
    let many = format!("1;{}\r\nx\r\n", "y".repeat(100)).repeat(10_000);
    let outcome = chunked(many + "0\r\n\r\n");
    assert!(outcome.fatal().contains("extensions"), "{outcome:?}");
}

#[test]
fn trailers_are_ignored_and_endless_ones_are_cut_off() {
    let outcome = chunked("2\r\nok\r\n0\r\nContent-Length: 5\r\nSet-Cookie: a=b\r\nX: y\r\n\r\n");
    assert_eq!(outcome.answer(), (200, "ok"));
    assert!(!outcome.head().headers.contains_key("x"));
    let outcome = chunked(format!(
        "2\r\nok\r\n0\r\n{}\r\n",
        "X: yyyyyyyyyyyyyyyyyyyyyy\r\n".repeat(100_000)
    ));
    assert_eq!(outcome.body, b"ok");
    outcome.fatal();
}

#[test]
fn a_byte_now_and_then_does_not_hold_a_fetch() {
    for head in [
        "Content-Length: 1000000",
        "Transfer-Encoding: chunked",
        "Connection: close",
    ] {
        let url = accept_one(move |mut socket| {
            let _ = socket.read(&mut [0; 4096]);
            let chunked = head.contains("chunked");
            let mut said = socket.write_all(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n").as_bytes());
            while said.is_ok() {
                std::thread::sleep(Duration::from_millis(5));
                said = socket.write_all(if chunked { b"1\r\nx\r\n" } else { b"x" });
            }
        });
        let network = options().stall_timeout(MOMENT).build().unwrap();
        let outcome = fetch(&network, user(&url));
        let message = outcome.temporary();
        assert!(message.contains(" bytes of the body came in 0.1 s"), "{message}");
    }
}

#[test]
fn a_slow_body_that_is_fast_enough_comes_to_its_end() {
    let url = accept_one(move |mut socket| {
        let _ = socket.read(&mut [0; 4096]);
        let _ = socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n");
        for _ in 0..30 {
            std::thread::sleep(Duration::from_millis(5));
            let _ = socket.write_all(b"x");
        }
        let _ = socket.read(&mut [0; 1]);
    });
    let network = options().stall_timeout(MOMENT).least_bytes(1).build().unwrap();
    let outcome = fetch(&network, user(&url));
    // A busy machine may stop for longer than a stall; then it says so.
    match outcome.error {
        None => assert_eq!(outcome.body.len(), 30),
        Some(_) => assert!(
            outcome.temporary().contains("no byte of the body came"),
            "{outcome:?}"
        ),
    }
}

#[test]
fn a_reader_that_takes_its_time_is_no_slow_server() {
    let server = Server::http(|_| Reply::new(200, &[], vec![7; 100]));
    let network = options()
        .stall_timeout(Duration::from_millis(30))
        .build()
        .unwrap();
    futures::executor::block_on(async {
        let mut events = network.fetch(user(&server.url("/")));
        let mut length = 0;
        while let Some(event) = events.next().await {
            std::thread::sleep(Duration::from_millis(60));
            if let FetchEvent::Body(bytes) = event.expect("no error") {
                length += bytes.len();
            }
        }
        assert_eq!(length, 100);
    });
}

#[test]
fn a_body_without_end_comes_in_pieces_until_nobody_wants_more() {
    let server = accept_one(|mut socket| {
        let _ = socket.read(&mut [0; 4096]);
        let _ = socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while socket.write_all(&[7; 64 * 1024]).is_ok() {}
    });
    let network = network();
    futures::executor::block_on(async {
        let mut events = network.fetch(user(&server));
        let mut length = 0;
        while length < 50 * 1024 * 1024 {
            match events.next().await {
                Some(Ok(FetchEvent::Body(bytes))) => {
                    assert!(bytes.len() <= 256 * 1024);
                    length += bytes.len();
                }
                Some(Ok(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    });
}

#[test]
fn bytes_after_the_answer_are_not_the_next_answer() {
    // The second answer came before it was asked for: that connection is not used again.
    let server = Server::http(|_| {
        Reply::raw_and_stay(
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
        )
    });
    let network = network();
    for _ in 0..3 {
        assert_eq!(fetch(&network, user(&server.url("/"))).answer(), (200, "ok"));
    }
    assert_eq!(server.connections(), 3);
}
