//! `--resumable`: uploads that survive their connections, and this program.

use std::fs;
use std::io::Write;

use bgfetch::loopback::{self, UploadServer};

use crate::support::World;

const LENGTH: u64 = 24 << 20;

/// A world with a file to upload, and a server that takes it.
fn world() -> (World, UploadServer) {
    let world = World::new();
    let mut bytes = vec![0; LENGTH as usize];
    loopback::fill(1, 0, &mut bytes);
    let mut file = fs::File::create(world.path("up.bin")).unwrap();
    file.write_all(&bytes).unwrap();
    (world, UploadServer::start().unwrap())
}

/// The command that uploads it.
fn put(url: &str) -> [&str; 9] {
    [
        "get",
        url,
        "--id",
        "x",
        "--resumable",
        "-X",
        "PUT",
        "--data",
        "@up.bin",
    ]
}

/// What the server did with requests of a method: offsets and statuses.
fn requests(server: &UploadServer, method: &str) -> Vec<(u64, Option<u16>)> {
    let mut exchanges = server.exchanges();
    exchanges.retain(|exchange| exchange.method == method);
    exchanges
        .iter()
        .map(|exchange| (exchange.offset, exchange.status))
        .collect()
}

#[test]
fn what_is_cut_five_times_and_killed_once_arrives_whole() {
    let (world, server) = world();
    let cuts = [1, 5_000_000, 9_999_999, 15_000_000, LENGTH - 1];
    for cut in cuts {
        server.cut_at(cut);
    }
    server.hold_at(12_345_678);
    let url = server.url();
    let mut trial = world.start(&put(&url));
    server.wait_until_held();
    trial.kill().unwrap();
    server.release();
    let resumed = world.run(&["resume", "x"]);
    assert_eq!(resumed.status, 0, "{resumed:?}");

    let digest = loopback::sha256(1, LENGTH);
    assert_eq!(
        server.completed(),
        [digest.as_str()],
        "it arrived whole, and once"
    );
    assert_eq!(
        fs::read_to_string(world.path("up")).unwrap(),
        digest,
        "the response is the target's"
    );
    assert_eq!(requests(&server, "PUT").len(), 1);
    let appends = requests(&server, "PATCH");
    let offsets: Vec<_> = appends.iter().map(|(offset, _)| *offset).collect();
    assert!(offsets.is_sorted(), "{offsets:?}");
    for cut in cuts {
        assert!(offsets.contains(&cut), "{offsets:?}");
    }
    assert_eq!(appends.last().unwrap().1, Some(200));
}

#[test]
fn parts_are_as_large_as_the_server_allows() {
    let (world, server) = world();
    server.max_append_size(10 << 20);
    server.cut_at(1 << 20);
    let done = world.run(&put(&server.url()));
    assert_eq!(done.status, 0, "{done:?}");
    assert_eq!(server.completed(), [loopback::sha256(1, LENGTH)]);
    let expected = [1, 11, 21].map(|mib: u64| mib << 20);
    let offsets: Vec<_> = requests(&server, "PATCH").iter().map(|(at, _)| *at).collect();
    assert_eq!(offsets, expected);
}

#[test]
fn a_server_without_resumption_gets_it_once() {
    let (world, server) = world();
    server.silent();
    server.cut_at(5_000_000);
    let done = world.run(&put(&server.url()));
    assert_eq!(done.status, 1, "{done:?}");
    assert_eq!(server.exchanges().len(), 1);
    let again = world.run(&put(&server.url()));
    assert_eq!(again.status, 0, "{again:?}");
    assert_eq!(server.completed(), [loopback::sha256(1, LENGTH)]);
}

#[test]
fn an_upload_that_the_server_forgot_is_not_sent_again() {
    let (world, server) = world();
    server.hold_at(5_000_000);
    let mut trial = world.start(&put(&server.url()));
    server.wait_until_held();
    trial.kill().unwrap();
    server.forget();
    server.release();
    let resumed = world.run(&["resume", "x"]);
    assert_eq!(resumed.status, 1, "{resumed:?}");
    assert!(resumed.err.contains("no longer has the upload"), "{resumed:?}");
    assert_eq!(requests(&server, "PUT").len(), 1);
}

#[test]
fn without_data_there_is_nothing_to_resume() {
    let (world, server) = world();
    let done = world.run(&["get", &server.url(), "--resumable"]);
    assert_eq!(done.status, 2, "{done:?}");
    assert_eq!(server.exchanges(), []);
}
