//! What happens to the files of a profile.

use std::fs;
use std::path::{Path, PathBuf};

use arbitrary::Arbitrary;

/// One blow. Files are named by their place in the list of a profile's files, positions count from a file's start;
/// both modulo what there is.
#[derive(Arbitrary, Debug)]
pub enum Damage {
    Flip { file: u8, at: u32, bits: u8 },
    Zero { file: u8, at: u32, length: u16 },
    Overwrite { file: u8, at: u32, bytes: Vec<u8> },
    Truncate { file: u8, at: u32 },
    Extend { file: u8, bytes: Vec<u8> },
    Delete { file: u8 },
    Swap { one: u8, other: u8 },
    MakeFolder { file: u8 },
}

/// What a profile has beside its bodies, in the order in which damages name it; and how many names are left for bodies.
const DATABASE: [&str; 3] = ["database.sqlite3", "database.sqlite3-wal", "database.sqlite3-shm"];
const BODIES: usize = 5;

/// A file of a profile.
enum Named {
    Database(usize),
    Body(usize),
    Lock,
}

fn named(file: u8) -> Named {
    let names = DATABASE.len() + BODIES + 1;
    let (round, name) = (usize::from(file) / names, usize::from(file) % names);
    match name.checked_sub(DATABASE.len()) {
        None => Named::Database(name),
        Some(body) if body < BODIES => Named::Body(body + round * BODIES),
        Some(_) => Named::Lock,
    }
}

/// Its path, where these are the names of the bodies' files.
fn path(profile: &Path, bodies: &[String], file: u8) -> PathBuf {
    match named(file) {
        Named::Database(index) => profile.join(DATABASE[index]),
        Named::Body(index) => profile.join(&bodies[index % bodies.len()]),
        Named::Lock => profile.join("lock"),
    }
}

impl Damage {
    fn files(&self) -> impl Iterator<Item = u8> {
        let (one, other) = match self {
            Self::Flip { file, .. }
            | Self::Zero { file, .. }
            | Self::Overwrite { file, .. }
            | Self::Truncate { file, .. }
            | Self::Extend { file, .. }
            | Self::Delete { file }
            | Self::MakeFolder { file } => (*file, None),
            Self::Swap { one, other } => (*one, Some(*other)),
        };
        [one].into_iter().chain(other)
    }

    /// Whether it is what a crash does, or a disk that loses something: files get shorter or go, and only what SQLite
    /// itself has check sums of, or what says nothing, gets other bytes.
    pub fn is_fair(&self) -> bool {
        let is_log_or_lock = |file| !matches!(named(file), Named::Database(0) | Named::Body(_));
        match self {
            Self::Truncate { .. } | Self::Delete { .. } => true,
            Self::Flip { file, .. }
            | Self::Zero { file, .. }
            | Self::Overwrite { file, .. }
            | Self::Extend { file, .. } => is_log_or_lock(*file),
            Self::Swap { .. } | Self::MakeFolder { .. } => false,
        }
    }

    /// Whether it is about the database, its log or its index.
    pub fn is_of_database(&self) -> bool {
        self.files().any(|file| matches!(named(file), Named::Database(_)))
    }

    /// Whether it changes a single byte of what is there.
    pub fn is_flip(&self) -> bool {
        matches!(self, Self::Flip { .. })
    }

    /// Does it. Where there is no such file there is nothing to do.
    pub fn strike(&self, profile: &Path, bodies: &[String]) {
        let path = |file: &u8| path(profile, bodies, *file);
        match self {
            Self::Flip { file, at, bits } => change(&path(file), |bytes| {
                let at = *at as usize % bytes.len().max(1);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= bits;
                }
            }),
            Self::Zero { file, at, length } => {
                overwrite(&path(file), *at, &vec![0; usize::from(*length)]);
            }
            Self::Overwrite { file, at, bytes } => overwrite(&path(file), *at, bytes),
            Self::Truncate { file, at } => change(&path(file), |bytes| {
                bytes.truncate(*at as usize % bytes.len().max(1));
            }),
            Self::Extend { file, bytes } => change(&path(file), |found| found.extend(bytes)),
            Self::Delete { file } => {
                let _ = fs::remove_file(path(file));
            }
            Self::Swap { one, other } => {
                let (one, other) = (path(one), path(other));
                let between = profile.join("between");
                let _ = fs::rename(&one, &between);
                let _ = fs::rename(&other, &one);
                let _ = fs::rename(&between, &other);
            }
            Self::MakeFolder { file } => {
                let path = path(file);
                let _ = fs::remove_file(&path);
                let _ = fs::create_dir(&path);
            }
        }
    }
}

fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    if let Ok(mut bytes) = fs::read(path) {
        change(&mut bytes);
        fs::write(path, bytes).expect("the file can be written");
    }
}

fn overwrite(path: &Path, at: u32, with: &[u8]) {
    change(path, |bytes| {
        let start = at as usize % bytes.len().max(1);
        let end = bytes.len().min(start + with.len());
        bytes[start..end].copy_from_slice(&with[..end - start]);
    });
}
