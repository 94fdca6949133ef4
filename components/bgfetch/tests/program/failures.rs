//! `get`, when the server or the disk do not play along.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;

use crate::support::World;
use bgfetch::loopback::Resource;

#[test]
fn a_bad_status_fails_and_what_arrived_is_saved() {
    let world = World::new();
    let good = world.serve("/good", Resource::pattern(1, 1000));
    let bad = world.serve("/bad", Resource::pattern(2, 1000).status(404));
    let done = world.run(&["get", &good, &bad, "--id", "x", "--output", "files"]);
    assert_eq!(done.status, 1, "{done:?}");
    assert!(done.err.contains("failed with bad-status"), "{done:?}");
    assert!(
        done.err
            .contains(&format!("{bad}: the server answered with status 404")),
        "{done:?}"
    );
    assert_eq!(
        done.err.matches("answered with status 404").count(),
        1,
        "{done:?}"
    );
    assert!(done.err.contains("1 file arrived all the same"), "{done:?}");
    assert_eq!(world.names("files"), ["good"]);

    let show = world.run(&["show", "x"]);
    assert_eq!(show.status, 0);
    assert!(
        show.out.contains("bad-status") && show.out.contains("status 404"),
        "{show:?}"
    );
    assert_eq!(
        world.run(&["resume"]).out,
        "there is no background fetch to go on with\n"
    );
}

#[test]
fn more_than_the_download_total_fails() {
    let world = World::new();
    let url = world.serve("/a", Resource::pattern(1, 100_000).without_length());
    let done = world.run(&["get", &url, "--download-total", "50000", "--output", "files"]);
    assert_eq!(done.status, 1, "{done:?}");
    assert!(done.err.contains("download-total-exceeded"), "{done:?}");
    assert!(world.names("files").is_empty());
}

#[test]
fn a_download_total_beyond_the_disk_is_refused_before_anything_is_sent() {
    let world = World::new();
    let url = world.serve("/a", Resource::pattern(1, 10));
    let done = world.run(&["get", &url, "--download-total", &(1_u64 << 60).to_string()]);
    assert_eq!(done.status, 1, "{done:?}");
    assert!(
        done.err.contains("--download-total is 1.00 EiB") && done.err.contains("quota"),
        "{done:?}"
    );
    assert!(world.server.exchanges().is_empty());
    assert_eq!(world.run(&["list"]).out, "there is no background fetch\n");
}

#[test]
fn garbage_is_a_fetch_error() {
    let world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/a", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 1000]);
            let _ = stream.write_all(b"this is not HTTP\r\n\r\n");
        }
    });
    let done = world.run(&["get", &url]);
    assert_eq!(done.status, 1, "{done:?}");
    assert!(
        done.err.contains("fetch-error") && done.err.contains(&url),
        "{done:?}"
    );
}

/// A world with a background fetch whose files could not be saved.
fn to_be_saved() -> World {
    let world = World::new();
    let url = world.serve("/a", Resource::pattern(1, 1000).hold_at(500));
    let mut trial = world.start_until(&["get", &url, "--id", "x", "--output", "files"], 500);
    // The folder goes away, and a file takes its place.
    fs::remove_dir(world.path("files")).unwrap();
    fs::write(world.path("files"), "in the way").unwrap();
    world.server.release();
    let mut message = String::new();
    while let Some(line) = trial.next_blocking() {
        if line["event"] == "error" {
            message = line["message"].as_str().unwrap().to_owned();
        }
    }
    assert_eq!(trial.wait().unwrap().code(), Some(1));
    assert!(
        message.contains("nothing is lost") && message.contains("bgfetch resume x"),
        "{message}"
    );
    assert!(world.run(&["list"]).out.contains("to be saved"));
    world
}

#[test]
fn what_cannot_be_saved_stays_until_it_can() {
    let world = to_be_saved();
    fs::remove_file(world.path("files")).unwrap();
    let resumed = world.run(&["resume", "x"]);
    assert_eq!(resumed.status, 0, "{resumed:?}");
    assert!(world.has_pattern("files/a", 1, 1000));
    assert_eq!(world.server.exchanges().len(), 1);
}

#[test]
fn what_cannot_be_saved_may_go_elsewhere() {
    let world = to_be_saved();
    let resumed = world.run(&["resume", "x", "--output", "elsewhere"]);
    assert_eq!(resumed.status, 0, "{resumed:?}");
    assert!(world.has_pattern("elsewhere/a", 1, 1000));
}

#[test]
fn what_cannot_be_saved_may_be_dropped() {
    let world = to_be_saved();
    let aborted = world.run(&["abort", "x"]);
    assert_eq!((aborted.status, aborted.err.as_str()), (0, ""), "{aborted:?}");
    assert_eq!(
        aborted.out,
        "aborted \"x\"; 1000 B that waited to be saved dropped\n"
    );
    assert_eq!(world.run(&["list"]).out, "there is no background fetch\n");
}

#[test]
fn an_answer_without_a_body_is_nothing_to_save() {
    let world = World::new();
    let url = world.serve("/a", Resource::pattern(1, 0).status(204));
    let done = world.run(&["get", &url, "--output", "files"]);
    assert_eq!(done.status, 0, "{done:?}");
    assert!(done.out.contains("no content: nothing to save"), "{done:?}");
    assert!(world.names("files").is_empty());
}

#[cfg(unix)]
#[test]
fn an_output_folder_that_cannot_be_written_to_is_refused_at_the_start() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    let files = world.path("files");
    fs::create_dir(&files).unwrap();
    fs::set_permissions(&files, fs::Permissions::from_mode(0o500)).unwrap();
    if fs::write(files.join("probe"), "").is_ok() {
        println!("skipped: this user may write anywhere");
        return;
    }
    let url = world.serve("/a", Resource::pattern(1, 10));
    let done = world.run(&["get", &url, "--output", "files"]);
    assert_eq!(done.status, 1, "{done:?}");
    assert!(done.err.contains("--output"), "{done:?}");
    assert!(world.server.exchanges().is_empty() && !world.path("profile").exists());
}
