//! The hot paths whose instructions are counted: each on one thread, and the same each time.
//!
//! A path prepares what it needs, and does what is counted in [`counted`]. Chunks are tiny: what is counted is what a
//! chunk costs, and not how this machine copies bytes.

mod appending;
mod calls;
mod fetching;
mod headers;

use std::hint::black_box;

/// A hot path.
pub struct HotPath {
    /// Its name in the file of counts.
    pub name: &'static str,
    /// What is counted, in words.
    pub what: &'static str,
    /// How often it is done: the counts are those of one time.
    pub times: u64,
    /// Does it, with this as its number of times.
    pub run: fn(u64),
}

/// All of them.
pub const PATHS: &[HotPath] = &[
    fetching::CHUNK,
    fetching::READ,
    fetching::RECORD,
    fetching::UPDATE_INSTANCES,
    calls::FETCH,
    calls::MATCH_FEW,
    calls::MATCH,
    calls::FIRST_MATCH,
    calls::MATCH_ALL,
    calls::GET,
    calls::START,
    headers::CONTENT_RANGE,
    headers::RESPONSE_HEADERS,
    appending::APPEND_FILE,
    appending::APPEND_SMALL,
];

/// The name of [`counted`], for callgrind: it counts from its begin to its end, in the thread that calls it.
pub const COUNTED: &str = "micro_benchmarks::paths::counted";

/// Does what is counted. One function for all paths, so that callgrind knows it by its name.
#[inline(never)]
pub fn counted(action: &mut dyn FnMut()) {
    action();
    // So that it does not end before the action does.
    black_box(action);
}
