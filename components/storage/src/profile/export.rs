//! Putting a finished body where a person wants it.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use background_fetch::RecordKey;
use background_fetch::embedder::{BodyKey, StorageError, StorageErrorKind};
use tempfile::NamedTempFile;

use super::{ProfileStorage, files, trouble};
use crate::error;
use crate::write_points::{self, Step, step};

/// An export that did not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportError {
    /// There is something of this name already; it was left alone.
    AlreadyExists(PathBuf),
    /// Anything else.
    Storage(StorageError),
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyExists(path) => write!(
                f,
                "{} exists already and is left as it is; move it away, or choose another name",
                path.display()
            ),
            Self::Storage(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ExportError {}

impl From<StorageError> for ExportError {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl From<ExportError> for StorageError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::AlreadyExists(_) => Self::new(StorageErrorKind::Io, error.to_string()),
            ExportError::Storage(error) => error,
        }
    }
}

impl ProfileStorage {
    /// Puts the response body of a settled record at the path `to`, durably: all of it, or nothing.
    ///
    /// A large body on the same disk is not copied: both names stand for the same file until the background fetch is
    /// removed, which takes the profile's name away and leaves `to`. So do not write to `to` before that. Blocks
    /// for as long as writing takes.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](ExportError::AlreadyExists) where something is at `to`: it is never replaced.
    /// [`NotFound`](StorageErrorKind::NotFound) where the record has no body or is not settled.
    pub fn export(&self, record: RecordKey, to: &Path) -> Result<(), ExportError> {
        let (body, name) = {
            let mut state = self.shared.state.lock();
            let stored = state.record(record)?;
            let name = BodyKey::Response {
                record,
                generation: stored.generation,
            };
            let body = stored.response.clone().filter(|_| stored.settled);
            (body.ok_or_else(|| not_finished(record))?, name)
        };
        let io = |error: io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists => ExportError::AlreadyExists(to.to_owned()),
            _ => trouble::io("write to", to, &error).into(),
        };
        let folder = match to.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        // A look at its bytes finds a damaged body.
        body.read(&self.shared, name, 0, 1)?;
        body.check_all(&self.shared, name)?;
        let length = body.length();
        let path = self.shared.files.path(body.id);
        let linked = body.is_in_file() && length == fs::metadata(&path).map_err(io)?.len() && {
            self.shared.files.sync(body.id)?;
            // Both names have one mode: from now on that of the user's other files. The profile's folder stays shut.
            if cfg!(unix) {
                let usual = temporary(folder).and_then(|file| file.as_file().metadata());
                let usual = usual.map_err(io)?.permissions();
                step(Step::ExportMode, || fs::set_permissions(&path, usual)).map_err(io)?;
            }
            match step(Step::ExportLink, || fs::hard_link(&path, to)) {
                Ok(()) => true,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(io(error)),
                // Another disk, or one without links: then a copy.
                Err(_) => false,
            }
        };
        if !linked {
            let mut file = step(Step::ExportCreate, || temporary(folder)).map_err(io)?;
            let mut offset = 0;
            while offset < length {
                let bytes = body.read(&self.shared, name, offset, usize::MAX)?;
                write_points::write(Step::ExportWrite, &mut file, &bytes).map_err(io)?;
                offset += bytes.len() as u64;
            }
            step(Step::ExportSync, || file.as_file().sync_all()).map_err(io)?;
            step(Step::ExportPersist, || file.persist_noclobber(to)).map_err(|error| io(error.error))?;
        }
        step(Step::ExportFolder, || files::sync_folder(folder)).map_err(io)
    }
}

/// A file that is gone again unless it gets its name.
fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".background-fetch-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

fn not_finished(record: RecordKey) -> StorageError {
    StorageError::new(
        StorageErrorKind::NotFound,
        format!(
            "{} has no finished response; wait until it is settled",
            error::record_name(record)
        ),
    )
}
