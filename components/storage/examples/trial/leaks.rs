//! [`Look`]: a profile as it lies on the disk, seen without the storage: opening it sweeps away what nobody owns.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use background_fetch::embedder::Storage;
use background_fetch_storage::{Options, ProfileStorage};
use futures::executor::block_on;
use rusqlite::{Connection, OptionalExtension, Row};

use super::Trouble;
use super::arguments::Arguments;
use super::kill;
use super::process::alone;
use super::story::registration;

/// What there is in a profile.
#[derive(Debug, Default)]
pub(crate) struct Look {
    /// Rows of background fetches, records and bodies.
    pub(crate) rows: u64,
    /// Files of bodies.
    pub(crate) files: usize,
    /// The bytes of the bodies that belong to somebody, as the database knows them.
    pub(crate) bytes: u64,
    /// What belongs to nobody, each in a sentence.
    pub(crate) leaks: Vec<String>,
}

/// A row of the table `body`.
pub(crate) struct BodyRow {
    id: u64,
    pub(crate) length: u64,
    /// The name of its file, where it has one.
    pub(crate) file: Option<u64>,
    /// Where in that file it begins.
    pub(crate) place: u64,
}

impl BodyRow {
    /// All that a database has; none where it was killed before it had tables.
    pub(crate) fn all(database: &Connection) -> Result<Vec<Self>, Trouble> {
        if !has_tables(database)? {
            return Ok(Vec::new());
        }
        let packs = "SELECT 1 FROM pragma_table_info('body') WHERE name = 'pack'";
        let packs: Option<i64> = database.query_row(packs, [], |row| row.get(0)).optional()?;
        // Small bodies share a file, whose number is their `pack`; the others that are in files have one of their own.
        let select = match packs {
            Some(_) => {
                "SELECT id, length, coalesce(pack, iif(in_file, id, NULL)), coalesce(place, 0) FROM body"
            }
            None => "SELECT id, length, iif(in_file, id, NULL), 0 FROM body",
        };
        let read = |row: &Row<'_>| {
            let file: Option<i64> = row.get(2)?;
            Ok(Self {
                id: number(row, 0)?,
                length: number(row, 1)?,
                file: file.map(i64::cast_unsigned),
                place: number(row, 3)?,
            })
        };
        let rows = database
            .prepare(select)?
            .query_map([], read)?
            .collect::<Result<_, _>>();
        Ok(rows?)
    }
}

impl Look {
    /// Looks at a profile that no process has open. It stays as it is: the database is read in a copy.
    pub(crate) fn at(profile: &Path) -> Result<Self, Trouble> {
        let mut look = Self::default();
        let (bodies, owners) = match copied_database(profile)? {
            Some((_folder, database)) => look.database(&database)?,
            None => Default::default(),
        };
        for body in &bodies {
            match owners.get(&body.id) {
                None => look
                    .leaks
                    .push(format!("the row of body {} belongs to no record", body.id)),
                Some(1) => look.bytes += body.length,
                Some(records) => look
                    .leaks
                    .push(format!("body {} belongs to {records} records", body.id)),
            }
        }
        let files: BTreeSet<u64> = bodies.iter().filter_map(|body| body.file).collect();
        for name in names(&profile.join("bodies"))? {
            look.files += 1;
            if !files.iter().any(|file| file.to_string() == name) {
                look.leaks
                    .push(format!("the file bodies/{name} belongs to no body"));
            }
        }
        const OURS: [&str; 5] = [
            "bodies",
            "database.sqlite3",
            "database.sqlite3-shm",
            "database.sqlite3-wal",
            "lock",
        ];
        for name in names(profile)? {
            if !OURS.contains(&name.as_str()) {
                look.leaks
                    .push(format!("the file {name} is nothing of a profile"));
            }
        }
        Ok(look)
    }

    /// Reads the tables. Gives the bodies, and of how many records each is the body.
    fn database(&mut self, database: &Connection) -> Result<(Vec<BodyRow>, BTreeMap<u64, u64>), Trouble> {
        if !has_tables(database)? {
            return Ok(Default::default());
        }
        let count = |what: &str| -> Result<u64, Trouble> {
            let select = format!("SELECT count(*) FROM {what}");
            Ok(database.query_row(&select, [], |row| number(row, 0))?)
        };
        self.rows = count("fetch")? + count("record")? + count("body")?;
        let strays = count("record WHERE fetch NOT IN (SELECT key FROM fetch)")?;
        if strays > 0 {
            self.leaks
                .push(format!("{strays} records belong to no background fetch"));
        }
        let owners = "SELECT body, count(*) FROM
                          (SELECT request_body AS body FROM record UNION ALL SELECT response_body FROM record)
                      WHERE body IS NOT NULL GROUP BY body";
        let owners = database
            .prepare(owners)?
            .query_map([], |row| Ok((number(row, 0)?, number(row, 1)?)))?
            .collect::<Result<_, _>>()?;
        Ok((BodyRow::all(database)?, owners))
    }

    /// What is wrong with a profile after a life that ended in good order and said that so many bytes are `used`; none
    /// where all that is there belongs to somebody.
    pub(crate) fn wrong(&self, used: Option<u64>) -> Option<String> {
        let leak = self.leaks.first().map(|leak| format!("a leak: {leak}"));
        let used = used.filter(|used| *used != self.bytes);
        leak.or_else(|| {
            let bytes = self.bytes;
            used.map(|used| format!("a leak: {used} bytes are counted as used, and bodies have {bytes}"))
        })
    }

