//! Profiles that cannot be used: one sentence, exit status 1, and nothing lost.

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};

use crate::support::{Done, World};
use bgfetch::loopback::Resource;

/// A world with a background fetch that waits at its half.
fn interrupted() -> World {
    let world = World::new();
    let url = world.serve("/a", Resource::pattern(1, 200_000).hold_at(100_000));
    world
        .start_until(&["get", &url, "--id", "x"], 100_000)
        .kill()
        .unwrap();
    world.server.release();
    // So that all of the database is in one file.
    assert_eq!(world.run(&["list"]).status, 0);
    world
}

fn is_one_sentence(done: &Done, part: &str) {
    assert_eq!((done.status, done.out.as_str()), (1, ""), "{done:?}");
    assert_eq!(done.err.lines().count(), 1, "{done:?}");
    assert!(
        done.err.starts_with("bgfetch: ") && done.err.contains(part),
        "{done:?}"
    );
}

const COMMANDS: [&[&str]; 5] = [
    &["list"],
    &["resume"],
    &["pause", "x"],
    &["abort", "x"],
    &["show", "x"],
];

#[test]
fn one_in_use() {
    let world = World::new();
    let url = world.serve("/a", Resource::pattern(1, 1000).hold_at(500));
    let mut trial = world.start_until(&["get", &url, "--id", "x"], 500);
    for command in COMMANDS {
        is_one_sentence(&world.run(command), "in use");
    }
    is_one_sentence(&world.run(&["get", &url]), "--profile");
    world.server.release();
    while trial.next_blocking().is_some() {}
    assert!(trial.wait().unwrap().success());
    assert!(world.has_pattern("a", 1, 1000));
}

#[test]
fn one_below_a_file() {
    let world = World::new();
    fs::write(world.path("profile"), "a file").unwrap();
    let url = world.serve("/a", Resource::pattern(1, 10));
    is_one_sentence(&world.run(&["get", &url]), "--profile");
    is_one_sentence(&world.run(&["list"]), "is no folder");
    assert_eq!(fs::read(world.path("profile")).unwrap(), b"a file");
    assert!(world.server.exchanges().is_empty());
}

#[test]
fn one_that_is_damaged() {
    let world = interrupted();
    let database = world.path("profile/database.sqlite3");
    let sound = fs::read(&database).unwrap();
    fs::write(&database, vec![b'x'; sound.len()]).unwrap();
    for command in COMMANDS {
        is_one_sentence(&world.run(command), "damaged");
    }
    fs::write(&database, sound).unwrap();
    assert_eq!(world.run(&["resume", "x"]).status, 0);
    assert!(world.has_pattern("a", 1, 200_000));
    assert_eq!(world.server.tally("/a").ranges, 1);
}

#[test]
fn one_from_a_newer_version() {
    let world = interrupted();
    // The user version, in the header of a SQLite database.
    let header = fs::read(world.path("profile/database.sqlite3")).unwrap();
    let version = u32::from_be_bytes(header[60..64].try_into().unwrap());
    let set_version = |version: u32| {
        let mut file = OpenOptions::new()
            .write(true)
            .open(world.path("profile/database.sqlite3"))
            .unwrap();
        file.seek(SeekFrom::Start(60)).unwrap();
        file.write_all(&version.to_be_bytes()).unwrap();
    };
    set_version(1000);
    for command in COMMANDS {
        is_one_sentence(&world.run(command), "1000");
    }
    set_version(version);
    assert_eq!(world.run(&["resume", "x"]).status, 0);
    assert!(world.has_pattern("a", 1, 200_000));
}

#[test]
fn one_whose_cookies_are_damaged() {
    let world = interrupted();
    fs::write(world.path("profile/cookies.json"), "{").unwrap();
    is_one_sentence(&world.run(&["resume", "x"]), "cookie jar");
    fs::remove_file(world.path("profile/cookies.json")).unwrap();
    assert_eq!(world.run(&["resume", "x"]).status, 0);
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_one() {
    use std::os::unix::fs::PermissionsExt;
    let world = interrupted();
    let mode = |name: &str| world.path(name).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("profile"), mode("profile/bodies")), (0o700, 0o700));
    for name in ["lock", "database.sqlite3"] {
        assert_eq!(mode(&format!("profile/{name}")), 0o600, "{name}");
    }
    for name in world.names("profile/bodies") {
        assert_eq!(mode(&format!("profile/bodies/{name}")), 0o600, "{name}");
    }
    // The user's files are as all of theirs.
    assert_eq!(world.run(&["resume", "x"]).status, 0);
    fs::write(world.path("usual"), "").unwrap();
    assert_eq!(mode("a"), mode("usual"));
}
