//! What tasks share: [`Watched`] values and [`ParallelQueue`]s. No executor, no clock.

mod parallel_queue;
mod watched;

pub(crate) use parallel_queue::ParallelQueue;
pub(crate) use watched::Watched;
