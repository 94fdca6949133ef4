//! Kills and signals, and what `resume` makes of them.

use std::fs;

use bgfetch::loopback::Resource;
use bgfetch::trial::Trial;
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{World, run};

fn signal(trial: &Trial, signal: Signal) {
    let id = i32::try_from(trial.id()).ok().and_then(Pid::from_raw);
    kill_process(id.expect("a process id"), signal).expect("the process is there");
}

#[test]
fn after_a_kill_it_goes_on_where_it_was() {
    let world = World::new();
    let held = world.serve("/held.bin", Resource::pattern(1, 1_000_000).hold_at(600_000));
    let done_before = world.serve("/done.bin", Resource::pattern(2, 1000));
    let mut trial = world.start_until(
        &["get", &held, &done_before, "--id", "x", "--output", "files"],
        601_000,
    );
    trial.kill().unwrap();
    world.server.release();
    // From another folder: the output folder is the one that `get` was given.
    let elsewhere = world.path("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let done = run(world.command(&["resume"]).current_dir(elsewhere));
    assert_eq!(done.status, 0, "{done:?}");
    assert!(world.has_pattern("files/held.bin", 1, 1_000_000));
    assert!(world.has_pattern("files/done.bin", 2, 1000));
    assert_eq!(world.server.tally("/done.bin").requests, 1);
    let tally = world.server.tally("/held.bin");
    assert_eq!((tally.requests, tally.ranges), (2, 1));
    assert!(tally.sent_again <= 1 << 20);
}

#[test]
fn every_polite_signal_interrupts_and_leaves_it_resumable() {
    for polite in [Signal::INT, Signal::TERM, Signal::HUP] {
        let world = World::new();
        let url = world.serve("/a", Resource::pattern(1, 100_000).hold_at(50_000));
        let mut trial = world.start_until(&["get", &url, "--id", "my id"], 50_000);
        signal(&trial, polite);
        let mut interrupted = None;
        while let Some(line) = trial.next_blocking() {
            if line["event"] == "interrupted" {
                interrupted = Some(line);
            }
        }
        assert_eq!(trial.wait().unwrap().code(), Some(130));
        let interrupted = interrupted.expect("it says so");
        assert_eq!(interrupted["downloaded"], 50_000);
        let command = interrupted["resume"].as_str().unwrap();
        assert!(
            command.starts_with("bgfetch resume 'my id' --profile "),
            "{command}"
        );

        assert!(world.run(&["list"]).out.contains("interrupted"));
        world.server.release();
        assert_eq!(world.run(&["resume", "my id"]).status, 0);
        assert!(world.has_pattern("a", 1, 100_000));
        // What was stored politely is not sent again.
        assert_eq!(world.server.exchanges()[1].range_start, Some(50_000));
    }
}

#[test]
fn without_a_validator_it_starts_again_and_never_splices() {
    let world = World::new();
    let resource = Resource::pattern(1, 200_000).etag(None);
    let url = world.serve("/a", resource.clone().hold_at(100_000));
    let mut trial = world.start_until(&["get", &url, "--id", "x"], 100_000);
    trial.kill().unwrap();
    // Another version of the resource.
    world.server.serve("/a", Resource::pattern(2, 150_000).etag(None));
    assert_eq!(world.run(&["resume", "x"]).status, 0);
    assert!(world.has_pattern("a", 2, 150_000));
}

#[test]
fn a_changed_etag_starts_again_and_never_splices() {
    let world = World::new();
    let url = world.serve("/a", Resource::pattern(1, 200_000).hold_at(100_000));
    let mut trial = world.start_until(&["get", &url, "--id", "x"], 100_000);
    trial.kill().unwrap();
    world.server.serve("/a", Resource::pattern(2, 200_000));
    let resumed = world.run(&["resume", "x"]);
    assert_eq!(resumed.status, 0, "{resumed:?}");
    assert!(
        resumed.err.contains("a: asking for the rest, from 97.66 KiB on"),
        "{resumed:?}"
    );
    assert!(resumed.err.contains("a: the server sends it anew"), "{resumed:?}");
    assert!(world.has_pattern("a", 2, 200_000));
    assert!(world.server.exchanges()[1].header("if-range").is_some());
}

#[test]
fn several_are_resumed_together() {
    let world = World::new();
    for name in ["one", "two"] {
        let path = format!("/{name}");
        let url = world.serve(&path, Resource::pattern(1, 100_000).hold_at(50_000));
        world.start_until(&["get", &url], 50_000).kill().unwrap();
    }
    let list = world.run(&["list"]);
    assert!(list.out.contains("one ") && list.out.contains("two "), "{list:?}");
    world.server.release();
    assert_eq!(world.run(&["resume"]).status, 0);
    assert!(world.has_pattern("one", 1, 100_000) && world.has_pattern("two", 1, 100_000));
}

#[test]
fn options_without_a_background_fetch_are_swept() {
    let world = World::new();
    let url = world.serve("/a", Resource::pattern(1, 10));
    assert_eq!(world.run(&["get", &url]).status, 0);
    // As when the program was killed before the background fetch was created.
    let options = world.path("profile/bgfetch/fetches/0123.json");
    fs::write(&options, "{}").unwrap();
    assert_eq!(world.run(&["list"]).status, 0);
    assert!(!options.exists());
}

#[test]
fn options_that_are_damaged_cost_the_folder_but_not_the_files() {
    let world = World::new();
    let url = world.serve("/a", Resource::pattern(1, 1000).hold_at(500));
    world
        .start_until(&["get", &url, "--id", "x", "--output", "files"], 500)
        .kill()
        .unwrap();
    for name in world.names("profile/bgfetch/fetches") {
        fs::write(world.path("profile/bgfetch/fetches").join(name), "{").unwrap();
    }
    world.server.release();
    let done = world.run(&["resume", "x"]);
    assert_eq!(done.status, 0, "{done:?}");
    assert!(done.err.contains("the options of \"x\" are lost"), "{done:?}");
    assert!(world.has_pattern("a", 1, 1000));
}
