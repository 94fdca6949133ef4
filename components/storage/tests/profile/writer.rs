//! When the database or the disk refuses.

use std::fs;
use std::time::Duration;

use background_fetch::embedder::{FetchState, Storage, StorageErrorKind};
use background_fetch::{BackgroundFetchFailureReason, BackgroundFetchResult, RecordKey};
use futures::FutureExt;
use futures::executor::block_on;

use crate::support::{Blocking, Profile, pattern, pattern_from, response};

/// Makes every statement fail that settles a record, with this much of its transaction.
fn refuse_settlements(profile: &Profile, how: &str) {
    let trigger = format!(
        "CREATE TRIGGER refuse BEFORE UPDATE OF result ON record BEGIN SELECT RAISE({how}, 'refused'); END"
    );
    profile.database().execute_batch(&trigger).unwrap();
}

#[test]
fn what_was_answered_and_failed_is_heard_of_and_done_once_it_can_be() {
    for how in ["ABORT", "ROLLBACK"] {
        // Given a database that refuses settlements
        let profile = Profile::new();
        let storage = profile.open();
        let (record, body) = storage.begin();
        storage.append_at(body, 0, b"small").unwrap();
        block_on(storage.flush()).unwrap();
        refuse_settlements(&profile, how);
        // when a record is settled, which is answered at once
        storage.settle(record);
        // then nothing that is to be durable overtakes it
        for call in [
            storage.set_state(record.fetch, FetchState::Aborted),
            storage.flush(),
        ] {
            let error = block_on(call).expect_err(how);
            assert_eq!(error.kind, StorageErrorKind::Io);
            assert!(error.message.contains("refused"), "{error}");
        }
        assert_eq!(storage.read_all(body), b"small");
        // and all is well once the database takes it.
        profile.database().execute_batch("DROP TRIGGER refuse").unwrap();
        block_on(storage.set_state(record.fetch, FetchState::Aborted)).unwrap();
        drop(storage);
        let storage = profile.open();
        assert!(storage.load_record(record).settlement.is_some());
        assert_eq!(storage.load_all()[0].state, FetchState::Aborted);
        assert_eq!(storage.read_all(body), b"small");
    }
}

#[test]
fn other_background_fetches_go_on_and_the_one_in_trouble_can_be_removed() {
    let profile = Profile::new();
    let storage = profile.open();
    let (record, _) = storage.begin();
    block_on(storage.flush()).unwrap();
    refuse_settlements(&profile, "ABORT");
    storage.settle(record);
    let (other, _) = storage.begin();
    storage.pause(other.fetch).unwrap();
    storage.pause(record.fetch).unwrap_err();
    block_on(storage.remove(record.fetch)).unwrap();
    block_on(storage.flush()).unwrap();
    let left: Vec<_> = storage.load_all().iter().map(|fetch| fetch.key).collect();
    assert_eq!(left, [other.fetch]);
}

#[test]
fn what_is_owed_to_a_background_fetch_goes_with_its_registration() {
    for clear in [true, false] {
        let profile = Profile::new();
        let storage = profile.open();
        let (record, _) = storage.begin();
        let registration = crate::support::new_fetch(1).registration;
        block_on(storage.flush()).unwrap();
        // Given something that was answered and cannot be done, and a writer that waits for another program
        refuse_settlements(&profile, "ABORT");
        storage.settle(record);
        storage.pause(record.fetch).unwrap_err();
        let other = profile.database();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let mut pause = storage.set_paused(record.fetch, Default::default());
        assert!((&mut pause).now_or_never().is_none());
        std::thread::sleep(Duration::from_millis(50));
        // when all of it goes, then what comes in the same moment does not wait for what was owed.
        let gone = match clear {
            true => storage.clear(&registration),
            false => storage.remove(record.fetch),
        };
        let mut both = futures::future::join(gone, storage.flush());
        assert!((&mut both).now_or_never().is_none());
        other.execute_batch("ROLLBACK").unwrap();
        block_on(pause).unwrap_err();
        assert_eq!(block_on(both), (Ok(()), Ok(())));
        assert_eq!(storage.load_all(), []);
    }
}

#[test]
fn clearing_a_registration_takes_what_is_being_created_too() {
    let profile = Profile::new();
    let storage = profile.open();
    let new = crate::support::new_fetch(1);
    let all = futures::future::join(storage.create(&new), storage.clear(&new.registration));
    let (created, cleared) = block_on(all);
    created.unwrap();
    cleared.unwrap();
    assert_eq!(storage.load_all(), []);
    drop(storage);
    assert_eq!(profile.open().load_all(), []);
}

