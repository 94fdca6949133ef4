//! [`Batch`]: what belongs to one transaction of the writer: which bodies were made durable before it commits, and
//! how far.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use background_fetch::{FetchKey, RegistrationKey};
use parking_lot::Mutex;
use rusqlite::Connection;

use super::body::{Body, Stored};
use super::operation::Operation;
use super::options::Result;
use super::packs::Packs;
use super::state::Shared;
use super::{statements, trouble};

/// How many files are made durable at once.
const SYNCS_AT_ONCE: usize = 4;

pub(super) struct Batch<'a> {
    shared: &'a Shared,
    /// Whether its commit survives a restart of the machine.
    durable: bool,
    /// The files that were made durable, with the lengths and the checksums they had then.
    synced: HashMap<u64, (u64, Option<Vec<u8>>)>,
    /// The bodies whose file is new: they still look as if they were in memory.
    moved: HashSet<u64>,
    /// Those of them that the operation under way has moved.
    moving: Vec<u64>,
    /// The small bodies that it stores in files of many.
    packs: Packs,
    /// The bodies that the database knows by so many bytes once the transaction commits.
    stored: Vec<(Arc<Body>, u64)>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(shared: &'a Shared, packs: Packs, durable: bool) -> Self {
        Self {
            shared,
            durable,
            synced: HashMap::new(),
            moved: HashSet::new(),
            moving: Vec::new(),
            packs,
            stored: Vec::new(),
        }
    }

    /// The result of a statement.
    pub(super) fn sql<T>(&self, result: rusqlite::Result<T>) -> Result<T> {
        result.map_err(|error| trouble::sqlite(&self.shared.database, &error))
    }

    pub(super) fn is_durable(&self) -> bool {
        self.durable
    }

    /// Makes durable, several at once, the files of bodies that these operations store.
    pub(super) fn sync_bodies<'b>(&mut self, operations: impl Iterator<Item = &'b Operation>) {
        let bodies: BTreeMap<u64, &Arc<Body>> = operations
            .filter_map(|operation| match operation {
                Operation::Settle { body: Some(body), .. } | Operation::Checkpoint { body, .. } => Some(body),
                _ => None,
            })
            .filter(|body| body.is_in_file() && body.is_dirty())
            .map(|body| (body.id, body))
            .collect();
        if bodies.len() < 2 {
            return;
        }
        let bodies = Mutex::new(bodies.into_values());
        let synced = Mutex::new(HashMap::new());
        let shared = self.shared;
        std::thread::scope(|scope| {
            for _ in 0..SYNCS_AT_ONCE {
                scope.spawn(|| {
                    while let Some(body) = { bodies.lock().next() } {
                        // What fails here fails again, and is heard of, where it is stored.
                        if let Ok(found) = body.length_and_sums(shared)
                            && shared.files.sync(body.id).is_ok()
                        {
                            synced.lock().insert(body.id, found);
                        }
                    }
                });
            }
        });
        self.synced = synced.into_inner();
    }

    /// Whether a background fetch belongs to a registration.
    pub(super) fn belongs_to(&self, fetch: FetchKey, registration: &RegistrationKey) -> bool {
        let state = self.shared.state.lock();
        state
            .fetch(fetch)
            .is_ok_and(|fetch| fetch.registration == *registration)
    }

    /// Stores what a body has so far: its bytes, or the length of its file, which is made durable first.
    pub(super) fn store(&mut self, sql: &Connection, body: &Arc<Body>) -> Result<()> {
        let (mut what, mut length) = body.to_store(self.packs.get(body.id))?;
        if self.moved.contains(&body.id) {
            what = Stored::File;
        }
        let is_known = match what {
            Stored::Already => true,
            Stored::Blob(bytes, sums) => {
                self.sql(statements::set_body_data(sql, body.id, &bytes, sums.as_deref()))?
            }
            Stored::Packed(packed) => self.sql(statements::set_body_packed(sql, body.id, &packed))?,
            Stored::File => {
                let (synced, sums) = self.sync(body)?;
                length = synced;
                self.sql(statements::set_body_length(sql, body.id, length, sums.as_deref()))?
            }
        };
        // A response that was set after this operation was asked for is not known yet: its turn comes later.
        if is_known {
            self.stored.push((Arc::clone(body), length));
        }
        Ok(())
    }

    /// Stores what the responses of a background fetch have so far.
    pub(super) fn store_dirty(&mut self, sql: &Connection, fetch: FetchKey) -> Result<()> {
        let bodies = self.shared.dirty(fetch);
        bodies.iter().try_for_each(|body| self.store(sql, body))
    }

    /// The same, without those whose bytes can no longer be relied on: of a background fetch that ends for that.
    pub(super) fn store_dirty_reliable(&mut self, sql: &Connection, fetch: FetchKey) -> Result<()> {
        let bodies = self.shared.dirty(fetch);
        bodies.iter().try_for_each(|body| {
            self.store(sql, body)
                .or_else(|error| if body.is_in_trouble() { Ok(()) } else { Err(error) })
        })
    }

    /// Stores what all responses have so far.
    pub(super) fn store_all_dirty(&mut self, sql: &Connection) -> Result<()> {
        let bodies = self.shared.all_dirty();
        bodies.iter().try_for_each(|body| self.store(sql, body))
    }

    /// Moves a body from memory into a file of its own. The row that says so is durable before the body takes more
    /// bytes, so that they are known for what they are after a kill of the process.
    pub(super) fn move_to_file(&mut self, sql: &Connection, body: &Arc<Body>, is_staged: bool) -> Result<()> {
        if self.moved.contains(&body.id) {
            return Ok(());
        }
        let Some(vouched_for) = body.write_file(self.shared)? else {
            return Ok(());
        };
        self.moving.push(body.id);
        if is_staged {
            self.sql(statements::insert_body(sql, body.id))?;
        }
        if !self.sql(statements::move_body(sql, body.id))? {
            // It was removed meanwhile; the append that follows says so.
            self.take_back_moves();
            return Ok(());
        }
        self.moved.insert(body.id);
        // What was durable stays durable, and what this batch is to make so.
        if vouched_for > 0 && !self.durable {
            // The row that vouches for it in the database must not go before its file is there to stay.
            self.shared.files.sync_folder()?;
        }
        if vouched_for > 0 || self.stored.iter().any(|(stored, _)| stored.id == body.id) {
            self.store(sql, body)?;
        }
        Ok(())
    }

    /// Does this as a whole or not at all.
    pub(super) fn all_or_nothing(&mut self, action: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let stored = self.stored.len();
        self.moving.clear();
        action(self).inspect_err(|_| {
            self.stored.truncate(stored);
            self.take_back_moves();
        })
    }

    /// The database does not say that these have a file after all: it is of no use, and nothing of it is durable.
    fn take_back_moves(&mut self) {
        for id in self.moving.drain(..) {
            self.moved.remove(&id);
            self.synced.remove(&id);
            self.shared.files.remove(id);
        }
    }

    /// What must be on the disk before the transaction commits.
    pub(super) fn before_commit(&self) -> Result<()> {
        match self.durable {
            true => self.shared.files.sync_new(),
            false => Ok(()),
        }
    }

    /// The transaction is committed.
    pub(super) fn committed(mut self) {
        for (body, length) in std::mem::take(&mut self.stored) {
            let place = self.packs.get(body.id).map(|packed| packed.place);
            if body.committed(self.shared, length, place)
                && let Some(place) = place
            {
                self.packs.use_one(place);
            }
        }
        self.packs.remove_unused(self.shared);
    }

    /// The transaction is not committed. Its files may be needed all the same: a crash may bring it back.
    pub(super) fn rolled_back(self) -> Packs {
        self.packs
    }

    /// Makes a file durable, once in a batch; gives the length that is, and its checksums.
    fn sync(&mut self, body: &Body) -> Result<(u64, Option<Vec<u8>>)> {
        if let Some(synced) = self.synced.get(&body.id) {
            return Ok(synced.clone());
        }
        // All that was appended before an operation of this batch was asked for is in the file by now.
        let synced = body.length_and_sums(self.shared)?;
        self.shared.files.sync(body.id).inspect_err(|error| {
            // The system may have dropped what it could not write.
            body.fail(self.shared, error.clone());
        })?;
        self.synced.insert(body.id, synced.clone());
        Ok(synced)
    }
}
