//! Small bodies that share a file.

use std::fs;

use background_fetch::embedder::{BodyKey, Storage, StorageErrorKind};
use background_fetch::{FetchKey, RecordKey};
use background_fetch_storage::ProfileStorage;
use futures::executor::block_on;

use crate::support::{Blocking, Profile, pattern};

const COUNT: usize = 8;

fn name(fetch: FetchKey, index: usize) -> BodyKey {
    BodyKey::Response {
        record: RecordKey { fetch, index },
        generation: 1,
    }
}

/// A background fetch whose bodies, of 20,000 bytes and more, were settled in one commit.
fn packed(storage: &ProfileStorage) -> FetchKey {
    let fetch = storage.create_with(COUNT);
    for index in 0..COUNT {
        let body = storage.respond(RecordKey { fetch, index }, 1);
        storage.append_at(body, 0, &pattern(20_000 + index)).unwrap();
    }
    for index in 0..COUNT {
        storage.settle(RecordKey { fetch, index });
    }
    block_on(storage.flush()).unwrap();
    fetch
}

#[test]
fn a_pack_is_one_file_that_goes_with_its_background_fetch() {
    let profile = Profile::new();
    let storage = profile.open();
    let (first, second) = (packed(&storage), packed(&storage));
    assert_eq!(profile.body_files().len(), 2);
    let check = |storage: &ProfileStorage, fetch| {
        for index in 0..COUNT {
            let body = name(fetch, index);
            assert_eq!(storage.read_all(body), pattern(20_000 + index));
            assert_eq!(
                storage.read_at(body, 19_990, 5).unwrap(),
                &pattern(20_000)[19_990..19_995]
            );
        }
    };
    check(&storage, first);
    block_on(storage.remove(first)).unwrap();
    assert_eq!(profile.body_files().len(), 1);
    drop(storage);
    let storage = profile.open();
    check(&storage, second);
    let to = profile.path().join("exported");
    storage
        .export(
            RecordKey {
                fetch: second,
                index: 3,
            },
            &to,
        )
        .unwrap();
    assert_eq!(fs::read(to).unwrap(), pattern(20_003));
    block_on(storage.remove(second)).unwrap();
    assert_eq!(profile.body_files().len(), 0);
}

#[test]
fn a_byte_that_is_wrong_in_a_pack_is_found_out_and_harms_nothing_else() {
    let profile = Profile::new();
    let fetch = packed(&profile.open());
    let file = profile.body_file();
    let mut bytes = fs::read(&file).unwrap();
    bytes[50_000] ^= 1;
    fs::write(&file, bytes).unwrap();
    let storage = profile.open();
    for index in 0..COUNT {
        let read = storage.read_at(name(fetch, index), 0, 100_000);
        if index == 2 {
            let error = read.unwrap_err();
            assert_eq!(error.kind, StorageErrorKind::Damaged);
            assert!(error.message.contains("other bytes"), "{error}");
        } else {
            assert_eq!(read.unwrap(), pattern(20_000 + index));
        }
    }
}

#[test]
fn of_a_pack_that_is_cut_off_only_what_is_missing_is_fetched_again() {
    let profile = Profile::new();
    let fetch = packed(&profile.open());
    let file = fs::File::options().write(true).open(profile.body_file()).unwrap();
    file.set_len(100_000).unwrap();
    let storage = profile.open();
    for index in 0..COUNT {
        let record = storage.load_record(RecordKey { fetch, index });
        assert_eq!(record.length, if index < 4 { 20_000 + index as u64 } else { 0 });
    }
    // One without its file: all of it.
    drop(storage);
    fs::remove_file(profile.body_file()).unwrap();
    let storage = profile.open();
    assert_eq!(storage.load_record(RecordKey { fetch, index: 0 }).length, 0);
}
