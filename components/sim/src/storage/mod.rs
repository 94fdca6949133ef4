//! Storage that fails, is slow, stops where a test wants, and forgets in a crash what is not durable.

mod faulty;
mod operation;
mod volatile;

pub use faulty::{FaultyStorage, Strike};
pub use operation::StorageOperation;
pub use volatile::VolatileStorage;
