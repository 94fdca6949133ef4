//! What opening a profile does: it finds out what a crash left, and tidies up.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use background_fetch::embedder::{BodyKey, FetchState};
use background_fetch::fetch::StorageKey;
use background_fetch::{FetchKey, RecordKey, RegistrationKey};
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior};

use super::body::{Body, Place};
use super::files::BodyFiles;
use super::options::Result;
use super::packs::PackPlace;
use super::state::{Fetch, Record, State};
use super::sums::Sums;
use super::usage::Usage;
use super::{statements, sums, trouble};
use crate::write_points::{Step, step};
use crate::{decode, error};

/// What opening a profile works on.
pub(super) struct Recovery<'a> {
    pub(super) database: &'a Path,
    pub(super) connection: &'a mut Connection,
    pub(super) files: &'a BodyFiles,
    pub(super) usage: &'a Usage,
    /// This run of the machine, where it is known.
    pub(super) boot: Option<&'a str>,
}

/// A row of the table `body`.
struct BodyRow {
    in_file: bool,
    /// Where it is, in a file with others.
    packed: Option<PackPlace>,
    length: u64,
    data_length: u64,
    /// None where it was stored before there were any.
    sums: Option<Vec<u8>>,
}

/// A row of the table `record`.
struct RecordRow {
    key: RecordKey,
    generation: u64,
    request_body: Option<u64>,
    response_body: Option<u64>,
    settled: bool,
}

/// Everything that is found on the disk.
struct Found {
    bodies: HashMap<u64, BodyRow>,
    /// The lengths of the body files.
    files: HashMap<u64, u64>,
    /// Whether what is in a file beyond its committed length can be trusted.
    same_boot: bool,
}

/// What is to be mended in the database.
#[derive(Default)]
struct Repairs {
    /// Records to fetch again.
    records: Vec<RecordKey>,
    /// Bodies of nobody.
    bodies: Vec<u64>,
    /// The bodies whose files stay.
    keep: BTreeSet<u64>,
}

