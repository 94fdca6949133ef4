//! The policies: how patient the program is, and how much it does at once.

use std::time::Duration;

use background_fetch::embedder::{Limits, Policies, RetryPolicy, UploadPolicy};

/// One person's own fetches: as many as they like, through an outage of about a quarter of an hour; uploads that are
/// resumed where they ask for it.
pub(super) fn policies(resumable: bool) -> Policies {
    Policies {
        limits: Limits {
            active_per_storage_key: usize::MAX,
            ..Limits::default()
        },
        retry: RetryPolicy {
            retries: 20,
            longest_backoff: Duration::from_secs(60),
            ..RetryPolicy::default()
        },
        uploads: UploadPolicy { resumable },
        ..Policies::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_an_hour_without_the_server_is_survived() {
        let retry = policies(false).retry;
        let waits = (0..retry.retries).map(|failure| {
            let wait = retry.first_backoff.saturating_mul(1 << failure.min(30));
            wait.min(retry.longest_backoff)
        });
        let longest: Duration = waits.sum();
        let shortest = longest * u32::from(100 - retry.jitter_percent) / 100;
        assert_eq!(longest.as_secs() / 60, 15);
        assert!(shortest >= Duration::from_secs(10 * 60), "{shortest:?}");
    }
}
