//! The demo.

use std::process::Command;

use crate::support::{World, run};

#[test]
fn the_demo_shows_everything_and_leaves_nothing() {
    let world = World::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_bgfetch"));
    let done = run(command.arg("demo").env("TMPDIR", world.path(".")));
    assert_eq!((done.status, done.err.as_str()), (0, ""), "{done:?}");
    for part in [
        "kill -9",
        "$ bgfetch resume demo",
        "drops the connection",
        "asking for the rest, from byte",
        "backgroundfetchsuccess",
        "Every byte is right",
    ] {
        assert!(done.out.contains(part), "{part}: {}", done.out);
    }
    if cfg!(unix) {
        assert!(world.names(".").is_empty());
    }
}
