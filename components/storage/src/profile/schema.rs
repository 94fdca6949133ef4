//! The database: how it is opened, and its schema, one version after the other.

use std::path::Path;
use std::time::Duration;

use background_fetch::embedder::{StorageError, StorageErrorKind};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::options::Result;
use super::{files, trouble};
use crate::write_points::{Step, step};

/// What takes the schema from one version to the next: the first from nothing to version 1, and so on. Published
/// ones are never changed; a new version adds one at the end.
pub(super) const MIGRATIONS: &[&str] = &[
    // `id` and `title` are UTF-16LE, so that lone surrogates stay what they are. The totals, `generation` and
    // `uploaded` are 64-bit numbers without a sign, cast.
    "CREATE TABLE profile (
         name TEXT PRIMARY KEY,
         value TEXT NOT NULL
     ) WITHOUT ROWID;

     CREATE TABLE fetch (
         key INTEGER PRIMARY KEY AUTOINCREMENT,
         storage_key TEXT NOT NULL,
         scope TEXT NOT NULL,
         id BLOB NOT NULL,
         title BLOB NOT NULL,
         icons TEXT NOT NULL,
         download_total INTEGER NOT NULL,
         upload_total INTEGER NOT NULL,
         client TEXT NOT NULL,
         paused INTEGER NOT NULL,
         state TEXT NOT NULL,
         result TEXT NOT NULL,
         failure_reason TEXT NOT NULL,
         first_failure TEXT NOT NULL
     );

     CREATE TABLE record (
         fetch INTEGER NOT NULL,
         place INTEGER NOT NULL,
         request_body INTEGER,
         sent INTEGER NOT NULL DEFAULT 0,
         generation INTEGER NOT NULL DEFAULT 0,
         response_body INTEGER,
         result TEXT,
         uploaded INTEGER NOT NULL DEFAULT 0,
         detail TEXT NOT NULL DEFAULT '',
         request TEXT NOT NULL,
         response TEXT,
         PRIMARY KEY (fetch, place)
     ) WITHOUT ROWID;

     CREATE TABLE body (
         id INTEGER PRIMARY KEY AUTOINCREMENT,
         in_file INTEGER NOT NULL,
         length INTEGER NOT NULL,
         data BLOB NOT NULL
     );",
    // Where the body of a record's request can be continued.
    "ALTER TABLE record ADD COLUMN upload TEXT;",
    // The checksums of a body: of each MiB four bytes. Those that were there before have none.
    "ALTER TABLE body ADD COLUMN sums BLOB;",
    // The file that a body shares with others, and the offset in it where it begins.
    "ALTER TABLE body ADD COLUMN pack INTEGER;
     ALTER TABLE body ADD COLUMN place INTEGER NOT NULL DEFAULT 0;",
];

/// Opens the database for its writer, made where there is none, and brings its schema to the newest version.
pub(super) fn open_writer(path: &Path, migrations: &[&str]) -> Result<Connection> {
    refuse_folders(path)?;
    let open = || {
        // SQLite gives its other files the mode of this one. Where it cannot be made, SQLite says why.
        let _ = step(Step::DatabaseFile, || {
            files::private().append(true).create(true).open(path)
        });
        let connection = Connection::open_with_flags(path, flags() | OpenFlags::SQLITE_OPEN_CREATE)?;
        connection.busy_timeout(BUSY)?;
        // Effective before the first table is made only: space can be given back to the disk.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        // Header fields may hold secrets: what is removed is overwritten.
        connection.pragma_update(None, "secure_delete", true)?;
        connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
        // In pages of 4 KiB: a page that changes often is seldom written to its place.
        connection.pragma_update(None, "wal_autocheckpoint", 4096)?;
        // In KiB: a transaction stays in memory as far as it can.
        connection.pragma_update(None, "cache_size", -4096)?;
        Ok(connection)
    };
    let mut connection = step(Step::DatabaseOpen, open).map_err(|error| trouble::sqlite(path, &error))?;
    migrate(&mut connection, path, migrations)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// Refuses a folder where a file of the database should be: SQLite would wait for it to be of use for ten seconds.
fn refuse_folders(path: &Path) -> Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let mut file = path.as_os_str().to_owned();
        file.push(suffix);
        let file = Path::new(&file);
        if file.is_dir() {
            return Err(trouble::damaged(path, &format!("{} is a folder", file.display())));
        }
    }
    Ok(())
}

