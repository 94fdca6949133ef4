//! An upload resource: what is kept of one upload, as digest and offset.

use sha2::{Digest, Sha256};

/// What is kept of one upload.
#[derive(Default)]
pub(super) struct Upload {
    /// The bytes that are kept; it never decreases.
    pub(super) offset: u64,
    /// The bytes that there will be.
    pub(super) length: u64,
    digest: Sha256,
    /// The request that may append; one that comes later ends those before.
    turn: u64,
    answer: Option<String>,
}

impl Upload {
    pub(super) fn new(length: u64) -> Self {
        Self {
            length,
            ..Self::default()
        }
    }

    /// Ends whoever appends, and gives the next turn.
    pub(super) fn take_turn(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }

    /// Keeps bytes of whoever has this turn. False where the turn is over, or the upload has all its bytes.
    pub(super) fn append(&mut self, turn: u64, bytes: &[u8]) -> bool {
        let room = self.length - self.offset;
        if self.turn != turn || self.answer.is_some() || bytes.len() as u64 > room {
            return false;
        }
        self.digest.update(bytes);
        self.offset += bytes.len() as u64;
        true
    }

    /// Completes the upload, which has all its bytes: gives what the targeted resource answers, their SHA-256. An
    /// answer that was lost is given again.
    pub(super) fn complete(&mut self) -> String {
        let digest = &mut self.digest;
        let answer = self.answer.get_or_insert_with(|| {
            let digest = std::mem::take(digest).finalize();
            digest.iter().map(|byte| format!("{byte:02x}")).collect()
        });
        answer.clone()
    }

    pub(super) fn is_complete(&self) -> bool {
        self.answer.is_some()
    }

    /// The SHA-256 of an upload that is complete.
    pub(super) fn sha256(&self) -> Option<&str> {
        self.answer.as_deref()
    }
}
