//! A deterministic embedder.
#![forbid(unsafe_code)]

mod clock;
mod executor;
mod random;
mod ready_queue;
mod watched;

pub use clock::VirtualClock;
pub use executor::{Bounds, Executor, LocalTask, yield_now};
pub use random::Random;
