//! The scheduler: which request may be in flight, fairly between storage keys.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use futures::channel::oneshot;
use hashbrown::HashMap;
use indexmap::IndexMap;

use crate::concepts::FetchKey;
use crate::embedder::Limits;
use crate::fetch::StorageKey;
use crate::sync::Mutex;

/// Gives out permits to have a request in flight.
///
/// Storage keys take turns; within one, requests go in the order in which they asked, past those whose host or
/// background fetch has enough in flight. A permit whose request stalls counts against its own background fetch
/// only, so that a hanging request never blocks another fetch.
#[derive(Clone)]
pub(crate) struct Scheduler {
    limits: Limits,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    all: usize,
    storage_keys: HashMap<StorageKey, usize>,
    hosts: HashMap<String, usize>,
    fetches: HashMap<FetchKey, usize>,
    /// Who waits, by storage key, in the order of their turns.
    waiting: IndexMap<StorageKey, Line>,
    last_waiter: u64,
}

/// Who waits of a storage key, by host and background fetch: where one of these has no room, none of its waiters is
/// looked at.
#[derive(Default)]
struct Line(BTreeMap<String, BTreeMap<FetchKey, VecDeque<Waiter>>>);

struct Waiter {
    /// Counts up: who asked before has the lesser one.
    id: u64,
    claim: Arc<Claim>,
    grant: oneshot::Sender<Permit>,
}

/// What a request counts for.
pub(crate) struct Claim {
    pub(crate) storage_key: StorageKey,
    pub(crate) fetch: FetchKey,
    /// Host and port.
    pub(crate) host: String,
}

/// The permission to have one request in flight; dropping it gives it back.
pub(crate) struct Permit {
    scheduler: Scheduler,
    claim: Arc<Claim>,
    stalled: bool,
}

impl Scheduler {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            state: Arc::default(),
        }
    }

    /// Waits for a permit. Dropping the future gives the turn to the next.
    pub(crate) async fn acquire(&self, claim: Claim) -> Permit {
        let (grant, granted) = oneshot::channel();
        let claim = Arc::new(claim);
        let (id, may_go) = {
            let mut state = self.state.lock();
            let may_go = state.has_room(&claim, &self.limits);
            (state.enqueue(&claim, grant), may_go)
        };
        let _leaving = Leaving {
            scheduler: self,
            claim,
            id,
        };
        // Who waits already gets no room from one who comes: without room for that one, nobody need be looked at.
        if may_go {
            self.dispatch();
        }
        // The sender is dropped with its permit sent, never before: the scheduler outlives its waiters.
        granted
            .await
            .unwrap_or_else(|_| unreachable!("a waiter leaves the queue with its grant"))
    }

    /// Whether nobody has a permit, or waits for one.
    #[cfg(test)]
    pub(crate) fn is_unused(&self) -> bool {
        let state = self.state.lock();
        let counted = state.storage_keys.len() + state.hosts.len() + state.fetches.len();
        state.all + counted + state.waiting.len() == 0
    }

    /// Grants what the limits allow.
    fn dispatch(&self) {
        while let Some((grant, permit)) = self.next_grant() {
            // Where the asker is gone its permit comes back, and the next gets it.
            drop(grant.send(permit));
        }
    }

    /// Takes the next waiter that may go, and moves its storage key to the end of the line.
    fn next_grant(&self) -> Option<(oneshot::Sender<Permit>, Permit)> {
        let mut state = self.state.lock();
        if state.all >= self.limits.requests {
            return None;
        }
        let (turn, (host, fetch)) =
            state
                .waiting
                .iter()
                .enumerate()
                .find_map(|(turn, (storage_key, line))| {
                    Some((turn, state.next_of(storage_key, line, &self.limits)?))
                })?;
        let (storage_key, mut line) = state.waiting.shift_remove_index(turn)?;
        let waiter = line.take(&host, fetch, VecDeque::pop_front)?;
        if !line.0.is_empty() {
            state.waiting.insert(storage_key, line);
        }
        state.count(&waiter.claim);
        *state.fetches.entry(waiter.claim.fetch).or_default() += 1;
        let permit = Permit {
            scheduler: self.clone(),
            claim: waiter.claim,
            stalled: false,
        };
        Some((waiter.grant, permit))
    }
}

