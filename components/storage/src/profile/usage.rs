//! How much each storage key uses, and whether it may use more.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use background_fetch::embedder::StorageEstimate;
use background_fetch::fetch::StorageKey;
use parking_lot::Mutex;

use super::options::{Quota, Result};
use super::trouble;
use crate::error;

#[derive(Debug)]
pub(super) struct Usage {
    quota: Quota,
    /// On the disk whose free space counts.
    folder: PathBuf,
    used: Mutex<HashMap<StorageKey, u64>>,
    /// So many bytes may be taken before the disk is asked again.
    unasked: AtomicU64,
}

/// How many bytes may be taken before a disk that has many times as much is asked again: what does not fit then is
/// refused by the disk itself.
const UNASKED: u64 = 4 << 20;

impl Usage {
    pub(super) fn new(quota: Quota, folder: PathBuf) -> Self {
        Self {
            quota,
            folder,
            used: Mutex::default(),
            unasked: AtomicU64::new(0),
        }
    }

    pub(super) fn estimate(&self, key: &StorageKey) -> Result<StorageEstimate> {
        let usage = self.used.lock().get(key).copied().unwrap_or(0);
        Ok(StorageEstimate {
            usage,
            quota: self.quota(usage)?,
        })
    }

    /// Takes so many bytes more, if the quota allows.
    pub(super) fn reserve(&self, key: &StorageKey, more: u64) -> Result<()> {
        let mut used = self.used.lock();
        let usage = used.get(key).copied().unwrap_or(0);
        let take = |left: u64| left.checked_sub(more);
        let order = Ordering::Relaxed;
        let is_asked = self.unasked.try_update(order, order, take).is_err();
        let quota = if is_asked { self.quota(usage)? } else { u64::MAX };
        if more > quota.saturating_sub(usage) {
            return Err(error::over_quota(key, more, usage, quota));
        }
        used.insert(key.clone(), usage + more);
        Ok(())
    }

    /// Counts what is stored already, whatever the quota says.
    pub(super) fn add(&self, key: &StorageKey, bytes: u64) {
        let mut used = self.used.lock();
        let usage = used.entry(key.clone()).or_default();
        *usage = usage.saturating_add(bytes);
    }

    /// Gives bytes back.
    pub(super) fn release(&self, key: &StorageKey, bytes: u64) {
        let mut used = self.used.lock();
        if let Some(usage) = used.get_mut(key) {
            *usage = usage.saturating_sub(bytes);
            if *usage == 0 {
                used.remove(key);
            }
        }
    }

    fn quota(&self, usage: u64) -> Result<u64> {
        match self.quota {
            Quota::Bytes(bytes) => Ok(bytes),
            Quota::FreeDiskSpace => fs4::available_space(&self.folder)
                .inspect(|free| {
                    let unasked = if free / 16 > UNASKED { UNASKED } else { 0 };
                    self.unasked.store(unasked, Ordering::Relaxed);
                })
                .map(|free| usage.saturating_add(free))
                .map_err(|error| trouble::io("see how much space is free in", &self.folder, &error)),
        }
    }
}
