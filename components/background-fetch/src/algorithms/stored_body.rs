//! A stored request body, as the network reads it.

use std::sync::Arc;

use futures::stream;

use crate::concepts::RecordKey;
use crate::embedder::{BodyKey, BodySource, Storage};
use crate::fetch::BodyStream;

/// How many bytes are read from storage at once.
pub(crate) const SLICE: usize = 256 * 1024;

/// The body of a record's request, in storage, or a part of it.
pub(crate) struct StoredRequestBody {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) record: RecordKey,
    /// The first byte.
    pub(crate) start: u64,
    /// The byte after the last.
    pub(crate) end: u64,
}

impl BodySource for StoredRequestBody {
    fn length(&self) -> u64 {
        self.end - self.start
    }

    fn open(&self) -> BodyStream {
        let (storage, record, end) = (Arc::clone(&self.storage), self.record, self.end);
        Box::pin(stream::try_unfold(self.start, move |offset| {
            let storage = Arc::clone(&storage);
            async move {
                let slice = (end - offset).min(SLICE as u64) as usize;
                if slice == 0 {
                    return Ok(None);
                }
                match storage.read(BodyKey::Request(record), offset, slice).await {
                    // What is damaged is not sent as if it were all.
                    Ok(bytes) if bytes.is_empty() => Err(format!(
                        "the stored request body ends at byte {offset}, it should have {end} bytes"
                    )),
                    Ok(bytes) => {
                        let next = offset + bytes.len() as u64;
                        Ok(Some((bytes, next)))
                    }
                    Err(error) => Err(error.message),
                }
            }
        }))
    }
}
