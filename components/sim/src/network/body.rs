//! [`Body`]: the bytes that a scripted server sends.

use bytes::Bytes;

/// The bytes of a body: given, or made up on the way so that a huge one takes no memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Body {
    Bytes(Bytes),
    /// As [`pattern`] makes them; without a length it never ends.
    Pattern {
        seed: u64,
        length: Option<u64>,
    },
}

impl Body {
    /// Its length; none where it never ends.
    pub(super) fn length(&self) -> Option<u64> {
        match self {
            Self::Bytes(bytes) => Some(bytes.len() as u64),
            Self::Pattern { length, .. } => *length,
        }
    }

    /// So many bytes from `start` on; past its end they are `!`, for servers that send too much.
    pub(super) fn slice(&self, start: u64, length: usize) -> Bytes {
        let inside = match self.length() {
            Some(end) => end.saturating_sub(start).min(length as u64) as usize,
            None => length,
        };
        let bytes = match self {
            Self::Bytes(_) if inside == 0 => Bytes::new(),
            Self::Bytes(bytes) => bytes.slice(start as usize..start as usize + inside),
            Self::Pattern { seed, .. } => pattern(*seed, start, inside),
        };
        if inside == length {
            return bytes;
        }
        let mut padded = bytes.to_vec();
        padded.resize(length, b'!');
        padded.into()
    }
}

/// The bytes of [`Resource::pattern`](super::Resource::pattern) from `start` on: what a test compares with.
pub fn pattern(seed: u64, start: u64, length: usize) -> Bytes {
    // Eight bytes of a mixed counter (the finaliser of SplitMix64), so that no slice equals another.
    let word = |place: u64| {
        let mut word = place.wrapping_add(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)).to_le_bytes()
    };
    let end = start + length as u64;
    let mut bytes = Vec::with_capacity(length + 16);
    for place in start / 8..end.div_ceil(8) {
        bytes.extend_from_slice(&word(place));
    }
    let skipped = (start % 8) as usize;
    Bytes::from(bytes).slice(skipped..skipped + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_of_a_pattern_fit_together() {
        let whole = pattern(3, 0, 100);
        let body = Body::Pattern {
            seed: 3,
            length: Some(100),
        };
        for cut in [0, 1, 8, 13, 99, 100] {
            let joined = [body.slice(0, cut), body.slice(cut as u64, 100 - cut)].concat();
            assert_eq!(joined, whole, "cut at {cut}");
        }
        assert_ne!(pattern(4, 0, 100), whole);
        assert_eq!(body.slice(98, 4)[2..], b"!!"[..]);
        assert_eq!(body.slice(u64::MAX, 1), "!");
    }
}
