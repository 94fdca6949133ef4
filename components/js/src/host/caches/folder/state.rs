//! What is in the folder, as the thread knows it: the caches and their names.

use std::collections::HashMap;
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use background_fetch::fetch::StorageKey;
use background_fetch::{DomString, Exception, ExceptionName};
use indexmap::IndexMap;

use super::body::Lease;
use super::entries::body_ids;
use super::index::{FileEntry, Names, sha256, write_index};
use super::io::Io;
use super::load::names_in;
use super::{FolderList, failure};
use crate::host::disk::sync_folder;

/// What is in the folder.
pub(super) struct State {
    pub(super) folder: PathBuf,
    /// The folders of storage keys that are to be loaded.
    pub(super) to_load: Vec<String>,
    /// The storage keys, by the names of their folders; a few words where the names are damaged.
    pub(super) keys: HashMap<String, Result<Key, String>>,
    pub(super) caches: HashMap<u64, Cache>,
    pub(super) bodies: HashMap<u64, Body>,
    /// The last number that was given to a cache or a body.
    pub(super) last: u64,
}

/// The caches of a storage key.
pub(super) struct Key {
    pub(super) storage_key: StorageKey,
    pub(super) names: IndexMap<DomString, u64>,
    pub(super) index_length: u64,
}

/// A cache.
pub(super) struct Cache {
    /// The folder of its storage key.
    pub(super) folder: PathBuf,
    /// Its entries; a few words where they are damaged.
    pub(super) list: Result<Vec<Arc<FileEntry>>, String>,
    pub(super) index_length: u64,
    /// Not where it was deleted and somebody has it.
    pub(super) is_named: bool,
    pub(super) users: Weak<FolderList>,
}

/// The file of a body.
pub(super) struct Body {
    pub(super) path: PathBuf,
    /// Whether an entry has it.
    pub(super) is_listed: bool,
    pub(super) has_sums: bool,
    pub(super) lease: Weak<Lease>,
}

pub(super) const NAMES: &str = "names.index";

pub(super) fn index_name(cache: u64) -> String {
    format!("{cache}.index")
}

pub(super) fn body_name(cache: u64, body: u64) -> String {
    format!("{cache}-{body}.body")
}

pub(super) fn unknown(message: impl Into<String>) -> Exception {
    Exception::new(ExceptionName::UnknownError, message)
}

pub(super) fn cannot_write_index(error: io::Error) -> Exception {
    failure("the index of a cache cannot be written", &error)
}

impl State {
    /// That of a folder, before it is loaded.
    pub(super) fn new(folder: PathBuf) -> io::Result<Self> {
        let is_folder = |entry: &DirEntry| entry.file_type().is_ok_and(|type_| type_.is_dir());
        Ok(Self {
            to_load: names_in(&folder, is_folder)?,
            folder,
            keys: HashMap::new(),
            caches: HashMap::new(),
            bodies: HashMap::new(),
            last: 0,
        })
    }

    pub(super) fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn key(&self, key: &StorageKey) -> Result<Option<&Key>, Exception> {
        match self.keys.get(&sha256(key.as_str().as_bytes())) {
            None => Ok(None),
            Some(Ok(key)) => Ok(Some(key)),
            Some(Err(message)) => Err(unknown(format!("the caches of {key} are damaged: {message}"))),
        }
    }

    pub(super) fn names(&self, key: &StorageKey) -> Result<Vec<DomString>, Exception> {
        let key = self.key(key)?;
        Ok(key.map_or_else(Vec::new, |key| key.names.keys().cloned().collect()))
    }

    pub(super) fn find(
        &mut self,
        key: &StorageKey,
        name: &DomString,
        io: &Arc<Io>,
    ) -> Result<Option<Arc<FolderList>>, Exception> {
        let id = self.key(key)?.and_then(|key| key.names.get(name)).copied();
        let Some((id, cache)) = id.and_then(|id| Some((id, self.caches.get_mut(&id)?))) else {
            return Ok(None);
        };
        if let Err(message) = &cache.list {
            return Err(unknown(format!(
                "the cache \"{name:.60}\" is damaged, delete it to begin again: {message}"
            )));
        }
        if let Some(list) = cache.users.upgrade() {
            return Ok(Some(list));
        }
        let list = Arc::new(FolderList {
            io: Arc::clone(io),
            cache: id,
        });
        cache.users = Arc::downgrade(&list);
        Ok(Some(list))
    }

