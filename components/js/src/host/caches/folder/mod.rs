//! [`FolderCaches`]: caches that are there again when the program is started again.
//!
//! ```text
//! <folder>/<SHA-256 of the storage key>/names.index    the names of the caches, with their numbers
//!                                       <n>.index      the entries of cache n
//!                                       <n>-<m>.body   a body of cache n, with checksums
//! ```
//!
//! A body is written and durable before an index names it, an index is replaced as a whole: whenever the program is stopped,
//! each batch of operations was done, or was not. What no index names is removed when the folder is opened.
//!
//! All work on files is done by one thread, which owns the state: nobody who asks waits for a disk.

mod body;
mod entries;
mod index;
mod io;
mod load;
mod state;

use std::path::PathBuf;
use std::sync::Arc;
use std::{fs, io as std_io};

use background_fetch::fetch::{BodyStream, Request, StorageKey};
use background_fetch::{CacheQueryOptions, DomString, Exception, ExceptionName};
use futures::FutureExt;

use super::{Asked, CacheEntry, CacheList, CacheOperation, CacheStore, StoredBody};
use io::Io;
use state::State;

/// Keeps caches in a folder, for one program at a time.
pub struct FolderCaches(Arc<Io>);

impl FolderCaches {
    /// The caches of a folder, which is made where it is not there.
    ///
    /// # Errors
    ///
    /// Where it cannot be made or read, or no thread started. What is damaged is told to whoever asks for it.
    pub fn open(folder: impl Into<PathBuf>) -> std_io::Result<Self> {
        let folder = folder.into();
        fs::create_dir_all(&folder)?;
        Ok(Self(Io::start(State::new(folder)?)?))
    }
}

impl CacheStore for FolderCaches {
    fn names<'a>(&'a self, key: &'a StorageKey) -> Asked<'a, Vec<DomString>> {
        let key = key.clone();
        self.0.ask(move |state| state.names(&key))
    }

    fn find<'a>(&'a self, key: &'a StorageKey, name: &'a DomString) -> Asked<'a, Option<Arc<dyn CacheList>>> {
        let (key, name, io) = (key.clone(), name.clone(), Arc::clone(&self.0));
        let found = self.0.ask(move |state| state.find(&key, &name, &io));
        let list = |found: Option<Arc<FolderList>>| found.map(|list| list as Arc<dyn CacheList>);
        found.map(move |found| found.map(list)).boxed()
    }

    fn open<'a>(&'a self, key: &'a StorageKey, name: &'a DomString) -> Asked<'a, Arc<dyn CacheList>> {
        let (key, name, io) = (key.clone(), name.clone(), Arc::clone(&self.0));
        let opened = self.0.ask(move |state| state.open(&key, &name, &io));
        opened
            .map(|opened| opened.map(|list| list as Arc<dyn CacheList>))
            .boxed()
    }

    fn delete<'a>(&'a self, key: &'a StorageKey, name: &'a DomString) -> Asked<'a, bool> {
        let (key, name) = (key.clone(), name.clone());
        self.0.ask(move |state| state.delete(&key, &name))
    }

    fn usage<'a>(&'a self, key: &'a StorageKey) -> Asked<'a, u64> {
        let key = key.clone();
        self.0.ask(move |state| Ok(state.usage(&key)))
    }

    fn usages(&self) -> Asked<'_, Vec<(StorageKey, u64)>> {
        self.0.ask(|state| Ok(state.usages()))
    }
}

/// A cache that somebody has; one whose name was deleted is gone with this.
struct FolderList {
    io: Arc<Io>,
    cache: u64,
}

impl CacheList for FolderList {
    fn query(&self, request: Option<Request>, options: CacheQueryOptions) -> Asked<'_, Vec<Arc<CacheEntry>>> {
        let (cache, io) = (self.cache, Arc::clone(&self.io));
        self.io
            .ask(move |state| state.query(cache, request.as_ref(), options, &io))
    }

    fn keep_body(&self, body: BodyStream) -> Asked<'_, StoredBody> {
        body::keep(Arc::clone(&self.io), self.cache, body).boxed()
    }

    fn batch(&self, operations: Vec<CacheOperation>) -> Asked<'_, bool> {
        let cache = self.cache;
        self.io.ask(move |state| state.batch(cache, operations))
    }
}

impl Drop for FolderList {
    fn drop(&mut self) {
        let cache = self.cache;
        self.io.post(move |state| state.cache_released(cache));
    }
}

/// What is told of a body that ends too early.
pub(super) fn broke_off(message: String) -> Exception {
    let message = format!("the body of the response cannot be cached: {message}");
    Exception::new(ExceptionName::TypeError, message)
}

/// What scripts are told of files: not where they are.
fn failure(what: &str, error: &std_io::Error) -> Exception {
    let name = match error.kind() {
        std_io::ErrorKind::StorageFull | std_io::ErrorKind::QuotaExceeded => {
            ExceptionName::QuotaExceededError
        }
        _ => ExceptionName::UnknownError,
    };
    Exception::new(name, format!("{what}: {error}"))
}
