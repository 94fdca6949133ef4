//! Any story, on a storage that fails and that crashes rob of what is not durable: every promise is kept.
#![no_main]

use std::sync::Arc;

use background_fetch_sim::story::Story;
use background_fetch_sim::tell;
use background_fetch_storage::MemoryStorage;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|story: Story| {
    if let Err(wrong) = tell(&story, |quota| Arc::new(MemoryStorage::new(quota))) {
        panic!("{story}{wrong}");
    }
});
