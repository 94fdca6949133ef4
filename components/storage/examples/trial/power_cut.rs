//! The machine goes down: what was not made durable is as it may be then.

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use background_fetch_sim::Random;
use rusqlite::{Connection, OpenFlags};

use super::Trouble;

/// Damages what the database of a profile does not vouch for: body files are longer or shorter, or hold other bytes,
/// from where it vouches on; files that it does not know are gone, or stay. Gives what was done.
pub(crate) fn cut_power(profile: &Path, random: &mut Random) -> Result<Vec<String>, Trouble> {
    let mut done = Vec::new();
    let database = profile.join("database.sqlite3");
    let bodies = profile.join("bodies");
    if !database.exists() || !bodies.exists() {
        return Ok(done);
    }
    let known = vouched_for(&database)?;
    for entry in fs::read_dir(&bodies)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let Some((_, vouched)) = known.iter().find(|(id, _)| id.to_string() == name) else {
            if random.chance(1, 2) {
                fs::remove_file(&path)?;
                done.push(format!("power cut: {name} is gone"));
            }
            continue;
        };
        if *vouched == 0 && random.chance(1, 2) {
            fs::remove_file(&path)?;
            done.push(format!(
                "power cut: {name} is gone, of which nothing is vouched for"
            ));
            continue;
        }
        let mut file = OpenOptions::new().write(true).open(&path)?;
        let length = file.metadata()?.len();
        let Some(loose) = length.checked_sub(*vouched).filter(|loose| *loose > 0) else {
            continue;
        };
        match random.below(3) {
            0 => {
                let left = vouched + random.below(loose);
                file.set_len(left)?;
                done.push(format!(
                    "power cut: {name} has {left} of {length} bytes, {vouched} are vouched for"
                ));
            }
            1 => {
                file.seek(SeekFrom::Start(*vouched))?;
                file.write_all(&vec![0; usize::try_from(loose)?])?;
                done.push(format!("power cut: {name} is zeros from {vouched} to {length}"));
            }
            _ => {
                file.seek(SeekFrom::Start(vouched + random.below(loose)))?;
                file.write_all(&[0xFF; 777])?;
                done.push(format!("power cut: {name} is garbled behind {vouched}"));
            }
        }
    }
    Ok(done)
}

/// The bodies that are in files, with the lengths that the database vouches for. The database is read as it is.
fn vouched_for(database: &Path) -> Result<Vec<(i64, u64)>, Trouble> {
    let copy = tempfile::tempdir()?;
    for end in ["", "-wal"] {
        let from = format!("{}{end}", database.display());
        if Path::new(&from).exists() {
            fs::copy(from, copy.path().join(format!("database{end}")))?;
        }
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let connection = Connection::open_with_flags(copy.path().join("database"), flags)?;
    let select = "SELECT id, length FROM body WHERE in_file
         UNION ALL SELECT pack, max(place + length) FROM body WHERE pack IS NOT NULL GROUP BY pack";
    let mut statement = match connection.prepare(select) {
        Ok(statement) => statement,
        // It was killed before it had tables.
        Err(_) => return Ok(Vec::new()),
    };
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned())))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
