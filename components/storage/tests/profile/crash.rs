//! Crashes of the process and of the machine.

use std::fs::OpenOptions;
use std::io::Write;

use background_fetch::embedder::Storage;
use futures::FutureExt;
use futures::executor::block_on;
use futures::future::join3;

use crate::support::{Blocking, Profile, new_fetch, pattern, pattern_from};

#[test]
fn after_a_crash_of_the_process_a_file_keeps_every_byte_that_was_written() {
    // Given 300,000 bytes of which nothing was made durable
    let profile = Profile::new();
    let storage = profile.open();
    let (record, body) = storage.begin();
    storage.append_at(body, 0, &pattern(300_000)).unwrap();
    // when the process ends without a flush, and the machine goes on
    drop(storage);
    // then all of them are there, and the body goes on.
    let storage = profile.open();
    assert_eq!(storage.load_record(record).length, 300_000);
    storage
        .append_at(body, 300_000, &pattern_from(300_000, 10))
        .unwrap();
    assert_eq!(storage.read_all(body), pattern(300_010));
}

#[test]
fn after_a_crash_of_the_machine_a_file_is_cut_off_at_its_last_checkpoint() {
    // Given a body that was made durable once, when the fetch was paused, and then grew
    let mut profile = Profile::new();
    let storage = profile.open();
    let (record, body) = storage.begin();
    storage.append_at(body, 0, &pattern(200_000)).unwrap();
    storage.pause(record.fetch).unwrap();
    storage
        .append_at(body, 200_000, &pattern_from(200_000, 100_000))
        .unwrap();
    // when the machine goes down
    drop(storage);
    profile.reboot();
    // then what was durable is there, and nothing that might be garbage.
    let storage = profile.open();
    assert_eq!(storage.load_record(record).length, 200_000);
    assert_eq!(storage.read_all(body), pattern(200_000));
    storage
        .append_at(body, 200_000, &pattern_from(200_000, 5))
        .unwrap();
    assert_eq!(storage.read_all(body), pattern(200_005));
}

#[test]
fn a_growing_body_is_never_durable_by_more_than_two_checkpoints_less() {
    let mut profile = Profile::new();
    profile.options.checkpoint_bytes = 200_000;
    let storage = profile.open();
    let (record, body) = storage.begin();
    for offset in (0..900_000).step_by(50_000) {
        storage
            .append_at(body, offset, &pattern_from(offset, 50_000))
            .unwrap();
    }
    drop(storage);
    profile.reboot();
    let storage = profile.open();
    let length = storage.load_record(record).length;
    assert!((450_000..=900_000).contains(&length), "{length}");
    assert_eq!(storage.read_all(body), pattern(length as usize));
}

#[test]
fn a_torn_tail_is_cut_off_after_a_crash_of_the_machine() {
    let mut profile = Profile::new();
    let storage = profile.open();
    let (record, body) = storage.begin();
    storage.append_at(body, 0, &pattern(100_000)).unwrap();
    storage.pause(record.fetch).unwrap();
    drop(storage);
    // The disk got the length of a later write and not its bytes.
    let mut file = OpenOptions::new().append(true).open(profile.body_file()).unwrap();
    file.write_all(&[0; 4096]).unwrap();
    profile.reboot();
    let storage = profile.open();
    assert_eq!(storage.read_all(body), pattern(100_000));
    assert_eq!(profile.body_file().metadata().unwrap().len(), 100_000);
    assert_eq!(storage.load_record(record).length, 100_000);
}

#[test]
fn small_bodies_are_durable_with_their_settlement() {
    let mut profile = Profile::new();
    let storage = profile.open();
    let (record, body) = storage.begin();
    storage.append_at(body, 0, b"small").unwrap();
    storage.settle(record);
    drop(storage);
    profile.reboot();
    let storage = profile.open();
    let state = storage.load_record(record);
    assert_eq!((state.length, state.settlement.is_some()), (5, true));
    assert_eq!(storage.read_all(body), b"small");
    assert_eq!(profile.body_files().len(), 0);
}

#[test]
fn a_partial_small_body_goes_on_from_the_database_and_may_outgrow_it() {
    let mut profile = Profile::new();
    let storage = profile.open();
    let (record, body) = storage.begin();
    storage.append_at(body, 0, &pattern(1000)).unwrap();
    storage.pause(record.fetch).unwrap();
    storage.append_at(body, 1000, &pattern_from(1000, 1000)).unwrap();
    drop(storage);
    profile.reboot();
    let storage = profile.open();
    assert_eq!(
        storage.load_record(record).length,
        1000,
        "the rest was in memory alone"
    );
    storage
        .append_at(body, 1000, &pattern_from(1000, 99_000))
        .unwrap();
    assert_eq!(storage.read_all(body), pattern(100_000));
    storage.pause(record.fetch).unwrap();
    drop(storage);
    assert_eq!(profile.open().read_all(body), pattern(100_000));
}

#[test]
fn what_was_durable_stays_durable_when_a_body_moves_to_a_file() {
    let mut profile = Profile::new();
    let storage = profile.open();
    let (record, body) = storage.begin();
    storage.append_at(body, 0, &pattern(1000)).unwrap();
    storage.pause(record.fetch).unwrap();
    storage
        .append_at(body, 1000, &pattern_from(1000, 99_000))
        .unwrap();
    drop(storage);
    profile.reboot();
    let storage = profile.open();
    assert_eq!(storage.load_record(record).length, 1000);
    assert_eq!(storage.read_all(body), pattern(1000));
}

#[test]
fn what_becomes_durable_stays_so_when_its_body_moves_to_a_file_in_the_same_moment() {
    for _ in 0..10 {
        // Given a writer that is busy
        let mut profile = Profile::new();
        let storage = profile.open();
        let (record, body) = storage.begin();
        storage.append_at(body, 0, &pattern(1000)).unwrap();
        let other = new_fetch(1);
        let busy = storage.create(&other);
        // when a pause and a large append wait for it together
        let pause = storage.set_paused(record.fetch, Default::default());
        let append = storage.append(body, 1000, pattern_from(1000, 99_000).into());
        let (_, paused, _) = block_on(join3(busy, pause, append));
        paused.unwrap();
        drop(storage);
        profile.reboot();
        // then what was there at the pause is there.
        let storage = profile.open();
        let length = storage.load_record(record).length;
        assert!(length >= 1000, "{length}");
        assert_eq!(storage.read_all(body), pattern(length as usize));
    }
}

#[test]
fn an_append_that_is_given_up_while_it_moves_to_a_file_has_stored_nothing() {
    // Given a body whose next append needs a file
    let profile = Profile::new();
    let storage = profile.open();
    let (record, body) = storage.begin();
    storage.append_at(body, 0, &pattern(60_000)).unwrap();
    // when that append is polled once and dropped, again and again, and small ones come between
    let mut length = 60_000;
    for _ in 0..20 {
        let large = pattern_from(length, 10_000);
        let done = storage.append(body, length, large.into()).now_or_never();
        if done.is_some() {
            length += 10_000;
        }
        storage
            .append_at(body, length, &pattern_from(length, 100))
            .unwrap();
        length += 100;
    }
    // then every byte is in its place.
    assert_eq!(storage.read_all(body), pattern(length as usize));
    storage.settle(record);
    drop(storage);
    let storage = profile.open();
    assert_eq!(storage.load_record(record).length, length);
    assert_eq!(storage.read_all(body), pattern(length as usize));
}
