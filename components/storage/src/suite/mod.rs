//! The contract of [`Storage`] as tests that any storage can run.
//!
//! ```
//! use std::sync::Arc;
//! use background_fetch_storage::{MemoryStorage, suite};
//!
//! suite::run(|quota| {
//!     let storage = MemoryStorage::new(quota);
//!     Box::new(move || Arc::new(storage.clone()))
//! });
//! ```
//!
//! Each case gets a world of its own: an empty storage with a quota, which it may close and open again. A case
//! panics where the contract is broken. Where a storage can be made to lose what a crash loses, let it do so whenever it
//! is opened again: the suite allows for that.

mod bodies;
mod fetches;
mod quota;
mod together;
mod world;

use std::sync::Arc;

use background_fetch::embedder::Storage;

pub use world::World;

/// Opens a storage: empty the first time, and later with what was stored before. Every handle that it gave out
/// earlier is dropped by then.
pub type Open<'a> = Box<dyn Fn() -> Arc<dyn Storage> + 'a>;

/// A promise of the contract, with the code that tests it.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// The promise, in a sentence.
    pub name: &'static str,
    /// Tests it in a world of its own; panics where it is broken.
    pub run: fn(&mut World<'_>),
}

/// The quota of each storage key that a case is run with, in bytes.
pub const QUOTA: u64 = 1 << 20;

/// Every case.
pub fn cases() -> impl Iterator<Item = Case> {
    [fetches::CASES, bodies::CASES, quota::CASES, together::CASES]
        .into_iter()
        .flatten()
        .copied()
}

/// Runs every case. `make` makes the opener of a new, empty storage in which each storage key has so many bytes
/// of quota.
///
/// # Panics
///
/// Where the storage breaks its contract; the name of the case is on standard error.
pub fn run<'a>(make: impl Fn(u64) -> Open<'a>) {
    for case in cases() {
        let named = Named(case.name);
        (case.run)(&mut World::new(make(QUOTA)));
        std::mem::forget(named);
    }
}

/// Says which case it was when that case panics.
struct Named(&'static str);

impl Drop for Named {
    fn drop(&mut self) {
        eprintln!("this storage breaks the contract: {}", self.0);
    }
}

/// Declares cases: functions whose names are sentences.
macro_rules! declare_cases {
    ($($name:ident,)+) => {
        pub(super) const CASES: &[$crate::suite::Case] = &[
            $($crate::suite::Case { name: stringify!($name), run: $name },)+
        ];
    };
}
use declare_cases;
