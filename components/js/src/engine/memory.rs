//! [`Memory`]: the heap's allocator, which knows when scripts have used up what they may.

use std::cell::Cell;
use std::ptr::null_mut;

use rquickjs::allocator::{Allocator, RustAllocator};

/// What is left for the error that says that there is no memory, with its stack, and for whoever handles it.
const RESERVE: usize = 256 << 10;

/// What a block takes up beside its bytes.
const OVERHEAD: usize = 16;

thread_local! {
    /// Whether the reserve of this thread's heap was used up, too: the engine throws `null` then.
    static EXHAUSTED: Cell<bool> = const { Cell::new(false) };
}

/// Whether there was no memory even for an error since this was asked last, on the engine's thread.
pub(super) fn take_exhausted() -> bool {
    EXHAUSTED.take()
}

/// Allocates up to a limit. What would pass it fails; the reserve is there from then on until less than the limit is used.
pub(super) struct Memory {
    used: usize,
    limit: usize,
    has_failed: bool,
}

impl Memory {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            used: 0,
            limit: limit.min(isize::MAX as usize / 2),
            has_failed: false,
        }
    }

    /// Whether there is room for a block of so many bytes in the place of one that takes up so much.
    fn has_room(&mut self, size: usize, before: usize) -> bool {
        let reserve = if self.has_failed { RESERVE } else { 0 };
        let used = size
            .checked_add(OVERHEAD)
            .and_then(|size| size.checked_add(self.used - before));
        if used.is_some_and(|used| used <= self.limit + reserve) {
            return true;
        }
        if self.has_failed && size < RESERVE {
            EXHAUSTED.set(true);
        }
        self.has_failed = true;
        false
    }

    /// Counts a block, where there is one.
    ///
    /// # Safety
    ///
    /// It is null, or of this allocator.
    unsafe fn counted(&mut self, block: *mut u8) -> *mut u8 {
        if !block.is_null() {
            // SAFETY: the caller says so.
            self.used += unsafe { taken_up_by(block) };
        }
        block
    }
}

/// What a block takes up.
///
/// # Safety
///
/// It is a block of this allocator.
unsafe fn taken_up_by(block: *mut u8) -> usize {
    // SAFETY: each block is one of the allocator of the engine's crate.
    unsafe { RustAllocator::usable_size(block) + OVERHEAD }
}

// SAFETY: each block comes from the allocator of the engine's crate and goes back to it; this one only counts.
unsafe impl Allocator for Memory {
    fn alloc(&mut self, size: usize) -> *mut u8 {
        if !self.has_room(size, 0) {
            return null_mut();
        }
        // SAFETY: the block is of this allocator.
        unsafe { self.counted(RustAllocator.alloc(size)) }
    }

    fn calloc(&mut self, count: usize, size: usize) -> *mut u8 {
        match count.checked_mul(size) {
            Some(all) if self.has_room(all, 0) => {
                // SAFETY: the block is of this allocator.
                unsafe { self.counted(RustAllocator.calloc(count, size)) }
            }
            _ => null_mut(),
        }
    }

    unsafe fn dealloc(&mut self, block: *mut u8) {
        // SAFETY: the caller gives back a block of this allocator.
        unsafe {
            self.used -= taken_up_by(block);
            RustAllocator.dealloc(block);
        }
        if self.used <= self.limit {
            self.has_failed = false;
        }
    }

    unsafe fn realloc(&mut self, block: *mut u8, size: usize) -> *mut u8 {
        if block.is_null() {
            return self.alloc(size);
        }
        // SAFETY: the caller gives a block of this allocator; where it cannot be changed it stays as it is.
        unsafe {
            let before = taken_up_by(block);
            if !self.has_room(size, before) {
                return null_mut();
            }
            let changed = RustAllocator.realloc(block, size);
            if !changed.is_null() {
                self.used -= before;
            }
            self.counted(changed)
        }
    }

    unsafe fn usable_size(block: *mut u8) -> usize {
        // SAFETY: the caller gives a block of this allocator.
        unsafe { RustAllocator::usable_size(block) }
    }
}
