//! The statements that change the database.

use background_fetch::embedder::{FetchState, NewFetch, PauseReasons, Settlement};
use background_fetch::{FetchKey, RecordKey, RegistrationKey};
use rusqlite::{Connection, Params, Result, params};

use super::encode::{self, bits};
use super::packs::Packed;

/// Runs a statement; gives the number of rows it changed.
fn run(sql: &Connection, statement: &str, parameters: impl Params) -> Result<usize> {
    sql.prepare_cached(statement)?.execute(parameters)
}

pub(super) fn insert_fetch(sql: &Connection, key: FetchKey, fetch: &NewFetch) -> Result<()> {
    run(
        sql,
        "INSERT INTO fetch (key, storage_key, scope, id, title, icons, download_total, upload_total, client,
                 paused, state, result, failure_reason, first_failure)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'active', '', '', '')",
        params![
            bits(key.0),
            fetch.registration.storage_key.as_str(),
            fetch.registration.scope.as_str(),
            encode::dom_string(&fetch.id),
            encode::dom_string(&fetch.title),
            encode::json(&fetch.icons)?,
            bits(fetch.download_total),
            bits(fetch.upload_total),
            encode::json(&*fetch.client)?,
            encode::paused(fetch.paused),
        ],
    )?;
    for (index, record) in fetch.records.iter().enumerate() {
        run(
            sql,
            "INSERT INTO record (fetch, place, request) VALUES (?1, ?2, ?3)",
            params![
                bits(key.0),
                encode::place(RecordKey { fetch: key, index })?,
                encode::json(&*record.request)?,
            ],
        )?;
    }
    Ok(())
}

pub(super) fn set_request_body(sql: &Connection, record: RecordKey, body: u64) -> Result<()> {
    run(
        sql,
        "UPDATE record SET request_body = ?3 WHERE fetch = ?1 AND place = ?2",
        params![bits(record.fetch.0), encode::place(record)?, bits(body)],
    )
    .map(drop)
}

/// Sets a response with its body, which is known from now on; the body before it goes.
pub(super) fn set_response(
    sql: &Connection,
    record: RecordKey,
    generation: u64,
    response: &str,
    body: u64,
) -> Result<()> {
    let (fetch, place, body) = (bits(record.fetch.0), encode::place(record)?, bits(body));
    run(
        sql,
        "DELETE FROM body WHERE id <> ?3 AND id =
             (SELECT response_body FROM record WHERE fetch = ?1 AND place = ?2)",
        params![fetch, place, body],
    )?;
    let found = run(
        sql,
        "UPDATE record SET response_body = ?3, generation = ?4, response = ?5 WHERE fetch = ?1 AND place = ?2",
        params![fetch, place, body, bits(generation), response],
    )?;
    if found > 0 {
        insert_body(sql, body.cast_unsigned())
    } else {
        Ok(())
    }
}

/// Adds an empty body, where it is not known yet.
pub(super) fn insert_body(sql: &Connection, body: u64) -> Result<()> {
    run(
        sql,
        "INSERT INTO body (id, in_file, length, data, sums) VALUES (?1, 0, 0, x'', x'') ON CONFLICT (id) DO NOTHING",
        [bits(body)],
    )
    .map(drop)
}

/// The body is in its file now. False where there is no such body.
pub(super) fn move_body(sql: &Connection, body: u64) -> Result<bool> {
    run(
        sql,
        "UPDATE body SET in_file = 1, length = 0, data = x'', sums = x'' WHERE id = ?1",
        [bits(body)],
    )
    .map(|found| found > 0)
}

/// The database vouches for so many bytes of the body's file. False where there is no such body.
pub(super) fn set_body_length(sql: &Connection, body: u64, length: u64, sums: Option<&[u8]>) -> Result<bool> {
    run(
        sql,
        "UPDATE body SET length = ?2, sums = ?3 WHERE id = ?1",
        params![bits(body), encode::length(length)?, sums],
    )
    .map(|found| found > 0)
}

/// These are the body's bytes. False where there is no such body.
pub(super) fn set_body_data(sql: &Connection, body: u64, data: &[u8], sums: Option<&[u8]>) -> Result<bool> {
    run(
        sql,
        "UPDATE body SET in_file = 0, length = ?2, data = ?3, sums = ?4 WHERE id = ?1",
        params![bits(body), encode::length(data.len() as u64)?, data, sums],
    )
    .map(|found| found > 0)
}

