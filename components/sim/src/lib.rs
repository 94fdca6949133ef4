//! A deterministic embedder.
#![forbid(unsafe_code)]

mod clock;
mod executor;
mod network;
mod random;
mod ready_queue;
mod watched;

pub use clock::VirtualClock;
pub use executor::{Bounds, Executor, LocalTask, yield_now};
pub use network::{Ending, Ranges, RequestLog, Resource, Response, ScriptedNetwork, pattern};
pub use random::Random;
