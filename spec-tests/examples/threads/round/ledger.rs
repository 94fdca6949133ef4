//! [`Ledger`]: what became of every background fetch, and what went wrong.

use std::collections::BTreeMap;
use std::sync::Arc;

use background_fetch::embedder::FunctionalEventName;
use background_fetch::inspect::{EventKind, InspectEvent};
use background_fetch::{BackgroundFetchFailureReason, BackgroundFetchResult, FetchKey};
use parking_lot::Mutex;

use super::Figures;

/// What became of every background fetch, and what went wrong.
#[derive(Clone, Default)]
pub(super) struct Ledger(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    fetches: BTreeMap<FetchKey, Entry>,
    faults: Vec<String>,
    /// What is wrong unless the registration was cleared, or the record started again.
    suspicions: Vec<(FetchKey, Unless, String)>,
    retries: u64,
    resumed: u64,
}

/// What explains something that looks wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unless {
    Cleared,
    Restarted,
}

#[derive(Default)]
struct Entry {
    created: u32,
    promised: u32,
    settled: Vec<(BackgroundFetchResult, BackgroundFetchFailureReason)>,
    /// The settled events that were dispatched in a worker.
    dispatched: Vec<FunctionalEventName>,
    /// Those whose end the engine saw.
    ended: u32,
    removed: u32,
    cleared: u32,
    /// Records that began again.
    restarted: u32,
    /// The first byte that each record asked for last, where it has not asked for all.
    asked_from: BTreeMap<usize, u64>,
    /// How often `abort()` resolved with true.
    aborted: u32,
}

impl Ledger {
    fn entry(&self, fetch: FetchKey, change: impl FnOnce(&mut Entry)) {
        change(self.0.lock().fetches.entry(fetch).or_default());
    }

    /// `fetch()` resolved.
    pub(super) fn promised(&self, fetch: FetchKey) {
        self.entry(fetch, |entry| entry.promised += 1);
    }

    /// `abort()` resolved with true.
    pub(super) fn aborted(&self, fetch: FetchKey) {
        self.entry(fetch, |entry| entry.aborted += 1);
    }

    /// A worker got an event.
    pub(super) fn dispatched(&self, fetch: FetchKey, name: FunctionalEventName) {
        if name != FunctionalEventName::Click {
            self.entry(fetch, |entry| entry.dispatched.push(name));
        }
    }

    /// Something is wrong.
    pub(super) fn fault(&self, what: String) {
        self.0.lock().faults.push(what);
    }

    /// Something is wrong, unless.
    pub(super) fn suspect(&self, fetch: FetchKey, unless: Unless, what: String) {
        self.0.lock().suspicions.push((fetch, unless, what));
    }

    /// What the engine tells.
    pub(super) fn note(&self, event: InspectEvent) {
        let mut inner = self.0.lock();
        let entry = inner.fetches.entry(event.fetch).or_default();
        match event.kind {
            EventKind::Created => entry.created += 1,
            EventKind::Settled {
                result,
                failure_reason,
            } => entry.settled.push((result, failure_reason)),
            EventKind::EventEnded { name } if name != FunctionalEventName::Click => entry.ended += 1,
            EventKind::Removed => entry.removed += 1,
            EventKind::Cleared => entry.cleared += 1,
            EventKind::Retry { .. } => inner.retries += 1,
            EventKind::RequestSent {
                record,
                attempt,
                range_start,
            } => {
                entry.asked_from.insert(record, range_start);
                entry.restarted += u32::from(attempt > 1 && range_start == 0);
                inner.resumed += u64::from(range_start > 0);
            }
            // All of it, or something else, where a part was asked for.
            EventKind::ResponseReceived { record, status } if status != 206 => {
                let asked_from = entry.asked_from.get(&record);
                entry.restarted += u32::from(asked_from.is_some_and(|first| *first > 0));
            }
            EventKind::StorageTrouble { message } => {
                let what = format!("fetch {}: storage has trouble: {message}", event.fetch);
                inner.suspicions.push((event.fetch, Unless::Cleared, what));
            }
            _ => {}
        }
    }

    /// What is wrong, once everything is over.
    pub(super) fn faults(&self) -> Vec<String> {
        let inner = self.0.lock();
        let mut faults = inner.faults.clone();
        for (key, entry) in &inner.fetches {
            faults.extend(entry.faults().map(|fault| format!("fetch {key}: {fault}")));
        }
        for (key, unless, what) in &inner.suspicions {
            let explained = inner.fetches.get(key).is_some_and(|entry| match unless {
                Unless::Cleared => entry.cleared > 0,
                Unless::Restarted => entry.restarted > 0,
            });
            faults.extend((!explained).then(|| what.clone()));
        }
        faults
    }

    /// Counts what became of them.
    pub(super) fn count(&self, figures: &mut Figures) {
        let inner = self.0.lock();
        figures.fetches += inner.fetches.len() as u64;
        figures.retries += inner.retries;
        figures.resumed += inner.resumed;
        for entry in inner.fetches.values() {
            figures.restarted += u64::from(entry.restarted);
            *match entry.settled.first() {
                _ if entry.cleared > 0 => &mut figures.cleared,
                Some((BackgroundFetchResult::Success, _)) => &mut figures.succeeded,
                Some((_, BackgroundFetchFailureReason::Aborted)) => &mut figures.aborted,
                _ => &mut figures.failed,
            } += 1;
        }
    }
}

impl Entry {
    /// What is wrong with it at its end.
    fn faults(&self) -> impl Iterator<Item = String> {
        let cleared = self.cleared > 0;
        let once = |count: usize| count == 1 || cleared && count == 0;
        let aborted = BackgroundFetchFailureReason::Aborted;
        let name = self.settled.first().map(|settled| match settled {
            (BackgroundFetchResult::Success, _) => FunctionalEventName::Success,
            (_, reason) if *reason == aborted => FunctionalEventName::Abort,
            _ => FunctionalEventName::Fail,
        });
        let abort_held = self.settled.iter().all(|(_, reason)| *reason == aborted);
        let checks = [
            (self.created == 1, format!("created {} times", self.created)),
            (self.promised <= 1, format!("{} promises have it", self.promised)),
            (once(self.settled.len()), format!("settled as {:?}", self.settled)),
            (
                once(self.dispatched.len()),
                format!("its workers got {:?}", self.dispatched),
            ),
            (
                self.dispatched.iter().all(|got| Some(*got) == name),
                format!(
                    "its worker got {:?}, it settled as {:?}",
                    self.dispatched, self.settled
                ),
            ),
            (
                once(self.ended as usize),
                format!("its event ended {} times", self.ended),
            ),
            (
                once(self.removed as usize),
                format!("removed {} times", self.removed),
            ),
            (self.cleared <= 1, format!("cleared {} times", self.cleared)),
            (self.aborted <= 1, format!("aborted {} times", self.aborted)),
            (
                self.aborted == 0 || abort_held,
                format!("aborted, and settled as {:?}", self.settled),
            ),
        ];
        checks
            .into_iter()
            .filter_map(|(holds, fault)| (!holds).then_some(fault))
    }
}
