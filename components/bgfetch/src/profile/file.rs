//! Small JSON files that appear whole or not at all.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::failure::Failure;
use crate::folders;

/// Writes a file, durably, in place of the one that is there.
pub(super) fn write(path: &Path, value: &impl Serialize) -> Result<(), Failure> {
    let write = || -> io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        folders::make(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer(io::BufWriter::new(&mut file), value)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        folders::sync(folder)
    };
    write().map_err(|error| {
        Failure::new(format!(
            "cannot write {}: {error}; free some space or choose another profile folder",
            path.display()
        ))
    })
}

/// Reads a file; none where there is none.
///
/// # Errors
///
/// A sentence without its end: what is wrong with it.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, String> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| format!("{} is damaged ({error})", path.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{} cannot be read ({error})", path.display())),
    }
}
