//! A storage whose calls are over when they return: the simulated world does not wait for other threads.

use std::sync::Arc;

use background_fetch::embedder::{
    BodyKey, FetchState, NewFetch, PauseReasons, Settlement, StagedBody, Storage, StorageError,
    StorageEstimate, StoredFetch,
};
use background_fetch::fetch::{ResponseHead, StorageKey};
use background_fetch::{DomString, FetchKey, ImageResource, RecordKey, RegistrationKey};
use bytes::Bytes;
use futures::FutureExt;
use futures::executor::block_on;
use futures::future::{BoxFuture, ready};
use url::Url;

pub struct Blocking<S>(pub Arc<S>);

fn over<'a, T: Send + 'a>(call: BoxFuture<'a, T>) -> BoxFuture<'a, T> {
    ready(block_on(call)).boxed()
}

type Answer<'a, T> = BoxFuture<'a, Result<T, StorageError>>;

impl<S: Storage> Storage for Blocking<S> {
    fn load(&self) -> Answer<'_, Vec<StoredFetch>> {
        over(self.0.load())
    }

    fn estimate<'a>(&'a self, key: &'a StorageKey) -> Answer<'a, StorageEstimate> {
        over(self.0.estimate(key))
    }

    fn stage<'a>(&'a self, key: &'a StorageKey) -> Answer<'a, StagedBody> {
        over(self.0.stage(key))
    }

    fn discard(&self, body: StagedBody) -> Answer<'_, ()> {
        over(self.0.discard(body))
    }

    fn create<'a>(&'a self, fetch: &'a NewFetch) -> Answer<'a, FetchKey> {
        over(self.0.create(fetch))
    }

    fn append(&self, body: BodyKey, offset: u64, bytes: Bytes) -> Answer<'_, ()> {
        over(self.0.append(body, offset, bytes))
    }

    fn read(&self, body: BodyKey, offset: u64, max: usize) -> Answer<'_, Bytes> {
        over(self.0.read(body, offset, max))
    }

    fn set_response<'a>(
        &'a self,
        record: RecordKey,
        generation: u64,
        response: &'a ResponseHead,
    ) -> Answer<'a, ()> {
        over(self.0.set_response(record, generation, response))
    }

    fn mark_sent(&self, record: RecordKey) -> Answer<'_, ()> {
        over(self.0.mark_sent(record))
    }

    fn set_upload<'a>(&'a self, record: RecordKey, upload: &'a Url) -> Answer<'a, ()> {
        over(self.0.set_upload(record, upload))
    }

    fn settle_record<'a>(&'a self, record: RecordKey, settlement: &'a Settlement) -> Answer<'a, ()> {
        over(self.0.settle_record(record, settlement))
    }

    fn set_state(&self, fetch: FetchKey, state: FetchState) -> Answer<'_, ()> {
        over(self.0.set_state(fetch, state))
    }

    fn set_paused(&self, fetch: FetchKey, paused: PauseReasons) -> Answer<'_, ()> {
        over(self.0.set_paused(fetch, paused))
    }

    fn set_ui<'a>(
        &'a self,
        fetch: FetchKey,
        title: &'a DomString,
        icons: &'a [ImageResource],
    ) -> Answer<'a, ()> {
        over(self.0.set_ui(fetch, title, icons))
    }

    fn remove(&self, fetch: FetchKey) -> Answer<'_, ()> {
        over(self.0.remove(fetch))
    }

    fn clear<'a>(&'a self, registration: &'a RegistrationKey) -> Answer<'a, ()> {
        over(self.0.clear(registration))
    }

    fn flush(&self) -> Answer<'_, ()> {
        over(self.0.flush())
    }
}
