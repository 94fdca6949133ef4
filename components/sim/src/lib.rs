//! A deterministic embedder: every trait that the component asks of its embedder, on one thread, in virtual
//! time, with a schedule that follows from a seed.
//!
//! * [`World`] bundles it all; most tests begin there.
//! * [`Executor`] picks the next task by the seed; [`VirtualClock`] moves when nothing is ready.
//! * [`ScriptedNetwork`] serves [`Resource`]s, which drop, stall, change and lie as they are told.
//! * [`FaultyStorage`] gives faults to any storage; [`TestServiceWorkers`], [`TestPermissions`], [`TestDisplay`]
//!   and [`TestEventLoop`] are the rest of a browser.
//!
//! # Rules for a reproducible test
//!
//! Chance comes from [`Random`] alone: no `futures::select!` (`select_biased!` and `future::select` are fine), no
//! iteration over a hash map with random state, no thread, no clock but the virtual one.
#![forbid(unsafe_code)]

mod clock;
mod display;
mod event_loop;
mod executor;
mod network;
#[cfg(test)]
mod one_body;
mod page;
mod permissions;
mod play;
mod random;
mod ready_queue;
mod service_workers;
mod storage;
pub mod story;
mod survey;
mod watched;
mod world;

pub use clock::VirtualClock;
pub use display::{DisplayCall, TestDisplay};
pub use event_loop::TestEventLoop;
pub use executor::{Bounds, Executor, LocalTask, yield_now};
pub use network::{
    Ending, Ranges, RequestLog, Resource, Response, ScriptedNetwork, UploadServer, UploadTrouble, pattern,
};
pub use page::{Page, body_of};
pub use permissions::TestPermissions;
pub use play::{Telling, tell};
pub use random::Random;
pub use service_workers::{EventHandler, FiredEvent, TestServiceWorkers};
pub use storage::{FaultyStorage, StorageOperation, VolatileStorage};
pub use survey::{Failure, FreshStorage, Tally, in_short, survey, tell_safely};
pub use world::World;
