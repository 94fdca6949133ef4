//! Which bytes of a resource were sent, and how many of them again.

/// Ranges that were sent, apart and in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Coverage {
    ranges: Vec<(u64, u64)>,
    /// The bytes that were sent when they had been sent before.
    again: u64,
}

impl Coverage {
    /// Adds the bytes from `start` to before `end`.
    pub(super) fn add(&mut self, start: u64, end: u64) {
        if start >= end {
            return;
        }
        let overlap: u64 = self
            .ranges
            .iter()
            .map(|&(from, to)| to.min(end).saturating_sub(from.max(start)))
            .sum();
        self.again += overlap;
        self.ranges.push((start, end));
        self.ranges.sort_unstable();
        let mut merged: Vec<(u64, u64)> = Vec::with_capacity(self.ranges.len());
        for &(from, to) in &self.ranges {
            match merged.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => merged.push((from, to)),
            }
        }
        self.ranges = merged;
    }

    pub(super) fn again(&self) -> u64 {
        self.again
    }
}

#[cfg(test)]
mod tests {
    use super::Coverage;

    #[test]
    fn bytes_that_are_sent_again_are_counted() {
        let mut coverage = Coverage::default();
        coverage.add(0, 10);
        coverage.add(10, 20);
        assert_eq!(coverage.again(), 0);
        coverage.add(5, 25);
        assert_eq!(coverage.again(), 15);
        coverage.add(30, 40);
        coverage.add(0, 40);
        assert_eq!(coverage.again(), 15 + 35);
        assert_eq!(coverage.ranges, [(0, 40)]);
    }
}
