//! Finished bodies become files in the output folder.
//!
//! The names are chosen and written to the profile before the first file appears. So when the event is delivered
//! again, after a crash, each file either is there with its bytes, and stays, or is made.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use background_fetch::{FetchKey, RecordKey};
use background_fetch_storage::{ExportError, ProfileStorage};

use crate::failure::Failure;
use crate::naming::Numbering;
use crate::profile::{FetchOptions, Profile};

pub(super) struct Export {
    pub(super) storage: Arc<ProfileStorage>,
    pub(super) profile: Profile,
    pub(super) options: FetchOptions,
    pub(super) fetch: FetchKey,
}

impl Export {
    /// Makes a file of each record's body, under the name that is given or one like it. Blocks.
    pub(super) fn run(mut self, names: Vec<(usize, String)>) -> Result<BTreeMap<usize, PathBuf>, Failure> {
        fs::create_dir_all(&self.options.output)
            .map_err(|error| self.failure(&self.options.output, &error.to_string()))?;
        let mut numbering = Numbering::default();
        let chosen_before = self.options.names.clone();
        for name in chosen_before.values() {
            numbering.take(name);
        }
        for (index, name) in &names {
            if !chosen_before.contains_key(index) {
                let name = self.choose(&mut numbering, name);
                self.options.names.insert(*index, name);
            }
        }
        if self.options.names.len() > chosen_before.len() {
            self.profile.write_options(&self.options)?;
        }
        let mut files = BTreeMap::new();
        for (index, wanted) in names {
            let path = loop {
                let path = self.options.output.join(&self.options.names[&index]);
                if self.save(index, &path, chosen_before.contains_key(&index))? {
                    break path;
                }
                // Somebody else has made a file of this name meanwhile.
                let name = self.choose(&mut numbering, &wanted);
                self.options.names.insert(index, name);
                self.profile.write_options(&self.options)?;
            };
            files.insert(index, path);
        }
        Ok(files)
    }

    /// A name that no other record has, and no file unless it may be replaced.
    fn choose(&self, numbering: &mut Numbering, wanted: &str) -> String {
        numbering.choose(wanted, |name| {
            !self.options.force && self.options.output.join(name).symlink_metadata().is_ok()
        })
    }

    /// Saves a body at `path`; not where another file is there that may not be replaced.
    fn save(&self, index: usize, path: &Path, may_be_there: bool) -> Result<bool, Failure> {
        if self.options.force {
            let temporary = self.export_beside(index)?;
            let replaced = fs::rename(&temporary, path);
            // Renaming does nothing where both are the same file already.
            let _ = fs::remove_file(&temporary);
            replaced.map_err(|error| self.failure(path, &error.to_string()))?;
            return Ok(true);
        }
        match self.export(index, path) {
            Ok(()) => Ok(true),
            Err(ExportError::AlreadyExists(_)) if may_be_there => {
                let temporary = self.export_beside(index)?;
                let same = same_bytes(&temporary, path);
                let _ = fs::remove_file(&temporary);
                same.map_err(|error| self.failure(path, &error.to_string()))
            }
            Err(ExportError::AlreadyExists(_)) => Ok(false),
            Err(ExportError::Storage(error)) => Err(self.failure(path, &error.message)),
        }
    }

    /// Saves a body beside the place where it belongs.
    fn export_beside(&self, index: usize) -> Result<PathBuf, Failure> {
        let name = format!(".bgfetch-{}-{index}", self.fetch);
        let path = self.options.output.join(name);
        // What a crash may have left.
        let _ = fs::remove_file(&path);
        match self.export(index, &path) {
            Ok(()) => Ok(path),
            Err(error) => Err(self.failure(&path, &error.to_string())),
        }
    }

    fn export(&self, index: usize, path: &Path) -> Result<(), ExportError> {
        let record = RecordKey {
            fetch: self.fetch,
            index,
        };
        self.storage.export(record, path)
    }

    fn failure(&self, path: &Path, why: &str) -> Failure {
        let id = &self.options.id;
        Failure::new(format!(
            "cannot save {}: {why}; nothing is lost: mend that, and `bgfetch resume {}` saves the files",
            path.display(),
            crate::profile::quoted(id)
        ))
    }
}

/// Whether two files, the second of which may be anything, have the same bytes.
fn same_bytes(ours: &Path, other: &Path) -> io::Result<bool> {
    let metadata = other.symlink_metadata()?;
    if !metadata.is_file() || metadata.len() != ours.metadata()?.len() {
        return Ok(false);
    }
    let (mut ours, mut other) = (File::open(ours)?, File::open(other)?);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    loop {
        left.clear();
        right.clear();
        Read::by_ref(&mut ours).take(PIECE).read_to_end(&mut left)?;
        Read::by_ref(&mut other).take(PIECE).read_to_end(&mut right)?;
        if left != right {
            return Ok(false);
        }
        if left.is_empty() {
            return Ok(true);
        }
    }
}

/// How much is compared at once, in bytes.
const PIECE: u64 = 1 << 20;
