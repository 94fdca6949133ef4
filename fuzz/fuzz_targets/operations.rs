//! Any story of scripts, users, servers and workers: every promise is kept. Without crashes and without a storage that
//! fails, so that more must succeed.
#![no_main]

use std::sync::Arc;

use background_fetch_sim::story::{Step, Story};
use background_fetch_sim::tell;
use background_fetch_storage::MemoryStorage;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|story: Story| {
    let mut story = story;
    story.steps.retain(|step| {
        !matches!(
            step,
            Step::Crash | Step::StorageFails { .. } | Step::StorageFailsOn(..)
        )
    });
    if let Err(wrong) = tell(&story, |quota| Arc::new(MemoryStorage::new(quota))) {
        panic!("{story}{wrong}");
    }
});
