//! What the disk and the database report, as [`StorageError`]s that a person can act on.

use std::io;
use std::path::Path;

use background_fetch::embedder::{StorageError, StorageErrorKind};
use rusqlite::ErrorCode;

/// The error for a file or folder: `what` says what was tried, as in "write to".
pub(super) fn io(what: &str, path: &Path, error: &io::Error) -> StorageError {
    let (kind, advice) = match error.kind() {
        _ if is_no_room(error) => (StorageErrorKind::QuotaExceeded, "; free some space on that disk"),
        io::ErrorKind::ReadOnlyFilesystem
        | io::ErrorKind::PermissionDenied
        | io::ErrorKind::NotADirectory => (StorageErrorKind::Io, "; choose a folder that you may write to"),
        _ => (StorageErrorKind::Io, "; look after that disk and try again"),
    };
    StorageError::new(kind, format!("cannot {what} {}: {error}{advice}", path.display()))
}

/// Whether the disk, or what this user may have of it, is full.
fn is_no_room(error: &io::Error) -> bool {
    use io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
    )
}

/// Whether there is no room beside the database. SQLite says of some errors only that there was one: so this tries the
/// same, in a file without a name.
fn has_no_room(database: &Path) -> bool {
    let Some(folder) = database.parent() else {
        return false;
    };
    let write = || {
        let file = tempfile::tempfile_in(folder)?;
        #[cfg(unix)]
        std::os::unix::fs::FileExt::write_all_at(&file, &[0; 4096], 0)?;
        #[cfg(not(unix))]
        std::io::Write::write_all(&mut &file, &[0; 4096])?;
        file.sync_all()
    };
    write().is_err_and(|error: io::Error| is_no_room(&error))
}

/// The error for the database at `path`.
pub(super) fn sqlite(path: &Path, error: &rusqlite::Error) -> StorageError {
    use rusqlite::Error;
    match error {
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..)
        | Error::Utf8Error(..)
        | Error::QueryReturnedNoRows => return damaged(path, &error.to_string()),
        _ => {}
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => damaged(path, &error.to_string()),
        Some(ErrorCode::DiskFull | ErrorCode::TooBig) => no_room(path, error),
        Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) if has_no_room(path) => no_room(path, error),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => StorageError::new(
            StorageErrorKind::Io,
            format!(
                "cannot write to the database {}: {error}; choose a folder that you may write to",
                path.display()
            ),
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StorageError::new(
            StorageErrorKind::Io,
            format!(
                "the database {} is locked by another program ({error}); close it and try again",
                path.display()
            ),
        ),
        _ => StorageError::new(
            StorageErrorKind::Io,
            format!(
                "the database {} failed: {error}; look after that disk and try again",
                path.display()
            ),
        ),
    }
}

fn no_room(path: &Path, error: &rusqlite::Error) -> StorageError {
    StorageError::new(
        StorageErrorKind::QuotaExceeded,
        format!(
            "cannot write to the database {}: {error}; free some space on that disk",
            path.display()
        ),
    )
}

/// The database at `path` holds what it cannot.
pub(super) fn damaged(path: &Path, how: &str) -> StorageError {
    StorageError::new(
        StorageErrorKind::Damaged,
        format!(
            "the database {} is damaged ({how}); restore the profile from a backup, or move its folder away to \
             start anew",
            path.display()
        ),
    )
}

/// The bytes of `body` are not what was stored.
pub(super) fn damaged_body(body: &str, path: &Path, how: &str) -> StorageError {
    StorageError::new(
        StorageErrorKind::Damaged,
        format!(
            "{body} is damaged: {} {how}; restore the profile from a backup, or fetch it again",
            path.display()
        ),
    )
}

/// A number that SQLite's integers do not hold.
pub(super) fn too_large(what: &str, number: u64) -> StorageError {
    StorageError::new(
        StorageErrorKind::QuotaExceeded,
        format!(
            "{what} of {number} is more than a profile can hold, which is {}",
            i64::MAX
        ),
    )
}

/// The thread that writes the database is gone.
pub(super) fn stopped() -> StorageError {
    StorageError::new(
        StorageErrorKind::Io,
        "the profile's writer has stopped; open the profile again",
    )
}
