//! [`Figures`]: what was done.

use std::fmt;
use std::ops::AddAssign;

/// What was done.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    pub(super) fetches: u64,
    pub(super) succeeded: u64,
    pub(super) failed: u64,
    pub(super) aborted: u64,
    pub(super) cleared: u64,
    /// Bytes that pages and workers read.
    pub(super) read: u64,
    pub(super) requests: u64,
    pub(super) retries: u64,
    /// Requests for the rest of a body.
    pub(super) resumed: u64,
    /// Records that began again.
    pub(super) restarted: u64,
    pub(super) realms: u64,
    /// Calls that somebody waited for.
    pub(super) calls: u64,
    /// Tasks of the component.
    pub(super) tasks: u64,
    /// The most background fetches that were not over at once.
    pub(super) at_once: u64,
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.fetches += other.fetches;
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.aborted += other.aborted;
        self.cleared += other.cleared;
        self.read += other.read;
        self.requests += other.requests;
        self.retries += other.retries;
        self.resumed += other.resumed;
        self.restarted += other.restarted;
        self.realms += other.realms;
        self.calls += other.calls;
        self.tasks += other.tasks;
        self.at_once = self.at_once.max(other.at_once);
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} fetches ({} succeeded, {} failed, {} aborted, {} cleared; up to {} at once), {} requests \
             ({} retries, {} resumed, {} started again), {} realms, {} calls, {} tasks, {} MiB read",
            self.fetches,
            self.succeeded,
            self.failed,
            self.aborted,
            self.cleared,
            self.at_once,
            self.requests,
            self.retries,
            self.resumed,
            self.restarted,
            self.realms,
            self.calls,
            self.tasks,
            self.read >> 20,
        )
    }
}
