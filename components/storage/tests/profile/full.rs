//! A disk that is full: a process of its own may write to no file from some moment on, and is not killed for it. And one
//! that may open no more files.

use std::fs;
use std::process::Command;

use background_fetch::RecordKey;
use background_fetch::embedder::{Storage, StorageErrorKind};
use futures::executor::block_on;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::{Blocking, Profile, new_fetch, pattern};

/// Set for that process.
const ALONE: &str = "BACKGROUND_FETCH_STORAGE_ALONE";

/// Runs the rest of a test in a process of its own.
fn alone(test: &str, rest: impl FnOnce()) {
    if std::env::var_os(ALONE).is_some() {
        return rest();
    }
    let done = Command::new("sh")
        .args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env(ALONE, "")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success() && said.contains("1 passed"), "{said}");
}

/// From now on no more files can be opened than this.
fn open_at_most(files: u64) {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let current = Some(files);
    setrlimit(Resource::Nofile, Rlimit { current, maximum }).unwrap();
}

/// From now on no file takes a byte behind this one.
fn fill_up(room: u64) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    let current = Some(room);
    setrlimit(Resource::Fsize, Rlimit { current, maximum }).unwrap();
}

#[test]
fn a_full_disk_is_named_where_the_database_says_only_that_writing_failed() {
    let name = "full::a_full_disk_is_named_where_the_database_says_only_that_writing_failed";
    alone(name, || {
        let profile = Profile::new();
        let storage = profile.open();
        fill_up(0);
        let error = block_on(storage.create(&new_fetch(1))).unwrap_err();
        assert_eq!(error.kind, StorageErrorKind::QuotaExceeded, "{error}");
        assert!(error.message.contains("free some space"), "{error}");
        assert_eq!(storage.load_all(), []);
        fill_up(1 << 30);
        storage.create_with(1);
    });
}

#[test]
fn a_body_file_that_is_not_written_to_its_end_takes_up_no_room() {
    let name = "full::a_body_file_that_is_not_written_to_its_end_takes_up_no_room";
    alone(name, || {
        let mut profile = Profile::new();
        profile.options.inline_bytes = 1_000_000;
        let storage = profile.open();
        let (_, body) = storage.begin();
        storage.append_at(body, 0, &pattern(1_000_000)).unwrap();
        fill_up(600_000);
        let error = storage.append_at(body, 1_000_000, b"more").unwrap_err();
        assert_eq!(error.kind, StorageErrorKind::QuotaExceeded, "{error}");
        assert_eq!(profile.body_files(), [] as [std::path::PathBuf; 0]);
        fill_up(1 << 30);
        storage.append_at(body, 1_000_000, b"more").unwrap();
        assert_eq!(storage.read_all(body)[1_000_000..], *b"more");
    });
}

#[test]
fn a_write_that_does_not_fit_is_cut_off() {
    alone("full::a_write_that_does_not_fit_is_cut_off", || {
        let profile = Profile::new();
        let storage = profile.open();
        let (record, body) = storage.begin();
        storage.append_at(body, 0, &pattern(700_000)).unwrap();
        fill_up(750_000);
        let error = storage.append_at(body, 700_000, &pattern(100_000)).unwrap_err();
        assert_eq!(error.kind, StorageErrorKind::QuotaExceeded, "{error}");
        assert_eq!(fs::metadata(profile.body_file()).unwrap().len(), 700_000);
        assert_eq!(storage.load_record(record).length, 700_000);
        fill_up(1 << 30);
        storage.append_at(body, 700_000, b"more").unwrap();
        assert_eq!(storage.read_all(body).len(), 700_004);
    });
}

#[test]
fn a_file_of_which_the_database_could_not_be_told_goes_with_its_body() {
    let name = "full::a_file_of_which_the_database_could_not_be_told_goes_with_its_body";
    alone(name, || {
        // Given a log of the database that is longer than a body, and may not grow
        let profile = Profile::new();
        let storage = profile.open();
        let (record, body) = storage.begin();
        storage.append_at(body, 0, b"small").unwrap();
        for _ in 0..30 {
            storage.create_with(1);
        }
        fill_up(150_000);
        // when a body moves to a file, which may be there after a crash all the same
        storage.append_at(body, 5, &pattern(100_000)).unwrap_err();
        assert_eq!(profile.body_files().len(), 1);
        // then it goes with the body.
        fill_up(1 << 30);
        block_on(storage.remove(record.fetch)).unwrap();
        assert_eq!(profile.body_files().len(), 0);
    });
}

#[test]
fn a_file_that_cannot_be_opened_for_a_while_loses_nothing() {
    let name = "full::a_file_that_cannot_be_opened_for_a_while_loses_nothing";
    alone(name, || {
        // Given so many bodies that the file of the first is not held open
        let profile = Profile::new();
        let storage = profile.open();
        let fetch = storage.create_with(150);
        let records = (0..150).map(|index| RecordKey { fetch, index });
        let respond = |record| (record, storage.respond(record, 1));
        let bodies: Vec<_> = records.map(respond).collect();
        for (_, body) in &bodies {
            storage.append_at(*body, 0, &pattern(70_000)).unwrap();
        }
        let (record, body) = bodies[0];
        // when it is to be made durable while no file can be opened, and the process ends for that
        let other = profile.database();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        storage.settle(record);
        let before = getrlimit(Resource::Nofile).current.unwrap();
        open_at_most(3);
        other.execute_batch("ROLLBACK").unwrap();
        let error = block_on(storage.flush()).unwrap_err();
        assert!(error.message.contains("Too many open files"), "{error}");
        open_at_most(before);
        drop(storage);
        // then the next finds it as it was: nobody said that a byte is lost.
        let storage = profile.open();
        assert_eq!(storage.load_record(record).length, 70_000);
        assert_eq!(storage.read_all(body), pattern(70_000));
    });
}
