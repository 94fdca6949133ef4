//! Profiles that somebody or something damaged.

use std::fs;

use background_fetch::embedder::{BodyKey, FetchState, RecordState, Storage, StorageErrorKind};
use background_fetch::{BackgroundFetchFailureReason, BackgroundFetchResult, RecordKey};
use background_fetch_storage::ProfileStorage;
use futures::executor::block_on;

use crate::support::{Blocking, Profile, new_fetch, pattern};

/// A settled record with a large body, and its profile closed.
fn with_a_large_body(profile: &Profile, state: FetchState) -> (RecordKey, BodyKey) {
    let storage = profile.open();
    let (record, body) = storage.begin();
    storage.append_at(body, 0, &pattern(100_000)).unwrap();
    storage.settle(record);
    block_on(storage.set_state(record.fetch, state)).unwrap();
    (record, body)
}

fn truncate(profile: &Profile) {
    let file = fs::OpenOptions::new()
        .write(true)
        .open(profile.body_file())
        .unwrap();
    file.set_len(99_999).unwrap();
}

fn is_damaged(storage: &ProfileStorage, body: BodyKey) {
    let error = storage.read_at(body, 0, 10).unwrap_err();
    assert_eq!(error.kind, StorageErrorKind::Damaged);
    assert!(error.message.contains("fetch it again"), "{error}");
}

#[test]
fn a_record_whose_file_is_short_or_missing_is_fetched_again() {
    for damage in [truncate, |profile: &Profile| {
        fs::remove_file(profile.body_file()).unwrap()
    }] {
        let profile = Profile::new();
        let (record, body) = with_a_large_body(&profile, FetchState::Active);
        damage(&profile);
        let storage = profile.open();
        assert_eq!(storage.load_record(record), RecordState::default());
        assert_eq!(
            storage.read_at(body, 0, 1).unwrap_err().kind,
            StorageErrorKind::NotFound
        );
        assert_eq!(profile.body_files().len(), 0, "nothing is left of it");
        let usage = block_on(storage.estimate(&new_fetch(0).registration.storage_key))
            .unwrap()
            .usage;
        assert_eq!(usage, 0);
        // It begins again, from the first generation.
        let body = storage.respond(record, 1);
        storage.append_at(body, 0, &pattern(100_000)).unwrap();
        storage.settle(record);
        drop(storage);
        assert_eq!(profile.open().read_all(body), pattern(100_000));
    }
}

#[test]
fn reading_a_damaged_body_of_a_settled_fetch_says_so() {
    let settled = FetchState::Settled {
        result: BackgroundFetchResult::Success,
        failure_reason: BackgroundFetchFailureReason::Empty,
    };
    for damage in [truncate, |profile: &Profile| {
        fs::remove_file(profile.body_file()).unwrap()
    }] {
        let profile = Profile::new();
        let (record, body) = with_a_large_body(&profile, settled);
        damage(&profile);
        let storage = profile.open();
        let state = storage.load_record(record);
        assert!(state.settlement.is_some(), "what was promised stays");
        assert_eq!(state.length, 100_000);
        is_damaged(&storage, body);
        block_on(storage.remove(record.fetch)).unwrap();
        assert_eq!(profile.body_files().len(), 0);
    }
}

#[test]
fn a_file_that_goes_while_the_profile_is_open_is_damage_too() {
    let profile = Profile::new();
    let storage = profile.open();
    let (_, body) = storage.begin();
    storage.append_at(body, 0, &pattern(100_000)).unwrap();
    fs::remove_file(profile.body_file()).unwrap();
    is_damaged(&storage, body);
}

#[test]
fn a_file_that_is_no_database_is_refused_with_advice() {
    let profile = Profile::new();
    fs::create_dir(profile.path()).unwrap();
    fs::write(profile.path().join("database.sqlite3"), [b'x'; 8192]).unwrap();
    let error = profile.try_open().unwrap_err();
    assert_eq!(error.kind, StorageErrorKind::Damaged);
    assert!(error.message.contains("is damaged"), "{error}");
    assert!(error.message.contains("start anew"), "{error}");
}

#[test]
fn a_folder_in_the_place_of_a_file_of_the_database_is_damage() {
    for name in ["database.sqlite3", "database.sqlite3-wal", "database.sqlite3-shm"] {
        let profile = Profile::new();
        profile.open().begin();
        let _ = fs::remove_file(profile.path().join(name));
        fs::create_dir(profile.path().join(name)).unwrap();
        let error = profile.try_open().unwrap_err();
        assert_eq!(error.kind, StorageErrorKind::Damaged, "{error}");
        assert!(error.message.contains("is a folder"), "{error}");
    }
}

#[test]
fn no_damaged_page_panics() {
    let profile = Profile::new();
    let storage = profile.open();
    for _ in 0..20 {
        let (record, body) = storage.begin();
        storage.append_at(body, 0, b"small").unwrap();
        storage.settle(record);
    }
    drop(storage);
    let path = profile.path().join("database.sqlite3");
    let whole = fs::read(&path).unwrap();
    for (page, byte) in (0..whole.len()).step_by(1024).zip((0..=255u8).cycle()) {
        let mut damaged = whole.clone();
        let end = (page + 256).min(damaged.len());
        damaged[page..end].fill(byte);
        fs::write(&path, damaged).unwrap();
        for beside in ["database.sqlite3-wal", "database.sqlite3-shm"] {
            let _ = fs::remove_file(profile.path().join(beside));
        }
        if let Ok(storage) = profile.try_open() {
            if let Ok(fetches) = block_on(storage.load()) {
                for fetch in fetches {
                    let record = RecordKey {
                        fetch: fetch.key,
                        index: 0,
                    };
                    let _ = storage.read_at(
                        BodyKey::Response {
                            record,
                            generation: 1,
                        },
                        0,
                        10,
                    );
                }
            }
            let _ = block_on(storage.create(&new_fetch(1)));
        }
    }
}

#[test]
fn a_value_that_is_none_is_damage() {
    for statement in [
        "UPDATE record SET request = '{}'",
        "UPDATE record SET request = x'ff'",
        "UPDATE record SET response = 'null'",
        "UPDATE record SET place = 7",
        "UPDATE record SET place = -1",
        "UPDATE record SET fetch = 99",
        "UPDATE record SET result = 'so-so'",
        "UPDATE fetch SET client = ''",
        "UPDATE fetch SET id = 'text'",
        "UPDATE fetch SET title = x'00'",
        "UPDATE fetch SET state = 'settled', result = 'no result'",
        "UPDATE fetch SET paused = 8",
        "UPDATE fetch SET scope = 'no URL'",
        "UPDATE fetch SET key = -5",
        "UPDATE body SET length = -1",
        "PRAGMA user_version = -1",
    ] {
        let profile = Profile::new();
        profile.open().begin();
        profile.database().execute_batch(statement).unwrap();
        let loaded = profile.try_open().and_then(|storage| block_on(storage.load()));
        let error = loaded.expect_err(statement);
        assert_eq!(error.kind, StorageErrorKind::Damaged, "{statement}: {error}");
    }
}
