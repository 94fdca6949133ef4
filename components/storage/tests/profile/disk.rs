//! What a disk does to a profile: pages of the database with other bytes, logs that are torn or gone, blocks that are
//! lost. Either an error says so, or what is damaged is fetched again; what is handed out is what was stored.

use std::fs;
use std::path::PathBuf;

use background_fetch::embedder::{BodyKey, FetchState, RecordState, Storage, StorageErrorKind};
use background_fetch::{BackgroundFetchFailureReason, BackgroundFetchResult, RecordKey};
use background_fetch_storage::ProfileStorage;
use futures::executor::block_on;

use crate::support::{Blocking, Profile, pattern_from};

const SUCCESS: FetchState = FetchState::Settled {
    result: BackgroundFetchResult::Success,
    failure_reason: BackgroundFetchFailureReason::Empty,
};

fn database(profile: &Profile, end: &str) -> PathBuf {
    profile.path().join(format!("database.sqlite3{end}"))
}

/// The bytes of a background fetch's body: those of no other are the same.
fn body_of(record: RecordKey, length: usize) -> Vec<u8> {
    pattern_from(record.fetch.0 * 1_000_000, length)
}

/// Background fetches that are active and settled, with small and large bodies; the profile is closed.
fn with_bodies(profile: &Profile) -> Vec<(RecordKey, usize)> {
    let storage = profile.open();
    let mut all = Vec::new();
    for length in [1, 500, 5000, 60_000, 70_000, 200_000] {
        for settled in [false, true] {
            let (record, body) = storage.begin();
            storage.append_at(body, 0, &body_of(record, length)).unwrap();
            storage.settle(record);
            if settled {
                block_on(storage.set_state(record.fetch, SUCCESS)).unwrap();
            }
            all.push((record, length));
        }
    }
    block_on(storage.flush()).unwrap();
    all
}

/// Opens a damaged profile and reads everything: only errors that say what is wrong, and bytes that were stored. Gives
/// how many bodies are whole.
fn look(profile: &Profile, stored: &[(RecordKey, usize)], what: &str) -> usize {
    let place = profile.path().display().to_string();
    let complains = |error: &background_fetch::embedder::StorageError| {
        assert_eq!(error.kind, StorageErrorKind::Damaged, "{what}: {error}");
        assert!(error.message.contains(&place), "{what}: {error}");
    };
    let storage = match profile.try_open() {
        Ok(storage) => storage,
        Err(error) => {
            complains(&error);
            return 0;
        }
    };
    let fetches = match block_on(storage.load()) {
        Ok(fetches) => fetches,
        Err(error) => {
            complains(&error);
            return 0;
        }
    };
    let mut whole = 0;
    for fetch in fetches {
        let Some((record, length)) = stored.iter().find(|(record, _)| record.fetch == fetch.key) else {
            panic!("{what}: {} was never stored", fetch.key);
        };
        for found in &fetch.records {
            whole += usize::from(read(&storage, *record, &found.state, *length, what, &complains));
        }
    }
    whole
}

/// Reads a body; whether it is whole.
fn read(
    storage: &ProfileStorage,
    record: RecordKey,
    state: &RecordState,
    length: usize,
    what: &str,
    complains: &dyn Fn(&background_fetch::embedder::StorageError),
) -> bool {
    if state.response.is_none() {
        // It is fetched again.
        assert_eq!(state.length, 0, "{what}");
        return false;
    }
    let body = BodyKey::Response {
        record,
        generation: state.generation,
    };
    let mut bytes = Vec::new();
    loop {
        match storage.read_at(body, bytes.len() as u64, usize::MAX) {
            Ok(more) if more.is_empty() => break,
            Ok(more) => bytes.extend_from_slice(&more),
            Err(error) => {
                if error.kind != StorageErrorKind::NotFound {
                    complains(&error);
                }
                return false;
            }
        }
    }
    assert!(bytes.len() <= length, "{what}");
    assert!(
        bytes == body_of(record, bytes.len()),
        "{what}: wrong bytes of {record:?}"
    );
    bytes.len() == length
}

/// The files of a profile, to put them back after each damage.
struct Copy(Vec<(PathBuf, Vec<u8>)>);

impl Copy {
    fn of(profile: &Profile) -> Self {
        let mut paths = profile.body_files();
        paths.extend(["", "-wal", "-shm"].map(|end| database(profile, end)));
        let read = |path: PathBuf| fs::read(&path).ok().map(|bytes| (path, bytes));
        Self(paths.into_iter().filter_map(read).collect())
    }

    fn put_back(&self, profile: &Profile) {
        for path in profile.body_files() {
            fs::remove_file(path).unwrap();
        }
        for end in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(database(profile, end));
        }
        for (path, bytes) in &self.0 {
            fs::write(path, bytes).unwrap();
        }
    }
}

