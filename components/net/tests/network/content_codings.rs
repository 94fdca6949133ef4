//! Handle content codings.

use http::Method;

use crate::support::bodies::{encoded, noise};
use crate::support::server::{Reply, Server};
use crate::support::{Outcome, fetch, network, user};

fn coded(content_encoding: &'static str, body: Vec<u8>) -> Outcome {
    let server = Server::http(move |_| Reply::new(200, &[("Content-Encoding", content_encoding)], &body));
    fetch(&network(), user(&server.url("/")))
}

#[test]
fn each_coding_is_removed_and_the_head_says_so() {
    let plain = noise(300_000);
    for (name, coding) in [
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("BR", "br"),
        ("zstd", "zstd"),
        ("deflate", "deflate"),
        // Without the zlib header, as some servers send it.
        ("deflate", "raw"),
    ] {
        let outcome = coded(name, encoded(coding, &plain));
        assert_eq!(outcome.error, None, "{coding}");
        assert!(outcome.body == plain, "{coding}");
        assert!(outcome.head().content_decoded);
        assert_eq!(outcome.head().headers["content-encoding"], name);
    }
}

#[test]
fn several_codings_are_removed_in_the_order_opposite_to_the_list() {
    let plain = noise(100_000);
    let body = encoded("zstd", &encoded("raw", &encoded("gzip", &plain)));
    let outcome = coded("gzip, identity, deflate, zstd", body);
    assert_eq!(outcome.error, None);
    assert!(outcome.body == plain);
}

#[test]
fn members_that_follow_each_other_are_one_body() {
    for coding in ["gzip", "zstd"] {
        let body = [encoded(coding, b"one "), encoded(coding, b"two")].concat();
        assert_eq!(coded(coding, body).answer(), (200, "one two"), "{coding}");
    }
}

#[test]
fn an_unknown_coding_leaves_the_bytes_as_they_are() {
    let body = encoded("gzip", b"text");
    let outcome = coded("gzip, secret", body.clone());
    assert_eq!(outcome.error, None);
    assert_eq!(outcome.body, body);
    assert!(!outcome.head().content_decoded);
    assert!(!coded("identity", b"text".to_vec()).head().content_decoded);
}

#[test]
fn an_empty_body_needs_no_decoding() {
    for coding in ["gzip", "br", "zstd", "deflate"] {
        assert_eq!(coded(coding, Vec::new()).answer(), (200, ""), "{coding}");
    }
}

#[test]
fn a_corrupt_body_is_a_final_error() {
    let corrupt = |coding, from: usize, length: usize| {
        let mut body = encoded(coding, &noise(50_000));
        body[from..from + length].fill(0xff);
        let outcome = coded(coding, body);
        let reason = format!("its body cannot be decoded ({coding})");
        assert!(outcome.fatal().contains(&reason), "{outcome:?}");
    };
    for coding in ["gzip", "zstd", "deflate"] {
        corrupt(coding, 0, 4);
    }
    // The other codings have no checksum.
    for coding in ["gzip", "deflate"] {
        corrupt(coding, 20_000, 2000);
    }
    let outcome = coded("gzip", b"this was never compressed".to_vec());
    assert!(outcome.fatal().contains("its body cannot be decoded (gzip)"));
}

#[test]
fn a_truncated_body_is_a_temporary_error() {
    let plain = noise(50_000);
    for coding in ["gzip", "br", "zstd", "deflate", "raw"] {
        let mut body = encoded(coding, &plain);
        body.truncate(body.len() - 5);
        let outcome = coded(if coding == "raw" { "deflate" } else { coding }, body);
        let message = outcome.temporary();
        assert!(
            message.contains("its body ended in the middle of its content coding"),
            "{coding} {message}"
        );
        assert!(plain.starts_with(&outcome.body));
    }
}

#[test]
fn bytes_after_the_end_of_a_coding_are_an_error() {
    for coding in ["gzip", "br", "zstd", "deflate"] {
        let body = [encoded(coding, b"text"), b"garbage at the end".to_vec()].concat();
        let outcome = coded(coding, body);
        assert!(
            outcome.fatal().contains("its body cannot be decoded"),
            "{coding} {outcome:?}"
        );
    }
}

#[test]
fn a_connection_that_ends_inside_of_a_coded_body_is_a_temporary_error() {
    let body = encoded("gzip", &noise(50_000));
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let answer = [head.as_bytes(), &body[..body.len() / 2]].concat();
    let server = Server::http(move |_| Reply::raw(&answer));
    let outcome = fetch(&network(), user(&server.url("/")));
    let message = outcome.temporary();
    assert!(
        message.contains("its body ended after") && message.contains("connection ended early"),
        "{message}"
    );
}

#[test]
fn a_small_answer_that_grows_without_end_comes_in_pieces() {
    use background_fetch::embedder::{FetchEvent, Network};
    use futures::StreamExt;
    let body = encoded("gzip", &vec![0; 64 * 1024 * 1024]);
    let server = Server::http(move |_| Reply::new(200, &[("Content-Encoding", "gzip")], &body));
    let network = network();
    let total = futures::executor::block_on(async {
        let mut events = network.fetch(user(&server.url("/")));
        let mut total = 0;
        while let Some(event) = events.next().await {
            if let FetchEvent::Body(bytes) = event.unwrap() {
                assert!(bytes.len() <= 64 * 1024);
                total += bytes.len();
            }
        }
        total
    });
    assert_eq!(total, 64 * 1024 * 1024);
}

#[test]
fn a_window_that_would_take_a_lot_of_memory_is_a_final_error() {
    let outcome = coded("zstd", encoded("zstd with a window of 16 MiB", &noise(300_000)));
    assert!(
        outcome.fatal().contains("its body cannot be decoded (zstd)"),
        "{outcome:?}"
    );
    // The mark of brotli's large windows, and one of 1 GiB.
    let outcome = coded("br", vec![0x11, 0x1e, 0x00, 0x00]);
    assert!(
        outcome.fatal().ends_with("it needs too large a window"),
        "{outcome:?}"
    );
}

#[test]
fn a_head_request_has_nothing_to_decode() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 50\r\n\r\n";
    let server = Server::http(move |_| Reply::raw(answer));
    let mut request = user(&server.url("/"));
    request.request.method = Method::HEAD;
    let outcome = fetch(&network(), request);
    assert_eq!(outcome.answer(), (200, ""));
    assert!(!outcome.head().content_decoded);
}
