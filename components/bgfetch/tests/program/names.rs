//! Names of files: from where, and what is never overwritten.

use std::fs;

use crate::support::World;
use bgfetch::loopback::Resource;

#[test]
fn the_server_may_name_a_file_but_not_its_folder() {
    let world = World::new();
    let named = |path: &str, disposition: &str| {
        world.serve(
            path,
            Resource::pattern(1, 10).header("Content-Disposition", disposition),
        )
    };
    let urls = [
        named("/1", "attachment; filename=\"report.pdf\""),
        named("/2", "attachment; filename*=UTF-8''%e2%82%ac.txt; filename=x"),
        named("/3", "attachment; filename=\"../../outside\""),
        named("/4", "attachment; filename=\"/etc/passwd\""),
        named("/5", "attachment; filename=\"..\""),
        world.serve("/a%2F..%2Fb", Resource::pattern(1, 10)),
        world.serve("/", Resource::pattern(1, 10)),
    ];
    let mut arguments = vec!["get", "--output", "files"];
    arguments.extend(urls.iter().map(String::as_str));
    let done = world.run(&arguments);
    assert_eq!(done.status, 0, "{done:?}");
    assert_eq!(
        world.names("files"),
        ["5", "b", "download", "outside", "passwd", "report.pdf", "€.txt"]
    );
    assert_eq!(world.names("."), ["files", "profile"]);
}

#[test]
fn names_that_are_taken_get_a_number() {
    let world = World::new();
    fs::create_dir(world.path("files")).unwrap();
    fs::write(world.path("files/a.txt"), "mine").unwrap();
    let one = world.serve("/1/a.txt", Resource::pattern(1, 10));
    let two = world.serve("/2/a.txt", Resource::pattern(2, 10));
    let done = world.run(&["get", &one, &two, "--output", "files"]);
    assert_eq!(done.status, 0, "{done:?}");
    assert_eq!(world.names("files"), ["a (1).txt", "a (2).txt", "a.txt"]);
    assert_eq!(fs::read(world.path("files/a.txt")).unwrap(), b"mine");
    assert!(world.has_pattern("files/a (1).txt", 1, 10));
    assert!(world.has_pattern("files/a (2).txt", 2, 10));
}

#[test]
fn with_force_a_file_is_replaced_and_its_own_still_are_not() {
    let world = World::new();
    fs::create_dir(world.path("files")).unwrap();
    fs::write(world.path("files/a.txt"), "old").unwrap();
    let one = world.serve("/1/a.txt", Resource::pattern(1, 200_000));
    let two = world.serve("/2/a.txt", Resource::pattern(2, 10));
    let done = world.run(&["get", &one, &two, "--output", "files", "--force"]);
    assert_eq!(done.status, 0, "{done:?}");
    assert_eq!(world.names("files"), ["a (1).txt", "a.txt"]);
    assert!(world.has_pattern("files/a.txt", 1, 200_000));
    assert!(world.has_pattern("files/a (1).txt", 2, 10));
}

#[test]
fn a_file_that_appears_meanwhile_is_left_alone() {
    let world = World::new();
    let url = world.serve("/a", Resource::pattern(1, 1000).hold_at(500));
    let mut trial = world.start_until(&["get", &url, "--output", "files"], 500);
    fs::write(world.path("files/a"), "mine").unwrap();
    world.server.release();
    while trial.next_blocking().is_some() {}
    assert!(trial.wait().unwrap().success());
    assert_eq!(fs::read(world.path("files/a")).unwrap(), b"mine");
    assert!(world.has_pattern("files/a (1)", 1, 1000));
}
