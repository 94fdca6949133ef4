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

impl Charge {
    /// Takes it from what the realm has left.
    ///
    /// # Errors
    ///
    /// A RangeError where that is less.
    pub fn new<'js>(cx: &Cx<'js>, bytes: usize) -> Fallible<'js, Self> {
        let used = Realm::of(cx).data::<Used>();
        let take = |used: usize| used.checked_add(bytes).filter(|used| *used <= LIMIT);
        let taken = used.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        match taken {
            Ok(_) => Ok(Self {
                used: Used::clone(&used),
                bytes,
            }),
            Err(used) => Err(Error::Range(format!(
                "there is no memory for {bytes} bytes: the scripts of this realm have {used} of {LIMIT} bytes already"
            ))),
        }
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
