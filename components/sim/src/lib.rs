//! A deterministic embedder.
#![forbid(unsafe_code)]

mod clock;
mod display;
mod event_loop;
mod executor;
mod network;
mod permissions;
mod random;
mod ready_queue;
mod service_workers;
mod watched;

pub use clock::VirtualClock;
pub use display::{DisplayCall, TestDisplay};
pub use event_loop::TestEventLoop;
pub use executor::{Bounds, Executor, LocalTask, yield_now};
pub use network::{Ending, Ranges, RequestLog, Resource, Response, ScriptedNetwork, pattern};
pub use permissions::TestPermissions;
pub use random::Random;
pub use service_workers::{EventHandler, FiredEvent, TestServiceWorkers};
