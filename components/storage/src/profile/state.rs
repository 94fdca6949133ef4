//! What a profile keeps in memory: which bodies there are, and what is on its way to the disk. Everything else is
//! read from the database.
//!
//! Locks are taken in this order: state, a body's, then usage, the files that are held or the reading connection.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};

use background_fetch::embedder::{BodyKey, StagedBody};
use background_fetch::{FetchKey, RecordKey, RegistrationKey};
use parking_lot::Mutex;
use rusqlite::Connection;

use super::body::Body;
use super::files::BodyFiles;
use super::options::{Options, Result};
use super::trouble;
use super::usage::Usage;
use crate::error;

/// What callers and the writer share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) options: Options,
    pub(super) files: BodyFiles,
    pub(super) usage: Usage,
    /// Where the database is, for messages.
    pub(super) database: PathBuf,
    pub(super) reader: Mutex<Connection>,
    pub(super) state: Mutex<State>,
    /// Bytes of bodies in memory.
    pub(super) buffered: AtomicU64,
    /// Operations on their way to the writer.
    pub(super) queued: AtomicUsize,
    /// The writer could not do what was answered already, and tries again.
    pub(super) stuck: AtomicBool,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) fetches: BTreeMap<FetchKey, Fetch>,
    pub(super) staged: HashMap<StagedBody, Arc<Body>>,
    pub(super) last_fetch: u64,
    pub(super) last_body: u64,
}

#[derive(Debug)]
pub(super) struct Fetch {
    pub(super) registration: RegistrationKey,
    pub(super) records: Vec<Record>,
    /// The records whose response has bytes that are not durable.
    pub(super) dirty: BTreeSet<usize>,
}

#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) generation: u64,
    pub(super) settled: bool,
    pub(super) request: Option<Arc<Body>>,
    pub(super) response: Option<Arc<Body>>,
}

impl Shared {
    /// Reads from the database.
    pub(super) fn query<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        query(&self.reader.lock()).map_err(|error| trouble::sqlite(&self.database, &error))
    }

    /// Notes that a record's response has bytes that are not durable.
    pub(super) fn mark_dirty(&self, record: RecordKey) {
        if let Some(fetch) = self.state.lock().fetches.get_mut(&record.fetch) {
            fetch.dirty.insert(record.index);
        }
    }

    /// The responses of a background fetch that have bytes which are not durable.
    pub(super) fn dirty(&self, fetch: FetchKey) -> Vec<Arc<Body>> {
        self.state
            .lock()
            .fetches
            .get(&fetch)
            .map(Fetch::dirty_bodies)
            .unwrap_or_default()
    }

    /// The same of all background fetches.
    pub(super) fn all_dirty(&self) -> Vec<Arc<Body>> {
        self.state
            .lock()
            .fetches
            .values()
            .flat_map(Fetch::dirty_bodies)
            .collect()
    }

    /// Forgets which responses of these background fetches were dirty and are no longer.
    pub(super) fn review_dirty(&self, fetches: BTreeSet<FetchKey>) {
        let mut state = self.state.lock();
        for key in fetches {
            state
                .fetches
                .get_mut(&key)
                .into_iter()
                .for_each(Fetch::review_dirty);
        }
    }

    /// The same for all background fetches.
    pub(super) fn review_all_dirty(&self) {
        self.state
            .lock()
            .fetches
            .values_mut()
            .for_each(Fetch::review_dirty);
    }
}

impl State {
    pub(super) fn fetch(&self, key: FetchKey) -> Result<&Fetch> {
        self.fetches.get(&key).ok_or_else(|| error::no_fetch(key))
    }

    pub(super) fn record(&mut self, key: RecordKey) -> Result<&mut Record> {
        self.fetches
            .get_mut(&key.fetch)
            .and_then(|fetch| fetch.records.get_mut(key.index))
            .ok_or_else(|| error::no_record(key))
    }

    /// Takes back that a record's response has this body: the one `before` it is its response again.
    pub(super) fn restore_response(
        &mut self,
        shared: &Shared,
        key: RecordKey,
        body: &Arc<Body>,
        generation: u64,
        before: Option<&Arc<Body>>,
    ) {
        body.set_gone(shared);
        let Some(fetch) = self.fetches.get_mut(&key.fetch) else {
            return;
        };
        let Some(record) = fetch.records.get_mut(key.index) else {
            return;
        };
        if record
            .response
            .as_ref()
            .is_some_and(|current| Arc::ptr_eq(current, body))
        {
            record.generation = generation;
            record.response = before.cloned();
            before.inspect(|before| before.set_replaced(shared, false));
            if before.is_some_and(|before| before.is_dirty()) {
                fetch.dirty.insert(key.index);
            }
        }
    }

    pub(super) fn body(&self, name: BodyKey) -> Result<Arc<Body>> {
        let record = |key: RecordKey| self.fetches.get(&key.fetch)?.records.get(key.index);
        let found = match name {
            BodyKey::Staged(id) => self.staged.get(&id),
            BodyKey::Request(key) => record(key).and_then(|record| record.request.as_ref()),
            BodyKey::Response {
                record: key,
                generation,
            } => record(key)
                .filter(|record| record.generation == generation)
                .and_then(|record| record.response.as_ref()),
        };
        found.cloned().ok_or_else(|| error::no_body(name))
    }

    /// The number of a new body.
    pub(super) fn new_body(&mut self) -> Result<u64> {
        next(&mut self.last_body, "the number of a body")
    }

    /// The name of a new background fetch.
    pub(super) fn new_fetch(&mut self) -> Result<FetchKey> {
        next(&mut self.last_fetch, "the number of a background fetch").map(FetchKey)
    }

    /// Forgets a background fetch, with the bodies whose files are to be removed.
    pub(super) fn remove(&mut self, shared: &Shared, key: FetchKey) -> Vec<Arc<Body>> {
        let Some(fetch) = self.fetches.remove(&key) else {
            return Vec::new();
        };
        let bodies = fetch
            .records
            .into_iter()
            .flat_map(|record| [record.request, record.response]);
        bodies.flatten().inspect(|body| body.set_gone(shared)).collect()
    }

    /// Forgets the background fetches of a registration, with the bodies whose files are to be removed.
    pub(super) fn clear(&mut self, shared: &Shared, registration: &RegistrationKey) -> Vec<Arc<Body>> {
        let of = |(_, fetch): &(&FetchKey, &Fetch)| fetch.registration == *registration;
        let keys: Vec<_> = self.fetches.iter().filter(of).map(|(key, _)| *key).collect();
        keys.into_iter()
            .flat_map(|key| self.remove(shared, key))
            .collect()
    }
}

impl Fetch {
    pub(super) fn new(registration: RegistrationKey, records: Vec<Record>) -> Self {
        Self {
            registration,
            records,
            dirty: BTreeSet::new(),
        }
    }

    fn response(&self, index: usize) -> Option<&Arc<Body>> {
        self.records.get(index)?.response.as_ref()
    }

    fn dirty_bodies(&self) -> Vec<Arc<Body>> {
        self.dirty
            .iter()
            .filter_map(|index| self.response(*index))
            .cloned()
            .collect()
    }

    fn review_dirty(&mut self) {
        let records = &self.records;
        self.dirty.retain(|index| {
            let response = records.get(*index).and_then(|record| record.response.as_ref());
            response.is_some_and(|body| body.is_dirty())
        });
    }
}

fn next(last: &mut u64, what: &str) -> Result<u64> {
    let next = last.saturating_add(1);
    if i64::try_from(next).is_err() {
        return Err(trouble::too_large(what, next));
    }
    *last = next;
    Ok(next)
}
