//! Indexes: JSON under the SHA-256 of it, so that what was damaged is never taken for something else.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use background_fetch::DomString;
use background_fetch::fetch::StorageKey;
use ring::digest::{SHA256, digest};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::super::CacheEntry;
use crate::host::disk::write_atomically;

/// The caches of a storage key.
#[derive(Serialize, Deserialize)]
pub(super) struct Names {
    pub(super) storage_key: StorageKey,
    pub(super) caches: Vec<(DomString, u64)>,
}

/// A body in a file.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct BodyFile {
    pub(super) id: u64,
    pub(super) length: u64,
    /// Not where an older program has written it.
    #[serde(default)]
    pub(super) has_sums: bool,
}

/// An entry, as it is kept.
pub(super) type FileEntry = CacheEntry<BodyFile>;

/// The SHA-256 in hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in digest(&SHA256, bytes).as_ref() {
        // Text takes everything.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Writes an index; its length.
pub(super) fn write_index(path: &Path, index: &impl Serialize) -> std::io::Result<u64> {
    let json = serde_json::to_vec(index)?;
    let mut bytes = sha256(&json).into_bytes();
    bytes.push(b'\n');
    bytes.extend_from_slice(&json);
    write_atomically(path, &bytes)?;
    Ok(bytes.len() as u64)
}

/// Reads an index, with its length; a few words where it is damaged.
pub(super) fn read_index<T: DeserializeOwned>(path: &Path) -> Result<(T, u64), String> {
    let name = path.file_name().unwrap_or_default().display();
    let bytes = fs::read(path).map_err(|error| format!("{name} cannot be read: {error}"))?;
    let (sum, json) = bytes
        .split_at_checked(65)
        .ok_or_else(|| format!("{name} is cut off after {} bytes", bytes.len()))?;
    if sum.strip_suffix(b"\n") != Some(sha256(json).as_bytes()) {
        return Err(format!("{name} is not what was written: its SHA-256 is another"));
    }
    let index = serde_json::from_slice(json).map_err(|error| format!("{name} is damaged: {error}"))?;
    Ok((index, bytes.len() as u64))
}
