//! JSON lines.

use crate::support::World;
use bgfetch::loopback::Resource;
use serde_json::Value;

fn events(out: &str) -> Vec<Value> {
    out.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect()
}

fn names(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["event"].as_str().expect("each has a name"))
        .collect()
}

#[test]
fn a_fetch_tells_its_events_in_order() {
    let world = World::new();
    let url = world.serve("/a", Resource::pattern(1, 100_000));
    let done = world.run(&["get", &url, "--json", "--id", "x"]);
    assert_eq!((done.status, done.err.as_str()), (0, ""));
    let events = events(&done.out);
    let told: Vec<&str> = names(&events)
        .into_iter()
        .filter(|name| *name != "progress")
        .collect();
    assert_eq!(
        told.iter()
            .filter(|name| **name != "result")
            .copied()
            .collect::<Vec<_>>(),
        [
            "begin",
            "created",
            "request-sent",
            "response-received",
            "record-settled",
            "settled",
            "event-fired",
            "event-ended",
            "removed",
        ]
    );
    let result = events
        .iter()
        .find(|event| event["event"] == "result")
        .expect("a result");
    assert_eq!(result["id"], "x");
    assert_eq!(result["result"], "success");
    assert_eq!(result["records"][0]["downloaded"], 100_000);
    let file = result["records"][0]["file"].as_str().unwrap();
    assert_eq!(std::path::Path::new(file).file_name().unwrap(), "a");
}

#[test]
fn failures_and_errors_are_told_too() {
    let world = World::new();
    let url = world.serve("/a", Resource::pattern(1, 10).status(404));
    let done = world.run(&["get", &url, "--json"]);
    assert_eq!(done.status, 1);
    let failed = events(&done.out);
    let result = failed
        .iter()
        .find(|event| event["event"] == "result")
        .expect("a result");
    assert_eq!(result["failure_reason"], "bad-status");
    assert_eq!(result["records"][0]["status"], 404);

    let done = world.run(&["show", "nobody", "--json"]);
    assert_eq!(done.status, 1);
    assert_eq!(names(&events(&done.out)), ["error"]);
}

#[test]
fn lists_and_records_are_objects() {
    let world = World::new();
    let url = world.serve("/a", Resource::pattern(1, 1000).hold_at(500));
    world
        .start_until(&["get", &url, "--id", "x"], 500)
        .kill()
        .unwrap();
    for arguments in [&["list", "--json"][..], &["show", "x", "--json"]] {
        let done = world.run(arguments);
        let fetches = events(&done.out);
        assert_eq!(names(&fetches), ["fetch"]);
        assert_eq!(fetches[0]["id"], "x");
        assert_eq!(fetches[0]["records"][0]["url"], url);
    }
}
