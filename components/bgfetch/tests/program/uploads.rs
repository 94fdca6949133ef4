//! `--data`.

use std::fs;

use crate::support::{World, sha256};
use bgfetch::loopback::Resource;

#[test]
fn text_is_posted() {
    let world = World::new();
    let url = world.serve("/a", Resource::pattern(1, 10));
    let done = world.run(&["get", &url, "--data", "hello"]);
    assert_eq!(done.status, 0, "{done:?}");
    let exchange = &world.server.exchanges()[0];
    assert_eq!((exchange.method.as_str(), exchange.body_length), ("POST", 5));
    assert!(world.has_pattern("a", 1, 10));
}

#[test]
fn a_file_is_put_and_need_not_stay() {
    let world = World::new();
    let url = world.serve("/a", Resource::pattern(1, 10).hold_at(0));
    let bytes: Vec<u8> = (0..1_500_000_u32).map(|number| (number % 251) as u8).collect();
    fs::write(world.path("up.bin"), &bytes).unwrap();
    let digest = sha256(&world.path("up.bin"));
    let mut trial = world.start(&["get", &url, "-X", "PUT", "--data", "@up.bin"]);
    while trial.next_blocking().expect("it runs")["event"] != "created" {}
    // Its bytes are stored.
    fs::remove_file(world.path("up.bin")).unwrap();
    world.server.release();
    let mut result = None;
    while let Some(line) = trial.next_blocking() {
        if line["event"] == "result" {
            result = Some(line);
        }
    }
    assert!(trial.wait().unwrap().success());
    assert_eq!(result.unwrap()["records"][0]["uploaded"], 1_500_000);
    let exchange = &world.server.exchanges()[0];
    assert_eq!(exchange.method, "PUT");
    assert_eq!(
        (exchange.body_length, exchange.body_sha256.as_str()),
        (1_500_000, digest.as_str())
    );
}

#[test]
fn what_may_be_sent_once_is_not_sent_again_after_a_kill_and_cannot_be_paused() {
    let world = World::new();
    let url = world.serve("/a", Resource::pattern(1, 1000).hold_at(500));
    world
        .start_until(&["get", &url, "--id", "x", "--data", "pay"], 500)
        .kill()
        .unwrap();
    world.server.release();
    let paused = world.run(&["pause", "x"]);
    assert_eq!(paused.status, 1, "{paused:?}");
    assert!(paused.err.contains("cannot be paused"), "{paused:?}");
    let resumed = world.run(&["resume", "x"]);
    assert_eq!(resumed.status, 1, "{resumed:?}");
    assert!(resumed.err.contains("may not be sent twice"), "{resumed:?}");
    assert_eq!(world.server.exchanges().len(), 1);
}
