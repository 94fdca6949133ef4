//! Memory outside of the engine's heap that scripts have the host use.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use super::Realm;
use crate::engine::Cx;
use crate::webidl::{Error, Fallible};

/// What the scripts of a page may have the host keep for them: as much as the heap of an engine is by default.
const LIMIT: usize = 512 << 20;

/// The dedicated workers that a page and its workers may have at a time: each is a thread with a heap.
const WORKERS: usize = 16;

/// What the scripts of a page, or of a service worker, have the host keep for them: what is behind platform objects, blobs,
/// entries of lists, timers, messages on their way. The engine's own limit does not see these. Dedicated workers share that of
/// whoever made them.
#[derive(Clone, Debug)]
pub struct Account(Arc<Kept>);

#[derive(Debug)]
struct Kept {
    limit: usize,
    bytes: AtomicUsize,
    workers: AtomicUsize,
}

impl Default for Account {
    fn default() -> Self {
        Self::with_limit(LIMIT)
    }
}

impl Account {
    /// One of so many bytes.
    pub fn with_limit(limit: usize) -> Self {
        Self(Arc::new(Kept {
            limit,
            bytes: AtomicUsize::new(0),
            workers: AtomicUsize::new(0),
        }))
    }

    /// Takes the place of a dedicated worker, which is free again when this is dropped.
    ///
    /// # Errors
    ///
    /// A sentence, where there is none.
    pub fn worker(&self) -> Result<WorkerPlace, String> {
        let take = |workers: usize| (workers < WORKERS).then_some(workers + 1);
        let workers = &self.0.workers;
        let taken = workers.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        taken
            .map(|_| WorkerPlace(self.clone()))
            .map_err(|_| format!("a page and its workers may have {WORKERS} dedicated workers at a time"))
    }
}

/// The place of a dedicated worker, until it is dropped.
#[derive(Debug)]
pub struct WorkerPlace(Account);

impl Drop for WorkerPlace {
    fn drop(&mut self) {
        self.0.0.workers.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A part of what a realm's scripts may have kept; given back when it is dropped.
#[derive(Default)]
pub struct Charge {
    account: Account,
    bytes: usize,
}

/// What a realm has left, for what is done outside of its engine.
#[derive(Clone, Debug)]
pub struct Room(Account);

impl Room {
    /// That of a realm.
    pub fn of(cx: &Cx<'_>) -> Self {
        Self(Realm::of(cx).settings.account.clone())
    }

    /// Takes a part of it.
    ///
    /// # Errors
    ///
    /// A sentence, where there is less.
    pub fn charge(&self, bytes: usize) -> Result<Charge, String> {
        let limit = self.0.0.limit;
        let take = |used: usize| used.checked_add(bytes).filter(|used| *used <= limit);
        match self
            .0
            .0
            .bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
        {
            Ok(_) => Ok(Charge {
                account: self.0.clone(),
                bytes,
            }),
            Err(used) => Err(format!(
                "there is no memory for {bytes} bytes: the scripts of this page have {used} of {limit} bytes already"
            )),
        }
    }
}

/// Bytes that grow, charged for what they have room for.
#[derive(Debug, Default)]
pub struct ChargedBytes {
    bytes: Vec<u8>,
    charge: Charge,
}

impl ChargedBytes {
    /// Appends.
    ///
    /// # Errors
    ///
    /// A sentence, where the realm has no room for them.
    pub fn extend(&mut self, room: &Room, more: &[u8]) -> Result<(), String> {
        let length = self.bytes.len() + more.len();
        if length > self.bytes.capacity() {
            let capacity = length.max(self.bytes.len() * 2);
            // Both are there while the one is copied to the other.
            self.charge = room.charge(capacity)?;
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(more);
        Ok(())
    }

    /// The bytes, charged for no more.
    pub fn into_bytes(self) -> Bytes {
        self.bytes.into()
    }
}

impl Charge {
    /// Takes it from what the realm has left.
    ///
    /// # Errors
    ///
    /// A RangeError where that is less.
    pub fn new<'js>(cx: &Cx<'js>, bytes: usize) -> Fallible<'js, Self> {
        let room = Room::of(cx);
        if let Ok(charge) = room.charge(bytes) {
            return Ok(charge);
        }
        // The engine does not know how much is behind its garbage.
        cx.collect_garbage();
        room.charge(bytes).map_err(Error::Range)
    }

    /// Takes more.
    ///
    /// # Errors
    ///
    /// A RangeError where the realm has less left.
    pub fn grow<'js>(&mut self, cx: &Cx<'js>, bytes: usize) -> Fallible<'js, ()> {
        let mut more = Self::new(cx, bytes)?;
        if self.bytes == 0 {
            self.account = more.account.clone();
        }
        // Those of one realm are one.
        self.bytes += std::mem::take(&mut more.bytes);
        Ok(())
    }

    /// Takes as much as this, instead of what it has.
    ///
    /// # Errors
    ///
    /// A RangeError where the realm has less left; it has what it had then.
    pub fn set<'js>(&mut self, cx: &Cx<'js>, bytes: usize) -> Fallible<'js, ()> {
        if bytes > self.bytes {
            return self.grow(cx, bytes - self.bytes);
        }
        let less = self.bytes - bytes;
        self.account.0.bytes.fetch_sub(less, Ordering::Relaxed);
        self.bytes = bytes;
        Ok(())
    }

    /// The same, whether there is room or not: it is there already.
    pub fn settle(&mut self, bytes: usize) {
        let used = &self.account.0.bytes;
        used.fetch_add(bytes, Ordering::Relaxed);
        used.fetch_sub(self.bytes, Ordering::Relaxed);
        self.bytes = bytes;
    }

    /// Bytes that are charged for as long as anybody has them.
    ///
    /// # Errors
    ///
    /// A RangeError where the realm has less left.
    pub fn bytes<'js>(cx: &Cx<'js>, bytes: Vec<u8>) -> Fallible<'js, Bytes> {
        struct Charged {
            bytes: Vec<u8>,
            _charge: Charge,
        }

        impl AsRef<[u8]> for Charged {
            fn as_ref(&self) -> &[u8] {
                &self.bytes
            }
        }

        let charge = Self::new(cx, bytes.capacity())?;
        Ok(Bytes::from_owner(Charged {
            bytes,
            _charge: charge,
        }))
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.account.0.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl fmt::Debug for Charge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Charge").field(&self.bytes).finish()
    }
}

/// Counts what a call has converted for the host, until the call is over: before it is kept, it is there.
///
/// # Errors
///
/// A RangeError where the realm has less left.
pub fn converted<'js>(cx: &Cx<'js>, bytes: usize) -> Fallible<'js, ()> {
    let all = cx.add_converted(bytes);
    // Small calls need no look at what all of them have.
    if all < 1 << 20 {
        return Ok(());
    }
    Charge::new(cx, all).map(drop)
}
