//! From the component's types to what stands in the database; [`crate::decode`] is the way back.

use background_fetch::embedder::{FetchState, PauseReasons};
use background_fetch::{DomString, RecordKey};
use rusqlite::Error;

/// A number without a sign as SQLite's integer of the same bits.
pub(super) fn bits(number: u64) -> i64 {
    number.cast_signed()
}

/// The column `place` of a record.
pub(super) fn place(record: RecordKey) -> rusqlite::Result<i64> {
    i64::try_from(record.index).map_err(|error| Error::ToSqlConversionFailure(error.into()))
}

/// A length in bytes, which SQLite computes with.
pub(super) fn length(length: u64) -> rusqlite::Result<i64> {
    i64::try_from(length).map_err(|error| Error::ToSqlConversionFailure(error.into()))
}

pub(super) fn json<T: serde::Serialize + ?Sized>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| Error::ToSqlConversionFailure(error.into()))
}

/// UTF-16LE.
pub(super) fn dom_string(string: &DomString) -> Vec<u8> {
    string
        .code_units()
        .iter()
        .flat_map(|unit| unit.to_le_bytes())
        .collect()
}

pub(super) fn paused(paused: PauseReasons) -> i64 {
    i64::from(paused.user) | i64::from(paused.permission) << 1 | i64::from(paused.metered) << 2
}

/// The columns `state`, `result` and `failure_reason`.
pub(super) fn fetch_state(state: FetchState) -> [&'static str; 3] {
    match state {
        FetchState::Active => ["active", "", ""],
        FetchState::Aborted => ["aborted", "", ""],
        FetchState::Settled {
            result,
            failure_reason,
        } => ["settled", result.as_str(), failure_reason.as_str()],
        FetchState::Delivered => ["delivered", "", ""],
    }
}
