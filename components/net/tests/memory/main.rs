//! Memory stays flat, whatever a server sends. One test in a process of its own: the peak is the process's.

// What only the other tests use.
#[allow(dead_code)]
#[path = "../support/mod.rs"]
mod support;

use std::io::{Read, Write};
use std::time::Duration;

use async_compression::futures::bufread::{GzipEncoder, ZstdEncoder};
use background_fetch::embedder::{FetchEvent, Network, NetworkRequest};
use background_fetch_net::HttpNetwork;
use futures::StreamExt;
use futures::executor::block_on;
use futures::io::{AsyncReadExt, Cursor};

use support::http2_frames::{
    CONTINUATION, END_HEADERS, HEADERS, OK, field, frame, serve_frames, write_for_ever,
};
use support::server::{Reply, Server, accept_one};
use support::{options, user};

const MIB: u64 = 1024 * 1024;

/// A decoder's window, buffers on the way, and the test's own server.
const FLAT: u64 = 48 * MIB;

/// The peak of the memory that this process has used since it was last reset, in bytes; none where the platform
/// does not say it.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

fn stays_flat(what: &str, story: impl FnOnce()) {
    // Sets the peak to what is used now.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let before = peak();
    story();
    assert_eq!(before.is_some(), cfg!(target_os = "linux"));
    if let (Some(before), Some(after)) = (before, peak()) {
        let grown = after.saturating_sub(before);
        assert!(grown < FLAT, "{what}: {} MiB", grown / MIB);
    }
}

/// Reads to the end; gives the number of bytes, and whether it ended well.
fn drain(network: &HttpNetwork, request: NetworkRequest) -> (u64, bool) {
    block_on(async {
        let mut events = network.fetch(request);
        let mut length = 0;
        while let Some(event) = events.next().await {
            match event {
                Ok(FetchEvent::Body(bytes)) => length += bytes.len() as u64,
                Ok(_) => {}
                Err(_) => return (length, false),
            }
        }
        (length, true)
    })
}

fn encoded(mut encoder: impl futures::AsyncRead + Unpin) -> Vec<u8> {
    let mut bytes = Vec::new();
    block_on(encoder.read_to_end(&mut bytes)).unwrap();
    bytes
}

fn bomb(coding: &'static str, member: Vec<u8>, times: usize) -> Server {
    let body = member.repeat(times);
    Server::http(move |_| Reply::new(200, &[("Content-Encoding", coding)], &body))
}

#[test]
fn memory_stays_flat() {
    let network = options()
        .first_byte_timeout(Duration::from_secs(20))
        .build()
        .unwrap();
    let zeros = vec![0; MIB as usize];

    // A gibibyte of zeros in each coding, from some ten or hundred kibibytes.
    let gzip = bomb(
        "gzip",
        encoded(GzipEncoder::new(Cursor::new(zeros.clone()))),
        1024,
    );
    stays_flat("gzip", || {
        assert_eq!(drain(&network, user(&gzip.url("/"))), (1024 * MIB, true))
    });
    let zstd = bomb(
        "zstd",
        encoded(ZstdEncoder::new(Cursor::new(zeros.clone()))),
        1024,
    );
    stays_flat("zstd", || {
        assert_eq!(drain(&network, user(&zstd.url("/"))), (1024 * MIB, true))
    });
    // A bomb in a bomb.
    let inner = encoded(GzipEncoder::new(Cursor::new(zeros))).repeat(256);
    let nested = bomb("gzip, zstd", encoded(ZstdEncoder::new(Cursor::new(inner))), 1);
    stays_flat("gzip in zstd", || {
        assert_eq!(drain(&network, user(&nested.url("/"))), (256 * MIB, true))
    });

    // A body that is long and plain.
    let plain = accept_one(|mut socket| {
        let _ = socket.read(&mut [0; 4096]);
        let _ = socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        let piece = vec![7; 1 << 16];
        for _ in 0..256 * 16 {
            let _ = socket.write_all(&piece);
        }
    });
    stays_flat("a long body", || {
        assert_eq!(drain(&network, user(&plain)), (256 * MIB, true))
    });

    // A length that no memory has.
    let absurd = Server::http(|_| {
        Reply::raw(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\nx",
            u64::MAX - 2
        ))
    });
    stays_flat("an absurd length", || {
        assert_eq!(drain(&network, user(&absurd.url("/"))), (1, false))
    });

    // Heads without end.
    for (what, line) in [
        ("a head", "X-Again: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n"),
        (
            "hints",
            "HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n",
        ),
    ] {
        let endless = accept_one(move |mut socket| {
            let _ = socket.read(&mut [0; 4096]);
            let lines = line.repeat(1000);
            let mut said = socket.write_all(if what == "a head" {
                b"HTTP/1.1 200 OK\r\n"
            } else {
                b""
            });
            while said.is_ok() {
                said = socket.write_all(lines.as_bytes());
            }
        });
        stays_flat(what, || assert_eq!(drain(&network, user(&endless)), (0, false)));
    }
    let endless = serve_frames(|stream| {
        let _ = stream.write_all(&frame(HEADERS, 0, 1, OK));
        write_for_ever(stream, &frame(CONTINUATION, 0, 1, &field("a", "b").repeat(2000)));
    });
    stays_flat("continuations", || {
        assert_eq!(drain(&network, user(&endless)), (0, false))
    });
    let hints = serve_frames(|stream| {
        let hint = [&[0x08, 3][..], b"103", &field("link", "</x>; rel=preload")].concat();
        write_for_ever(stream, &frame(HEADERS, END_HEADERS, 1, &hint).repeat(500));
    });
    let impatient = options()
        .first_byte_timeout(Duration::from_millis(500))
        .build()
        .unwrap();
    stays_flat("hints in HTTP/2", || {
        assert_eq!(drain(&impatient, user(&hints)), (0, false))
    });
}
