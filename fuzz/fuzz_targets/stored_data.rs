//! Any bytes for what is stored: a background fetch as JSON, a column of the database, the file of a cookie jar. An
//! error, or a value that is the same when it is written and read again.
#![no_main]

use background_fetch::embedder::StoredFetch;
use background_fetch_net::parse::cookie_jar;
use background_fetch_storage::decode;
use libfuzzer_sys::fuzz_target;
use serde::{Serialize, de::DeserializeOwned};

fuzz_target!(|data: &[u8]| {
    if let Ok(fetch) = serde_json::from_slice::<StoredFetch>(data) {
        round_trip(&fetch);
    }
    if let Ok(saved) = cookie_jar(data) {
        // A cookie may expire meanwhile, so there may be fewer.
        let again = cookie_jar(&saved).expect("what was saved can be opened");
        assert!(again.len() <= saved.len());
    }
    if let Ok(text) = decode::dom_string(data) {
        let bytes: Vec<u8> = text
            .code_units()
            .iter()
            .flat_map(|unit| unit.to_le_bytes())
            .collect();
        assert_eq!(bytes, data);
        round_trip(&text);
    }
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    decode::request(text).iter().for_each(round_trip);
    decode::response(text).iter().for_each(round_trip);
    decode::client(text).iter().for_each(round_trip);
    decode::icons(text).iter().for_each(round_trip);
    let _ = decode::scope(text);
    let _ = decode::failure_reason(text);
    let _ = decode::settlement(text, i64::MIN, text);
    let _ = decode::fetch_state(text, text, text);
});

fn round_trip<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T) {
    let written = serde_json::to_vec(value).expect("what was read can be written");
    let again: T = serde_json::from_slice(&written).expect("what was written can be read");
    assert_eq!(*value, again);
}
