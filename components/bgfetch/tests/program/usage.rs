//! Commands that do not make sense: exit status 2, a sentence, and nothing stored.

use std::fs;

use crate::support::World;
use bgfetch::loopback::Resource;

#[test]
fn arguments_that_are_wrong_are_refused_before_there_is_a_profile() {
    let world = World::new();
    fs::write(world.path("empty"), "# none yet\n\n").unwrap();
    fs::write(world.path("wrong"), "http://a.invalid/\na.example/file\n").unwrap();
    for (arguments, part) in [
        (&["get"][..], "URL"),
        (&["fetch", "http://a.invalid/"], "fetch"),
        (&["get", "a.example/file"], "do you mean https://a.example/file?"),
        (&["get", "ftp://a.example/"], "\"ftp\""),
        (&["get", "http://"], "no URL"),
        (
            &["get", "http://a.invalid/", "--header", "nothing"],
            "has no colon",
        ),
        (
            &["get", "http://a.invalid/", "--header", "Content-Length: 5"],
            "not for you to set",
        ),
        (&["get", "http://a.invalid/", "--method", "A B"], "no HTTP method"),
        (
            &["get", "http://a.invalid/", "--method", "GET", "--data", "x"],
            "has no body",
        ),
        (
            &["get", "http://a.invalid/", "--data", "@nowhere"],
            "cannot read --data @nowhere",
        ),
        (&["get", "--input", "nowhere"], "cannot read --input nowhere"),
        (&["get", "--input", "."], "cannot read --input ."),
        (&["get", "--input", "empty"], "--input empty has no URL"),
        (
            &["get", "--input", "wrong"],
            "do you mean https://a.example/file?",
        ),
        (&["get", "http://a.invalid/", "--download-total", "many"], "many"),
        (&["get", "http://a.invalid/", "--id", ""], "--id"),
        (&["pause"], "ID"),
    ] {
        let done = world.run(arguments);
        assert_eq!(done.status, 2, "{arguments:?}: {done:?}");
        assert!(done.err.contains(part), "{arguments:?}: {done:?}");
        assert!(!world.path("profile").exists(), "{arguments:?}");
    }
}

#[test]
fn what_fetch_refuses_is_not_stored() {
    let world = World::new();
    let url = world.serve("/a", Resource::pattern(1, 10));
    let with_password = url.replace("http://", "http://user:secret@");
    let done = world.run(&["get", &url, &with_password, "--id", "x"]);
    assert_eq!(done.status, 2, "{done:?}");
    assert!(
        done.err.contains(&url) && !done.err.contains("request 1") && !done.err.contains("secret"),
        "{done:?}"
    );
    let trace = world.run(&["get", &url, "--method", "TRACE"]);
    assert_eq!(trace.status, 2, "{trace:?}");
    assert!(world.server.exchanges().is_empty());
    assert_eq!(world.run(&["list"]).out, "there is no background fetch\n");
    assert_eq!(world.names("profile/bgfetch/fetches"), Vec::<String>::new());
}

#[test]
fn a_folder_without_a_test_has_not_passed() {
    let world = World::new();
    let listing = world.serve("/empty/", Resource::pattern(1, 10));
    let server = listing.trim_end_matches("empty/");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_bgfetch"));
    let done = crate::support::run(command.args(["wpt", "--server", server, "empty/"]));
    assert_eq!(done.status, 1, "{done:?}");
    assert!(done.err.contains("there is no test in empty/"), "{done:?}");
}

#[test]
fn help_and_version_are_answers() {
    let world = World::new();
    for argument in ["--help", "--version"] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_bgfetch"));
        let done = crate::support::run(command.arg(argument).current_dir(world.path(".")));
        assert_eq!(done.status, 0, "{done:?}");
        assert!(done.out.contains("bgfetch"), "{done:?}");
    }
}
