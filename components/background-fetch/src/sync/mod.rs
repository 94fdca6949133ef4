//! What tasks share: [`Watched`] values, [`ParallelQueue`]s and the count of [`Tasks`]. No executor, no clock.

mod parallel_queue;
mod primitives;
mod tasks;
mod watched;

pub(crate) use parallel_queue::ParallelQueue;
pub(crate) use primitives::Mutex;
pub(crate) use tasks::Tasks;
pub(crate) use watched::Watched;
