//! [`Batch`]: what belongs to one transaction of the writer: which bodies were made durable before it commits, and
//! how far.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use background_fetch::FetchKey;
use rusqlite::Connection;

use super::body::{Body, Stored};
use super::options::Result;
use super::state::Shared;
use super::{statements, trouble};

pub(super) struct Batch<'a> {
    shared: &'a Shared,
    /// The files that were made durable, with the lengths they had then.
    synced: HashMap<u64, u64>,
    /// The bodies whose file is new: they still look as if they were in memory.
    moved: HashSet<u64>,
    /// The bodies that the database knows by so many bytes once the transaction commits.
    stored: Vec<(Arc<Body>, u64)>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(shared: &'a Shared) -> Self {
        Self {
            shared,
            synced: HashMap::new(),
            moved: HashSet::new(),
            stored: Vec::new(),
        }
    }

    /// The result of a statement.
    pub(super) fn sql<T>(&self, result: rusqlite::Result<T>) -> Result<T> {
        result.map_err(|error| trouble::sqlite(&self.shared.database, &error))
    }

    /// Stores what a body has so far: its bytes, or the length of its file, which is made durable first.
    pub(super) fn store(&mut self, sql: &Connection, body: &Arc<Body>) -> Result<()> {
        let (mut what, mut length) = body.to_store()?;
        if self.moved.contains(&body.id) {
            what = Stored::File;
        }
        let known = match what {
            Stored::Already => true,
            Stored::Blob(bytes) => self.sql(statements::set_body_data(sql, body.id, &bytes))?,
            Stored::File => {
                length = self.sync(body)?;
                self.sql(statements::set_body_length(sql, body.id, length))?
            }
        };
        // The response of a record may be newer than this operation: then what makes the database know its body is
        // still in the queue, and it stays dirty until that is done.
        if known {
            self.stored.push((Arc::clone(body), length));
        }
        Ok(())
    }

    /// Stores what the responses of a background fetch have so far.
    pub(super) fn store_dirty(&mut self, sql: &Connection, fetch: FetchKey) -> Result<()> {
        let bodies = self.shared.dirty(fetch);
        bodies.iter().try_for_each(|body| self.store(sql, body))
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
        if is_staged {
            self.sql(statements::insert_body(sql, body.id))?;
        }
        if !self.sql(statements::move_body(sql, body.id))? {
            // It was removed meanwhile; the append that follows says so.
            self.shared.files.remove(body.id);
            return Ok(());
        }
        self.moved.insert(body.id);
        // What was durable stays durable, and what this batch is to make so.
        if vouched_for > 0 || self.stored.iter().any(|(stored, _)| stored.id == body.id) {
            let stored = self.store(sql, body);
            stored.inspect_err(|_| {
                self.moved.remove(&body.id);
            })?;
        }
        Ok(())
    }

    /// Does this as a whole or not at all.
    pub(super) fn all_or_nothing(&mut self, action: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let stored = self.stored.len();
        action(self).inspect_err(|_| self.stored.truncate(stored))
    }

    /// What must be on the disk before the transaction commits.
    pub(super) fn before_commit(&self) -> Result<()> {
        if self.moved.is_empty() {
            Ok(())
        } else {
            self.shared.files.sync_folder()
        }
    }

    /// The transaction is committed.
    pub(super) fn committed(self) {
        for (body, length) in self.stored {
            body.committed(self.shared, length);
        }
    }

    /// Makes a file durable, once in a batch; gives the length that is.
    fn sync(&mut self, body: &Body) -> Result<u64> {
        if let Some(length) = self.synced.get(&body.id) {
            return Ok(*length);
        }
        // All that was appended before an operation of this batch was asked for is in the file by now.
        let length = body.length();
        self.shared.files.sync(body.id).inspect_err(|error| {
            // The system may have dropped what it could not write: trying again would only seem to succeed.
            body.fail(error.clone());
        })?;
        self.synced.insert(body.id, length);
        Ok(length)
    }
}
