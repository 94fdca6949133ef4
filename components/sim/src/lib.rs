//! A deterministic embedder: every trait that the component asks of its embedder, on one thread, in virtual
//! time, with a schedule that follows from a seed.
//!
//! * [`World`] bundles it all; most tests begin there.
//! * [`Executor`] picks the next task by the seed; [`VirtualClock`] moves when nothing is ready.
//! * [`ScriptedNetwork`] serves [`Resource`]s, which drop, stall, change and lie as they are told.
//! * [`FaultyStorage`] gives faults to any storage, [`VolatileStorage`] crashes; [`TestServiceWorkers`], [`TestPermissions`], [`TestDisplay`]
//!   and [`TestEventLoop`] are the rest of a browser.
//!
//! # Stories
//!
//! [`story`] has whole stories as plain data, drawn from a seed or from the bytes of a fuzzer: what the servers have, and step by
//! step what scripts, the user, the network, the storage and crashes do. [`tell`] tells one over [`VolatileStorage`], and
//! checks after every step what a small model of the specification allows; [`survey`] tells many, and cuts one that breaks a
//! promise down to a short one in words. The storage is yours to choose:
//!
//! ```
//! # use background_fetch::embedder::Storage;
//! # use std::sync::Arc;
//! use background_fetch_sim::{Failure, story::Story, survey, tell};
//!
//! fn test(fresh: fn(u64) -> Arc<dyn Storage>) -> Result<(), Box<Failure>> {
//!     println!("{}", Story::of_seed(7));
//!     let tally = survey(0..1000, 2, fresh, |told| told < 1_000_000)?;
//!     println!("{} background fetches kept every promise", tally.telling.fetches);
//!     Ok(())
//! }
//! ```
//!
//! It must answer at once, as a storage in memory does: an executor of one thread waits for no other.
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
pub use storage::{FaultyStorage, StorageOperation, Strike, VolatileStorage};
pub use survey::{Failure, FreshStorage, Tally, in_short, survey, tell_safely};
pub use world::World;
