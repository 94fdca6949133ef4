//! The folder of body files. Names are numbers that the database gave out; nothing from outside gets into a path.
//!
//! A file is opened for each call, so that no number of bodies runs into the limit of open files.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::options::Result;
use super::trouble;
use crate::write_points::{self, Step, step};

#[derive(Debug)]
pub(super) struct BodyFiles {
    folder: PathBuf,
}

impl BodyFiles {
    /// The folder, made where it does not exist.
    pub(super) fn open(folder: PathBuf) -> Result<Self> {
        step(Step::BodiesFolder, || private_folder().create(&folder))
            .map_err(|error| trouble::io("make the folder", &folder, &error))?;
        Ok(Self { folder })
    }

    pub(super) fn path(&self, body: u64) -> PathBuf {
        self.folder.join(body.to_string())
    }

    /// Makes the file of a body with these first bytes. What a failed attempt left is overwritten.
    pub(super) fn create(&self, body: u64, bytes: &[u8]) -> Result<()> {
        let path = self.path(body);
        let create = || private().write(true).create(true).truncate(true).open(&path);
        step(Step::CreateBody, create)
            .and_then(|mut file| write_points::write(Step::FirstBytes, &mut file, bytes))
            .map_err(|error| trouble::io("make the body file", &path, &error))
    }

    /// Writes at `offset`, the file's length. A write that fails is cut off again.
    pub(super) fn append(&self, body: u64, offset: u64, bytes: &[u8]) -> Result<()> {
        let path = self.path(body);
        let write = || {
            let mut file = OpenOptions::new().write(true).open(&path)?;
            file.seek(SeekFrom::Start(offset))?;
            write_points::write(Step::Append, &mut file, bytes).inspect_err(|_| {
                // Should this fail too, the next write overwrites it, or opening cuts it off.
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

    /// Makes the bytes of a body durable.
    pub(super) fn sync(&self, body: u64) -> Result<()> {
        let path = self.path(body);
        OpenOptions::new()
            .write(true)
            .open(&path)
            .and_then(|file| step(Step::SyncBody, || file.sync_data()))
            .map_err(|error| trouble::io("make durable the body file", &path, &error))
    }

    /// Makes the names of files durable.
    pub(super) fn sync_folder(&self) -> Result<()> {
        step(Step::SyncBodies, || sync_folder(&self.folder))
            .map_err(|error| trouble::io("make durable the folder", &self.folder, &error))
    }

    pub(super) fn truncate(&self, body: u64, length: u64) -> Result<()> {
        let path = self.path(body);
        OpenOptions::new()
            .write(true)
            .open(&path)
            .and_then(|file| step(Step::Truncate, || file.set_len(length)))
            .map_err(|error| trouble::io("cut off the body file", &path, &error))
    }

    /// Removes the file of a body whose row is gone. One that stays is swept when the profile is opened next.
    pub(super) fn remove(&self, body: u64) {
        let _ = step(Step::RemoveBody, || fs::remove_file(self.path(body)));
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