#[test]
fn a_page_of_the_database_with_other_bytes_never_gives_a_wrong_byte() {
    let profile = Profile::new();
    let stored = with_bodies(&profile);
    let copy = Copy::of(&profile);
    let path = database(&profile, "");
    let whole = fs::read(&path).unwrap();
    const PAGE: usize = 4096;
    for page in 0..whole.len() / PAGE {
        // All of it, its end, and one bit in the middle.
        let random = pattern_from(page as u64, PAGE);
        for (how, range) in [
            ("all", 0..PAGE),
            ("the end", PAGE / 2..PAGE),
            ("a byte", 2000..2001),
        ] {
            copy.put_back(&profile);
            let mut damaged = whole.clone();
            let place = &mut damaged[page * PAGE..][range.clone()];
            place
                .iter_mut()
                .zip(&random)
                .for_each(|(byte, random)| *byte ^= random | 1);
            fs::write(&path, damaged).unwrap();
            look(&profile, &stored, &format!("{how} of page {page}"));
        }
    }
}

#[test]
fn a_log_that_is_torn_or_gone_loses_a_tail_and_no_more() {
    // Given a profile that a kill left with all of it in the log
    let profile = Profile::new();
    let storage = profile.open();
    let (record, body) = storage.begin();
    let mut known = vec![(0, false)];
    let mut length = 0;
    for _ in 0..20 {
        storage
            .append_at(
                body,
                length,
                &pattern_from(record.fetch.0 * 1_000_000 + length, 700),
            )
            .unwrap();
        length += 700;
        storage.pause(record.fetch).unwrap();
        known.push((length, true));
    }
    let copy = Copy::of(&profile);
    drop(storage);
    let log = copy
        .0
        .iter()
        .find(|(path, _)| path.ends_with("database.sqlite3-wal"))
        .unwrap()
        .1
        .clone();
    let index = database(&profile, "-shm");
    // when the log ends anywhere, or has other bytes somewhere
    for place in (0..log.len()).step_by(7919) {
        for torn in [true, false] {
            copy.put_back(&profile);
            let mut damaged = log.clone();
            if torn {
                damaged.truncate(place);
            } else {
                damaged[place] ^= 0x55;
            }
            fs::write(database(&profile, "-wal"), &damaged).unwrap();
            // After a restart of the machine nothing else is left of its index.
            fs::remove_file(&index).unwrap();
            // then what is before it is there.
            look(
                &profile,
                &[(record, length as usize)],
                &format!("torn: {torn}, at {place}"),
            );
        }
    }
    // And without it, what was there before.
    for without in [["-wal", "-shm"].as_slice(), &["-shm"], &["-wal"]] {
        copy.put_back(&profile);
        for end in without {
            fs::remove_file(database(&profile, end)).unwrap();
        }
        look(
            &profile,
            &[(record, length as usize)],
            &format!("without {without:?}"),
        );
    }
}

#[test]
fn a_database_that_is_cut_off_is_damage() {
    let profile = Profile::new();
    let stored = with_bodies(&profile);
    let copy = Copy::of(&profile);
    let whole = fs::read(database(&profile, "")).unwrap();
    for length in (1..whole.len()).step_by(4096 / 3) {
        copy.put_back(&profile);
        fs::write(database(&profile, ""), &whole[..length]).unwrap();
        look(&profile, &stored, &format!("cut off at {length}"));
    }
}

#[test]
fn a_body_file_that_lost_blocks_is_fetched_again_or_said_to_be_damaged() {
    let profile = Profile::new();
    let stored = with_bodies(&profile);
    let all = stored.len();
    let copy = Copy::of(&profile);
    let large = copy
        .0
        .iter()
        .filter(|(path, _)| path.parent().unwrap().ends_with("bodies"));
    for (path, whole) in large {
        let last = (whole.len() - 1) / 4096 * 4096;
        for cut in [0, 1, 4096, last, whole.len() - 1] {
            copy.put_back(&profile);
            fs::write(path, &whole[..cut]).unwrap();
            let found = look(&profile, &stored, &format!("{} cut off at {cut}", path.display()));
            assert_eq!(found, all - 1, "all others are whole");
        }
        for block in [0, 4096, last] {
            copy.put_back(&profile);
            let mut damaged = whole.clone();
            let end = (block + 4096).min(whole.len());
            damaged[block..end].fill(0);
            fs::write(path, damaged).unwrap();
            let found = look(
                &profile,
                &stored,
                &format!("{} with zeros at {block}", path.display()),
            );
            assert_eq!(found, all - 1, "all others are whole");
        }
    }
}