    /// The same where all is over: then nothing is left at all.
    pub(crate) fn left_over(&self, used: Option<u64>) -> Option<String> {
        let Self { rows, files, .. } = self;
        let left = *rows > 0 || *files > 0;
        self.wrong(used)
            .or_else(|| left.then(|| format!("left over: {rows} rows and {files} body files")))
    }
}

/// The `look` command: says what is in a `--profile` that no process has open, and what of it leaks.
pub(crate) fn main(arguments: &Arguments) -> Result<(), Trouble> {
    let profile = arguments.text("--profile").ok_or("say which --profile")?;
    let look = Look::at(Path::new(profile))?;
    for leak in &look.leaks {
        println!("leak {leak}");
    }
    println!("left {} rows, {} body files", look.rows, look.files);
    Ok(())
}

/// What opening a profile did with what a kill left.
pub(crate) struct Swept {
    /// How much belonged to nobody before it was opened.
    pub(crate) leaks: usize,
    /// What is wrong after it.
    pub(crate) wrong: Option<String>,
}

/// Opens a copy of a profile that a kill left behind: then all that is there belongs to somebody, and is counted.
///
/// Where `planted`, the copy gets leaks before: they must be seen, and be gone afterwards.
pub(crate) fn open_a_copy(profile: &Path, boot: &str, planted: bool) -> Result<Swept, Trouble> {
    let copy = profile.with_extension("copy");
    let _ = fs::remove_dir_all(&copy);
    copy_profile(profile, &copy)?;
    let leaks = Look::at(&copy)?.leaks.len();
    let missed = if planted { plant(&copy)? } else { None };
    let used = {
        // A process that is started meanwhile would hold its lock.
        let _alone = alone();
        let options = Options {
            boot_id: Some(boot.to_owned()),
            ..Options::default()
        };
        let said = |error: background_fetch::embedder::StorageError| error.message;
        let storage = ProfileStorage::open(&copy, options).map_err(said)?;
        // The database knows how much there is from here on.
        block_on(storage.flush()).map_err(said)?;
        block_on(storage.estimate(&registration(false).storage_key))
            .map_err(said)?
            .usage
    };
    let look = Look::at(&copy)?;
    let wrong = missed.or_else(|| {
        look.wrong(Some(used))
            .map(|wrong| format!("after it was opened again: {wrong}"))
    });
    fs::remove_dir_all(&copy)?;
    Ok(Swept { leaks, wrong })
}

/// Plants a leak of each kind that opening sweeps, one after the other. Gives one that is not seen.
fn plant(profile: &Path) -> Result<Option<String>, Trouble> {
    for leak in Leak::ALL {
        let before = Look::at(profile)?.leaks.len();
        if leak.plant(profile)? && Look::at(profile)?.leaks.len() != before + 1 {
            return Ok(Some(format!("a leak that was planted is not seen: {leak:?}")));
        }
    }
    Ok(None)
}

/// What belongs to nobody.
#[derive(Clone, Copy, Debug)]
enum Leak {
    /// A file that no row names.
    File,
    /// The row of a body that is nobody's.
    Row,
    /// The same, with a file.
    RowWithFile,
}

impl Leak {
    const ALL: [Self; 3] = [Self::File, Self::Row, Self::RowWithFile];

    /// Lets a profile leak. Without tables there is no row to leak.
    fn plant(self, profile: &Path) -> Result<bool, Trouble> {
        let bodies = profile.join("bodies");
        fs::create_dir_all(&bodies)?;
        if let Self::File = self {
            fs::write(bodies.join("4000000001"), "nobody")?;
            return Ok(true);
        }
        let database = Connection::open(profile.join("database.sqlite3"))?;
        if !has_tables(&database)? {
            return Ok(false);
        }
        let (id, in_file, data) = match self {
            Self::File | Self::Row => (4_000_000_002_i64, false, "nobody"),
            Self::RowWithFile => (4_000_000_003, true, ""),
        };
        database.execute(
            "INSERT INTO body (id, in_file, length, data) VALUES (?1, ?2, 6, CAST(?3 AS BLOB))",
            rusqlite::params![id, in_file, data],
        )?;
        if in_file {
            fs::write(bodies.join(id.to_string()), "nobody")?;
        }
        Ok(true)
    }
}

/// Whether a database has come so far that it has tables.
fn has_tables(database: &Connection) -> Result<bool, Trouble> {
    let version: i64 = database.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(version > 0)
}

fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

/// The database as it is, with its log, in a copy: opening it would change it.
pub(crate) fn copied_database(profile: &Path) -> Result<Option<(tempfile::TempDir, Connection)>, Trouble> {
    let database = profile.join("database.sqlite3");
    if !database.exists() {
        return Ok(None);
    }
    // Not beside it: that disk may be full.
    let folder = kill::folder(None)?;
    for end in ["", "-wal"] {
        let from = format!("{}{end}", database.display());
        if Path::new(&from).exists() {
            fs::copy(from, folder.path().join(format!("database{end}")))?;
        }
    }
    let connection = Connection::open(folder.path().join("database"))?;
    Ok(Some((folder, connection)))
}

/// Copies the folder of a profile, as it is.
fn copy_profile(from: &Path, to: &Path) -> Result<(), Trouble> {
    fs::create_dir_all(to)?;
    for name in names(from)? {
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_dir() {
            copy_profile(&from, &to)?;
        } else {
            fs::copy(from, to)?;
        }
    }
    Ok(())
}

/// The names in a folder, none where there is no such folder.
fn names(folder: &Path) -> Result<Vec<String>, Trouble> {
    let mut names = Vec::new();
    match fs::read_dir(folder) {
        Ok(entries) => {
            for entry in entries {
                names.push(entry?.file_name().to_string_lossy().into_owned());
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    Ok(names)
}

#[cfg(test)]
mod tests;