impl Recovery<'_> {
    /// Gives the state in memory of what is stored.
    pub(super) fn run(mut self) -> Result<State> {
        let same_boot = self.is_same_boot()?;
        let mut found = Found {
            bodies: self.bodies()?,
            files: self.files.list()?,
            same_boot,
        };
        let mut state = State {
            last_fetch: self.last("fetch")?,
            last_body: self.last("body")?,
            ..State::default()
        };
        let mut repairs = Repairs::default();
        let mut active = BTreeSet::new();
        for (key, registration, fetch_state) in self.fetches()? {
            if matches!(fetch_state, FetchState::Active | FetchState::Aborted) {
                active.insert(key);
            }
            state.fetches.insert(key, Fetch::new(registration, Vec::new()));
        }
        for row in self.records()? {
            let key = row.key;
            let Some(fetch) = state.fetches.get_mut(&key.fetch) else {
                return Err(self.damaged(&format!("background fetch {} is missing", key.fetch)));
            };
            if fetch.records.len() != key.index {
                let missing = RecordKey {
                    index: fetch.records.len(),
                    ..key
                };
                return Err(self.damaged(&format!("{} is missing", error::record_name(missing))));
            }
            let storage_key = fetch.registration.storage_key.clone();
            let record = self.record(
                &row,
                &storage_key,
                active.contains(&key.fetch),
                &mut found,
                &mut repairs,
            )?;
            if record.response.as_ref().is_some_and(|body| body.is_dirty()) {
                fetch.dirty.insert(key.index);
            }
            fetch.records.push(record);
        }
        // Staged bodies, which nobody took.
        repairs.bodies.extend(found.bodies.into_keys());
        self.repair(&repairs)?;
        for id in found.files.into_keys().filter(|id| !repairs.keep.contains(id)) {
            self.files.remove(id);
        }
        if !same_boot {
            self.note_boot()?;
        }
        Ok(state)
    }

    /// Says whether the profile was last used in this run of the machine.
    fn is_same_boot(&self) -> Result<bool> {
        let select = "SELECT value FROM profile WHERE name = 'boot'";
        let last: Option<String> =
            self.sql(self.connection.query_row(select, [], |row| row.get(0)).optional())?;
        Ok(self.boot.is_some() && last.as_deref() == self.boot)
    }

    /// Notes that the profile is used in this run of the machine: once nothing of an earlier one is left to cut off.
    fn note_boot(&self) -> Result<()> {
        let insert = "INSERT OR REPLACE INTO profile (name, value) VALUES ('boot', ?1)";
        let noted = step(Step::NoteBoot, || {
            self.connection.execute(insert, [self.boot.unwrap_or("")])
        });
        self.sql(noted.map(drop))
    }

    /// Builds the state in memory of a record from its row.
    fn record(
        &self,
        row: &RecordRow,
        storage_key: &StorageKey,
        active: bool,
        found: &mut Found,
        repairs: &mut Repairs,
    ) -> Result<Record> {
        let mut record = Record {
            generation: row.generation,
            settled: row.settled,
            ..Record::default()
        };
        let mut keep = |body: Body| {
            repairs.keep.extend(body.files());
            self.usage.add(storage_key, body.length());
            Some(Arc::new(body))
        };
        if let Some(id) = row.request_body {
            let body = found.bodies.remove(&id).unwrap_or_else(BodyRow::missing);
            let state = self.examine(id, &body, true, found)?;
            let name = BodyKey::Request(row.key);
            record.request = keep(self.body(id, name, storage_key, &body, state));
        }
        if let Some(id) = row.response_body {
            let body = found.bodies.remove(&id).unwrap_or_else(BodyRow::missing);
            let state = self.examine(id, &body, row.settled, found)?;
            if active && state.is_err() {
                // It can be fetched again.
                repairs.records.push(row.key);
                repairs.bodies.push(id);
                return Ok(Record {
                    request: record.request,
                    ..Record::default()
                });
            }
            let name = BodyKey::Response {
                record: row.key,
                generation: row.generation,
            };
            record.response = keep(self.body(id, name, storage_key, &body, state));
        }
        record.request.iter().for_each(|body| body.set_settled(true));
        record
            .response
            .iter()
            .for_each(|body| body.set_settled(row.settled));
        Ok(record)
    }

    /// Gives the length of a body, cut off what cannot be trusted; or what is wrong with it.
    fn examine(
        &self,
        id: u64,
        row: &BodyRow,
        whole: bool,
        found: &Found,
    ) -> Result<std::result::Result<u64, &'static str>> {
        let summed = row.sums.as_ref();
        if summed.is_some_and(|stored| Sums::decode(0, row.length, stored).is_none()) {
            return Ok(Err("has checksums of another length"));
        }
        if let Some(PackPlace { pack, offset }) = row.packed {
            let actual = found.files.get(&pack);
            return Ok(match actual.map(|actual| actual.checked_sub(offset)) {
                None => Err("is missing"),
                Some(rest) if rest < Some(row.length) => Err("is too short"),
                Some(_) => Ok(row.length),
            });
        }
        if !row.in_file {
            let right = row.length == row.data_length;
            return Ok(if right {
                Ok(row.length)
            } else {
                Err("has another length of it")
            });
        }
        match found.files.get(&id) {
            None => Ok(Err("is missing")),
            Some(actual) if *actual < row.length => Ok(Err("is too short")),
            // A whole body's file may be shared with an export, which is not ours to cut.
            Some(_) if whole => Ok(Ok(row.length)),
            Some(actual) if found.same_boot => Ok(Ok(*actual)),
            Some(actual) => {
                if *actual > row.length {
                    self.files.truncate(id, row.length)?;
                }
                Ok(Ok(row.length))
            }
        }
    }

    fn body(
        &self,
        id: u64,
        name: BodyKey,
        storage_key: &StorageKey,
        row: &BodyRow,
        state: std::result::Result<u64, &'static str>,
    ) -> Body {
        let (path, place) = match row.packed {
            Some(place) => (self.files.path(place.pack), Place::Packed(place)),
            None if row.in_file => (self.files.path(id), Place::File),
            None => (self.database.to_owned(), Place::Blob),
        };
        let trouble = state
            .err()
            .map(|how| trouble::damaged_body(&error::body_name(name), &path, how));
        let length = state.unwrap_or(row.length);
        let seed = match name {
            BodyKey::Response { record, generation } => sums::seed_of_response(record, generation),
            BodyKey::Request(_) | BodyKey::Staged(_) => sums::seed_of_request(id),
        };
        let sums = row
            .sums
            .as_ref()
            .and_then(|stored| Sums::decode(seed, row.length, stored));
        Body::found(id, storage_key.clone(), place, length, row.length, sums, trouble)
    }

    fn repair(&mut self, repairs: &Repairs) -> Result<()> {
        let mut repair = || {
            if !repairs.records.is_empty() || !repairs.bodies.is_empty() {
                let transaction = self
                    .connection
                    .transaction_with_behavior(TransactionBehavior::Immediate)?;
                for record in &repairs.records {
                    statements::reset_record(&transaction, *record)?;
                }
                for body in &repairs.bodies {
                    statements::delete_body(&transaction, *body)?;
                }
                step(Step::Repair, || transaction.commit())?;
            }
            // Gives the space of what was removed back to the disk.
            step(Step::Vacuum, || {
                self.connection.execute_batch("PRAGMA incremental_vacuum")
            })
        };
        let repaired = repair();
        self.sql(repaired)
    }

    fn fetches(&self) -> Result<Vec<(FetchKey, RegistrationKey, FetchState)>> {
        let select = "SELECT key, storage_key, scope, state, result, failure_reason FROM fetch ORDER BY key";
        let rows = self.rows(select, |row| {
            let text = |column| row.get::<_, String>(column);
            Ok((
                number(row, 0)?,
                text(1)?,
                text(2)?,
                [text(3)?, text(4)?, text(5)?],
            ))
        })?;
        let decode =
            |(key, storage_key, scope, [state, result, reason]): (u64, String, String, [String; 3])| {
                let scope = decode::scope(&scope)?;
                let state = decode::fetch_state(&state, &result, &reason)?;
                let storage_key = StorageKey::new(storage_key);
                Ok((FetchKey(key), RegistrationKey { storage_key, scope }, state))
            };
        let decoded: std::result::Result<_, decode::DecodeError> = rows.into_iter().map(decode).collect();
        decoded.map_err(|error| self.damaged(&error.to_string()))
    }

    fn records(&self) -> Result<Vec<RecordRow>> {
        let select = "SELECT fetch, place, generation, request_body, response_body, result IS NOT NULL
                          FROM record ORDER BY fetch, place";
        self.rows(select, |row| {
            let body = |column| {
                row.get::<_, Option<i64>>(column)
                    .map(|id| id.map(i64::cast_unsigned))
            };
            Ok(RecordRow {
                key: RecordKey {
                    fetch: FetchKey(number(row, 0)?),
                    index: usize::try_from(number(row, 1)?).unwrap_or(usize::MAX),
                },
                generation: row.get::<_, i64>(2)?.cast_unsigned(),
                request_body: body(3)?,
                response_body: body(4)?,
                settled: row.get(5)?,
            })
        })
    }

    fn bodies(&self) -> Result<HashMap<u64, BodyRow>> {
        let rows = self.rows(
            "SELECT id, in_file, length, length(data), sums, pack, place FROM body",
            |row| {
                let pack: Option<i64> = row.get(5)?;
                let offset = number(row, 6)?;
                let body = BodyRow {
                    in_file: row.get(1)?,
                    packed: pack.map(|pack| PackPlace {
                        pack: pack.cast_unsigned(),
                        offset,
                    }),
                    length: number(row, 2)?,
                    data_length: number(row, 3)?,
                    sums: row.get(4)?,
                };
                Ok((number(row, 0)?, body))
            },
        )?;
        Ok(rows.into_iter().collect())
    }

    /// The greatest number that a table ever gave out.
    fn last(&self, table: &str) -> Result<u64> {
        let select = "SELECT seq FROM sqlite_sequence WHERE name = ?1";
        let last = self
            .connection
            .query_row(select, [table], |row| number(row, 0))
            .optional();
        self.sql(last).map(Option::unwrap_or_default)
    }

    fn rows<T>(&self, select: &str, read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>) -> Result<Vec<T>> {
        let query = || self.connection.prepare(select)?.query_map([], read)?.collect();
        self.sql(query())
    }

    fn sql<T>(&self, result: rusqlite::Result<T>) -> Result<T> {
        result.map_err(|error| trouble::sqlite(self.database, &error))
    }

    fn damaged(&self, how: &str) -> background_fetch::embedder::StorageError {
        trouble::damaged(self.database, how)
    }
}

impl BodyRow {
    /// What stands in for a row that is not there: never the body it should be.
    fn missing() -> Self {
        Self {
            in_file: false,
            packed: None,
            length: 0,
            data_length: 1,
            sums: None,
        }
    }
}

/// A number that is never negative.
fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}
