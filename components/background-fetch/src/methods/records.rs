//! What record objects ask for: responses, and bytes of bodies.

use std::sync::Arc;

use bytes::Bytes;

use crate::algorithms::create_record_objects::{pull_bytes, response_ready, why_not_exposed};
use crate::algorithms::stored_body::SLICE;
use crate::concepts::record::{Record, ResponseData};
use crate::concepts::{RecordKey, ResponseResult};
use crate::embedder::BodyKey;
use crate::fetch::ResponseHead;
use crate::seam::ResponseDataKey;
use crate::{Engine, Exception};

impl Engine {
    pub(super) async fn response_ready(&self, key: ResponseDataKey) -> Result<Arc<ResponseHead>, Exception> {
        let (record, response_data) = self.response_data(key)?;
        response_ready(&record, &response_data).await
    }

    pub(super) async fn read_response(
        &self,
        key: ResponseDataKey,
        offset: u64,
    ) -> Result<Option<Bytes>, Exception> {
        let (record, response_data) = self.response_data(key)?;
        pull_bytes(self, &record, &response_data, offset).await
    }

    pub(super) async fn read_request(&self, key: RecordKey, offset: u64) -> Result<Option<Bytes>, Exception> {
        self.record(key)?;
        match self
            .inner
            .embedder
            .storage
            .read(BodyKey::Request(key), offset, SLICE)
            .await
        {
            Ok(bytes) => Ok(Some(bytes).filter(|bytes| !bytes.is_empty())),
            Err(error) => Err(super::fetch::exception_of(&error)),
        }
    }

    fn record(&self, key: RecordKey) -> Result<Arc<Record>, Exception> {
        self.known(key.fetch)?
            .records
            .get(key.index)
            .cloned()
            .ok_or_else(super::gone)
    }

    /// The response that a record object was created with; one that was replaced since is redundant.
    fn response_data(&self, key: ResponseDataKey) -> Result<(Arc<Record>, Arc<ResponseData>), Exception> {
        let record = self.record(key.record)?;
        let response_data = record.response_data();
        if response_data.generation != key.generation {
            return Err(why_not_exposed(&record, ResponseResult::Redundant));
        }
        Ok((record, response_data))
    }
}
