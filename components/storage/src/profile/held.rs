//! [`HeldFiles`]: body files that stay open between a write and the sync that makes it durable, and on to the next.
//!
//! The system tells a descriptor what it could not write since that was opened; of one that is opened later it may think
//! that somebody else has heard of it. So a file is synced through the descriptor that wrote it, and what a sync has
//! said once is said again to whoever asks: the second sync of a file would succeed.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::sync::Arc;

use background_fetch::embedder::StorageError;
use parking_lot::Mutex;

/// How many files are held at most, so that no number of bodies runs into the limit of open files. With more than so
/// many that grow at once, one that is opened again hears what nobody has heard of before.
const MOST: usize = 128;

#[derive(Debug, Default)]
pub(super) struct HeldFiles(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    files: HashMap<u64, HeldFile>,
    /// The bodies that could not be made durable.
    lost: HashMap<u64, StorageError>,
    /// Counts the uses.
    clock: u64,
}

#[derive(Debug)]
struct HeldFile {
    file: Arc<File>,
    /// Nothing was written since it was synced, or is being synced.
    synced: bool,
    used: u64,
}

impl HeldFiles {
    /// The file of a body, which is about to be written to.
    pub(super) fn to_write(
        &self,
        body: u64,
        open: impl FnOnce() -> io::Result<File>,
    ) -> io::Result<Arc<File>> {
        if let Some(file) = self.0.lock().get(body, false) {
            return Ok(file);
        }
        let file = Arc::new(open()?);
        self.0.lock().hold(body, Arc::clone(&file));
        Ok(file)
    }

    /// A new file of a body, in place of any other.
    pub(super) fn hold_new(&self, body: u64, file: File) {
        let mut held = self.0.lock();
        held.let_go(body);
        held.hold(body, Arc::new(file));
    }

    /// The file of a body, where it is held; it is about to be synced.
    pub(super) fn to_sync(&self, body: u64) -> Option<Arc<File>> {
        self.0.lock().get(body, true)
    }

    /// What kept a body from becoming durable.
    pub(super) fn lost(&self, body: u64) -> Option<StorageError> {
        self.0.lock().lost.get(&body).cloned()
    }

    /// A body could not be made durable.
    pub(super) fn lose(&self, body: u64, error: &StorageError) {
        self.0.lock().lost.insert(body, error.clone());
    }

    /// Lets go of the file of a body, and forgets what was lost.
    pub(super) fn let_go(&self, body: u64) {
        self.0.lock().let_go(body);
    }
}

impl Held {
    fn get(&mut self, body: u64, synced: bool) -> Option<Arc<File>> {
        self.clock += 1;
        let held = self.files.get_mut(&body)?;
        (held.used, held.synced) = (self.clock, synced);
        Some(Arc::clone(&held.file))
    }

    fn hold(&mut self, body: u64, file: Arc<File>) {
        if self.files.len() >= MOST {
            // One of which nothing is left to hear, or else the one that was not used for longest.
            let oldest = self
                .files
                .iter()
                .min_by_key(|(_, held)| (!held.synced, held.used));
            if let Some(oldest) = oldest.map(|(body, _)| *body) {
                self.files.remove(&oldest);
            }
        }
        self.clock += 1;
        let (synced, used) = (false, self.clock);
        self.files.insert(body, HeldFile { file, synced, used });
    }

    fn let_go(&mut self, body: u64) {
        self.files.remove(&body);
        self.lost.remove(&body);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes to a body; whether its file had to be opened.
    fn opens(held: &HeldFiles, body: u64) -> bool {
        let mut opened = false;
        let open = || {
            opened = true;
            tempfile::tempfile()
        };
        held.to_write(body, open).unwrap();
        opened
    }

    #[test]
    fn a_file_is_opened_once_however_often_it_is_written_and_synced() {
        let held = HeldFiles::default();
        assert!(opens(&held, 1));
        assert!(held.to_sync(1).is_some());
        assert!(!opens(&held, 1));
        held.let_go(1);
        assert!(held.to_sync(1).is_none());
        assert!(opens(&held, 1));
    }

    #[test]
    fn no_more_than_so_many_are_held_and_those_that_were_not_synced_for_longest() {
        let held = HeldFiles::default();
        for body in 0..MOST as u64 {
            assert!(opens(&held, body));
        }
        // Used last, and nothing is left to hear of it.
        assert!(held.to_sync(7).is_some());
        assert!(opens(&held, 1000));
        assert!(held.to_sync(7).is_none());
        // Written to again, so that another was not used for longest.
        assert!(!opens(&held, 0));
        assert!(opens(&held, 1001));
        assert!(held.to_sync(1).is_none());
        assert!(held.to_sync(0).is_some());
        assert_eq!(held.0.lock().files.len(), MOST);
    }
}
