//! What is there when the folder is opened; what nobody needs is swept.

use std::collections::HashSet;
use std::fs::{self, DirEntry};
use std::io;
use std::path::Path;
use std::sync::{Arc, Weak};

use super::index::{BodyFile, FileEntry, Names, read_index, sha256};
use super::state::{Body, Cache, Key, NAMES, State, body_name, index_name};

/// What a file of ours is, by its name.
enum Kind {
    Index(u64),
    Body {
        cache: u64,
        id: u64,
    },
    /// One that was being written.
    Part,
}

fn kind_of(name: &str) -> Option<Kind> {
    let (stem, kind) = name.rsplit_once('.')?;
    match kind {
        "index" => Some(Kind::Index(stem.parse().ok()?)),
        "body" => {
            let (cache, id) = stem.split_once('-')?;
            Some(Kind::Body {
                cache: cache.parse().ok()?,
                id: id.parse().ok()?,
            })
        }
        "part" => Some(Kind::Part),
        _ => None,
    }
}

/// The names of what is in a folder and of that kind.
pub(super) fn names_in(folder: &Path, is_kind: impl Fn(&DirEntry) -> bool) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // A name that is no text is not ours.
        if is_kind(&entry)
            && let Ok(name) = entry.file_name().into_string()
        {
            names.push(name);
        }
    }
    Ok(names)
}

impl State {
    /// Loads every storage key. What is damaged says so when it is asked for.
    pub(super) fn load(&mut self) {
        for name in std::mem::take(&mut self.to_load) {
            let folder = self.folder.join(&name);
            if let Err(message) = self.load_key(&name, &folder) {
                // Nobody knows what is needed: nothing is removed, and nothing written.
                self.keys.insert(name, Err(message));
            }
        }
    }

    fn load_key(&mut self, folder_name: &str, folder: &Path) -> Result<(), String> {
        let files = names_in(folder, |_| true);
        let files = files.map_err(|error| format!("their folder cannot be read: {error}"))?;
        // A number is never given twice, not even where its file is to be swept.
        for file in &files {
            if let Some(Kind::Index(number) | Kind::Body { id: number, .. }) = kind_of(file) {
                self.last = self.last.max(number);
            }
        }
        if !files.iter().any(|file| file == NAMES) {
            // Stopped before there was the first name.
            sweep(folder, &files, &HashSet::new(), &HashSet::new());
            return Ok(());
        }
        let (names, index_length) = read_index::<Names>(&folder.join(NAMES))?;
        if sha256(names.storage_key.as_str().as_bytes()) != folder_name {
            return Err(format!("{NAMES} is of another storage key"));
        }
        let mut needed = HashSet::from([NAMES.to_owned()]);
        let mut damaged = HashSet::new();
        for (_, id) in &names.caches {
            self.last = self.last.max(*id);
            needed.insert(index_name(*id));
            let cache = load_cache(folder, *id);
            match &cache.list {
                Ok(list) => self.list_bodies(folder, *id, list, &mut needed),
                Err(_) => {
                    damaged.insert(*id);
                }
            }
            self.caches.insert(*id, cache);
        }
        sweep(folder, &files, &needed, &damaged);
        let key = Key {
            storage_key: names.storage_key,
            names: names.caches.into_iter().collect(),
            index_length,
        };
        self.keys.insert(folder_name.to_owned(), Ok(key));
        Ok(())
    }

    fn list_bodies(
        &mut self,
        folder: &Path,
        cache: u64,
        list: &[Arc<FileEntry>],
        needed: &mut HashSet<String>,
    ) {
        for BodyFile { id, has_sums, .. } in list.iter().filter_map(|entry| entry.body) {
            let name = body_name(cache, id);
            let body = Body {
                path: folder.join(&name),
                is_listed: true,
                has_sums,
                lease: Weak::new(),
            };
            needed.insert(name);
            self.last = self.last.max(id);
            self.bodies.insert(id, body);
        }
    }
}

fn load_cache(folder: &Path, id: u64) -> Cache {
    let read = read_index::<Vec<FileEntry>>(&folder.join(index_name(id)));
    let (list, index_length) = match read {
        Ok((entries, length)) => (Ok(entries.into_iter().map(Arc::new).collect()), length),
        Err(message) => (Err(message), 0),
    };
    Cache {
        folder: folder.to_owned(),
        list,
        index_length,
        is_named: true,
        users: Weak::new(),
    }
}

/// Removes what is ours and nobody needs; but not the bodies of caches whose entries are not known.
fn sweep(folder: &Path, files: &[String], needed: &HashSet<String>, damaged: &HashSet<u64>) {
    for file in files {
        let is_orphan = match kind_of(file) {
            Some(Kind::Part) => true,
            Some(Kind::Index(_)) => !needed.contains(file),
            Some(Kind::Body { cache, .. }) => !needed.contains(file) && !damaged.contains(&cache),
            None => false,
        };
        if is_orphan {
            // What cannot be removed now is tried again the next time.
            let _ = fs::remove_file(folder.join(file));
        }
    }
}
