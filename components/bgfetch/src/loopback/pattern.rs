//! Bytes that anybody can make again: each 8 of them follow from a seed and their place.

use sha2::{Digest, Sha256};

/// Fills `bytes` with the pattern of `seed` from `offset` on.
pub fn fill(seed: u64, offset: u64, bytes: &mut [u8]) {
    let mut done = 0;
    while done < bytes.len() {
        let place = offset + done as u64;
        let word = mixed(seed.wrapping_mul(0xA24B_AED4_963E_E407).wrapping_add(place / 8)).to_le_bytes();
        let from = (place % 8) as usize;
        let count = (8 - from).min(bytes.len() - done);
        bytes[done..done + count].copy_from_slice(&word[from..from + count]);
        done += count;
    }
}

/// SplitMix64's finalizer.
fn mixed(state: u64) -> u64 {
    let mut z = state.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The SHA-256 of the pattern's first `length` bytes, in hexadecimal digits.
pub fn sha256(seed: u64, length: u64) -> String {
    let mut digest = Sha256::new();
    let mut bytes = vec![0; 1 << 16];
    let mut offset = 0;
    while offset < length {
        let count = bytes
            .len()
            .min(usize::try_from(length - offset).unwrap_or(usize::MAX));
        fill(seed, offset, &mut bytes[..count]);
        digest.update(&bytes[..count]);
        offset += count as u64;
    }
    digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn a_part_is_the_part_of_the_whole() {
        let mut whole = [0; 100];
        fill(7, 0, &mut whole);
        for from in 0..30 {
            let mut part = [0; 41];
            fill(7, from, &mut part);
            assert_eq!(part, whole[from as usize..from as usize + 41]);
        }
        let mut other = [0; 100];
        fill(8, 0, &mut other);
        assert_ne!(whole, other);
    }
}
