//! Opening a profile.

use std::fs;

use background_fetch::embedder::{BodyKey, Storage, StorageErrorKind};
use background_fetch_storage::{Options, Quota};
use futures::executor::block_on;

use crate::support::{Blocking, Profile, new_fetch, pattern};

#[test]
fn a_second_opener_is_told_who_has_the_profile() {
    let profile = Profile::new();
    let storage = profile.open();
    let error = profile.try_open().unwrap_err();
    assert_eq!(error.kind, StorageErrorKind::Io);
    let owner = format!("is in use by process {};", std::process::id());
    assert!(error.message.contains(&owner), "{error}");
    drop(storage);
    profile.open();
}

#[test]
fn a_folder_that_cannot_be_written_to_is_refused_with_advice() {
    let mut profile = Profile::new();
    fs::write(profile.path(), "a file where the folder should be").unwrap();
    let error = profile.try_open().unwrap_err();
    assert_eq!(error.kind, StorageErrorKind::Io);
    assert!(error.message.contains("profile"), "{error}");

    let below = profile.path().join("below");
    profile.options = Options::default();
    let error = background_fetch_storage::ProfileStorage::open(below, Options::default()).unwrap_err();
    assert!(error.message.contains("choose a folder"), "{error}");
}

#[test]
fn a_database_of_a_newer_version_is_refused() {
    let profile = Profile::new();
    drop(profile.open());
    profile
        .database()
        .pragma_update(None, "user_version", 1000)
        .unwrap();
    let error = profile.try_open().unwrap_err();
    assert_eq!(error.kind, StorageErrorKind::Damaged);
    assert!(error.message.contains("schema version 1000"), "{error}");
}

#[test]
fn files_of_nobody_are_swept_and_files_of_others_are_left() {
    // Given a profile with a large body, and files beside it
    let profile = Profile::new();
    let storage = profile.open();
    let (record, body) = storage.begin();
    storage.append_at(body, 0, &pattern(100_000)).unwrap();
    storage.pause(record.fetch).unwrap();
    drop(storage);
    let bodies = profile.path().join("bodies");
    for name in ["77", "077", "77.txt", "-1", "note"] {
        fs::write(bodies.join(name), "x").unwrap();
    }
    // when it is opened
    let storage = profile.open();
    // then what only a crash can have left is gone.
    let mut names: Vec<_> = profile
        .body_files()
        .iter()
        .map(|path| path.file_name().unwrap().to_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["-1", "077", "1", "77.txt", "note"]);
    assert_eq!(storage.read_all(body), pattern(100_000));
}

#[test]
fn staged_bodies_of_a_crash_leave_no_rows_and_no_files() {
    let profile = Profile::new();
    let storage = profile.open();
    let key = new_fetch(0).registration.storage_key;
    let staged = BodyKey::Staged(block_on(storage.stage(&key)).unwrap());
    storage.append_at(staged, 0, &pattern(100_000)).unwrap();
    assert_eq!(profile.body_files().len(), 1);
    drop(storage);
    let storage = profile.open();
    assert_eq!(profile.body_files().len(), 0);
    assert_eq!(block_on(storage.estimate(&key)).unwrap().usage, 0);
    let rows: i64 = profile
        .database()
        .query_row("SELECT count(*) FROM body", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows, 0);
}

#[test]
fn numbers_of_bodies_are_not_used_again_after_a_restart() {
    let profile = Profile::new();
    let mut last = 0;
    for _ in 0..3 {
        let storage = profile.open();
        let (record, body) = storage.begin();
        storage.append_at(body, 0, &pattern(100_000)).unwrap();
        let number: u64 = profile
            .body_file()
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!(number > last, "{number} > {last}");
        last = number;
        block_on(storage.remove(record.fetch)).unwrap();
        assert_eq!(profile.body_files().len(), 0);
    }
}

#[test]
fn the_free_space_of_the_disk_is_a_quota() {
    let mut profile = Profile::new();
    profile.options.quota = Quota::FreeDiskSpace;
    let storage = profile.open();
    let (_, body) = storage.begin();
    storage.append_at(body, 0, &pattern(1000)).unwrap();
    let estimate = block_on(storage.estimate(&new_fetch(0).registration.storage_key)).unwrap();
    assert_eq!(estimate.usage, 1000);
    assert!(estimate.free() > 0);
}

#[test]
fn a_smaller_quota_than_what_is_stored_keeps_it_and_takes_no_more() {
    let mut profile = Profile::new();
    let storage = profile.open();
    let (record, body) = storage.begin();
    storage.append_at(body, 0, &pattern(1000)).unwrap();
    storage.pause(record.fetch).unwrap();
    drop(storage);
    profile.options.quota = Quota::Bytes(10);
    let storage = profile.open();
    assert_eq!(storage.read_all(body), pattern(1000));
    assert_eq!(
        storage.append_at(body, 1000, b"x").unwrap_err().kind,
        StorageErrorKind::QuotaExceeded
    );
}
