//! Any bytes for a stored background fetch: an error, or a background fetch that is the same when it is written
//! and read again.
#![no_main]

use background_fetch::embedder::StoredFetch;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(fetch) = serde_json::from_slice::<StoredFetch>(data) else {
        return;
    };
    let written = serde_json::to_vec(&fetch).expect("what was read can be written");
    let again: StoredFetch = serde_json::from_slice(&written).expect("what was written can be read");
    assert_eq!(fetch, again);
});
