//! File API: blobs and files.

mod blob;
mod file;

pub use blob::{Blob, BlobData};
pub use file::{File, FileData};