#[test]
fn a_creation_that_fails_leaves_nothing_and_its_bodies_staged() {
    use background_fetch::embedder::BodyKey;
    let profile = Profile::new();
    let storage = profile.open();
    let mut new = crate::support::new_fetch(2);
    let staged = block_on(storage.stage(&new.registration.storage_key)).unwrap();
    storage.append_at(BodyKey::Staged(staged), 0, b"upl").unwrap();
    new.records[1].body = Some(staged);
    let trigger = "CREATE TRIGGER refuse BEFORE INSERT ON record WHEN new.place = 1
                       BEGIN SELECT RAISE(ABORT, 'refused'); END";
    profile.database().execute_batch(trigger).unwrap();
    block_on(storage.create(&new)).unwrap_err();
    profile.database().execute_batch("DROP TRIGGER refuse").unwrap();
    storage.append_at(BodyKey::Staged(staged), 3, b"oad").unwrap();
    let fetch = block_on(storage.create(&new)).unwrap();
    assert_eq!(storage.load_all().len(), 1);
    let record = RecordKey { fetch, index: 1 };
    assert_eq!(storage.read_all(BodyKey::Request(record)), b"upload");
}

#[test]
fn a_body_that_cannot_get_a_file_stays_as_it_was_and_gets_one_later() {
    let profile = Profile::new();
    let storage = profile.open();
    let (record, body) = storage.begin();
    storage.append_at(body, 0, &pattern(10)).unwrap();
    let bodies = profile.path().join("bodies");
    fs::remove_dir(&bodies).unwrap();
    let error = storage.append_at(body, 10, &pattern(100_000)).unwrap_err();
    assert_eq!(error.kind, StorageErrorKind::Io);
    assert_eq!(storage.read_all(body), pattern(10));
    assert_eq!(storage.load_record(record).length, 10);
    fs::create_dir(&bodies).unwrap();
    storage.append_at(body, 10, &pattern(100_000)).unwrap();
    storage.pause(record.fetch).unwrap();
    drop(storage);
    assert_eq!(profile.open().load_record(record).length, 100_010);
}

#[test]
fn a_response_that_is_set_while_the_writer_stores_the_others_is_stored_in_its_turn() {
    for (length, generation) in [(1000, 1), (1000, 2), (100_000, 1), (100_000, 2)] {
        let mut profile = Profile::new();
        let storage = profile.open();
        let fetch = storage.create_with(1);
        let record = RecordKey { fetch, index: 0 };
        if generation > 1 {
            storage.respond(record, generation - 1);
        }
        block_on(storage.flush()).unwrap();
        // Given a writer that is about to make a background fetch durable, and waits for another program
        let other = profile.database();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let mut paused = storage.set_paused(record.fetch, Default::default());
        assert!((&mut paused).now_or_never().is_none());
        std::thread::sleep(Duration::from_millis(50));
        // when a record gets a response meanwhile
        let body = storage.respond(record, generation);
        let mut append = storage.append(body, 0, pattern(length).into());
        let appended = (&mut append).now_or_never();
        other.execute_batch("ROLLBACK").unwrap();
        block_on(paused).unwrap();
        appended.unwrap_or_else(|| block_on(append)).unwrap();
        // then it is there when all is settled.
        storage.settle(record);
        block_on(storage.set_state(record.fetch, FetchState::Aborted)).unwrap();
        assert_eq!(storage.read_all(body), pattern(length));
        drop(storage);
        profile.reboot();
        assert_eq!(profile.open().read_all(body), pattern(length));
    }
}

#[test]
fn a_response_that_could_not_be_set_leaves_the_one_before_as_it_was() {
    for length in [1000, 100_000] {
        // Given a writer in trouble with one background fetch, so that every answer is waited for
        let profile = Profile::new();
        let storage = profile.open();
        let (stuck, _) = storage.begin();
        let (record, before) = storage.begin();
        storage.append_at(before, 0, &pattern(length)).unwrap();
        block_on(storage.flush()).unwrap();
        refuse_settlements(&profile, "ABORT");
        storage.settle(stuck);
        storage.pause(stuck.fetch).unwrap_err();
        // when another response cannot be set
        let refuse = "CREATE TRIGGER refuse_responses BEFORE UPDATE OF response ON record
            BEGIN SELECT RAISE(ABORT, 'refused'); END";
        profile.database().execute_batch(refuse).unwrap();
        block_on(storage.set_response(record, 2, &response())).unwrap_err();
        // then the one before has its bytes, and takes more
        assert_eq!(storage.read_all(before), pattern(length));
        let used = block_on(storage.estimate(&crate::support::new_fetch(1).registration.storage_key));
        assert_eq!(used.unwrap().usage, length as u64);
        storage
            .append_at(before, length as u64, &pattern(length + 5)[length..])
            .unwrap();
        // which are there when all is well.
        let mend = "DROP TRIGGER refuse_responses; DROP TRIGGER refuse";
        profile.database().execute_batch(mend).unwrap();
        block_on(storage.flush()).unwrap();
        drop(storage);
        assert_eq!(profile.open().read_all(before), pattern(length + 5));
    }
}

