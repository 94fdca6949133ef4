//! The component under threads, in short: the example `threads` runs the same for as long as one likes.

#[path = "../examples/threads/round/mod.rs"]
mod round;

use std::time::Duration;

use round::{Kind, Scale};

/// Goes wild for a moment; whatever was begun by then comes to its one end.
fn tell(seed: u64, kind: Kind) {
    let (figures, faults) = round::run(seed, kind, Duration::from_millis(300), &Scale::SMALL);
    assert!(faults.is_empty(), "seed {seed}, {figures}: {faults:#?}");
}

#[test]
fn everything_comes_to_its_one_end_under_threads_and_nothing_is_left() {
    tell(1, Kind::Memory);
}

#[test]
fn everything_comes_to_its_one_end_under_threads_and_nothing_is_left_in_a_profile() {
    tell(2, Kind::Profile);
}
