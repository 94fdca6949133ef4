//! The default [`Storage`](background_fetch::embedder::Storage) of background fetches.
//!
//! [`ProfileStorage`] keeps them in a folder, through crashes and restarts. [`MemoryStorage`] forgets everything with
//! the process: for private browsing and for tests. [`suite`] checks that a storage, anybody's, keeps the contract.
#![forbid(unsafe_code)]

#[doc(hidden)]
pub mod decode;
mod error;
mod memory;
pub mod profile;
pub mod suite;
#[doc(hidden)]
pub mod write_points;

pub use memory::MemoryStorage;
pub use profile::{ExportError, Options, ProfileStorage, Quota};
