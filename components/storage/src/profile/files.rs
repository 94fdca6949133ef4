//! The folder of body files. Names are numbers that the database gave out; nothing from outside gets into a path.
//!
//! Those that are written to stay open, as many as [`HeldFiles`] holds; a file is opened for each call that reads.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::held::HeldFiles;
use super::options::Result;
use super::trouble;
use crate::write_points::{self, Step, step};

#[derive(Debug)]
pub(super) struct BodyFiles {
    folder: PathBuf,
    /// There are names that are not durable.
    has_new: AtomicBool,
    held: HeldFiles,
}

impl BodyFiles {
    /// The folder, made where it does not exist.
    pub(super) fn open(folder: PathBuf) -> Result<Self> {
        step(Step::BodiesFolder, || private_folder().create(&folder))
            .map_err(|error| trouble::io("make the folder", &folder, &error))?;
        Ok(Self {
            folder,
            has_new: AtomicBool::new(false),
            held: HeldFiles::default(),
        })
    }

    pub(super) fn path(&self, body: u64) -> PathBuf {
        self.folder.join(body.to_string())
    }

    /// Makes the file of a body with these first bytes. What a failed attempt left is overwritten; this one leaves
    /// nothing where it fails.
    pub(super) fn create(&self, body: u64, bytes: &[u8]) -> Result<()> {
        let path = self.path(body);
        let create = || private().write(true).create(true).truncate(true).open(&path);
        let written = step(Step::CreateBody, create).and_then(|mut file| {
            write_points::write(Step::FirstBytes, &mut file, bytes)?;
            self.held.hold_new(body, file);
            self.has_new.store(true, Ordering::Relaxed);
            Ok(())
        });
        written.map_err(|error| {
            // It would take up what is left of a full disk.
            self.remove(body);
            trouble::io("make the body file", &path, &error)
        })
    }

    /// Writes at `offset`, the file's length. A write that fails is cut off again.
    pub(super) fn append(&self, body: u64, offset: u64, bytes: &[u8]) -> Result<()> {
        let path = self.path(body);
        let write = || {
            let file = self.held.to_write(body, || to_write(&path))?;
            let mut end = At { file: &file, offset };
            write_points::write(Step::Append, &mut end, bytes).inspect_err(|_| {
                // Should this fail too, the next write overwrites it, or opening after a restart of the machine cuts it
                // off; after one of the process it is the beginning of what was to be appended.
                let _ = step(Step::CutOff, || file.set_len(offset));
            })
        };
        write().map_err(|error| trouble::io("write to the body file", &path, &error))
    }

    /// Reads up to `length` bytes from `offset` on; fewer where the file ends.
    pub(super) fn read(&self, body: u64, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut file = File::open(self.path(body))?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::with_capacity(length);
        file.take(length as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Makes the bytes of a body durable. Where the system says that it could not, this fails from then on: it may have
    /// dropped what it could not write, and trying again would only seem to succeed.
    pub(super) fn sync(&self, body: u64) -> Result<()> {
        if let Some(error) = self.held.lost(body) {
            return Err(error);
        }
        let path = self.path(body);
        let failed = |error: io::Error| trouble::io("make durable the body file", &path, &error);
        let file = match self.held.to_sync(body) {
            Some(file) => file,
            None => Arc::new(to_write(&path).map_err(failed)?),
        };
        step(Step::SyncBody, || file.sync_data())
            // Somebody may have removed it from under the descriptor.
            .and_then(|()| fs::metadata(&path).map(drop))
            .map_err(failed)
            .inspect_err(|error| self.held.lose(body, error))
    }

    /// Whether the system may have dropped bytes of a body.
    pub(super) fn is_in_doubt(&self, body: u64) -> bool {
        self.held.lost(body).is_some()
    }

    /// Makes the names of files durable.
    pub(super) fn sync_folder(&self) -> Result<()> {
        step(Step::SyncBodies, || sync_folder(&self.folder))
            .map_err(|error| trouble::io("make durable the folder", &self.folder, &error))
    }

    /// Makes the names durable of the files that were made since this was done last.
    pub(super) fn sync_new(&self) -> Result<()> {
        if !self.has_new.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        self.sync_folder()
            .inspect_err(|_| self.has_new.store(true, Ordering::Relaxed))
    }

    /// Cuts off the file of a body.
    pub(super) fn truncate(&self, body: u64, length: u64) -> Result<()> {
        let path = self.path(body);
        self.held
            .to_write(body, || to_write(&path))
            .and_then(|file| step(Step::Truncate, || file.set_len(length)))
            .map_err(|error| trouble::io("cut off the body file", &path, &error))
    }

    /// The body takes no more bytes, and all it has are durable.
    pub(super) fn is_whole(&self, body: u64) {
        self.held.let_go(body);
    }

    /// Removes the file of a body whose row is gone. One that stays is swept when the profile is opened next.
    pub(super) fn remove(&self, body: u64) {
        let _ = step(Step::RemoveBody, || fs::remove_file(self.path(body)));
        self.held.let_go(body);
    }

    /// The body files that there are, with their lengths in bytes. Files of other names are not ours.
    pub(super) fn list(&self) -> Result<HashMap<u64, u64>> {
        let list = || {
            let mut found = HashMap::new();
            for entry in fs::read_dir(&self.folder)? {
                let entry = entry?;
                let name = entry.file_name();
                let Some(id) = name.to_str().and_then(|name| name.parse::<u64>().ok()) else {
                    continue;
                };
                if *name == *id.to_string() && entry.file_type()?.is_file() {
                    found.insert(id, entry.metadata()?.len());
                }
            }
            Ok(found)
        };
        list().map_err(|error: io::Error| trouble::io("list the folder", &self.folder, &error))
    }
}

/// Opens a file that is there.
fn to_write(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).open(path)
}

/// Writes to a file from here on, wherever it was left.
struct At<'a> {
    file: &'a File,
    offset: u64,
}

impl Write for At<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        #[cfg(unix)]
        let written = std::os::unix::fs::FileExt::write_at(self.file, bytes, self.offset)?;
        #[cfg(not(unix))]
        let written = {
            let mut file = self.file;
            file.seek(SeekFrom::Start(self.offset))?;
            file.write(bytes)?
        };
        self.offset += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Options for a file that only this user may read, should it be made: what people fetch is their own business.
pub(super) fn private() -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "modes are of Unix"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The same for folders.
pub(super) fn private_folder() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Makes the names in a folder durable, where the system can.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_made_durable_is_never_said_to_be() {
        let folder = tempfile::tempdir().unwrap();
        let files = BodyFiles::open(folder.path().join("bodies")).unwrap();
        files.create(1, b"bytes").unwrap();
        files.sync(1).unwrap();
        // Given a file that could not be synced once
        let (path, elsewhere) = (files.path(1), folder.path().join("elsewhere"));
        fs::rename(&path, &elsewhere).unwrap();
        let error = files.sync(1).unwrap_err();
        fs::rename(&elsewhere, &path).unwrap();
        // then it cannot be synced later
        assert_eq!(files.sync(1), Err(error));
        // until it is another file.
        files.remove(1);
        files.create(1, b"others").unwrap();
        files.sync(1).unwrap();
        assert_eq!(files.read(1, 0, 100).unwrap(), b"others");
    }
}
