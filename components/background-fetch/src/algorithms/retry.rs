//! The budget of failures that a record survives, and the waits between them.

use std::time::Duration;

use crate::concepts::RecordKey;
use crate::embedder::RetryPolicy;

/// Counts failures without progress (errata 28).
pub(crate) struct RetryBudget {
    policy: RetryPolicy,
    record: RecordKey,
    failures: u32,
    furthest: u64,
}

impl RetryBudget {
    pub(crate) fn new(policy: &RetryPolicy, record: RecordKey) -> Self {
        Self {
            policy: policy.clone(),
            record,
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

    /// Notes a failure at this reading of the clock. The wait before another try, or none where the budget is
    /// used up.
    pub(crate) fn fail(&mut self, now: Duration) -> Option<Duration> {
        self.failures = self.failures.saturating_add(1);
        (self.failures <= self.policy.retries).then(|| self.backoff(now))
    }

    /// Whether one more failure still leaves another try.
    pub(crate) fn is_left(&self) -> bool {
        self.failures < self.policy.retries
    }

    /// The failures in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// Whether this status is one for the time being.
    pub(crate) fn is_temporary(&self, status: u16) -> bool {
        self.policy.statuses.contains(&status)
    }

    /// The wait that follows from how often it failed and from what the server asked for.
    pub(crate) fn wait(&self, backoff: Duration, retry_after: Option<Duration>) -> Duration {
        let retry_after = retry_after.unwrap_or_default();
        backoff.max(retry_after.min(self.policy.longest_retry_after))
    }

    /// Doubles from failure to failure; a little less, so that not all come back at once.
    pub(crate) fn backoff(&self, now: Duration) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(31);
        let wait = self.policy.first_backoff.saturating_mul(1 << doublings);
        let wait = wait.min(self.policy.longest_backoff);
        let percent = u32::from(self.policy.jitter_percent.min(100));
        let chance = self.chance(now) >> 32;
        // A wait of more than 136 years needs no jitter.
        let most = wait.checked_mul(percent).unwrap_or_default() / 100;
        let nanos = (u128::from(chance) * most.as_nanos()) >> 32;
        wait - Duration::from_nanos(u64::try_from(nanos).unwrap_or_default())
    }

    /// A number that differs from record to record, from failure to failure and, because machines number their
    /// background fetches alike, from machine to machine.
    fn chance(&self, now: Duration) -> u64 {
        let index = self.record.index as u64;
        let parts = [
            self.record.fetch.0,
            index,
            u64::from(self.failures),
            now.as_nanos() as u64,
        ];
        parts.iter().fold(0, |hash, part| mixed(hash ^ part))
    }
}

/// Spreads every bit over all: the finalizer of SplitMix64.
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::concepts::FetchKey;

    const NOW: Duration = Duration::from_secs(7);

    fn budget(policy: RetryPolicy, index: usize) -> RetryBudget {
        let fetch = FetchKey(1);
        RetryBudget::new(&policy, RecordKey { fetch, index })
    }

    #[test]
    fn waits_double_up_to_the_longest_and_progress_renews_the_budget() {
        let policy = RetryPolicy {
            retries: 4,
            first_backoff: Duration::from_secs(1),
            longest_backoff: Duration::from_secs(5),
            jitter_percent: 0,
            ..RetryPolicy::default()
        };
        let mut budget = budget(policy, 0);
        let waits: Vec<_> = std::iter::from_fn(|| budget.fail(NOW))
            .map(|wait| wait.as_secs())
            .collect();
        assert_eq!(waits, [1, 2, 4, 5]);
        assert!(!budget.is_left());
        budget.progressed(10);
        assert!(budget.is_left());
        assert_eq!(budget.fail(NOW), Some(Duration::from_secs(1)));
        // As far as before is no progress.
        budget.progressed(10);
        assert_eq!(budget.fail(NOW), Some(Duration::from_secs(2)));
    }

    #[test]
    fn jitter_takes_a_part_off_which_differs_and_is_the_same_when_told_again() {
        let policy = RetryPolicy {
            first_backoff: Duration::from_secs(100),
            longest_backoff: Duration::from_secs(100),
            ..RetryPolicy::default()
        };
        let first = |index, now| budget(policy.clone(), index).fail(now).unwrap();
        let waits: Vec<_> = (0..100).map(|index| first(index, NOW)).collect();
        for wait in &waits {
            assert!((75..=100).contains(&wait.as_secs()), "{wait:?}");
        }
        let mut seconds: Vec<_> = waits.iter().map(Duration::as_secs).collect();
        seconds.sort_unstable();
        seconds.dedup();
        assert!(seconds.len() > 15, "{seconds:?}");
        assert_eq!(first(3, NOW), waits[3]);
        assert_ne!(first(3, Duration::from_secs(8)), waits[3]);
    }

    #[test]
    fn whatever_tells_two_tries_apart_gives_them_another_wait() {
        let policy = RetryPolicy {
            retries: u32::MAX,
            first_backoff: Duration::from_secs(100),
            longest_backoff: Duration::from_secs(100),
            ..RetryPolicy::default()
        };
        let mut waits = std::collections::HashSet::new();
        for number in 0..10_000_u32 {
            let digit = |place: u32| number / 10_u32.pow(place) % 10;
            let fetch = FetchKey(u64::from(digit(3)));
            let index = digit(2) as usize;
            let mut budget = RetryBudget::new(&policy, RecordKey { fetch, index });
            budget.failures = digit(1);
            waits.insert(budget.backoff(Duration::from_secs(digit(0).into())));
        }
        assert!(waits.len() > 9990, "{}", waits.len());
    }

    /// <https://prng.di.unimi.it/splitmix64.c>, with the state 1234567.
    #[test]
    fn bits_are_spread_as_the_reference_does() {
        let state = |step: u64| 1_234_567_u64.wrapping_add(step.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let reference = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!([0, 1, 2, 3, 4].map(|step| mixed(state(step))), reference);
    }

    #[test]
    fn a_policy_of_extremes_does_no_harm() {
        let policy = RetryPolicy {
            retries: u32::MAX,
            first_backoff: Duration::MAX,
            longest_backoff: Duration::MAX,
            jitter_percent: 255,
            ..RetryPolicy::default()
        };
        assert_eq!(budget(policy.clone(), 0).fail(NOW), Some(Duration::MAX));
        let policy = RetryPolicy {
            first_backoff: Duration::from_secs(1),
            longest_backoff: Duration::from_secs(1),
            ..policy
        };
        assert!(budget(policy, 0).fail(NOW).unwrap() <= Duration::from_secs(1));
    }
}
