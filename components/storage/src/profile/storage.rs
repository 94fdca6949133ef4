//! [`Storage`] for [`ProfileStorage`].

use std::sync::Arc;

use background_fetch::embedder::{
    BodyKey, FetchState, NewFetch, PauseReasons, Settlement, StagedBody, Storage, StorageError,
    StorageEstimate, StoredFetch,
};
use background_fetch::fetch::{ResponseHead, StorageKey};
use background_fetch::{DomString, FetchKey, ImageResource, RecordKey, RegistrationKey};
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use url::Url;

use super::body::{Appended, Body};
use super::operation::Operation;
use super::options::Result;
use super::state::State;
use super::writer::Answer;
use super::{ProfileStorage, encode, load, sums, trouble};
use crate::error;

impl ProfileStorage {
    /// A future that begins with `start`, the state locked, when it is first polled, and ends when that is done.
    fn call<'a>(
        &'a self,
        start: impl FnOnce(&mut State) -> Result<Answer> + Send + 'a,
    ) -> BoxFuture<'a, Result<()>> {
        async move {
            let answer = start(&mut self.shared.state.lock())?;
            answer.done().await
        }
        .boxed()
    }

    /// A call for a background fetch that must be there.
    fn fetch_call<'a>(&'a self, fetch: FetchKey, operation: Operation) -> BoxFuture<'a, Result<()>> {
        self.call(move |state| {
            state.fetch(fetch)?;
            Ok(self.durable(state, operation))
        })
    }

    fn start_create(&self, state: &mut State, new: &NewFetch) -> Result<(FetchKey, Answer)> {
        let storage_key = &new.registration.storage_key;
        let mut bodies: Vec<(usize, StagedBody, Arc<Body>)> = Vec::new();
        let mut take = || {
            for (index, id) in new
                .records
                .iter()
                .enumerate()
                .filter_map(|(i, r)| Some((i, r.body?)))
            {
                let name = BodyKey::Staged(id);
                let body = state.staged.get(&id).ok_or_else(|| error::no_body(name))?;
                if body.storage_key != *storage_key {
                    return Err(error::foreign_body(name, storage_key));
                }
                bodies.extend(state.staged.remove(&id).map(|body| (index, id, body)));
            }
            state.new_fetch()
        };
        match take() {
            Ok(key) => {
                bodies.iter().for_each(|(_, _, body)| body.set_settled(true));
                let fetch = Box::new(new.clone());
                Ok((key, self.durable(state, Operation::Create { key, fetch, bodies })))
            }
            Err(error) => {
                state
                    .staged
                    .extend(bodies.into_iter().map(|(_, id, body)| (id, body)));
                Err(error)
            }
        }
    }

    async fn append_to(&self, name: BodyKey, offset: u64, bytes: Bytes) -> Result<()> {
        let record = match name {
            BodyKey::Staged(_) => None,
            BodyKey::Response { record, .. } => Some(record),
            // The body of a request is whole once its background fetch is created.
            BodyKey::Request(_) => return Err(error::no_body(name)),
        };
        let body = self.shared.state.lock().body(name)?;
        let fetch = record.map(|record| record.fetch);
        loop {
            let appended = body.append(&self.shared, name, offset, &bytes)?;
            if let (Some(record), Appended::Done | Appended::CheckpointDue) = (record, &appended) {
                self.shared.mark_dirty(record);
            }
            let body = Arc::clone(&body);
            let first = match appended {
                Appended::Done => return Ok(()),
                Appended::CheckpointDue => {
                    self.queue(Operation::Checkpoint { body, fetch }, None);
                    return Ok(());
                }
                Appended::NeedsCheckpoint => Operation::Checkpoint { body, fetch },
                Appended::NeedsFile => Operation::Move { body, fetch },
            };
            self.call(|state| Ok(self.durable(state, first))).await?;
        }
    }

    fn start_response(
        &self,
        state: &mut State,
        key: RecordKey,
        generation: u64,
        response: String,
    ) -> Result<Answer> {
        let storage_key = state
            .fetch(key.fetch)
            .map(|fetch| fetch.registration.storage_key.clone());
        let record = state.record(key)?;
        if generation == 0 || generation < record.generation {
            return Err(error::stale_generation(key, generation, record.generation));
        }
        if record.settled {
            return Err(error::settled(key));
        }
        let mut before = None;
        let body = match &record.response {
            Some(body) if generation == record.generation => Arc::clone(body),
            _ => {
                let body = Arc::new(Body::new(
                    state.new_body()?,
                    storage_key?,
                    sums::seed_of_response(key, generation),
                ));
                let record = state.record(key)?;
                let replaced = record.response.replace(Arc::clone(&body));
                replaced
                    .iter()
                    .for_each(|body| body.set_replaced(&self.shared, true));
                before = Some((record.generation, replaced));
                record.generation = generation;
                body
            }
        };
        let record = key;
        Ok(self.queued(
            state,
            Operation::SetResponse {
                record,
                generation,
                response,
                body,
                before,
            },
        ))
    }

    fn start_settle(&self, state: &mut State, key: RecordKey, settlement: Settlement) -> Result<Answer> {
        let record = state.record(key)?;
        record.settled = true;
        let body = record.response.clone();
        body.iter().for_each(|body| body.set_settled(true));
        let settle = Operation::Settle {
            record: key,
            settlement,
            body,
        };
        Ok(match self.shared.options.settle_durably {
            true => self.durable(state, settle),
            false => self.queued(state, settle),
        })
    }
}