/// Opens the database for reading beside the writer.
pub(super) fn open_reader(path: &Path) -> Result<Connection> {
    let open = || {
        let connection = Connection::open_with_flags(path, flags())?;
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    };
    open().map_err(|error| trouble::sqlite(path, &error))
}

/// How long another program may keep the database locked.
const BUSY: Duration = Duration::from_secs(5);

/// Each connection is used by one thread at a time; and a path is a path, not a URI.
fn flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

/// Applies the migrations that the database does not have yet, in one transaction.
fn migrate(connection: &mut Connection, path: &Path, migrations: &[&str]) -> Result<()> {
    let newest = migrations.len() as i64;
    let version: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(|error| trouble::sqlite(path, &error))?;
    if version > newest {
        return Err(StorageError::new(
            StorageErrorKind::Damaged,
            format!(
                "the database {} has schema version {version}, and this program knows up to {newest}; use the newer \
                 program that wrote it, or another folder",
                path.display()
            ),
        ));
    }
    let done = usize::try_from(version)
        .map_err(|_| trouble::damaged(path, &format!("its schema version is {version}")))?;
    if version == newest {
        return Ok(());
    }
    let mut apply = || {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for migration in &migrations[done..] {
            transaction.execute_batch(migration)?;
        }
        transaction.pragma_update(None, "user_version", newest)?;
        step(Step::Migrate, || transaction.commit())
    };
    apply().map_err(|error| trouble::sqlite(path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A version after the newest, as a later release would add it.
    fn with_one_more() -> Vec<&'static str> {
        let mut migrations = MIGRATIONS.to_vec();
        migrations.push("ALTER TABLE fetch ADD COLUMN note TEXT NOT NULL DEFAULT 'none';");
        migrations
    }

    const FETCH: &str = "INSERT INTO fetch (storage_key, scope, id, title, icons, download_total, upload_total, \
                         client, paused, state, result, failure_reason, first_failure) \
                         VALUES ('k', 's', x'', x'', '[]', 0, 0, '{}', 0, 'active', '', '', '')";

    #[test]
    fn a_database_of_an_older_version_is_migrated_and_keeps_its_rows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("database");
        // Given a database of today with a background fetch
        let connection = open_writer(&path, MIGRATIONS).unwrap();
        connection.execute(FETCH, []).unwrap();
        drop(connection);
        // when the next release opens it
        let connection = open_writer(&path, &with_one_more()).unwrap();
        // then the row is there, with what the new version added.
        let note: String = connection
            .query_row("SELECT note FROM fetch", [], |row| row.get(0))
            .unwrap();
        assert_eq!(note, "none");
        // And once more: it is not migrated twice.
        drop(connection);
        open_writer(&path, &with_one_more()).unwrap();
    }

    #[test]
    fn records_of_version_1_have_no_upload() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("database");
        let connection = open_writer(&path, &MIGRATIONS[..1]).unwrap();
        let record = "INSERT INTO record (fetch, place, sent, request) VALUES (1, 0, 1, '{}')";
        connection.execute(record, []).unwrap();
        drop(connection);
        let connection = open_writer(&path, MIGRATIONS).unwrap();
        let found: (bool, Option<String>) = connection
            .query_row("SELECT sent, upload FROM record", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!(found, (true, None));
    }

    #[test]
    fn a_migration_that_fails_leaves_the_version_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("database");
        drop(open_writer(&path, MIGRATIONS).unwrap());
        let mut broken = MIGRATIONS.to_vec();
        broken.push("CREATE TABLE half (a); CREATE TABLE half (b);");
        open_writer(&path, &broken).unwrap_err();
        let connection = open_writer(&path, &with_one_more()).unwrap();
        assert!(
            connection.prepare("SELECT * FROM half").is_err(),
            "it was rolled back"
        );
    }

    #[test]
    fn a_database_of_a_newer_version_is_refused_with_advice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("database");
        drop(open_writer(&path, &with_one_more()).unwrap());
        let error = open_writer(&path, MIGRATIONS).unwrap_err();
        assert_eq!(error.kind, StorageErrorKind::Damaged);
        let newer = format!("schema version {}", MIGRATIONS.len() + 1);
        assert!(error.message.contains(&newer), "{error}");
        assert!(error.message.contains("newer program"), "{error}");
    }
}
