//! Storage that fails, is slow, and stops where a test wants.

mod faulty;
mod operation;

pub use faulty::FaultyStorage;
pub use operation::StorageOperation;
