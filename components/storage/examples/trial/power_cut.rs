//! The machine goes down: what was not made durable is as it may be then.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use background_fetch_sim::Random;

use super::Trouble;
use super::leaks::{BodyRow, copied_database};

/// Damages what the database of a profile does not vouch for: body files are longer or shorter, or hold other bytes,
/// from where it vouches on; files that it does not know are gone, or stay. Gives what was done.
pub(crate) fn cut_power(profile: &Path, random: &mut Random) -> Result<Vec<String>, Trouble> {
    let mut done = Vec::new();
    let bodies = profile.join("bodies");
    if !profile.join("database.sqlite3").exists() || !bodies.exists() {
        return Ok(done);
    }
    let known = vouched_for(profile)?;
    for entry in fs::read_dir(&bodies)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let Some(vouched) = known.get(&name) else {
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

/// The files of bodies, with the lengths that the database vouches for. The database is read as it is.
fn vouched_for(profile: &Path) -> Result<BTreeMap<String, u64>, Trouble> {
    let bodies = match copied_database(profile)? {
        Some((_folder, database)) => BodyRow::all(&database)?,
        None => Vec::new(),
    };
    let mut known = BTreeMap::new();
    for body in bodies {
        if let Some(file) = body.file {
            let vouched: &mut u64 = known.entry(file.to_string()).or_default();
            *vouched = (*vouched).max(body.place + body.length);
        }
    }
    Ok(known)
}
