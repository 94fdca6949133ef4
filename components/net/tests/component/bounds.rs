//! What a server sends without end, or larger than it looks: bounded by `downloadTotal` and by the quota.

use std::io::{Read, Write};

use background_fetch::BackgroundFetchFailureReason::{DownloadTotalExceeded, QuotaExceeded};
use background_fetch::fetch::Request;
use url::Url;

use crate::story::Story;
use crate::support::bodies::encoded;
use crate::support::server::{Reply, Server, accept_one};

const MIB: u64 = 1024 * 1024;

/// 64 MiB of zeros from a hundred kibibytes.
fn bomb() -> Server {
    let body = encoded("gzip", &vec![0; MIB as usize]).repeat(64);
    Server::http(move |_| Reply::new(200, &[("Content-Encoding", "gzip")], &body))
}

fn endless() -> Url {
    accept_one(|mut socket| {
        let _ = socket.read(&mut [0; 4096]);
        let _ = socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while socket.write_all(&[7; 1 << 16]).is_ok() {}
    })
}

#[test]
fn a_bomb_or_a_body_without_end_is_stopped_at_the_download_total() {
    for url in [bomb().url("/"), endless()] {
        let story = Story {
            download_total: 2 * MIB,
            ..Story::default()
        };
        let ended = story.tell(Request::new(url));
        let why = ended.failure(DownloadTotalExceeded);
        assert!(
            why.contains("more than the download total of 2097152 bytes"),
            "{why}"
        );
        assert!(ended.body.len() as u64 <= 2 * MIB, "{}", ended.body.len());
    }
}

#[test]
fn a_bomb_or_a_body_without_end_is_stopped_at_the_quota() {
    for url in [bomb().url("/"), endless()] {
        let story = Story {
            quota: 2 * MIB,
            ..Story::default()
        };
        let ended = story.tell(Request::new(url));
        ended.failure(QuotaExceeded);
        assert!(ended.body.len() as u64 <= 2 * MIB, "{}", ended.body.len());
    }
}

#[test]
fn a_length_that_no_disk_has_is_no_reason_to_fail_before_its_bytes() {
    let server = Server::http(|_| {
        Reply::raw(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}",
            1_u64 << 62,
            "x".repeat(1000)
        ))
    });
    let mut story = Story::default();
    story.policies.retry.retries = 0;
    let ended = story.tell(Request::new(server.url("/")));
    assert!(
        ended
            .record
            .detail
            .contains("its body ended after 1000 of 4611686018427387904 bytes")
    );
}
