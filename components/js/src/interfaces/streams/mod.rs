//! Streams: the interfaces, which a package implements, and what the rest of the host does with streams.
//!
//! <https://streams.spec.whatwg.org/>

mod chunks;
mod polyfill;
mod read;
mod readable_stream;
mod source;
pub(crate) mod transform;

pub use chunks::EndReason;
pub(crate) use chunks::to_any_thread;
pub use polyfill::define_streams;
pub use read::{Read, ReadSteps, Reader};
pub use readable_stream::ReadableStream;
pub use source::{ByteStream, Failure};
pub use transform::WritableStream;