#[test]
fn a_failure_is_stored_where_a_body_cannot_be() {
    // Given a record that was settled, which is answered at once, and whose file cannot be made durable
    let profile = Profile::new();
    let storage = profile.open();
    let (record, body) = storage.begin();
    storage.append_at(body, 0, &pattern(100_000)).unwrap();
    fs::remove_file(profile.body_file()).unwrap();
    storage.settle(record);
    let settled = |result, failure_reason| FetchState::Settled {
        result,
        failure_reason,
    };
    // when its background fetch is to be a success, then that is refused
    let success = settled(
        BackgroundFetchResult::Success,
        BackgroundFetchFailureReason::Empty,
    );
    block_on(storage.set_state(record.fetch, success)).unwrap_err();
    // and that it failed is stored.
    let failure = settled(
        BackgroundFetchResult::Failure,
        BackgroundFetchFailureReason::FetchError,
    );
    block_on(storage.set_state(record.fetch, failure)).unwrap();
    drop(storage);
    let storage = profile.open();
    assert_eq!(storage.load_all()[0].state, failure);
    block_on(storage.remove(record.fetch)).unwrap();
    drop(storage);
    assert_eq!(profile.open().load_all(), []);
}

#[test]
fn a_body_that_does_not_get_its_file_after_all_leaves_none() {
    for how in ["ABORT", "ROLLBACK"] {
        // Given a body of which something is durable, and a database that does not take its file
        let profile = Profile::new();
        let storage = profile.open();
        let (record, body) = storage.begin();
        storage.append_at(body, 0, &pattern(10)).unwrap();
        block_on(storage.flush()).unwrap();
        let trigger = format!(
            "CREATE TRIGGER refuse BEFORE UPDATE OF length ON body WHEN new.in_file AND new.length > 0
                 BEGIN SELECT RAISE({how}, 'refused'); END"
        );
        profile.database().execute_batch(&trigger).unwrap();
        // when it would outgrow memory
        let error = storage.append_at(body, 10, &pattern(100_000)).unwrap_err();
        assert!(error.message.contains("refused"), "{error}");
        // then no file takes up room, and it is as it was.
        assert_eq!(profile.body_files().len(), 0, "{how}");
        assert_eq!(storage.read_all(body), pattern(10));
        profile.database().execute_batch("DROP TRIGGER refuse").unwrap();
        storage.append_at(body, 10, &pattern(100_000)).unwrap();
        assert_eq!(storage.load_record(record).length, 100_010);
    }
}

#[test]
fn what_could_not_be_made_durable_is_not_there_after_a_kill() {
    // Given a body file that was made durable, has grown, and cannot be made durable again
    let mut profile = Profile::new();
    profile.options.checkpoint_bytes = 1 << 30;
    let storage = profile.open();
    let (record, body) = storage.begin();
    storage.append_at(body, 0, &pattern(100_000)).unwrap();
    block_on(storage.flush()).unwrap();
    storage
        .append_at(body, 100_000, &pattern_from(100_000, 50_000))
        .unwrap();
    let (file, elsewhere) = (profile.body_file(), profile.path().join("elsewhere"));
    fs::rename(&file, &elsewhere).unwrap();
    block_on(storage.flush()).unwrap_err();
    fs::rename(&elsewhere, &file).unwrap();
    // when nobody does anything about that, and the process ends
    storage.append_at(body, 150_000, b"more").unwrap_err();
    drop(storage);
    // then the next has what was durable: of the rest the system may have kept anything.
    let storage = profile.open();
    assert_eq!(storage.load_record(record).length, 100_000);
    assert_eq!(storage.read_all(body), pattern(100_000));
}

#[cfg(target_os = "linux")]
#[test]
fn some_files_that_grow_are_held_open_and_none_that_is_whole() {
    let profile = Profile::new();
    let storage = profile.open();
    let bodies = profile.path().join("bodies");
    let open_files = || {
        let descriptors = fs::read_dir("/proc/self/fd").unwrap();
        let paths = descriptors.filter_map(|descriptor| fs::read_link(descriptor.ok()?.path()).ok());
        paths.filter(|path| path.starts_with(&bodies)).count()
    };
    let fetch = storage.create_with(200);
    let records = (0..200).map(|index| RecordKey { fetch, index });
    for record in records.clone() {
        let body = storage.respond(record, 1);
        storage.append_at(body, 0, &pattern(100_000)).unwrap();
    }
    assert!((1..=128).contains(&open_files()), "{}", open_files());
    records.for_each(|record| storage.settle(record));
    block_on(storage.flush()).unwrap();
    assert_eq!(open_files(), 0);
}
