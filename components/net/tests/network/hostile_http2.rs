//! HTTP/2 frames that no server should send: each ends within its bound, and says why.

use std::io::Write;
use std::time::Duration;

use crate::support::http2_frames::*;
use crate::support::{Outcome, fetch, network, options, user};

fn answered(frames: Vec<u8>) -> Outcome {
    let url = serve_frames(move |stream| {
        let _ = stream.write_all(&frames);
        while read_frame(stream).is_some() {}
    });
    let network = options()
        .first_byte_timeout(Duration::from_secs(2))
        .stall_timeout(Duration::from_secs(2))
        .build()
        .unwrap();
    fetch(&network, user(&url))
}

/// A server that writes a frame again and again in place of an answer.
fn flooded(frame: Vec<u8>) -> Outcome {
    let flood = frame.repeat((16 * 1024 / frame.len()).max(1));
    let url = serve_frames(move |stream| write_for_ever(stream, &flood));
    let network = options()
        .first_byte_timeout(Duration::from_millis(500))
        .build()
        .unwrap();
    fetch(&network, user(&url))
}

#[test]
fn an_answer_in_frames_is_an_answer() {
    let head = [OK, &field("x-a", "b")].concat();
    let outcome = answered(
        [
            frame(HEADERS, END_HEADERS, 1, &head),
            frame(DATA, END_STREAM, 1, b"ok"),
        ]
        .concat(),
    );
    assert_eq!(outcome.answer(), (200, "ok"));
    assert_eq!(outcome.head().headers["x-a"], "b");
}

#[test]
fn early_hints_and_trailers_are_passed_over() {
    let hints = [&[0x08, 3][..], b"103"].concat();
    let outcome = answered(
        [
            frame(HEADERS, END_HEADERS, 1, &hints),
            frame(HEADERS, END_HEADERS, 1, OK),
            frame(DATA, 0, 1, b"ok"),
            frame(HEADERS, END_HEADERS | END_STREAM, 1, &field("x-late", "1")),
        ]
        .concat(),
    );
    assert_eq!(outcome.answer(), (200, "ok"));
    assert!(!outcome.head().headers.contains_key("x-late"));
}

#[test]
fn frames_that_break_the_rules_are_final_errors() {
    let table = [
        ("data before headers", frame(DATA, END_STREAM, 1, b"x")),
        (
            "headers without status",
            frame(HEADERS, END_HEADERS | END_STREAM, 1, &field("a", "b")),
        ),
        (
            "upper case",
            frame(
                HEADERS,
                END_HEADERS | END_STREAM,
                1,
                &[OK, &field("X-A", "b")].concat(),
            ),
        ),
        (
            "a line break",
            frame(
                HEADERS,
                END_HEADERS | END_STREAM,
                1,
                &[OK, &field("a", "b\r\nc: d")].concat(),
            ),
        ),
        (
            "an index that is not there",
            frame(HEADERS, END_HEADERS | END_STREAM, 1, &[0xff, 0xff, 0xff, 0x7f]),
        ),
        (
            "a number without end",
            frame(HEADERS, END_HEADERS | END_STREAM, 1, &[0xff; 100]),
        ),
        (
            "a table that is too large",
            frame(
                HEADERS,
                END_HEADERS | END_STREAM,
                1,
                &[0x3f, 0xff, 0xff, 0xff, 0x7f, 0x88],
            ),
        ),
        ("a stream that nobody opened", frame(HEADERS, END_HEADERS, 3, OK)),
        (
            "a push that nobody allowed",
            frame(PUSH_PROMISE, END_HEADERS, 1, &[&[0, 0, 0, 2][..], OK].concat()),
        ),
        ("settings of the wrong size", frame(SETTINGS, 0, 0, &[0; 5])),
        ("settings on a stream", frame(SETTINGS, 0, 1, &[])),
        (
            "a window that is too large",
            frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff]),
        ),
        ("a window of nothing", frame(WINDOW_UPDATE, 0, 1, &[0; 4])),
        ("a frame that is too large", frame(DATA, 0, 1, &vec![0; 1 << 20])),
        (
            "a continuation of nothing",
            frame(CONTINUATION, END_HEADERS, 1, OK),
        ),
    ];
    for (what, frames) in table {
        let outcome = answered(frames);
        assert!(outcome.fatal().contains("not valid HTTP"), "{what}: {outcome:?}");
    }
}

