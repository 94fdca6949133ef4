//! Bodies on their way: uploads with progress, responses with back-pressure, content codings.

pub(crate) mod content_coding;
pub(crate) mod decoder;
pub(crate) mod incoming;
pub(crate) mod upload;

use background_fetch::embedder::NetworkError;
use bytes::Bytes;

use content_coding::ContentCoding;
use decoder::DecodedBody;
use incoming::IncomingBody;

/// A response's body, as it is handed out.
pub(crate) enum ResponseBody {
    /// The bytes as they come from the connection, not copied.
    Plain(IncomingBody),
    /// The bytes with their content codings removed.
    Decoded(DecodedBody),
}

impl ResponseBody {
    pub(crate) fn new(incoming: IncomingBody, codings: Vec<ContentCoding>) -> Self {
        if codings.is_empty() {
            Self::Plain(incoming)
        } else {
            Self::Decoded(DecodedBody::new(incoming, codings))
        }
    }

    /// The next bytes, never empty; none at the normal end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, NetworkError> {
        match self {
            Self::Plain(body) => body.next().await,
            Self::Decoded(body) => body.next().await,
        }
    }
}