impl State {
    fn enqueue(&mut self, claim: &Arc<Claim>, grant: oneshot::Sender<Permit>) -> u64 {
        self.last_waiter += 1;
        let id = self.last_waiter;
        let line = self.waiting.entry(claim.storage_key.clone()).or_default();
        line.0
            .entry(claim.host.clone())
            .or_default()
            .entry(claim.fetch)
            .or_default()
            .push_back(Waiter {
                id,
                claim: Arc::clone(claim),
                grant,
            });
        id
    }

    /// Forgets a waiter that got no permit.
    fn leave(&mut self, claim: &Claim, id: u64) {
        if let Some(line) = self.waiting.get_mut(&claim.storage_key) {
            line.take(&claim.host, claim.fetch, |waiters| {
                let position = waiters.binary_search_by_key(&id, |waiter| waiter.id).ok()?;
                waiters.remove(position)
            });
            if line.0.is_empty() {
                self.waiting.shift_remove(&claim.storage_key);
            }
        }
    }

    /// The host and the background fetch of the waiter of a storage key that asked first of those that may go.
    fn next_of(&self, storage_key: &StorageKey, line: &Line, limits: &Limits) -> Option<(String, FetchKey)> {
        if !self.storage_key_has_room(storage_key, limits) {
            return None;
        }
        let hosts = line.0.iter().filter(|(host, _)| self.host_has_room(host, limits));
        let fetches =
            hosts.flat_map(|(host, fetches)| fetches.iter().map(move |(fetch, of)| (host, fetch, of)));
        let may_go = fetches.filter(|(_, fetch, _)| self.fetch_has_room(**fetch, limits));
        let first = may_go
            .filter_map(|(host, fetch, waiters)| Some((waiters.front()?.id, host, fetch)))
            .min_by_key(|(id, ..)| *id);
        first.map(|(_, host, fetch)| (host.clone(), *fetch))
    }

    fn has_room(&self, claim: &Claim, limits: &Limits) -> bool {
        self.all < limits.requests
            && self.storage_key_has_room(&claim.storage_key, limits)
            && self.host_has_room(&claim.host, limits)
            && self.fetch_has_room(claim.fetch, limits)
    }

    fn storage_key_has_room(&self, storage_key: &StorageKey, limits: &Limits) -> bool {
        used(self.storage_keys.get(storage_key)) < limits.requests_per_storage_key
    }

    fn host_has_room(&self, host: &str, limits: &Limits) -> bool {
        used(self.hosts.get(host)) < limits.requests_per_host
    }

    fn fetch_has_room(&self, fetch: FetchKey, limits: &Limits) -> bool {
        used(self.fetches.get(&fetch)) < limits.requests_per_fetch
    }

    fn count(&mut self, claim: &Claim) {
        self.all += 1;
        *self.storage_keys.entry(claim.storage_key.clone()).or_default() += 1;
        *self.hosts.entry_ref(claim.host.as_str()).or_default() += 1;
    }

    fn uncount(&mut self, claim: &Claim) {
        self.all -= 1;
        release(&mut self.storage_keys, &claim.storage_key);
        release(&mut self.hosts, &claim.host);
    }
}

impl Line {
    /// Takes a waiter out of those of a host and a background fetch, as `take` does.
    fn take(
        &mut self,
        host: &str,
        fetch: FetchKey,
        take: impl FnOnce(&mut VecDeque<Waiter>) -> Option<Waiter>,
    ) -> Option<Waiter> {
        let fetches = self.0.get_mut(host)?;
        let waiters = fetches.get_mut(&fetch)?;
        let taken = take(waiters);
        if waiters.is_empty() {
            fetches.remove(&fetch);
        }
        if fetches.is_empty() {
            self.0.remove(host);
        }
        taken
    }
}

fn used(count: Option<&usize>) -> usize {
    count.copied().unwrap_or_default()
}

fn release<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

/// A waiter that goes: with its permit, or because it asks no longer.
struct Leaving<'a> {
    scheduler: &'a Scheduler,
    claim: Arc<Claim>,
    id: u64,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.scheduler.state.lock().leave(&self.claim, self.id);
    }
}