    pub(super) fn open(
        &mut self,
        key: &StorageKey,
        name: &DomString,
        io: &Arc<Io>,
    ) -> Result<Arc<FolderList>, Exception> {
        if let Some(list) = self.find(key, name, io)? {
            return Ok(list);
        }
        let folder_name = sha256(key.as_str().as_bytes());
        let folder = self.folder.join(&folder_name);
        if !self.keys.contains_key(&folder_name) {
            fs::create_dir_all(&folder).map_err(cannot_write_index)?;
            sync_folder(&self.folder).map_err(cannot_write_index)?;
        }
        let id = self.number();
        let mut names = self.key(key)?.map_or_else(IndexMap::new, |key| key.names.clone());
        names.insert(name.clone(), id);
        // Its index is there before its name is.
        let entries: [&FileEntry; 0] = [];
        let index_length = write_index(&folder.join(index_name(id)), &entries).map_err(cannot_write_index)?;
        self.write_names(key, names)?;
        let list = Arc::new(FolderList {
            io: Arc::clone(io),
            cache: id,
        });
        let cache = Cache {
            folder,
            list: Ok(Vec::new()),
            index_length,
            is_named: true,
            users: Arc::downgrade(&list),
        };
        self.caches.insert(id, cache);
        Ok(list)
    }

    fn write_names(&mut self, key: &StorageKey, names: IndexMap<DomString, u64>) -> Result<(), Exception> {
        let folder_name = sha256(key.as_str().as_bytes());
        let index = Names {
            storage_key: key.clone(),
            caches: names.iter().map(|(name, id)| (name.clone(), *id)).collect(),
        };
        let path = self.folder.join(&folder_name).join(NAMES);
        let index_length = write_index(&path, &index).map_err(cannot_write_index)?;
        let key = Key {
            storage_key: key.clone(),
            names,
            index_length,
        };
        self.keys.insert(folder_name, Ok(key));
        Ok(())
    }

    pub(super) fn delete(&mut self, key: &StorageKey, name: &DomString) -> Result<bool, Exception> {
        let Some(known) = self.key(key)? else {
            return Ok(false);
        };
        let mut names = known.names.clone();
        let Some(id) = names.shift_remove(name) else {
            return Ok(false);
        };
        self.write_names(key, names)?;
        if let Some(cache) = self.caches.get_mut(&id) {
            cache.is_named = false;
            // What cannot be removed now is swept the next time.
            let _ = fs::remove_file(cache.folder.join(index_name(id)));
            self.cache_released(id);
        }
        Ok(true)
    }

    /// Nobody may have a cache any more: one without a name is gone then.
    pub(super) fn cache_released(&mut self, id: u64) {
        let is_gone = |cache: &Cache| !cache.is_named && cache.users.strong_count() == 0;
        if !self.caches.get(&id).is_some_and(is_gone) {
            return;
        }
        let Some(cache) = self.caches.remove(&id) else {
            return;
        };
        match cache.list {
            Ok(list) => self.unlist(body_ids(&list)),
            Err(_) => remove_bodies_of(&cache.folder, id),
        }
    }

    pub(super) fn usage(&self, key: &StorageKey) -> u64 {
        let Ok(Some(key)) = self.key(key) else { return 0 };
        self.usage_of(key)
    }

    /// That of each storage key whose names can be read.
    pub(super) fn usages(&self) -> Vec<(StorageKey, u64)> {
        let keys = self.keys.values().filter_map(|key| key.as_ref().ok());
        keys.map(|key| (key.storage_key.clone(), self.usage_of(key)))
            .collect()
    }

    fn usage_of(&self, key: &Key) -> u64 {
        let caches = key.names.values().filter_map(|id| self.caches.get(id));
        let lengths = caches.map(|cache| {
            let entries = cache.list.as_ref().into_iter().flatten();
            let bodies = entries.filter_map(|entry| entry.body);
            cache.index_length + bodies.map(|body| body.length).sum::<u64>()
        });
        key.index_length + lengths.sum::<u64>()
    }
}

/// Removes the bodies of a cache whose index is damaged.
fn remove_bodies_of(folder: &Path, cache: u64) {
    let prefix = format!("{cache}-");
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
