//! The budget of failures that a record survives.

use std::time::Duration;

use crate::embedder::RetryPolicy;

/// Counts failures without progress (errata 28).
pub(crate) struct RetryBudget {
    policy: RetryPolicy,
    failures: u32,
    furthest: u64,
}

impl RetryBudget {
    pub(crate) fn new(policy: &RetryPolicy) -> Self {
        Self {
            policy: policy.clone(),
            failures: 0,
            furthest: 0,
        }
    }

    /// Notes how many bytes are stored: further than ever before renews the budget.
    pub(crate) fn progressed(&mut self, length: u64) {
        if length > self.furthest {
            self.furthest = length;
            self.failures = 0;
        }
    }

    /// Notes a failure. The wait before another try, or none where the budget is used up.
    pub(crate) fn fail(&mut self) -> Option<Duration> {
        self.failures = self.failures.saturating_add(1);
        if self.failures > self.policy.retries {
            return None;
        }
        let doublings = (self.failures - 1).min(31);
        Some(
            self.policy
                .first_backoff
                .saturating_mul(1 << doublings)
                .min(self.policy.longest_backoff),
        )
    }

    /// The failures in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_progress_renews_the_budget() {
        let policy = RetryPolicy {
            retries: 4,
            first_backoff: Duration::from_secs(1),
            longest_backoff: Duration::from_secs(5),
        };
        let mut budget = RetryBudget::new(&policy);
        let waits: Vec<_> = std::iter::from_fn(|| budget.fail())
            .map(|wait| wait.as_secs())
            .collect();
        assert_eq!(waits, [1, 2, 4, 5]);
        budget.progressed(10);
        assert_eq!(budget.fail(), Some(Duration::from_secs(1)));
        // As far as before is no progress.
        budget.progressed(10);
        assert_eq!(budget.fail(), Some(Duration::from_secs(2)));
    }
}
