//! File API: blobs and files.

mod blob;
mod file;
mod file_reader;
mod package;

pub use blob::{Blob, BlobData};
pub use file::{File, FileData};
pub use file_reader::{FileReader, FileReaderSync};
