//! [`FetchOptions`]: what `get` was told and the component does not keep.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Profile, file};
use crate::failure::Failure;

/// The options of a background fetch that is not over.
///
/// They are written before the background fetch is created, so that there is none without them; where the program
/// ends in between, there are options without a background fetch, which [`Profile::sweep`] removes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FetchOptions {
    /// The id of the background fetch.
    pub(crate) id: String,
    /// The folder for its files, absolute.
    pub(crate) output: PathBuf,
    /// Whether files that exist are replaced.
    pub(crate) force: bool,
    /// Whether servers are asked to keep what arrives of an upload.
    #[serde(default)]
    pub(crate) resumable: bool,
    /// The names of its files, by record: written before the first file appears, so that an event that is delivered
    /// twice finds what the first delivery did.
    #[serde(default)]
    pub(crate) names: BTreeMap<usize, String>,
}

impl Profile {
    /// Writes the options of a background fetch.
    pub(crate) fn write_options(&self, options: &FetchOptions) -> Result<(), Failure> {
        file::write(&self.options_path(&options.id), options)
    }

    /// The options of a background fetch. Where they are lost, those that `get` has by default, and a sentence that
    /// says so.
    pub(crate) fn options(&self, id: &str) -> (FetchOptions, Option<String>) {
        let lost = match file::read::<FetchOptions>(&self.options_path(id)) {
            Ok(Some(options)) if options.id == id => return (options, None),
            Ok(_) => "are not in the profile".to_owned(),
            Err(how) => format!("are lost: {how}"),
        };
        let defaults = FetchOptions {
            id: id.to_owned(),
            output: std::env::current_dir().unwrap_or_default(),
            force: false,
            resumable: false,
            names: BTreeMap::new(),
        };
        let warning = format!(
            "the options of {id:?} {lost}; its files go to {}",
            defaults.output.display()
        );
        (defaults, Some(warning))
    }

    /// Whether this background fetch was started with `--resumable`; without an id, whether any was.
    pub(crate) fn is_resumable(&self, id: Option<&str>) -> bool {
        let is_resumable =
            |path: &Path| matches!(file::read::<FetchOptions>(path), Ok(Some(options)) if options.resumable);
        match id {
            Some(id) => is_resumable(&self.options_path(id)),
            None => fs::read_dir(self.options_folder())
                .is_ok_and(|entries| entries.flatten().any(|entry| is_resumable(&entry.path()))),
        }
    }

    /// Removes the options of a background fetch that is over.
    pub(crate) fn remove_options(&self, id: &str) {
        // What stays is swept another time.
        let _ = fs::remove_file(self.options_path(id));
    }

    /// Removes the options of background fetches that are not there (any more). Trouble is for another time.
    pub(crate) fn sweep(&self, ids: &[String]) {
        let keep: Vec<PathBuf> = ids.iter().map(|id| self.options_path(id)).collect();
        let Ok(entries) = fs::read_dir(self.options_folder()) else {
            return;
        };
        for entry in entries.flatten() {
            if !keep.contains(&entry.path()) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    fn options_folder(&self) -> PathBuf {
        self.folder.join("bgfetch").join("fetches")
    }

    /// An id is any text: its digest is a file name everywhere.
    fn options_path(&self, id: &str) -> PathBuf {
        let digest: String = Sha256::digest(id.as_bytes())
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        self.options_folder().join(format!("{digest}.json"))
    }
}
