//! Memory outside of the engine's heap that scripts have the host use.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use super::Realm;
use crate::engine::Cx;
use crate::webidl::{Error, Fallible};

/// What the scripts of one realm may have the host keep for them: as much as the heap of an engine is by default.
const LIMIT: usize = 512 << 20;

/// How much the scripts of a realm have the host keep for them: blobs, entries of lists, messages on their way. The engine's own
/// limit does not see these.
#[derive(Clone, Debug, Default)]
struct Used(Arc<AtomicUsize>);

/// A part of what a realm's scripts may have kept; given back when it is dropped.
#[derive(Default)]
pub struct Charge {
    used: Used,
    bytes: usize,
}

/// What a realm has left, for what is done outside of its engine.
#[derive(Clone, Debug)]
pub struct Room(Used);

impl Room {
    /// That of a realm.
    pub fn of(cx: &Cx<'_>) -> Self {
        Self(Used::clone(&Realm::of(cx).data::<Used>()))
    }

    /// Takes a part of it.
    ///
    /// # Errors
    ///
    /// A sentence, where there is less.
    pub fn charge(&self, bytes: usize) -> Result<Charge, String> {
        let take = |used: usize| used.checked_add(bytes).filter(|used| *used <= LIMIT);
        match self.0.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
            Ok(_) => Ok(Charge {
                used: Used::clone(&self.0),
                bytes,
            }),
            Err(used) => Err(format!(
                "there is no memory for {bytes} bytes: the scripts of this realm have {used} of {LIMIT} bytes already"
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
        Room::of(cx).charge(bytes).map_err(Error::Range)
    }

    /// Takes more.
    ///
    /// # Errors
    ///
    /// A RangeError where the realm has less left.
    pub fn grow<'js>(&mut self, cx: &Cx<'js>, bytes: usize) -> Fallible<'js, ()> {
        let mut more = Self::new(cx, bytes)?;
        if self.bytes == 0 {
            self.used = more.used.clone();
        }
        // Those of one realm are one.
        self.bytes += std::mem::take(&mut more.bytes);
        Ok(())
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
        self.used.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl fmt::Debug for Charge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Charge").field(&self.bytes).finish()
    }
}