#[test]
fn more_bytes_than_the_window_are_a_final_error() {
    // Nobody reads while they come: the stream's window is two MiB.
    let url = serve_frames(|stream| {
        let _ = stream.write_all(&frame(HEADERS, END_HEADERS, 1, OK));
        let piece = frame(DATA, 0, 1, &[0; 16 * 1024]);
        write_for_ever(stream, &piece);
    });
    let network = network();
    let outcome = futures::executor::block_on(async {
        use background_fetch::embedder::Network;
        use futures::StreamExt;
        let mut events = network.fetch(user(&url));
        let mut last = events.next().await;
        // What was allowed is still handed out.
        std::thread::sleep(Duration::from_millis(300));
        while let Some(Ok(_)) = last {
            last = events.next().await;
        }
        last
    });
    let error = outcome.expect("an end").expect_err("an error");
    assert!(
        error.message.ends_with("flow-control protocol violated"),
        "{error}"
    );
}

#[test]
fn floods_of_frames_end_with_the_time_for_an_answer() {
    let table = [
        ("settings", frame(SETTINGS, 0, 0, &[])),
        ("pings", frame(PING, 0, 0, &[0; 8])),
        ("windows", frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1])),
        ("unknown frames", frame(0xbb, 0, 0, &[0; 100])),
        (
            "early hints",
            frame(HEADERS, END_HEADERS, 1, &[&[0x08, 3][..], b"103"].concat()),
        ),
        ("headers without end", frame(HEADERS, 0, 1, &field("a", "b"))),
        ("resets of old streams", frame(RST_STREAM, 0, 1, &[0, 0, 0, 8])),
    ];
    for (what, frame) in table {
        let outcome = flooded(frame);
        assert!(outcome.error.is_some(), "{what}: {outcome:?}");
    }
}

#[test]
fn a_header_without_end_is_cut_off() {
    let url = serve_frames(|stream| {
        let _ = stream.write_all(&frame(HEADERS, 0, 1, OK));
        let more = frame(CONTINUATION, 0, 1, &field("a", "b").repeat(100));
        write_for_ever(stream, &more);
    });
    let outcome = fetch(&network(), user(&url));
    assert!(outcome.fatal().contains("HTTP/2"), "{outcome:?}");
}

#[test]
fn a_small_header_that_unpacks_to_a_huge_one_is_a_final_error() {
    // One entry of 4000 bytes in the table, named by a byte each time.
    let mut large = vec![0x40, 1, b'a', 0x7f, 0xa1, 0x1e];
    large.extend(vec![b'x'; 127 + 0xa1 - 0x80 + (0x1e << 7)]);
    let bomb = [OK, &large, &vec![0xbe; 15_000][..]].concat();
    let frames = bomb.chunks(16_000).enumerate().map(|(number, part)| {
        let kind = if number == 0 { HEADERS } else { CONTINUATION };
        let last = if (number + 1) * 16_000 >= bomb.len() {
            END_HEADERS
        } else {
            0
        };
        frame(kind, last, 1, part)
    });
    let frames: Vec<u8> = frames.flatten().collect();
    answered(frames).fatal();
}

#[test]
fn a_reset_after_a_whole_answer_leaves_the_answer() {
    let outcome = answered(
        [
            frame(HEADERS, END_HEADERS, 1, OK),
            frame(DATA, END_STREAM, 1, b"whole"),
            frame(RST_STREAM, 0, 1, &[0; 4]),
        ]
        .concat(),
    );
    assert_eq!(outcome.answer(), (200, "whole"));
}
