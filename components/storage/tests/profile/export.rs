//! Putting finished bodies where people want them.

use std::fs;
use std::path::PathBuf;

use background_fetch::RecordKey;
use background_fetch::embedder::{Storage, StorageErrorKind};
use background_fetch_storage::ExportError;
use futures::executor::block_on;

use crate::support::{Blocking, Profile, pattern};

#[test]
fn an_exported_body_outlives_its_background_fetch_whatever_its_size() {
    for length in [0, 5, 100_000] {
        let profile = Profile::new();
        let storage = profile.open();
        let (record, body) = storage.begin();
        storage.append_at(body, 0, &pattern(length)).unwrap();
        storage.settle(record);
        let to = profile.path().join("exported.bin");
        storage.export(record, &to).unwrap();
        assert_eq!(fs::read(&to).unwrap(), pattern(length));
        assert_eq!(
            storage.read_all(body),
            pattern(length),
            "it is still readable here"
        );
        block_on(storage.remove(record.fetch)).unwrap();
        assert_eq!(profile.body_files().len(), 0);
        assert_eq!(fs::read(&to).unwrap(), pattern(length));
    }
}

#[test]
fn a_large_body_is_not_copied_and_what_its_owner_does_to_it_stays_done() {
    // Given an exported body to which its owner appends
    let profile = Profile::new();
    let storage = profile.open();
    let (record, body) = storage.begin();
    storage.append_at(body, 0, &pattern(100_000)).unwrap();
    storage.settle(record);
    let to = profile.path().join("exported.bin");
    storage.export(record, &to).unwrap();
    storage.export(record, &profile.path().join("again.bin")).unwrap();
    drop(storage);
    let mut bytes = pattern(100_000);
    bytes.extend_from_slice(b"a note");
    fs::write(&to, &bytes).unwrap();
    assert_eq!(
        fs::read(profile.body_file()).unwrap(),
        bytes,
        "it is the same file"
    );
    // when the profile is opened again
    let storage = profile.open();
    // then the owner's file is left alone, and the profile gives what it fetched.
    assert_eq!(fs::read(&to).unwrap(), bytes);
    assert_eq!(storage.read_all(body), pattern(100_000));
    let copy = profile.path().join("copy.bin");
    storage.export(record, &copy).unwrap();
    assert_eq!(fs::read(&copy).unwrap(), pattern(100_000));
}

#[test]
fn an_exported_file_stays_whole_where_its_body_cannot_be_stored() {
    // Given a body that was exported before the database knows all of it
    let profile = Profile::new();
    let storage = profile.open();
    let (record, body) = storage.begin();
    storage.append_at(body, 0, &pattern(100_000)).unwrap();
    let other = profile.database();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    storage.settle(record);
    let to = profile.path().join("exported.bin");
    storage.export(record, &to).unwrap();
    // when its file cannot be made durable once more
    let (file, elsewhere) = (profile.body_file(), profile.path().join("elsewhere"));
    fs::rename(file, elsewhere).unwrap();
    other.execute_batch("ROLLBACK").unwrap();
    block_on(storage.flush()).unwrap_err();
    // then what its owner has is left alone.
    assert_eq!(fs::read(&to).unwrap(), pattern(100_000));
}

#[test]
fn nothing_is_ever_replaced() {
    for length in [5, 100_000] {
        let profile = Profile::new();
        let storage = profile.open();
        let (record, body) = storage.begin();
        storage.append_at(body, 0, &pattern(length)).unwrap();
        storage.settle(record);
        let to = profile.path().join("precious");
        fs::write(&to, "precious").unwrap();
        let error = storage.export(record, &to).unwrap_err();
        assert_eq!(error, ExportError::AlreadyExists(to.clone()));
        assert!(error.to_string().contains("exists already"), "{error}");
        assert_eq!(fs::read(&to).unwrap(), b"precious");
        let left = fs::read_dir(profile.path()).unwrap();
        let hidden = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with('.');
        assert!(
            !left
                .map(|entry| entry.unwrap().file_name())
                .any(|name| hidden(&name)),
            "no rubbish stays"
        );
    }
}

#[test]
fn of_many_at_once_each_that_can_be_is_exported() {
    let profile = Profile::new();
    let storage = profile.open();
    let fetch = storage.create_with(12);
    let mut exports = Vec::new();
    for index in 0..12 {
        let record = RecordKey { fetch, index };
        let body = storage.respond(record, 1);
        let length = if index % 4 == 3 { 100_000 } else { index };
        storage.append_at(body, 0, &pattern(length)).unwrap();
        if index != 5 {
            storage.settle(record);
        }
        exports.push((record, index.to_string(), length));
    }
    let folder = profile.path().join("files");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("8"), "precious").unwrap();
    let names: Vec<(_, PathBuf)> = exports
        .iter()
        .map(|(record, name, _)| (*record, PathBuf::from(name)))
        .collect();
    let results = storage.export_all(&folder, &names);
    for ((index, result), (_, name, length)) in results.iter().enumerate().zip(&exports) {
        let file = fs::read(folder.join(name));
        match index {
            5 => {
                assert!(matches!(result, Err(ExportError::Storage(_))), "{result:?}");
                assert!(file.is_err());
            }
            8 => {
                assert_eq!(*result, Err(ExportError::AlreadyExists(folder.join(name))));
                assert_eq!(file.unwrap(), b"precious");
            }
            _ => {
                assert_eq!(*result, Ok(()));
                assert_eq!(file.unwrap(), pattern(*length));
            }
        }
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 11, "no rubbish stays");
}

#[test]
fn a_body_that_is_not_finished_and_a_folder_that_is_not_there_are_errors() {
    let profile = Profile::new();
    let storage = profile.open();
    let (record, body) = storage.begin();
    storage.append_at(body, 0, &pattern(100_000)).unwrap();
    let to = profile.path().join("exported.bin");
    let ExportError::Storage(error) = storage.export(record, &to).unwrap_err() else {
        panic!("it does not exist");
    };
    assert_eq!(error.kind, StorageErrorKind::NotFound);
    storage.settle(record);
    let nowhere = profile.path().join("nowhere").join("exported.bin");
    let error = storage.export(record, &nowhere).unwrap_err().to_string();
    assert!(error.contains("nowhere"), "{error}");
}
