//! The promises of the design under "What must hold", in the stories of many seeds: `README.md` says how to tell more.

use std::cell::Cell;
use std::sync::Arc;

use background_fetch::embedder::{Storage, StorageErrorKind};
use background_fetch_sim::story::{File, Setting, Step, Story, shrink};
use background_fetch_sim::{Random, StorageOperation, VolatileStorage, survey, tell};
use background_fetch_storage::{MemoryStorage, suite};
use futures::executor::block_on;

/// The stories of one run: 100,000 with `--release`.
const SEEDS: u64 = if cfg!(debug_assertions) { 1_000 } else { 100_000 };

fn fresh(quota: u64) -> Arc<dyn Storage> {
    Arc::new(MemoryStorage::new(quota))
}

#[test]
fn simulation() {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    match survey(0..SEEDS, threads, fresh, |_| true) {
        Ok(tally) => {
            println!("{tally:?}");
            assert_eq!(tally.stories, SEEDS);
            // Stories in which nothing succeeds, or nothing is killed, would show little.
            let telling = tally.telling;
            assert!(telling.successes * 2 > telling.fetches, "{tally:?}");
            assert!(telling.undisturbed * 10 > telling.fetches, "{tally:?}");
            assert!(telling.crashes as u64 * 2 > SEEDS, "{tally:?}");
        }
        Err(failure) => panic!("{failure}"),
    }
}

#[test]
fn a_story_goes_the_same_way_each_time() {
    for seed in 0..50 {
        let story = Story::of_seed(seed);
        assert_eq!(tell(&story, fresh), tell(&story, fresh), "seed {seed}");
    }
}

#[test]
fn every_sequence_of_bytes_is_a_story() {
    let mut random = Random::new(4);
    for length in 0..200 {
        let bytes: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
        let story = Story::of_bytes(&bytes);
        assert!(!story.steps.is_empty());
        tell(&story, fresh).unwrap_or_else(|wrong| panic!("{story}{wrong}"));
    }
}

#[test]
fn a_story_is_cut_down_to_what_matters() {
    let story = (0..)
        .map(Story::of_seed)
        .find(|story| story.steps.len() > 30 && story.steps.contains(&Step::Crash))
        .expect("there is a long one with a crash");
    // Whatever goes wrong goes wrong with a crash after an upload.
    let fails = |story: &Story| {
        let is_upload = |step: &Step| matches!(step, Step::Fetch { upload: None, .. });
        let fetched = story.steps.iter().position(is_upload);
        fetched.is_some_and(|fetched| story.steps[fetched..].contains(&Step::Crash))
    };
    assert!(fails(&story));
    let short = shrink(&story, 10_000, fails);
    assert_eq!(short.steps.len(), 2, "{short}");
    assert_eq!((short.schedule, &short.setting), (0, &Setting::default()));
    assert!(short.files.iter().all(|file| *file == File::plain()), "{short}");
}

#[test]
fn a_storage_with_a_volatile_part_keeps_the_storage_suite_through_crashes() {
    for seed in 0..20 {
        suite::run(|quota| {
            let storage = Arc::new(VolatileStorage::new(move || fresh(quota), Random::new(seed)));
            let opened = Cell::new(false);
            Box::new(move || {
                // Whenever it is opened again, it crashed before.
                if opened.replace(true) {
                    block_on(storage.crash()).unwrap();
                }
                Arc::clone(&storage) as Arc<dyn Storage>
            })
        });
    }
}

#[test]
fn a_storage_that_fails_is_told_in_words() {
    let step = Step::StorageFails {
        operation: StorageOperation::Append,
        nth: 2,
        kind: StorageErrorKind::Io,
        after_effect: true,
    };
    assert_eq!(
        step.to_string(),
        "call 2 of `append` from now fails after its effect: Io"
    );
}
