//! Putting a finished body where a person wants it.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use background_fetch::RecordKey;
use background_fetch::embedder::{BodyKey, StorageError, StorageErrorKind};
use tempfile::NamedTempFile;

use super::body::Body;
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
        let folder = match to.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let to = to.file_name().map_or_else(|| to.into(), PathBuf::from);
        let mut exported = self.export_all(folder, &[(record, to)]);
        exported.pop().unwrap_or(Ok(()))
    }

    /// Does the same with many bodies, each under a name in `folder`, and waits for the disk once for many of them.
    /// The results are in the order of `exports`; all is durable when they are given.
    pub fn export_all(
        &self,
        folder: &Path,
        exports: &[(RecordKey, PathBuf)],
    ) -> Vec<Result<(), ExportError>> {
        let mut results = Vec::with_capacity(exports.len());
        let mut exporter = Exporter {
            storage: self,
            folder,
            mode: None,
        };
        for chunk in exports.chunks(AT_ONCE) {
            results.extend(exporter.chunk(chunk));
        }
        if results.iter().any(Result::is_ok)
            && let Err(error) = step(Step::ExportFolder, || files::sync_folder(folder))
        {
            let error = trouble::io("make durable the folder", folder, &error);
            for result in results.iter_mut().filter(|result| result.is_ok()) {
                *result = Err(error.clone().into());
            }
        }
        results
    }
}

/// How many copies wait for the disk together, each an open file.
const AT_ONCE: usize = 256;

/// With more copies than this the file system is told to write everything, rather than one file after the other.
const MANY: usize = 4;

struct Exporter<'a> {
    storage: &'a ProfileStorage,
    folder: &'a Path,
    /// What files get here that the user makes; known once it was needed.
    mode: Option<fs::Permissions>,
}

/// A body on its way out.
enum Ready {
    /// It has its name.
    Linked,
    /// A copy, not yet durable.
    Copied(NamedTempFile),
}

impl Exporter<'_> {
    fn chunk(&mut self, exports: &[(RecordKey, PathBuf)]) -> Vec<Result<(), ExportError>> {
        // Before the first byte is written: from then on it reports what could not be.
        let folder = fs::File::open(self.folder);
        let ready: Vec<_> = exports
            .iter()
            .map(|(record, name)| self.prepare(*record, &self.folder.join(name)))
            .collect();
        let copies = || {
            ready.iter().filter_map(|ready| match ready {
                Ok(Ready::Copied(file)) => Some(file),
                _ => None,
            })
        };
        let synced = match copies().count() {
            0 => Ok(()),
            count => step(Step::ExportSync, || match folder {
                Ok(folder) if count > MANY && sync_file_system(&folder)? => Ok(()),
                _ => copies().try_for_each(|file| file.as_file().sync_all()),
            }),
        };
        ready
            .into_iter()
            .zip(exports)
            .map(|(ready, (_, name))| {
                let Ready::Copied(file) = ready? else {
                    return Ok(());
                };
                let to = self.folder.join(name);
                match &synced {
                    Ok(()) => step(Step::ExportPersist, || file.persist_noclobber(&to))
                        .map(drop)
                        .map_err(|error| refused(&to, &error.error)),
                    Err(error) => Err(refused(&to, error)),
                }
            })
            .collect()
    }

    /// Gives a body its second name, or copies it.
    fn prepare(&mut self, record: RecordKey, to: &Path) -> Result<Ready, ExportError> {
        let shared = &self.storage.shared;
        let (body, name) = {
            let mut state = shared.state.lock();
            let stored = state.record(record)?;
            let name = BodyKey::Response {
                record,
                generation: stored.generation,
            };
            let body = stored.response.clone().filter(|_| stored.settled);
            (body.ok_or_else(|| not_finished(record))?, name)
        };
        if body.is_in_file() && self.link(&body, name, to)? {
            return Ok(Ready::Linked);
        }
        let io = |error| refused(to, &error);
        let mut file = step(Step::ExportCreate, || temporary(self.folder)).map_err(io)?;
        let mut offset = 0;
        loop {
            let bytes = body.read(shared, name, offset, usize::MAX)?;
            if bytes.is_empty() {
                return Ok(Ready::Copied(file));
            }
            write_points::write(Step::ExportWrite, &mut file, &bytes).map_err(io)?;
            offset += bytes.len() as u64;
        }
    }

    /// Gives the file of a body its second name; false where that cannot be.
    fn link(&mut self, body: &Body, name: BodyKey, to: &Path) -> Result<bool, ExportError> {
        let shared = &self.storage.shared;
        let io = |error| refused(to, &error);
        body.read(shared, name, 0, 1)?;
        body.check_all(shared, name)?;
        let path = shared.files.path(body.id);
        if body.length() != fs::metadata(&path).map_err(io)?.len() {
            return Ok(false);
        }
        if body.is_dirty() {
            shared.files.sync(body.id)?;
        }
        // Both names have one mode: from now on that of the user's other files. The profile's folder stays shut.
        if cfg!(unix) {
            let usual = self.usual_mode().map_err(io)?;
            step(Step::ExportMode, || fs::set_permissions(&path, usual)).map_err(io)?;
        }
        match step(Step::ExportLink, || fs::hard_link(&path, to)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(io(error)),
            // Another disk, or one without links: then a copy.
            Err(_) => Ok(false),
        }
    }

    fn usual_mode(&mut self) -> io::Result<fs::Permissions> {
        if let Some(mode) = &self.mode {
            return Ok(mode.clone());
        }
        let mode = temporary(self.folder)?.as_file().metadata()?.permissions();
        Ok(self.mode.insert(mode).clone())
    }
}

/// Makes everything durable that was written to the file system of this open folder; false where the system cannot,
/// or does not tell what it could not write (Linux before 5.8).
fn sync_file_system(folder: &fs::File) -> io::Result<bool> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if tells_what_it_could_not_write() {
        return match rustix::fs::syncfs(folder) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => Ok(false),
            Err(error) => Err(error.into()),
        };
    }
    let _ = folder;
    Ok(false)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn tells_what_it_could_not_write() -> bool {
    let system = rustix::system::uname();
    let release = system.release().to_string_lossy();
    let mut numbers = release.split(['.', '-']).map_while(|number| number.parse().ok());
    (numbers.next(), numbers.next()) >= (Some(5), Some(8u32))
}

fn refused(to: &Path, error: &io::Error) -> ExportError {
    match error.kind() {
        io::ErrorKind::AlreadyExists => ExportError::AlreadyExists(to.to_owned()),
        _ => trouble::io("write to", to, error).into(),
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