impl Storage for ProfileStorage {
    fn load(&self) -> BoxFuture<'_, Result<Vec<StoredFetch>>> {
        async move {
            let answer = {
                let state = &mut self.shared.state.lock();
                let staged: Vec<_> = std::mem::take(&mut state.staged).into_values().collect();
                staged.iter().for_each(|body| body.set_gone(&self.shared));
                let _ = self.queued(state, Operation::Discard(staged));
                self.durable(state, Operation::Flush)
            };
            answer.done().await?;
            load::load(&self.shared)
        }
        .boxed()
    }

    fn estimate<'a>(&'a self, key: &'a StorageKey) -> BoxFuture<'a, Result<StorageEstimate>> {
        async { self.shared.usage.estimate(key) }.boxed()
    }

    fn reserve(&self, key: &StorageKey, bytes: u64) -> Result<()> {
        self.shared.usage.reserve(key, bytes)
    }

    fn count(&self, key: &StorageKey, bytes: u64) {
        self.shared.usage.add(key, bytes);
    }

    fn release(&self, key: &StorageKey, bytes: u64) {
        self.shared.usage.release(key, bytes);
    }

    fn stage<'a>(&'a self, key: &'a StorageKey) -> BoxFuture<'a, Result<StagedBody>> {
        async {
            let state = &mut self.shared.state.lock();
            let id = state.new_body()?;
            let body = Body::new(id, key.clone(), sums::seed_of_request(id));
            state.staged.insert(StagedBody(id), Arc::new(body));
            Ok(StagedBody(id))
        }
        .boxed()
    }

    fn discard(&self, body: StagedBody) -> BoxFuture<'_, Result<()>> {
        self.call(move |state| match state.staged.remove(&body) {
            Some(body) => {
                body.set_gone(&self.shared);
                Ok(self.queued(state, Operation::Discard(vec![body])))
            }
            None => Ok(Answer(None)),
        })
    }

    fn create<'a>(&'a self, fetch: &'a NewFetch) -> BoxFuture<'a, Result<FetchKey>> {
        async {
            let (key, answer) = self.start_create(&mut self.shared.state.lock(), fetch)?;
            answer.done().await.map(|()| key)
        }
        .boxed()
    }

    fn append(&self, body: BodyKey, offset: u64, bytes: Bytes) -> BoxFuture<'_, Result<()>> {
        self.append_to(body, offset, bytes).boxed()
    }

    fn read(&self, body: BodyKey, offset: u64, max: usize) -> BoxFuture<'_, Result<Bytes>> {
        async move {
            let found = self.shared.state.lock().body(body)?;
            found.read(&self.shared, body, offset, max)
        }
        .boxed()
    }

    fn set_response<'a>(
        &'a self,
        record: RecordKey,
        generation: u64,
        response: &'a ResponseHead,
    ) -> BoxFuture<'a, Result<()>> {
        async move {
            let response = self.encoded(encode::json(response))?;
            self.call(|state| self.start_response(state, record, generation, response))
                .await
        }
        .boxed()
    }

    fn mark_sent(&self, record: RecordKey) -> BoxFuture<'_, Result<()>> {
        self.call(move |state| {
            state.record(record)?;
            Ok(self.durable(state, Operation::MarkSent(record)))
        })
    }

    fn set_upload<'a>(&'a self, record: RecordKey, upload: &'a Url) -> BoxFuture<'a, Result<()>> {
        self.call(move |state| {
            state.record(record)?;
            Ok(self.durable(state, Operation::SetUpload(record, upload.to_string())))
        })
    }

    fn settle_record<'a>(
        &'a self,
        record: RecordKey,
        settlement: &'a Settlement,
    ) -> BoxFuture<'a, Result<()>> {
        self.call(move |state| self.start_settle(state, record, settlement.clone()))
    }

    fn set_state(&self, fetch: FetchKey, state: FetchState) -> BoxFuture<'_, Result<()>> {
        self.fetch_call(fetch, Operation::SetState(fetch, state))
    }

    fn set_paused(&self, fetch: FetchKey, paused: PauseReasons) -> BoxFuture<'_, Result<()>> {
        self.fetch_call(fetch, Operation::SetPaused(fetch, paused))
    }

    fn set_ui<'a>(
        &'a self,
        fetch: FetchKey,
        title: &'a DomString,
        icons: &'a [ImageResource],
    ) -> BoxFuture<'a, Result<()>> {
        self.call(move |state| {
            state.fetch(fetch)?;
            let icons = self.encoded(encode::json(icons))?;
            Ok(self.durable(state, Operation::SetUi(fetch, encode::dom_string(title), icons)))
        })
    }

    fn remove(&self, fetch: FetchKey) -> BoxFuture<'_, Result<()>> {
        self.call(move |state| Ok(self.durable(state, Operation::Remove(fetch))))
    }

    fn clear<'a>(&'a self, registration: &'a RegistrationKey) -> BoxFuture<'a, Result<()>> {
        self.call(|state| Ok(self.durable(state, Operation::Clear(registration.clone()))))
    }

    fn flush(&self) -> BoxFuture<'_, Result<()>> {
        self.call(|state| Ok(self.durable(state, Operation::Flush)))
    }
}

impl ProfileStorage {
    fn encoded(&self, encoded: rusqlite::Result<String>) -> Result<String> {
        encoded.map_err(|error: rusqlite::Error| -> StorageError {
            trouble::sqlite(&self.shared.database, &error)
        })
    }
}
