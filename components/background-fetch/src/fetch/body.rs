//! Bodies on their way in: what a request carries when `fetch()` is called.

use std::fmt;

use bytes::Bytes;
use futures::stream::BoxStream;

/// Bytes of a body as they come; an error is a sentence that says why the rest will not.
pub type BodyStream = BoxStream<'static, Result<Bytes, String>>;

/// The body of a request given to `fetch()`. Its bytes are stored before the promise resolves.
///
/// <https://fetch.spec.whatwg.org/#concept-body>
pub enum RequestBody {
    /// A body with a source: all bytes are at hand.
    Bytes(Bytes),
    /// A stream, read once.
    Stream(BodyStream),
}

impl RequestBody {
    /// The body as a stream of its bytes.
    pub fn into_stream(self) -> BodyStream {
        match self {
            Self::Bytes(bytes) => Box::pin(futures::stream::iter((!bytes.is_empty()).then_some(Ok(bytes)))),
            Self::Stream(stream) => stream,
        }
    }
}

impl<T: Into<Bytes>> From<T> for RequestBody {
    fn from(bytes: T) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => f.debug_tuple("Bytes").field(&bytes.len()).finish(),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}