impl Permit {
    /// Notes whether the request stalls.
    pub(crate) fn set_stalled(&mut self, stalled: bool) {
        if std::mem::replace(&mut self.stalled, stalled) == stalled {
            return;
        }
        if stalled {
            self.scheduler.state.lock().uncount(&self.claim);
            self.scheduler.dispatch();
        } else {
            // Over the limits for once: what moves again is not stopped.
            self.scheduler.state.lock().count(&self.claim);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        {
            let mut state = self.scheduler.state.lock();
            if !self.stalled {
                state.uncount(&self.claim);
            }
            release(&mut state.fetches, &self.claim.fetch);
        }
        self.scheduler.dispatch();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use futures::future::BoxFuture;

    fn claim(storage_key: &str, fetch: u64, host: &str) -> Claim {
        Claim {
            storage_key: StorageKey::new(storage_key),
            fetch: FetchKey(fetch),
            host: host.to_owned(),
        }
    }

    fn ask(scheduler: &Scheduler, claim: Claim) -> BoxFuture<'static, Permit> {
        let scheduler = scheduler.clone();
        let mut asked = async move { scheduler.acquire(claim).await }.boxed();
        match asked.as_mut().now_or_never() {
            Some(permit) => async { permit }.boxed(),
            None => asked,
        }
    }

    fn is_granted(asked: &mut BoxFuture<'static, Permit>) -> bool {
        match asked.as_mut().now_or_never() {
            Some(permit) => {
                *asked = async { permit }.boxed();
                true
            }
            None => false,
        }
    }

    #[test]
    fn storage_keys_take_turns() {
        let scheduler = Scheduler::new(Limits {
            requests: 1,
            ..Limits::default()
        });
        let mut running = ask(&scheduler, claim("a", 1, "h1"));
        assert!(is_granted(&mut running));
        let mut second_of_a = ask(&scheduler, claim("a", 1, "h1"));
        let mut third_of_a = ask(&scheduler, claim("a", 1, "h1"));
        let mut first_of_b = ask(&scheduler, claim("b", 2, "h2"));
        drop(running);
        assert!(is_granted(&mut second_of_a) && !is_granted(&mut first_of_b));
        drop(second_of_a);
        assert!(
            is_granted(&mut first_of_b) && !is_granted(&mut third_of_a),
            "b's turn comes before a's third"
        );
        drop(first_of_b);
        assert!(is_granted(&mut third_of_a));
    }

    #[test]
    fn within_a_storage_key_who_asked_first_goes_first_past_those_without_room() {
        let limits = Limits {
            requests_per_storage_key: 2,
            requests_per_host: 1,
            ..Limits::default()
        };
        let scheduler = Scheduler::new(limits);
        let running = ["h1", "h2"].map(|host| ask(&scheduler, claim("a", 1, host)).now_or_never());
        let [first, second] = running.map(Option::unwrap);
        // The order of asking is neither that of hosts nor that of background fetches.
        let mut waiting = [(1, "h2"), (9, "h1"), (2, "h1"), (1, "h1")]
            .map(|(fetch, host)| ask(&scheduler, claim("a", fetch, host)));
        drop(first);
        let granted = |waiting: &mut [BoxFuture<'static, Permit>]| -> Vec<bool> {
            waiting.iter_mut().map(is_granted).collect()
        };
        assert_eq!(granted(&mut waiting), [false, true, false, false]);
        drop(second);
        assert_eq!(granted(&mut waiting), [true, true, false, false]);
        let [of_h2, of_h1, mut next, mut last] = waiting;
        drop(of_h1);
        assert!(is_granted(&mut next) && !is_granted(&mut last));
        drop(next);
        assert!(is_granted(&mut last));
        drop((of_h2, last));
        assert!(scheduler.is_unused());
    }

    #[test]
    fn a_stalled_request_counts_against_its_own_fetch_only() {
        let limits = Limits {
            requests: 1,
            requests_per_fetch: 1,
            ..Limits::default()
        };
        let scheduler = Scheduler::new(limits);
        let mut hanging = ask(&scheduler, claim("a", 1, "h")).now_or_never().unwrap();
        let mut same_fetch = ask(&scheduler, claim("a", 1, "h"));
        let mut other_fetch = ask(&scheduler, claim("a", 2, "h"));
        assert!(!is_granted(&mut other_fetch));
        hanging.set_stalled(true);
        assert!(is_granted(&mut other_fetch) && !is_granted(&mut same_fetch));
        hanging.set_stalled(false);
        drop((hanging, other_fetch));
        assert!(is_granted(&mut same_fetch));
    }

    #[test]
    fn a_permit_granted_to_somebody_who_left_goes_to_the_next() {
        let scheduler = Scheduler::new(Limits {
            requests: 1,
            ..Limits::default()
        });
        let running = ask(&scheduler, claim("a", 1, "h"));
        drop(ask(&scheduler, claim("a", 1, "h")));
        let mut last = ask(&scheduler, claim("a", 1, "h"));
        drop(running);
        assert!(is_granted(&mut last));
        drop(last);
        assert!(scheduler.is_unused());
    }
}
