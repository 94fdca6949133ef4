//! `list`, `show`, `pause`, `resume` and `abort`.

use crate::support::World;
use bgfetch::loopback::Resource;

/// A world with two background fetches that wait at their half.
fn interrupted() -> World {
    let world = World::new();
    for id in ["x", "y"] {
        let url = world.serve(&format!("/{id}"), Resource::pattern(1, 200_000).hold_at(100_000));
        let mut trial = world.start_until(&["get", &url, "--id", id, "--output", "files"], 100_000);
        trial.kill().unwrap();
    }
    world.server.release();
    world
}

#[test]
fn a_pause_holds_until_resume() {
    let world = interrupted();
    let paused = world.run(&["pause", "x"]);
    assert_eq!(paused.status, 0, "{paused:?}");
    assert!(paused.out.contains("bgfetch resume x"), "{paused:?}");
    let list = world.run(&["list"]);
    let line = |id: &str| {
        list.out
            .lines()
            .find(|line| line.starts_with(id))
            .unwrap()
            .to_owned()
    };
    assert!(
        line("x").contains("paused") && line("y").contains("interrupted"),
        "{list:?}"
    );
    assert!(line("x").contains("97.66 KiB of 195.31 KiB (50 %)"), "{list:?}");
    assert_eq!(world.run(&["resume", "x"]).status, 0);
    assert!(world.has_pattern("files/x", 1, 200_000));
    assert!(!world.path("files/y").exists());
}

#[test]
fn an_abort_runs_to_its_end() {
    let world = interrupted();
    let aborted = world.run(&["abort", "x"]);
    assert_eq!(aborted.status, 0, "{aborted:?}");
    assert_eq!(aborted.out, "aborted \"x\"; 97.66 KiB dropped\n");
    assert_eq!(aborted.err, "");
    let list = world.run(&["list"]);
    assert!(list.out.lines().all(|line| !line.starts_with('x')), "{list:?}");
    assert!(list.out.contains('y'), "{list:?}");
    assert!(world.names("files").is_empty());
    assert_eq!(world.names("profile/bodies").len(), 1);
    let show = world.run(&["show", "x"]);
    assert!(show.out.contains("aborted"), "{show:?}");
    for command in ["abort", "pause", "resume"] {
        let again = world.run(&[command, "x"]);
        assert_eq!(again.status, 1, "{again:?}");
        assert!(again.err.contains("is over: it failed with aborted"), "{again:?}");
        assert!(again.err.contains("`bgfetch show x --profile "), "{again:?}");
    }
    assert_eq!(world.server.tally("/x").requests, 1);
}

#[test]
fn show_tells_of_each_record() {
    let world = interrupted();
    let show = world.run(&["show", "x"]);
    assert_eq!(show.status, 0, "{show:?}");
    assert!(
        show.out.contains(&format!("GET {}", world.server.url("/x"))),
        "{show:?}"
    );
    assert!(
        show.out.contains("97.66 KiB of 195.31 KiB stored, status 200"),
        "{show:?}"
    );
}

#[test]
fn an_id_that_nobody_has_is_answered_with_those_there_are() {
    let world = interrupted();
    for command in ["resume", "pause", "abort", "show"] {
        let done = world.run(&[command, "z"]);
        assert_eq!(done.status, 1, "{done:?}");
        assert!(
            done.err
                .contains("there is no background fetch \"z\"; there are: x, y"),
            "{done:?}"
        );
    }
}

#[test]
fn an_id_in_use_is_refused() {
    let world = interrupted();
    let url = world.serve("/other", Resource::pattern(1, 10));
    let done = world.run(&["get", &url, "--id", "x"]);
    assert_eq!(done.status, 2, "{done:?}");
    assert!(done.err.contains("bgfetch resume x"), "{done:?}");
    assert_eq!(world.server.tally("/other").requests, 0);
    // It is as it was.
    assert_eq!(world.run(&["resume", "x"]).status, 0);
    assert!(world.has_pattern("files/x", 1, 200_000));
}

#[test]
fn a_profile_that_is_not_there_is_not_made_by_looking() {
    let world = World::new();
    assert_eq!(world.run(&["list"]).status, 0);
    for command in ["show", "pause", "abort"] {
        assert_eq!(world.run(&[command, "x"]).status, 1, "{command}");
    }
    assert!(!world.path("profile").exists());
    // Nor in a folder that is for something else.
    std::fs::create_dir(world.path("profile")).unwrap();
    assert!(world.run(&["list"]).out.contains("there is no profile in"));
    for command in ["show", "pause", "abort"] {
        let done = world.run(&[command, "x"]);
        assert_eq!(done.status, 1, "{done:?}");
        assert!(done.err.contains("there is no profile in"), "{done:?}");
    }
    assert!(world.names("profile").is_empty());
}
