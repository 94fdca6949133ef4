//! [`Operation`]: one change on its way to the database, and what it means for the state in memory.

use std::collections::BTreeSet;
use std::sync::Arc;

use background_fetch::embedder::{FetchState, NewFetch, PauseReasons, Settlement, StagedBody};
use background_fetch::{BackgroundFetchResult, FetchKey, RecordKey, RegistrationKey};
use rusqlite::Connection;

use super::batch::Batch;
use super::body::Body;
use super::options::Result;
use super::state::{Fetch, Record, Shared};
use super::statements;

/// A change to the database.
#[derive(Debug)]
pub(super) enum Operation {
    /// A new background fetch, with the staged bodies it takes and their places.
    Create {
        key: FetchKey,
        fetch: Box<NewFetch>,
        bodies: Vec<(usize, StagedBody, Arc<Body>)>,
    },
    /// A body outgrows memory; one without a background fetch is staged.
    Move {
        body: Arc<Body>,
        fetch: Option<FetchKey>,
    },
    /// A file has grown.
    Checkpoint {
        body: Arc<Body>,
        fetch: Option<FetchKey>,
    },
    /// A record has another response, or another head of the same.
    SetResponse {
        record: RecordKey,
        generation: u64,
        response: String,
        body: Arc<Body>,
        /// Where the body is new: the generation and the body before it.
        before: Option<(u64, Option<Arc<Body>>)>,
    },
    /// A record ends.
    Settle {
        record: RecordKey,
        settlement: Settlement,
        body: Option<Arc<Body>>,
    },
    /// A request is about to be sent.
    MarkSent(RecordKey),
    /// The body of a request can be continued at this URL.
    SetUpload(RecordKey, String),
    /// A background fetch goes on to another state.
    SetState(FetchKey, FetchState),
    /// A background fetch pauses or goes on.
    SetPaused(FetchKey, PauseReasons),
    /// A background fetch looks different: its title in UTF-16LE, its icons in JSON.
    SetUi(FetchKey, Vec<u8>, String),
    /// A background fetch goes.
    Remove(FetchKey),
    /// All background fetches of a registration go, those on their way too.
    Clear(RegistrationKey),
    /// Staged bodies go.
    Discard(Vec<Arc<Body>>),
    /// Everything is to be durable.
    Flush,
}

impl Operation {
    /// The background fetch it belongs to.
    pub(super) fn fetch(&self) -> Option<FetchKey> {
        match self {
            Self::Move { fetch, .. } | Self::Checkpoint { fetch, .. } => *fetch,
            Self::SetResponse { record, .. }
            | Self::Settle { record, .. }
            | Self::MarkSent(record)
            | Self::SetUpload(record, _) => Some(record.fetch),
            Self::SetState(fetch, _) | Self::SetPaused(fetch, _) | Self::SetUi(fetch, ..) => Some(*fetch),
            Self::Create { .. } | Self::Remove(_) | Self::Clear(_) | Self::Discard(_) | Self::Flush => None,
        }
    }

    /// Whether a background fetch ends, or has ended, otherwise than with a success: then what cannot be stored of
    /// it does not keep that from being stored.
    pub(super) fn is_end_without_success(&self) -> bool {
        let Self::SetState(_, state) = self else {
            return false;
        };
        let success = BackgroundFetchResult::Success;
        !matches!(state, FetchState::Settled { result, .. } if *result == success)
    }

    /// Whether it is done quickly, and is of use only as long as the machine runs.
    pub(super) fn is_light(&self) -> bool {
        matches!(self, Self::Move { .. } | Self::SetResponse { .. })
    }

    /// Whether it cannot be done any more: its body's bytes can no longer be relied on.
    pub(super) fn is_hopeless(&self) -> bool {
        match self {
            Self::Settle { body: Some(body), .. } | Self::Checkpoint { body, .. } => body.is_in_trouble(),
            _ => false,
        }
    }

