//! `get`, when all goes well.

use std::fs;

use crate::support::World;
use bgfetch::loopback::Resource;

#[test]
fn files_arrive_with_their_bytes() {
    let world = World::new();
    let small = world.serve("/small.txt", Resource::pattern(1, 10));
    let large = world.serve("/large.bin", Resource::pattern(2, 3_000_000));
    let empty = world.serve("/empty", Resource::pattern(3, 0));
    let chunked = world.serve("/chunked", Resource::pattern(4, 100_000).without_length());
    let done = world.run(&["get", &small, &large, &empty, &chunked, "--output", "files"]);
    assert_eq!(done.status, 0, "{done:?}");
    assert!(done.out.contains("small.txt (10 B)"), "{done:?}");
    assert_eq!(
        world.names("files"),
        ["chunked", "empty", "large.bin", "small.txt"]
    );
    assert!(world.has_pattern("files/small.txt", 1, 10));
    assert!(world.has_pattern("files/large.bin", 2, 3_000_000));
    assert!(world.has_pattern("files/empty", 3, 0));
    assert!(world.has_pattern("files/chunked", 4, 100_000));
}

#[test]
fn a_list_says_what_to_fetch_beside_what_the_command_says() {
    let world = World::new();
    let [first, second, third] =
        ["/a", "/b", "/c"].map(|path| world.serve(path, Resource::pattern(1, 1_000)));
    fs::write(
        world.path("list"),
        format!("# two more\r\n{second}\r\n\r\n  {third}"),
    )
    .unwrap();
    let done = world.run(&["get", &first, "--input", "list", "--output", "files"]);
    assert_eq!(done.status, 0, "{done:?}");
    assert_eq!(world.names("files"), ["a", "b", "c"]);
}

#[test]
fn nothing_stays_in_the_profile_but_the_history() {
    let world = World::new();
    let url = world.serve("/a", Resource::pattern(1, 200_000));
    assert_eq!(
        world
            .run(&["get", &url, "--id", "one", "--title", "A title"])
            .status,
        0
    );
    assert!(world.names("profile/bodies").is_empty());
    assert!(world.names("profile/bgfetch/fetches").is_empty());
    let list = world.run(&["list"]);
    assert_eq!(
        (list.status, list.out.as_str()),
        (0, "there is no background fetch\n")
    );
    let show = world.run(&["show", "one"]);
    assert_eq!(show.status, 0, "{show:?}");
    assert!(show.out.contains("one: success, 195.31 KiB"), "{show:?}");
    assert!(show.out.contains("title: A title"), "{show:?}");
}

#[test]
fn a_connection_that_is_dropped_is_resumed() {
    let world = World::new();
    let url = world.serve("/a", Resource::pattern(1, 500_000).drop_at(200_000));
    let done = world.run(&["get", &url]);
    assert_eq!(done.status, 0, "{done:?}");
    assert!(done.err.contains("trying again in"), "{done:?}");
    assert!(world.has_pattern("a", 1, 500_000));
    let starts: Vec<_> = world
        .server
        .exchanges()
        .iter()
        .map(|exchange| exchange.range_start)
        .collect();
    assert_eq!(starts, [None, Some(200_000)]);
}

#[test]
fn headers_method_and_user_agent_reach_the_server() {
    let world = World::new();
    let url = world.serve("/a", Resource::pattern(1, 10));
    let done = world.run(&[
        "get",
        &url,
        "-X",
        "delete",
        "-H",
        "X-One: 1",
        "-H",
        "Accept: text/plain",
    ]);
    assert_eq!(done.status, 0, "{done:?}");
    let exchanges = world.server.exchanges();
    assert_eq!(exchanges[0].method, "DELETE");
    assert_eq!(exchanges[0].header("x-one"), Some("1"));
    assert_eq!(exchanges[0].header("accept"), Some("text/plain"));
    assert!(
        exchanges[0]
            .header("user-agent")
            .is_some_and(|agent| agent.starts_with("bgfetch/"))
    );
    assert_eq!(exchanges[0].header("origin"), None);
}

#[test]
fn no_content_coding_is_asked_for_unless_the_user_does() {
    let world = World::new();
    let url = world.serve("/a", Resource::pattern(1, 10));
    assert_eq!(world.run(&["get", &url]).status, 0);
    let gzip = ["get", &url, "--header", "Accept-Encoding: gzip"];
    assert_eq!(world.run(&gzip).status, 0);
    let exchanges = world.server.exchanges();
    assert_eq!(exchanges[0].header("accept-encoding"), Some("identity"));
    assert_eq!(exchanges[1].header("accept-encoding"), Some("gzip"));
}

#[test]
fn any_text_is_an_id() {
    let world = World::new();
    let url = world.serve("/a", Resource::pattern(1, 10));
    for id in ["../../x", "a b\n", "日本 😀", &"x".repeat(100_000)] {
        let done = world.run(&["get", &url, "--id", id]);
        assert_eq!(done.status, 0, "{id:.20}: {done:?}");
        assert_eq!(world.run(&["show", "--", id]).status, 0, "{id:.20}");
    }
}
