//! The default [`Storage`](background_fetch::embedder::Storage) of background fetches.
//!
//! [`MemoryStorage`] forgets everything with the process: for private browsing and for tests. [`suite`] checks
//! that a storage, anybody's, keeps the contract.
#![forbid(unsafe_code)]

mod error;
mod memory;
pub mod suite;

pub use memory::MemoryStorage;
