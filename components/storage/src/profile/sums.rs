//! [`Sums`]: checksums of a body, one for each [`CHUNK`]. A disk that lost or changed bytes is found out when they are
//! read first after the profile was opened.

use background_fetch::RecordKey;
use crc32fast::Hasher;

/// How many bytes have a checksum.
pub(super) const CHUNK: u64 = 1 << 20;

/// The checksums of a body's first bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sums {
    /// Whose body it is: that of another has other checksums.
    seed: u32,
    /// Those of its chunks; the last may be part of one.
    sums: Vec<u32>,
    length: u64,
}

/// Stands for a request body.
pub(super) fn seed_of_request(body: u64) -> u32 {
    crc32fast::hash(&body.to_le_bytes())
}

/// Stands for the body of a response.
pub(super) fn seed_of_response(record: RecordKey, generation: u64) -> u32 {
    let mut hasher = Hasher::new();
    for number in [record.fetch.0, record.index as u64, generation] {
        hasher.update(&number.to_le_bytes());
    }
    hasher.finalize()
}

impl Sums {
    /// Those of no bytes.
    pub(super) fn new(seed: u32) -> Self {
        Self {
            seed,
            sums: Vec::new(),
            length: 0,
        }
    }

    /// Those that stand in the database, of so many bytes; none where they cannot be.
    pub(super) fn decode(seed: u32, length: u64, stored: &[u8]) -> Option<Self> {
        let (sums, rest) = stored.as_chunks::<4>();
        let fits = rest.is_empty() && sums.len() as u64 == length.div_ceil(CHUNK);
        fits.then(|| Self {
            seed,
            sums: sums.iter().map(|sum| u32::from_le_bytes(*sum)).collect(),
            length,
        })
    }

    /// What stands in the database.
    pub(super) fn encode(&self) -> Vec<u8> {
        self.sums.iter().flat_map(|sum| sum.to_le_bytes()).collect()
    }

    /// Of how many bytes they are.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Takes in the bytes that follow.
    pub(super) fn extend(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let inside = self.length % CHUNK;
            let left = usize::try_from(CHUNK - inside).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(left.min(bytes.len()));
            let so_far = match self.sums.pop_if(|_| inside > 0) {
                Some(sum) => sum,
                None => self.start(self.length / CHUNK),
            };
            self.sums.push(continued(so_far, now));
            self.length += now.len() as u64;
            bytes = later;
        }
    }

    /// Whether these are the bytes of a chunk.
    pub(super) fn fit(&self, chunk: u64, bytes: &[u8]) -> bool {
        let sum = usize::try_from(chunk).ok().and_then(|chunk| self.sums.get(chunk));
        sum == Some(&continued(self.start(chunk), bytes))
    }

    fn start(&self, chunk: u64) -> u32 {
        continued(self.seed, &chunk.to_le_bytes())
    }
}

fn continued(sum: u32, bytes: &[u8]) -> u32 {
    let mut hasher = Hasher::new_with_initial(sum);
    hasher.update(bytes);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_the_same_however_the_bytes_came_and_through_the_database() {
        let bytes: Vec<u8> = (0..3 * CHUNK + 5).map(|n| (n % 251) as u8).collect();
        let mut at_once = Sums::new(7);
        at_once.extend(&bytes);
        let mut in_parts = Sums::new(7);
        for part in bytes.chunks(300_001) {
            in_parts.extend(part);
            in_parts = Sums::decode(7, in_parts.length(), &in_parts.encode()).unwrap();
        }
        assert_eq!(at_once, in_parts);
        for (chunk, part) in bytes.chunks(CHUNK as usize).enumerate() {
            assert!(at_once.fit(chunk as u64, part));
            assert!(!at_once.fit(chunk as u64 + 1, part));
            assert!(
                !Sums {
                    seed: 8,
                    ..at_once.clone()
                }
                .fit(chunk as u64, part)
            );
            assert!(!at_once.fit(chunk as u64, &part[1..]));
        }
        assert_eq!(Sums::decode(7, CHUNK + 1, &[0; 4]), None);
        assert_eq!(Sums::decode(7, CHUNK, &[0; 5]), None);
    }
}
