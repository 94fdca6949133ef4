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

/// The files that a profile may have, in the order in which damages name them.
const FILES: [&str; 9] = [
    "database.sqlite3",
    "database.sqlite3-wal",
    "database.sqlite3-shm",
    "bodies/1",
    "bodies/2",
    "bodies/3",
    "bodies/4",
    "bodies/5",
    "lock",
];

fn path(profile: &Path, file: u8) -> PathBuf {
    profile.join(FILES[usize::from(file) % FILES.len()])
}

impl Damage {
    /// Whether it leaves no wrong byte that could pass for a right one: files get shorter or go, and only what has
    /// check sums, or says nothing, gets other bytes.
    pub fn is_fair(&self) -> bool {
        let has_check_sums = |file: &u8| matches!(usize::from(*file) % FILES.len(), 1 | 2 | 8);
        match self {
            Self::Truncate { .. } | Self::Delete { .. } => true,
            Self::Flip { file, .. }
            | Self::Zero { file, .. }
            | Self::Overwrite { file, .. }
            | Self::Extend { file, .. } => has_check_sums(file),
            Self::Swap { .. } | Self::MakeFolder { .. } => false,
        }
    }

    /// Does it. Where there is no such file there is nothing to do.
    pub fn strike(&self, profile: &Path) {
        match self {
            Self::Flip { file, at, bits } => change(&path(profile, *file), |bytes| {
                let at = *at as usize % bytes.len().max(1);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= bits;
                }
            }),
            Self::Zero { file, at, length } => {
                overwrite(&path(profile, *file), *at, &vec![0; usize::from(*length)]);
            }
            Self::Overwrite { file, at, bytes } => overwrite(&path(profile, *file), *at, bytes),
            Self::Truncate { file, at } => change(&path(profile, *file), |bytes| {
                bytes.truncate(*at as usize % bytes.len().max(1));
            }),
            Self::Extend { file, bytes } => change(&path(profile, *file), |found| found.extend(bytes)),
            Self::Delete { file } => {
                let _ = fs::remove_file(path(profile, *file));
            }
            Self::Swap { one, other } => {
                let (one, other) = (path(profile, *one), path(profile, *other));
                let between = profile.join("between");
                let _ = fs::rename(&one, &between);
                let _ = fs::rename(&other, &one);
                let _ = fs::rename(&between, &other);
            }
            Self::MakeFolder { file } => {
                let path = path(profile, *file);
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
