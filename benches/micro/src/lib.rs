//! What the micro-benchmarks and the instruction counts share: a small [`World`] around the component, storages with
//! something in them, and the [hot paths](paths::PATHS).

pub mod network;
pub mod paths;
pub mod profile;
pub mod start;
pub mod stored;
pub mod world;

pub use world::{Page, World};
