//! A storage for this crate's own tests: one body, and nothing else.

use background_fetch::embedder::{
    BodyKey, FetchState, NewFetch, PauseReasons, Settlement, StagedBody, Storage, StorageError,
    StorageEstimate, StoredFetch,
};
use background_fetch::fetch::{ResponseHead, StorageKey};
use background_fetch::{DomString, FetchKey, ImageResource, RecordKey, RegistrationKey};
use bytes::Bytes;
use futures::future::{BoxFuture, ready};
use parking_lot::Mutex;
use url::Url;

/// Whatever is appended goes to one body; the rest is accepted and forgotten.
#[derive(Default)]
pub(crate) struct OneBody(Mutex<Vec<u8>>);

fn done<T: Send + 'static>(value: T) -> BoxFuture<'static, Result<T, StorageError>> {
    Box::pin(ready(Ok(value)))
}

impl Storage for OneBody {
    fn load(&self) -> BoxFuture<'_, Result<Vec<StoredFetch>, StorageError>> {
        done(Vec::new())
    }

    fn estimate<'a>(&'a self, _: &'a StorageKey) -> BoxFuture<'a, Result<StorageEstimate, StorageError>> {
        done(StorageEstimate::default())
    }

    fn stage<'a>(&'a self, _: &'a StorageKey) -> BoxFuture<'a, Result<StagedBody, StorageError>> {
        done(StagedBody(1))
    }

    fn discard(&self, _: StagedBody) -> BoxFuture<'_, Result<(), StorageError>> {
        done(())
    }

    fn create<'a>(&'a self, _: &'a NewFetch) -> BoxFuture<'a, Result<FetchKey, StorageError>> {
        done(FetchKey(1))
    }

    fn append(&self, _: BodyKey, offset: u64, bytes: Bytes) -> BoxFuture<'_, Result<(), StorageError>> {
        Box::pin(async move {
            let mut body = self.0.lock();
            assert_eq!(offset, body.len() as u64);
            body.extend_from_slice(&bytes);
            Ok(())
        })
    }

    fn read(&self, _: BodyKey, offset: u64, max: usize) -> BoxFuture<'_, Result<Bytes, StorageError>> {
        Box::pin(async move {
            Ok(self
                .0
                .lock()
                .iter()
                .copied()
                .skip(offset as usize)
                .take(max)
                .collect())
        })
    }

    fn set_response<'a>(
        &'a self,
        _: RecordKey,
        _: u64,
        _: &'a ResponseHead,
    ) -> BoxFuture<'a, Result<(), StorageError>> {
        done(())
    }

    fn mark_sent(&self, _: RecordKey) -> BoxFuture<'_, Result<(), StorageError>> {
        done(())
    }

    fn set_upload<'a>(&'a self, _: RecordKey, _: &'a Url) -> BoxFuture<'a, Result<(), StorageError>> {
        done(())
    }

    fn settle_record<'a>(
        &'a self,
        _: RecordKey,
        _: &'a Settlement,
    ) -> BoxFuture<'a, Result<(), StorageError>> {
        done(())
    }

    fn set_state(&self, _: FetchKey, _: FetchState) -> BoxFuture<'_, Result<(), StorageError>> {
        done(())
    }

    fn set_paused(&self, _: FetchKey, _: PauseReasons) -> BoxFuture<'_, Result<(), StorageError>> {
        done(())
    }

    fn set_ui<'a>(
        &'a self,
        _: FetchKey,
        _: &'a DomString,
        _: &'a [ImageResource],
    ) -> BoxFuture<'a, Result<(), StorageError>> {
        done(())
    }

    fn remove(&self, _: FetchKey) -> BoxFuture<'_, Result<(), StorageError>> {
        done(())
    }

    fn clear<'a>(&'a self, _: &'a RegistrationKey) -> BoxFuture<'a, Result<(), StorageError>> {
        done(())
    }

    fn flush(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        done(())
    }
}
