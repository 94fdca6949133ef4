//! [`Store`]: the storage of a round, and whether anything is left in it.

use std::sync::Arc;

use background_fetch::RegistrationKey;
use background_fetch::embedder::Storage;
use background_fetch_storage::{MemoryStorage, Options, ProfileStorage, Quota};
use futures::executor::block_on;
use tempfile::TempDir;

use super::ledger::Ledger;

/// Which storage.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// In memory.
    Memory,
    /// In a profile folder.
    Profile,
}

/// Enough for most, so that some meet it.
const QUOTA: u64 = 12 << 20;

pub(super) struct Store {
    storage: Arc<dyn Storage>,
    folder: Option<TempDir>,
}

fn options() -> Options {
    Options {
        quota: Quota::Bytes(QUOTA),
        // Small, so that bodies move to files and files are made durable often.
        inline_bytes: 8 << 10,
        checkpoint_bytes: 64 << 10,
        buffer_bytes: 1 << 20,
        ..Options::default()
    }
}

impl Store {
    pub(super) fn open(kind: Kind) -> Self {
        match kind {
            Kind::Memory => Self {
                storage: Arc::new(MemoryStorage::new(QUOTA)),
                folder: None,
            },
            Kind::Profile => {
                let folder = tempfile::tempdir().expect("a folder");
                let storage = ProfileStorage::open(folder.path(), options()).expect("a profile");
                Self {
                    storage: Arc::new(storage),
                    folder: Some(folder),
                }
            }
        }
    }

    pub(super) fn storage(&self) -> Arc<dyn Storage> {
        Arc::clone(&self.storage)
    }

    /// Looks for what is left, once the engine is gone.
    pub(super) fn check(self, registrations: &[RegistrationKey], ledger: &Ledger) {
        let holders = Arc::strong_count(&self.storage);
        if holders > 1 {
            ledger.fault(format!(
                "{} hold the storage of an engine that is gone",
                holders - 1
            ));
        }
        check_empty(&*self.storage, registrations, ledger);
        drop(self.storage);
        let Some(folder) = self.folder else { return };
        let bodies = std::fs::read_dir(folder.path().join("bodies")).expect("the bodies' folder");
        let files: Vec<_> = bodies
            .flatten()
            .map(|file| file.file_name().display().to_string())
            .collect();
        if !files.is_empty() {
            ledger.fault(format!("left over: files {files:?}"));
        }
        if holders == 1 {
            let storage = ProfileStorage::open(folder.path(), options()).expect("the profile again");
            check_empty(&storage, registrations, ledger);
        }
    }
}

fn check_empty(storage: &dyn Storage, registrations: &[RegistrationKey], ledger: &Ledger) {
    let stored = block_on(storage.load()).expect("the storage loads");
    if !stored.is_empty() {
        let keys: Vec<_> = stored.iter().map(|fetch| fetch.key).collect();
        ledger.fault(format!("left over: stored are {keys:?}"));
    }
    for registration in registrations {
        let key = &registration.storage_key;
        let estimate = block_on(storage.estimate(key)).expect("an estimate");
        if estimate.usage > 0 {
            ledger.fault(format!(
                "left over: {} uses {} bytes",
                key.as_str(),
                estimate.usage
            ));
        }
    }
}