/// The body's bytes are in this file of several. False where there is no such body.
pub(super) fn set_body_packed(sql: &Connection, body: u64, packed: &Packed) -> Result<bool> {
    run(
        sql,
        "UPDATE body SET in_file = 0, length = ?2, data = x'', sums = ?3, pack = ?4, place = ?5 WHERE id = ?1",
        params![
            bits(body),
            encode::length(packed.length)?,
            packed.sums,
            bits(packed.place.pack),
            encode::length(packed.place.offset)?,
        ],
    )
    .map(|found| found > 0)
}

pub(super) fn delete_body(sql: &Connection, body: u64) -> Result<()> {
    run(sql, "DELETE FROM body WHERE id = ?1", [bits(body)]).map(drop)
}

pub(super) fn settle_record(sql: &Connection, record: RecordKey, settlement: &Settlement) -> Result<()> {
    run(
        sql,
        "UPDATE record SET result = ?3, uploaded = ?4, detail = ?5 WHERE fetch = ?1 AND place = ?2",
        params![
            bits(record.fetch.0),
            encode::place(record)?,
            settlement.result.as_str(),
            bits(settlement.uploaded),
            settlement.detail,
        ],
    )?;
    run(
        sql,
        "UPDATE fetch SET first_failure = ?2 WHERE key = ?1 AND first_failure = ''",
        params![bits(record.fetch.0), settlement.result.failure_reason().as_str()],
    )
    .map(drop)
}

/// Takes a record back to where it was before its first response.
pub(super) fn reset_record(sql: &Connection, record: RecordKey) -> Result<()> {
    run(
        sql,
        "UPDATE record SET generation = 0, response = NULL, response_body = NULL, result = NULL, uploaded = 0,
                 detail = ''
             WHERE fetch = ?1 AND place = ?2",
        [bits(record.fetch.0), encode::place(record)?],
    )
    .map(drop)
}

pub(super) fn mark_sent(sql: &Connection, record: RecordKey) -> Result<()> {
    run(
        sql,
        "UPDATE record SET sent = 1 WHERE fetch = ?1 AND place = ?2",
        [bits(record.fetch.0), encode::place(record)?],
    )
    .map(drop)
}

pub(super) fn set_upload(sql: &Connection, record: RecordKey, upload: &str) -> Result<()> {
    run(
        sql,
        "UPDATE record SET upload = ?3 WHERE fetch = ?1 AND place = ?2",
        params![bits(record.fetch.0), encode::place(record)?, upload],
    )
    .map(drop)
}

pub(super) fn set_state(sql: &Connection, fetch: FetchKey, state: FetchState) -> Result<()> {
    let [state, result, failure_reason] = encode::fetch_state(state);
    run(
        sql,
        "UPDATE fetch SET state = ?2, result = ?3, failure_reason = ?4 WHERE key = ?1",
        params![bits(fetch.0), state, result, failure_reason],
    )
    .map(drop)
}

pub(super) fn set_paused(sql: &Connection, fetch: FetchKey, paused: PauseReasons) -> Result<()> {
    run(
        sql,
        "UPDATE fetch SET paused = ?2 WHERE key = ?1",
        [bits(fetch.0), encode::paused(paused)],
    )
    .map(drop)
}

/// Sets the title, UTF-16LE, and the icons, JSON.
pub(super) fn set_ui(sql: &Connection, fetch: FetchKey, title: &[u8], icons: &str) -> Result<()> {
    run(
        sql,
        "UPDATE fetch SET title = ?2, icons = ?3 WHERE key = ?1",
        params![bits(fetch.0), title, icons],
    )
    .map(drop)
}

pub(super) fn clear(sql: &Connection, registration: &RegistrationKey) -> Result<()> {
    let select = "SELECT key FROM fetch WHERE storage_key = ?1 AND scope = ?2";
    let of = params![registration.storage_key.as_str(), registration.scope.as_str()];
    let keys: Result<Vec<i64>> = sql
        .prepare_cached(select)?
        .query_map(of, |row| row.get(0))?
        .collect();
    keys?
        .into_iter()
        .try_for_each(|key| remove_fetch(sql, FetchKey(key.cast_unsigned())))
}

pub(super) fn remove_fetch(sql: &Connection, fetch: FetchKey) -> Result<()> {
    for statement in [
        "DELETE FROM body WHERE id IN (SELECT request_body FROM record WHERE fetch = ?1)",
        "DELETE FROM body WHERE id IN (SELECT response_body FROM record WHERE fetch = ?1)",
        "DELETE FROM record WHERE fetch = ?1",
        "DELETE FROM fetch WHERE key = ?1",
    ] {
        run(sql, statement, [bits(fetch.0)])?;
    }
    Ok(())
}