    /// Makes the change in the transaction of `batch`.
    pub(super) fn apply(&self, batch: &mut Batch<'_>, sql: &Connection) -> Result<()> {
        // What was done before for a background fetch is durable with these.
        if self.is_end_without_success() {
            if let Some(fetch) = self.fetch() {
                batch.store_dirty_reliable(sql, fetch)?;
            }
        } else if let Self::MarkSent(RecordKey { fetch, .. })
        | Self::SetUpload(RecordKey { fetch, .. }, _)
        | Self::SetState(fetch, _)
        | Self::SetPaused(fetch, _)
        | Self::SetUi(fetch, ..) = self
        {
            batch.store_dirty(sql, *fetch)?;
        }
        let done = match self {
            Self::Create { key, fetch, bodies } => {
                batch.sql(statements::insert_fetch(sql, *key, fetch))?;
                for (index, _, body) in bodies {
                    let record = RecordKey {
                        fetch: *key,
                        index: *index,
                    };
                    batch.sql(statements::insert_body(sql, body.id))?;
                    batch.store(sql, body)?;
                    batch.sql(statements::set_request_body(sql, record, body.id))?;
                }
                return Ok(());
            }
            Self::Move { body, fetch } => return batch.move_to_file(sql, body, fetch.is_none()),
            Self::Checkpoint { body, .. } => return batch.store(sql, body),
            Self::SetResponse {
                record,
                generation,
                response,
                body,
                ..
            } => statements::set_response(sql, *record, *generation, response, body.id),
            Self::Settle {
                record,
                settlement,
                body,
            } => {
                if let Some(body) = body {
                    batch.store(sql, body)?;
                }
                statements::settle_record(sql, *record, settlement)
            }
            Self::MarkSent(record) => statements::mark_sent(sql, *record),
            Self::SetUpload(record, upload) => statements::set_upload(sql, *record, upload),
            Self::SetState(fetch, state) => statements::set_state(sql, *fetch, *state),
            Self::SetPaused(fetch, paused) => statements::set_paused(sql, *fetch, *paused),
            Self::SetUi(fetch, title, icons) => statements::set_ui(sql, *fetch, title, icons),
            Self::Remove(fetch) => statements::remove_fetch(sql, *fetch),
            Self::Clear(registration) => statements::clear(sql, registration),
            Self::Discard(bodies) => bodies
                .iter()
                .try_for_each(|body| statements::delete_body(sql, body.id)),
            Self::Flush => return batch.store_all_dirty(sql),
        };
        batch.sql(done)
    }

    /// The change is durable: what was waiting for that.
    pub(super) fn done(&self, shared: &Shared) {
        match self {
            Self::Create { key, fetch, bodies } => {
                let mut records: Vec<Record> = fetch.records.iter().map(|_| Record::default()).collect();
                for (index, _, body) in bodies {
                    records[*index].request = Some(Arc::clone(body));
                }
                let fetch = Fetch::new(fetch.registration.clone(), records);
                shared.state.lock().fetches.insert(*key, fetch);
            }
            Self::Move { body, .. } => body.move_done(shared, true),
            Self::Checkpoint { body, .. } => body.checkpoint_done(),
            Self::SetResponse { before, .. } => {
                let replaced = before.as_ref().and_then(|(_, body)| body.as_ref());
                replaced.inspect(|body| body.set_gone(shared));
                remove_files(shared, replaced.map_or(&[], std::slice::from_ref));
            }
            Self::Remove(fetch) => {
                let bodies = shared.state.lock().remove(shared, *fetch);
                remove_files(shared, &bodies);
            }
            Self::Clear(registration) => {
                let bodies = shared.state.lock().clear(shared, registration);
                remove_files(shared, &bodies);
            }
            Self::Discard(bodies) => remove_files(shared, bodies),
            _ => {}
        }
    }

    /// The change was refused, and whoever asked for it is told: memory goes back to what it was.
    pub(super) fn undo(&self, shared: &Shared) {
        match self {
            Self::Create { bodies, .. } => {
                let mut state = shared.state.lock();
                for (_, id, body) in bodies {
                    body.set_settled(false);
                    state.staged.insert(*id, Arc::clone(body));
                }
            }
            Self::Move { body, .. } => body.move_done(shared, false),
            Self::Checkpoint { body, .. } => body.checkpoint_done(),
            Self::SetResponse {
                record,
                body,
                before: Some((generation, replaced)),
                ..
            } => shared
                .state
                .lock()
                .restore_response(shared, *record, body, *generation, replaced.as_ref()),
            Self::Settle { record, body, .. } => {
                if let Ok(record) = shared.state.lock().record(*record) {
                    record.settled = false;
                }
                body.iter().for_each(|body| body.set_settled(false));
            }
            _ => {}
        }
    }
}

fn remove_files(shared: &Shared, bodies: &[Arc<Body>]) {
    let files: BTreeSet<u64> = bodies.iter().flat_map(|body| body.files()).collect();
    for file in files {
        shared.files.remove(file);
    }
}
