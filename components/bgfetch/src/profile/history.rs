//! [`Finished`]: what became of a background fetch. The profile remembers the last ones.

use std::fs;
use std::path::PathBuf;

use background_fetch::{BackgroundFetchFailureReason, BackgroundFetchResult, ResponseResult};
use serde::{Deserialize, Serialize};

use super::{Profile, file};
use crate::failure::Failure;

/// How many background fetches that are over a profile remembers.
const REMEMBERED: usize = 50;

/// A background fetch that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Finished {
    /// Its number in the profile.
    pub(crate) fetch: u64,
    /// Its id.
    pub(crate) id: String,
    /// Its title, the empty string for none.
    pub(crate) title: String,
    /// The result.
    pub(crate) result: BackgroundFetchResult,
    /// The failure reason.
    pub(crate) failure_reason: BackgroundFetchFailureReason,
    /// The bytes that were stored.
    pub(crate) downloaded: u64,
    /// The folder for its files.
    pub(crate) output: PathBuf,
    /// Its records, in order.
    pub(crate) records: Vec<FinishedRecord>,
}

/// A record of a background fetch that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FinishedRecord {
    /// The method.
    pub(crate) method: String,
    /// The URL.
    pub(crate) url: String,
    /// The status, where there was a response.
    pub(crate) status: Option<u16>,
    /// The bytes that were stored.
    pub(crate) downloaded: u64,
    /// The bytes that were uploaded.
    pub(crate) uploaded: u64,
    /// The requests that were sent since the program was started last.
    #[serde(default)]
    pub(crate) attempts: u64,
    /// The result.
    pub(crate) result: ResponseResult,
    /// Why it failed, in a sentence; empty for a success.
    pub(crate) detail: String,
    /// Its file, where it was saved.
    pub(crate) file: Option<PathBuf>,
}

impl Finished {
    /// How many files were saved.
    pub(crate) fn saved(&self) -> usize {
        self.records.iter().filter(|record| record.file.is_some()).count()
    }
}

impl Profile {
    /// Remembers a background fetch that is over; the oldest is forgotten.
    pub(crate) fn remember(&self, finished: &Finished) -> Result<(), Failure> {
        let folder = self.history_folder();
        file::write(&folder.join(format!("{}.json", finished.fetch)), finished)?;
        let mut numbers = self.history_numbers();
        while numbers.len() > REMEMBERED {
            let oldest = numbers.remove(0);
            let _ = fs::remove_file(folder.join(format!("{oldest}.json")));
        }
        Ok(())
    }

    /// The newest background fetch of this id that is over, as far as the profile remembers.
    pub(crate) fn finished(&self, id: &str) -> Option<Finished> {
        self.history().rev().find(|finished| finished.id == id)
    }

    /// The ids that the profile remembers, the oldest first, each once.
    pub(crate) fn finished_ids(&self) -> Vec<String> {
        let mut ids = Vec::new();
        for finished in self.history() {
            if !ids.contains(&finished.id) {
                ids.push(finished.id);
            }
        }
        ids
    }

    /// What the profile remembers, the oldest first. What cannot be read is left out: nothing depends on it.
    fn history(&self) -> impl DoubleEndedIterator<Item = Finished> {
        let folder = self.history_folder();
        self.history_numbers()
            .into_iter()
            .filter_map(move |number| file::read(&folder.join(format!("{number}.json"))).ok().flatten())
    }

    fn history_numbers(&self) -> Vec<u64> {
        let entries = fs::read_dir(self.history_folder());
        let mut numbers: Vec<u64> = entries
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".json")?.parse().ok())
            .collect();
        numbers.sort_unstable();
        numbers
    }

    fn history_folder(&self) -> PathBuf {
        self.folder.join("bgfetch").join("history")
    }
}
