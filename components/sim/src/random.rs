//! [`Random`]: the one source of chance in a simulated world.

/// Numbers that look random and follow from a seed alone.
#[derive(Clone, Debug)]
pub struct Random(oorandom::Rand64);

impl Random {
    /// The numbers of this seed.
    pub fn new(seed: u64) -> Self {
        Self(oorandom::Rand64::new(u128::from(seed)))
    }

    /// A number below `bound`, which is at least 1.
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "no number is below 0");
        self.0.rand_range(0..bound)
    }

    /// Whether a chance of `numerator` in `denominator` came true.
    pub fn chance(&mut self, numerator: u64, denominator: u64) -> bool {
        self.below(denominator) < numerator
    }

    /// An independent generator, so that what one part of a test draws does not move what another draws.
    pub fn fork(&mut self) -> Self {
        Self::new(self.0.rand_u64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_seed_never_change() {
        let mut random = Random::new(7);
        let drawn: Vec<u64> = (0..6).map(|_| random.below(100)).collect();
        assert_eq!(drawn, [41, 23, 42, 51, 82, 48]);
        let mut other = Random::new(8);
        assert_ne!(drawn, (0..6).map(|_| other.below(100)).collect::<Vec<_>>());
        let mut fork = random.fork();
        assert!((0..50).all(|_| fork.below(3) < 3));
    }
}
