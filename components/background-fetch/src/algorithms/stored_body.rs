//! A stored request body, as the network reads it.

use std::sync::Arc;

use futures::stream;

use crate::concepts::RecordKey;
use crate::embedder::{BodyKey, BodySource, Storage};
use crate::fetch::BodyStream;

/// How many bytes are read from storage at once.
pub(crate) const SLICE: usize = 256 * 1024;

/// The body of a record's request, in storage.
pub(crate) struct StoredRequestBody {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) record: RecordKey,
    pub(crate) length: u64,
}

impl BodySource for StoredRequestBody {
    fn length(&self) -> u64 {
        self.length
    }

    fn open(&self) -> BodyStream {
        let (storage, record) = (Arc::clone(&self.storage), self.record);
        Box::pin(stream::try_unfold(0, move |offset| {
            let storage = Arc::clone(&storage);
            async move {
                match storage.read(BodyKey::Request(record), offset, SLICE).await {
                    Ok(bytes) if bytes.is_empty() => Ok(None),
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
