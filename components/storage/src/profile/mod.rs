//! [`ProfileStorage`]: a profile folder, with a SQLite database for everything small and a file for each large body.
//!
//! ```text
//! <profile>/lock              held by the one process that uses the profile
//! <profile>/database.sqlite3  background fetches, records, and bodies that are small (with -wal and -shm beside it)
//! <profile>/bodies/<n>        the other bodies: one that is large, or many of one background fetch that are small
//! ```
//!
//! # What survives what
//!
//! A durable call answers once its transaction is committed. Before that, the bodies that belong to it are made
//! durable: a small one in the transaction or with others in a new file, a file by a flush of its data, so that the
//! database never vouches for bytes that are not there.
//!
//! When the process is killed, the operating system still has what was written to the files. So an unsettled body is
//! as long as its file if the machine has not been restarted since (it says so by its boot id); otherwise it is cut
//! off at the length that the database vouches for. Either way it is a prefix of what was appended: a body takes no
//! more bytes until the database says that it is in a file, and files of which it does not say so are swept.
//!
//! The database has checksums of every body, which are looked at when its bytes are read first after opening: what a
//! disk lost or changed gives [`Damaged`](background_fetch::embedder::StorageErrorKind::Damaged).
//!
//! A body file that is missing or too short sends its record back to before its first response, to be fetched
//! again; in a background fetch that is settled, reading it gives
//! [`Damaged`](background_fetch::embedder::StorageErrorKind::Damaged).

mod batch;
mod body;
mod encode;
mod export;
mod files;
mod held;
mod load;
mod lock;
mod operation;
mod options;
mod packs;
mod recovery;
mod schema;
mod state;
mod statements;
mod storage;
mod sums;
mod trouble;
mod usage;
mod writer;

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use background_fetch::embedder::{StorageError, StorageErrorKind};
use futures::channel::oneshot;
use parking_lot::Mutex;

pub use export::ExportError;
pub use options::{Options, Quota};

use files::BodyFiles;
use lock::ProfileLock;
use operation::Operation;
use options::Result;
use recovery::Recovery;
use state::{Shared, State};
use usage::Usage;
use writer::{Answer, Job, Writer};

use crate::write_points::{Step, step};

/// A storage in a folder of its own, which survives crashes; the module's documentation says how.
///
/// It has one thread, which writes the database. Bytes are written where
/// [`append`](background_fetch::embedder::Storage::append) is called. Dropping it waits until that thread has done
/// what it was asked to; call [`flush`](background_fetch::embedder::Storage::flush) before, or the last bytes of
/// small bodies are lost as in a crash.
#[derive(Debug)]
pub struct ProfileStorage {
    shared: Arc<Shared>,
    /// None once it is being dropped: then the writer ends.
    queue: Option<mpsc::Sender<Job>>,
    writer: Option<JoinHandle<()>>,
    /// Let go of last.
    _lock: ProfileLock,
}

/// How many operations may wait unanswered before those that follow wait for theirs.
const LONGEST_QUEUE: usize = 1024;

impl ProfileStorage {
    /// Opens the profile in `folder`, made where it does not exist, and mends what a crash left.
    ///
    /// # Errors
    ///
    /// Each says in one sentence what is wrong, where, and what to do: the folder cannot be written to, another
    /// process uses it ([`Io`](StorageErrorKind::Io)); the database is damaged, or from a newer version
    /// ([`Damaged`](StorageErrorKind::Damaged)); the disk is full
    /// ([`QuotaExceeded`](StorageErrorKind::QuotaExceeded)).
    pub fn open(folder: impl AsRef<Path>, options: Options) -> std::result::Result<Self, StorageError> {
        // Absolute: the process may change its working directory.
        let folder = std::path::absolute(folder.as_ref())
            .map_err(|error| trouble::io("find the folder", folder.as_ref(), &error))?;
        make_private(&folder)?;
        let lock = ProfileLock::take(&folder)?;
        let files = BodyFiles::open(folder.join("bodies"))?;
        let database = folder.join("database.sqlite3");
        let mut connection = schema::open_writer(&database, schema::MIGRATIONS)?;
        let usage = Usage::new(options.quota, folder.clone());
        let boot = options.this_boot();
        let state = Recovery {
            database: &database,
            connection: &mut connection,
            files: &files,
            usage: &usage,
            boot: boot.as_deref(),
        }
        .run()?;
        step(Step::SyncProfile, || files::sync_folder(&folder))
            .map_err(|error| trouble::io("make durable the folder", &folder, &error))?;
        let shared = Arc::new(Shared {
            options,
            files,
            usage,
            reader: Mutex::new(schema::open_reader(&database)?),
            database,
            state: Mutex::new(state),
            buffered: Default::default(),
            queued: Default::default(),
            stuck: Default::default(),
        });
        let (queue, jobs) = mpsc::channel();
        let writer = Writer::new(Arc::clone(&shared), connection, jobs);
        let writer = std::thread::Builder::new()
            .name("background-fetch-storage".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| {
                StorageError::new(
                    StorageErrorKind::Io,
                    format!(
                        "cannot start a thread for the profile {}: {error}",
                        folder.display()
                    ),
                )
            })?;
        Ok(Self {
            shared,
            queue: Some(queue),
            writer: Some(writer),
            _lock: lock,
        })
    }

    /// Queues a change that is answered once it is durable. The lock on the state keeps the order of the queue that
    /// of the changes in memory.
    fn durable(&self, _: &mut State, operation: Operation) -> Answer {
        let (reply, answer) = oneshot::channel();
        self.queue(operation, Some(reply));
        Answer(Some(answer))
    }

    /// Queues a change that is answered at once, unless the writer is behind, or in trouble that somebody must hear of.
    fn queued(&self, state: &mut State, operation: Operation) -> Answer {
        let shared = &self.shared;
        let behind = shared.queued.load(Ordering::Relaxed) >= LONGEST_QUEUE
            || shared.buffered.load(Ordering::Relaxed) > shared.options.buffer_bytes / 2;
        if behind || shared.stuck.load(Ordering::Relaxed) {
            return self.durable(state, operation);
        }
        self.queue(operation, None);
        Answer(None)
    }

    fn queue(&self, operation: Operation, reply: Option<oneshot::Sender<Result<()>>>) {
        self.shared.queued.fetch_add(1, Ordering::Relaxed);
        if let Some(queue) = &self.queue {
            // Should the writer be gone, the dropped reply says so.
            let _ = queue.send(Job { operation, reply });
        }
    }
}

impl Drop for ProfileStorage {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// Makes the folder, for this user alone: what people fetch is their own business.
fn make_private(folder: &Path) -> Result<()> {
    let missing: Vec<_> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
    step(Step::ProfileFolder, || files::private_folder().create(folder))
        .map_err(|error| trouble::io("make the folder", folder, &error))?;
    // Its own name too where it is there: whoever made it may have been killed before this.
    for folder in std::iter::once(&folder).chain(&missing) {
        // Where the parent may not be read, its file system has to see to that.
        let _ = folder.parent().map(files::sync_folder);
    }
    Ok(())
}
