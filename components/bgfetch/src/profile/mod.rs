//! What the program keeps in a profile, beside what the component's storage keeps there:
//!
//! ```text
//! <profile>/bgfetch/fetches/<digest of the id>.json    the options of a background fetch, and the names of its files
//! <profile>/bgfetch/history/<number>.json              what became of the last ones
//! ```
//!
//! The storage's lock guards these too: open the storage first.

mod file;
mod history;
mod options;

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

pub(crate) use history::{Finished, FinishedRecord};
pub(crate) use options::FetchOptions;

use crate::failure::Failure;

/// The program's part of a profile.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    folder: PathBuf,
    /// Whether the user named it.
    given: bool,
}

impl Profile {
    /// The profile that the user names, or the one in the platform's folder for the data of programs.
    pub(crate) fn at(given: Option<&Path>) -> Result<Self, Failure> {
        let folder = match given {
            Some(folder) => std::path::absolute(folder).map_err(|error| {
                Failure::usage(format!(
                    "--profile {}: {error}; name a folder",
                    folder.display()
                ))
            })?,
            None => etcetera::choose_base_strategy()
                .map_err(|error| {
                    Failure::new(format!(
                        "there is no home folder to keep background fetches in ({error}); name a folder with --profile"
                    ))
                })?
                .data_dir()
                .join("bgfetch"),
        };
        let existing = folder
            .ancestors()
            .find(|folder| folder.symlink_metadata().is_ok());
        if let Some(file) = existing.filter(|existing| !existing.is_dir()) {
            return Err(Failure::new(format!(
                "there can be no profile at {}: {} is no folder; choose another with --profile",
                folder.display(),
                file.display()
            )));
        }
        Ok(Self {
            folder,
            given: given.is_some(),
        })
    }

    /// The folder of the storage.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether there is a profile in the folder: where there is none, nothing is stored.
    pub(crate) fn exists(&self) -> bool {
        self.folder.join("database.sqlite3").symlink_metadata().is_ok()
    }

    /// What to say where there is none.
    pub(crate) fn none_there(&self) -> String {
        format!("there is no profile in {}", self.folder.display())
    }

    /// What to add to a command so that it uses this profile.
    pub(crate) fn option(&self) -> String {
        if self.given {
            format!(" --profile {}", quoted(&self.folder.display().to_string()))
        } else {
            String::new()
        }
    }
}

/// Text as an argument in a shell's command.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |character: char| character.is_alphanumeric() || "-_./+,:=@%".contains(character);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
