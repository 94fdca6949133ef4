//! Reading what is stored for [`Storage::load`](background_fetch::embedder::Storage::load): two queries, whatever
//! the number of background fetches.

use std::sync::Arc;

use background_fetch::FetchKey;
use background_fetch::embedder::{RecordState, StoredFetch, StoredRecord};
use background_fetch::fetch::StorageKey;
use rusqlite::{Connection, Row};

use super::options::Result;
use super::state::{Shared, State};
use super::trouble;
use crate::decode::{self, DecodeError};

/// Either the database fails, or what is in it is no such value.
enum Failure {
    Sql(rusqlite::Error),
    Value(DecodeError),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Self {
        Self::Value(error)
    }
}

/// Everything that is stored, oldest first. The bytes are counted as they are in memory, which is ahead of the
/// database.
pub(super) fn load(shared: &Shared) -> Result<Vec<StoredFetch>> {
    let mut fetches = read(&shared.reader.lock()).map_err(|failure| match failure {
        Failure::Sql(error) => trouble::sqlite(&shared.database, &error),
        Failure::Value(error) => trouble::damaged(&shared.database, &error.to_string()),
    })?;
    let state = shared.state.lock();
    for fetch in &mut fetches {
        let key = fetch.key;
        for (index, record) in fetch.records.iter_mut().enumerate() {
            record.state.length = length(&state, key, index);
        }
    }
    Ok(fetches)
}

fn length(state: &State, fetch: FetchKey, index: usize) -> u64 {
    let record = state
        .fetches
        .get(&fetch)
        .and_then(|fetch| fetch.records.get(index));
    record
        .and_then(|record| record.response.as_ref())
        .map_or(0, |body| body.length())
}

fn read(connection: &Connection) -> std::result::Result<Vec<StoredFetch>, Failure> {
    // One snapshot for both queries; it is dropped without a change.
    let snapshot = connection.unchecked_transaction()?;
    let mut fetches = Vec::new();
    let mut statement = snapshot.prepare_cached(
        "SELECT key, storage_key, scope, id, title, icons, download_total, upload_total, client, paused, state,
                 result, failure_reason, first_failure
             FROM fetch ORDER BY key",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        fetches.push(fetch(row)?);
    }
    let mut statement = snapshot.prepare_cached(
        "SELECT fetch, sent, generation, result, uploaded, detail, request, response, upload
             FROM record ORDER BY fetch, place",
    )?;
    let mut rows = statement.query([])?;
    let mut of = fetches.iter_mut();
    let mut current = of.next();
    while let Some(row) = rows.next()? {
        let key = FetchKey(row.get::<_, i64>(0)?.cast_unsigned());
        while current.as_ref().is_some_and(|fetch| fetch.key < key) {
            current = of.next();
        }
        match &mut current {
            Some(fetch) if fetch.key == key => fetch.records.push(record(row)?),
            _ => return Err(DecodeError::new(format!("background fetch {key} is missing")).into()),
        }
    }
    Ok(fetches)
}

fn fetch(row: &Row<'_>) -> std::result::Result<StoredFetch, Failure> {
    Ok(StoredFetch {
        key: FetchKey(row.get::<_, i64>(0)?.cast_unsigned()),
        registration: background_fetch::RegistrationKey {
            storage_key: StorageKey::new(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?),
            scope: decode::scope(text(row, 2)?)?,
        },
        id: decode::dom_string(row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?)?,
        title: decode::dom_string(row.get_ref(4)?.as_blob().map_err(rusqlite::Error::from)?)?,
        icons: decode::icons(text(row, 5)?)?,
        download_total: row.get::<_, i64>(6)?.cast_unsigned(),
        upload_total: row.get::<_, i64>(7)?.cast_unsigned(),
        client: Arc::new(decode::client(text(row, 8)?)?),
        paused: decode::paused(row.get(9)?)?,
        state: decode::fetch_state(text(row, 10)?, text(row, 11)?, text(row, 12)?)?,
        first_failure: decode::failure_reason(text(row, 13)?)?,
        records: Vec::new(),
    })
}

fn record(row: &Row<'_>) -> std::result::Result<StoredRecord, Failure> {
    let response: Option<String> = row.get(7)?;
    let result: Option<String> = row.get(3)?;
    let upload: Option<String> = row.get(8)?;
    let (uploaded, detail) = (row.get(4)?, text(row, 5)?);
    let settlement = result.map(|result| decode::settlement(&result, uploaded, detail));
    Ok(StoredRecord {
        request: Arc::new(decode::request(text(row, 6)?)?),
        state: RecordState {
            sent: row.get(1)?,
            upload: upload.as_deref().map(decode::upload).transpose()?,
            generation: row.get::<_, i64>(2)?.cast_unsigned(),
            response: response
                .map(|text| decode::response(&text))
                .transpose()?
                .map(Arc::new),
            // Counted later.
            length: 0,
            settlement: settlement.transpose()?,
        },
    })
}

fn text<'a>(row: &'a Row<'_>, column: usize) -> rusqlite::Result<&'a str> {
    row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)
}
