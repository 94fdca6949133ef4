//! Policies: what the specification leaves to the user agent, as data.

use std::time::Duration;

/// The user agent's choices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policies {
    /// How much may run at once.
    pub limits: Limits,
    /// When a failed fetch is tried again.
    pub retry: RetryPolicy,
    /// What a metered connection means.
    pub metered: MeteredPolicy,
    /// How request bodies are sent.
    pub uploads: UploadPolicy,
    /// How often progress is reported, and what else takes time.
    pub timing: Timing,
}

/// How much may run at once, and how large arguments may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The background fetches that a storage key may have active; one more rejects with `TypeError`.
    pub active_per_storage_key: usize,
    /// The requests in flight in all. One that makes no progress for
    /// [`Timing::stalled_after`] does not count here and in the next two, so it holds up nobody else.
    pub requests: usize,
    /// The requests in flight per storage key.
    pub requests_per_storage_key: usize,
    /// The requests in flight per host.
    pub requests_per_host: usize,
    /// The requests in flight per background fetch, whether they make progress or not.
    pub requests_per_fetch: usize,
    /// The requests of one `fetch()`.
    pub requests_of_a_fetch: usize,
    /// The code units of an id or a title; one more rejects with `TypeError`.
    pub text_length: usize,
    /// The icons of one `fetch()`.
    pub icons: usize,
    /// The finished background fetches per registration that a click can still reach.
    pub finished_shown: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            active_per_storage_key: 5,
            requests: 32,
            requests_per_storage_key: 12,
            requests_per_host: 6,
            requests_per_fetch: 6,
            requests_of_a_fetch: 1_000_000,
            text_length: 1 << 20,
            icons: 100,
            finished_shown: 8,
        }
    }
}

/// When a `GET` that failed for the time being is tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The failures in a row that a record survives. Progress renews the budget: a byte further into the
    /// resource than any attempt came before, so that a server cannot make a record start again for ever.
    pub retries: u32,
    /// The wait after the first failure; it doubles with each further one without progress.
    pub first_backoff: Duration,
    /// The longest wait.
    pub longest_backoff: Duration,
    /// How much of each wait chance may take off, in percent, so that what failed together is not tried again
    /// together. No random number is drawn: it follows from the record, the failure and the clock's reading.
    pub jitter_percent: u8,
    /// The statuses after which a `GET` is tried again as if the connection had failed, and the response is not
    /// the record's. Once the budget is used up the last such response is taken: "bad-status".
    ///
    /// By default those that RFC 6585, 8470 and 9110 call temporary, and 500, after which another try helps more
    /// often than not.
    pub statuses: Vec<u16>,
    /// The longest wait that a server can ask for with `Retry-After`; where it asks for more it gets this.
    pub longest_retry_after: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            retries: 5,
            first_backoff: Duration::from_secs(1),
            longest_backoff: Duration::from_secs(20),
            jitter_percent: 25,
            statuses: vec![408, 425, 429, 500, 502, 503, 504],
            longest_retry_after: Duration::from_secs(60 * 60),
        }
    }
}

/// What a metered connection means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MeteredPolicy {
    /// Nothing.
    #[default]
    Allow,
    /// Background fetches pause until the connection is not metered.
    Pause,
}

/// How request bodies are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UploadPolicy {
    /// Whether servers are asked to keep what arrives of a body, so that an upload which is interrupted goes on where
    /// it was. Off by default: it shows servers more than the author's request. What a server keeps already is
    /// continued in any case.
    ///
    /// A page's uploads are resumable within its own origin only: in another it would be more than CORS allows.
    pub resumable: bool,
}

/// What takes time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// The least time between two progress events of one instance; the last state is always delivered.
    pub progress_interval: Duration,
    /// How long a request may move no byte before it stops counting against other fetches.
    pub stalled_after: Duration,
    /// The wait before an event whose worker did not start is fired again, and before a result that storage did not take
    /// is stored again; it doubles up to
    /// [`longest_event_retry`](Self::longest_event_retry).
    pub first_event_retry: Duration,
    /// The longest such wait.
    pub longest_event_retry: Duration,
}

impl Timing {
    /// The wait that follows this one.
    pub(crate) fn next_event_retry(&self, wait: Duration) -> Duration {
        wait.saturating_mul(2).min(self.longest_event_retry)
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            progress_interval: Duration::from_millis(200),
            stalled_after: Duration::from_secs(5),
            first_event_retry: Duration::from_secs(1),
            longest_event_retry: Duration::from_secs(300),
        }
    }
}
