//! [`Model`]: what may be observed of background fetches, whatever goes on inside.
//!
//! It knows nothing of the component's algorithms: only what was called, what the servers have, and the eight promises.

use std::collections::{BTreeMap, BTreeSet};

use background_fetch::embedder::{FetchState, FunctionalEventName, StoredFetch};
use background_fetch::inspect::FetchInspection;
use background_fetch::{
    BackgroundFetchFailureReason as Reason, BackgroundFetchResult, ExceptionName, FetchKey,
};

use super::Delivery;
use super::prospects::Prospects;
use crate::story::{Step, Story, Target};
use crate::{Ranges, pattern};

/// A result with its failure reason.
pub(super) type Outcome = (BackgroundFetchResult, Reason);

/// Something that must not be: a sentence.
pub(super) type Checked = Result<(), String>;

macro_rules! must {
    ($holds:expr, $($why:tt)+) => {
        if !$holds {
            return Err(format!($($why)+));
        }
    };
}
pub(super) use must;

/// What was called for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FetchCall {
    pub(super) target: Target,
    pub(super) files: Vec<usize>,
    pub(super) download_total: u64,
    pub(super) upload: Option<u64>,
}

/// Whether something happened: a crash leaves it open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sure {
    No,
    Maybe,
    Yes,
}

/// A `fetch()`, from its call on.
struct Called {
    /// Calls are numbered in their order.
    at: u64,
    call: FetchCall,
    /// Whether it was refused; then it is there only where a storage failed after its effect.
    refused: bool,
    ended: bool,
    /// Its background fetch, once it was seen.
    key: Option<FetchKey>,
}

/// A background fetch that is there, as somebody sees it.
pub(super) struct Sighting {
    pub(super) key: FetchKey,
    pub(super) registration: usize,
    pub(super) id: String,
    /// What tells its call from others, where it is still to be seen.
    pub(super) shape: Option<Shape>,
}

/// What tells a call from others of its id.
#[derive(PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) download_total: u64,
    pub(super) files: Vec<usize>,
    pub(super) upload: Option<u64>,
}

/// A background fetch that was seen.
struct Known {
    called: u64,
    call: FetchCall,
    prospects: Prospects,
    acknowledged: bool,
    aborted: Sure,
    /// `downloaded` when `abort()` resolved with true.
    frozen_at: Option<u64>,
    cleared: Sure,
    outcome: Option<Outcome>,
    clicks: usize,
    /// The lives in which its event was dispatched.
    events: Vec<usize>,
    ended: bool,
}

/// A clearing, from its call on.
struct Clearing {
    at: u64,
    registration: usize,
    sure: Sure,
}

/// What may be observed.
pub(super) struct Model {
    story: Story,
    now: u64,
    life: usize,
    called: Vec<Called>,
    clearings: Vec<Clearing>,
    aborting: BTreeMap<FetchKey, usize>,
    known: BTreeMap<FetchKey, Known>,
}

/// What scripts and the user do.
impl Model {
    pub(super) fn new(story: &Story) -> Self {
        Self {
            story: story.clone(),
            now: 0,
            life: 0,
            called: Vec::new(),
            clearings: Vec::new(),
            aborting: BTreeMap::new(),
            known: BTreeMap::new(),
        }
    }

    fn tick(&mut self) -> u64 {
        self.now += 1;
        self.now
    }

    /// `fetch()` is called. Gives the call's number.
    pub(super) fn fetch_called(&mut self, call: FetchCall) -> u64 {
        let at = self.tick();
        self.called.push(Called {
            at,
            call,
            refused: false,
            ended: false,
            key: None,
        });
        at
    }

    pub(super) fn fetch_resolved(&mut self, at: u64, key: FetchKey) -> Checked {
        let called = self.called_mut(at);
        called.ended = true;
        let (expected, call) = (called.key, called.call.clone());
        must!(
            expected.is_none_or(|seen| seen == key) || self.may_be_another_call(key, &call),
            "fetch() resolved with {key:?}, {expected:?} was stored for it"
        );
        self.see(at, key);
        let known = self.known_mut(key)?;
        must!(
            known.call == call,
            "fetch() of {call:?} resolved with {:?}",
            known.call
        );
        must!(!known.acknowledged, "two calls of fetch() resolved with {key:?}");
        known.acknowledged = true;
        Ok(())
    }

    pub(super) fn fetch_rejected(&mut self, at: u64, name: ExceptionName) -> Checked {
        let denied = self.story.setting.permission == background_fetch::embedder::PermissionState::Denied;
        let (faults, quota) = (self.has_faults(), self.story.setting.quota.is_some());
        let may = match name {
            ExceptionName::NotAllowedError => denied,
            ExceptionName::QuotaExceededError => quota || faults,
            ExceptionName::UnknownError => faults,
            ExceptionName::AbortError => self.was_cleared_since(at),
            ExceptionName::TypeError => self.id_may_be_taken(at) || self.may_be_at_the_limit(at),
            _ => false,
        };
        let called = self.called_mut(at);
        must!(may, "fetch() of {} rejected with {name:?}", called.call.target);
        called.refused = true;
        // A storage that failed after its effect may have created it nevertheless.
        called.ended = !faults;
        let Some(key) = called
            .key
            .filter(|_| !faults && name != ExceptionName::AbortError)
        else {
            return Ok(());
        };
        // Then it was another call that is the same.
        let call = called.call.clone();
        let same = |other: &&Called| other.call == call && !other.ended && other.key.is_none();
        let other = self.called.iter().find(same).map(|other| other.at);
        let Some(other) = other else {
            return Err(format!(
                "fetch() of {} rejected, and {key:?} is there",
                call.target
            ));
        };
        self.see(other, key);
        Ok(())
    }

    pub(super) fn abort_called(&mut self, key: FetchKey) {
        *self.aborting.entry(key).or_default() += 1;
        if let Some(known) = self.known.get_mut(&key) {
            known.aborted = known.aborted.max(Sure::Maybe);
        }
    }

    pub(super) fn abort_resolved(
        &mut self,
        key: FetchKey,
        aborted: bool,
        downloaded: Option<u64>,
    ) -> Checked {
        let left = self.aborting.get_mut(&key).map(|calls| {
            *calls -= 1;
            *calls
        });
        let known = self.known_mut(key)?;
        if aborted {
            // 4. After `abort()` resolves with true the result is "aborted".
            must!(
                known.aborted != Sure::Yes,
                "abort() of {key:?} resolved with true twice"
            );
            must!(
                known.outcome.is_none_or(|outcome| outcome.1 == Reason::Aborted),
                "abort() of {key:?} resolved with true, its outcome is {:?}",
                known.outcome
            );
            known.aborted = Sure::Yes;
            known.frozen_at = downloaded;
        } else if left == Some(0) && known.aborted == Sure::Maybe && self.life == 0 && !self.aborted_by_user()
        {
            self.known_mut(key)?.aborted = Sure::No;
        }
        Ok(())
    }

    pub(super) fn clear_called(&mut self, registration: usize) -> u64 {
        let at = self.tick();
        self.clearings.push(Clearing {
            at,
            registration,
            sure: Sure::Maybe,
        });
        self.apply_clearings();
        at
    }

    pub(super) fn clear_ended(&mut self, at: u64, done: bool) {
        let clearing = self.clearings.iter_mut().find(|clearing| clearing.at == at);
        if let Some(clearing) = clearing
            && done
        {
            clearing.sure = Sure::Yes;
        }
        self.apply_clearings();
    }

    pub(super) fn clicked(&mut self, key: FetchKey) {
        if let Some(known) = self.known.get_mut(&key) {
            known.clicks += 1;
        }
    }

    /// The process ended; storage was not asked yet.
    pub(super) fn died(&mut self) {
        self.life += 1;
        self.aborting.clear();
    }

    /// What is stored when the next process begins.
    pub(super) fn reborn(&mut self, stored: &[Sighting]) -> Checked {
        for fetch in stored {
            self.adopt(fetch)?;
        }
        let there: BTreeSet<_> = stored.iter().map(|fetch| fetch.key).collect();
        for (key, known) in &self.known {
            // 2. What fetch() resolved with outlives a crash, until its event ended.
            must!(
                there.contains(key) || !known.acknowledged || known.ended || known.cleared != Sure::No,
                "{key:?} was lost in a crash"
            );
        }
        // Calls of the life before have no answer any more; what they left is known now.
        for called in &mut self.called {
            called.ended = true;
        }
        Ok(())
    }
}

/// What is seen.
impl Model {
    /// Instances, snapshots and events say the same, and never go back.
    pub(super) fn see_outcome(&mut self, key: FetchKey, outcome: Outcome, who: &str) -> Checked {
        let faults = self.has_faults();
        let Some(known) = self.known.get_mut(&key) else {
            return Ok(());
        };
        let (result, reason) = outcome;
        if result == BackgroundFetchResult::Empty {
            must!(reason == Reason::Empty, "{who} shows no result and {reason:?}");
            return Ok(());
        }
        if known.cleared == Sure::No {
            must!(
                known.outcome.is_none_or(|seen| seen == outcome),
                "{who} shows {outcome:?} for {key:?}, it was {:?}",
                known.outcome
            );
            known.outcome = Some(outcome);
        }
        let consistent = (result == BackgroundFetchResult::Success) == (reason == Reason::Empty);
        must!(consistent, "{who} shows {outcome:?}");
        let is_ghost = faults && known.may_be_a_ghost();
        match reason {
            // 4. Whoever aborted successfully gets "aborted", and nobody else.
            Reason::Aborted => must!(
                known.aborted != Sure::No || is_ghost,
                "{who} shows {key:?} aborted; nobody did"
            ),
            _ => must!(
                known.aborted != Sure::Yes,
                "{who} shows {outcome:?} for {key:?}, whose abort() resolved with true"
            ),
        }
        must!(
            reason == Reason::Aborted || known.prospects.allow(reason),
            "{who} shows {outcome:?} for {key:?} ({:?}), whose servers give no reason for it",
            known.call
        );
        Ok(())
    }

    /// The event of a background fetch is dispatched.
    pub(super) fn fired(&mut self, sighting: &Sighting, name: FunctionalEventName) -> Checked {
        // It may come before the answer of `fetch()` does.
        self.adopt(sighting)?;
        let key = sighting.key;
        let life = self.life;
        let known = self.known_mut(key)?;
        must!(known.cleared != Sure::Yes, "{key:?} was cleared and got {name:?}");
        if name == FunctionalEventName::Click {
            must!(known.clicks > 0, "{key:?} got a click that nobody made");
            known.clicks -= 1;
            return Ok(());
        }
        // 2. One event; in another life the same again where it had not ended.
        must!(
            !known.events.contains(&life),
            "{key:?} got a second event in one life"
        );
        known.events.push(life);
        Ok(())
    }

    /// What a crash in the moment of the event would leave.
    pub(super) fn durable_at_event(
        &mut self,
        key: FetchKey,
        state: Option<FetchState>,
        could_lose: bool,
    ) -> Checked {
        if let Some(FetchState::Settled {
            result,
            failure_reason,
        }) = state
        {
            self.see_outcome(key, (result, failure_reason), "the storage")?;
        }
        if self
            .known
            .get(&key)
            .is_some_and(|known| known.cleared != Sure::No)
        {
            return Ok(());
        }
        must!(
            !could_lose,
            "{key:?} got its event before its records were durable"
        );
        must!(
            matches!(state, Some(FetchState::Settled { .. })),
            "{key:?} got its event while {state:?} was stored"
        );
        Ok(())
    }

    /// The event ended, and that it did is durable.
    pub(super) fn event_ended(&mut self, key: FetchKey) {
        if let Some(known) = self.known.get_mut(&key) {
            known.ended = true;
        }
    }

    /// A worker read the records.
    pub(super) fn delivered(&mut self, delivery: &Delivery) -> Checked {
        let key = delivery.fetch;
        self.see_outcome(key, delivery.outcome, "the event")?;
        let faults = self.has_faults();
        let known = self.known_mut(key)?;
        let may_be_refused = faults || known.cleared != Sure::No;
        let (result, reason) = delivery.outcome;
        let right = match delivery.name {
            FunctionalEventName::Success => result == BackgroundFetchResult::Success,
            FunctionalEventName::Abort => reason == Reason::Aborted,
            FunctionalEventName::Fail => {
                result == BackgroundFetchResult::Failure && reason != Reason::Aborted
            }
            FunctionalEventName::Click => true,
        };
        must!(right, "{:?} came with {:?}", delivery.name, delivery.outcome);
        // A click may come before the end, and what it reads may be replaced.
        let success = delivery.name == FunctionalEventName::Success;
        let files = known.call.files.clone();
        must!(
            delivery.bodies.len() == files.len() || delivery.name == FunctionalEventName::Click,
            "{key:?} has {} records, the event handed out {}",
            files.len(),
            delivery.bodies.len()
        );
        let mut length = 0;
        for (file, body) in files.iter().zip(&delivery.bodies) {
            match body {
                Ok(body) => {
                    length += body.len() as u64;
                    self.whole(*file, body, !success)?;
                }
                Err(name) => must!(
                    !success || may_be_refused,
                    "a success hands out {name:?} for file {file}"
                ),
            }
        }
        if success && !may_be_refused {
            must!(
                length == delivery.downloaded,
                "{key:?} says that {} bytes were downloaded, its bodies have {length}",
                delivery.downloaded
            );
        }
        Ok(())
    }

    /// A worker could not read the records.
    pub(super) fn records_refused(&mut self, key: FetchKey, is_click: bool, name: ExceptionName) -> Checked {
        let known = self.known_mut(key)?;
        must!(
            is_click || known.cleared != Sure::No,
            "the records of {key:?} are refused with {name:?} while its event is active"
        );
        Ok(())
    }

    /// A page read a record to its end.
    pub(super) fn read(&mut self, key: FetchKey, index: usize, body: &[u8]) -> Checked {
        let known = self.known_mut(key)?;
        let Some(file) = known.call.files.get(index).copied() else {
            return Err(format!("{key:?} has no record {index}"));
        };
        self.whole(file, body, true)
    }

    /// `getIds()`: no id twice, and none that nobody called for.
    pub(super) fn ids(&mut self, registration: usize, ids: &[background_fetch::DomString]) -> Checked {
        let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
        let unique: BTreeSet<_> = ids.iter().collect();
        must!(unique.len() == ids.len(), "getIds() gave {ids:?}");
        for id in &ids {
            let called = |called: &Called| {
                let target = called.call.target;
                target.registration == registration && super::id_of(target) == *id
            };
            must!(
                self.called.iter().any(called),
                "getIds() gave {id:?}, which nobody called for"
            );
        }
        Ok(())
    }

    /// What rejects only where the registration was cleared.
    pub(super) fn call_rejected(&mut self, registration: usize, call: &str, name: ExceptionName) -> Checked {
        let cleared = self
            .clearings
            .iter()
            .any(|clearing| clearing.registration == registration);
        let may = matches!(name, ExceptionName::AbortError | ExceptionName::InvalidStateError) && cleared;
        must!(may, "{call} rejected with {name:?}");
        Ok(())
    }

    /// 1. A body that was read to its end is one version of its file, byte for byte.
    pub(super) fn whole(&self, file: usize, body: &[u8], may_be_an_error_page: bool) -> Checked {
        let versions = &self.story.files[file].versions;
        // What a server says of its own file nobody can know better.
        let told = versions.iter().map(|version| match version.ranges {
            Ranges::WrongTotal(total) if !version.says_length => Some(total),
            _ => None,
        });
        let is_version =
            super::versions_of(&self.story, file)
                .zip(told.chain([None]))
                .any(|((seed, length), told)| {
                    let is_its_length = [Some(length), told].contains(&Some(body.len() as u64));
                    is_its_length && *body == pattern(seed, 0, body.len())
                });
        must!(
            is_version || (may_be_an_error_page && body.is_empty()),
            "{} bytes were handed out that file {file} never had",
            body.len()
        );
        Ok(())
    }

    /// What the engine and the storage show when everything has gone as far as it can.
    pub(super) fn look(
        &mut self,
        inspected: &[(Sighting, FetchInspection)],
        stored: &[StoredFetch],
        usage: u64,
    ) -> Checked {
        let faults = self.has_faults();
        let mut active = BTreeSet::new();
        let mut sum = 0;
        for (sighting, fetch) in inspected {
            let (key, registration) = (fetch.key, sighting.registration);
            self.adopt(sighting)?;
            self.see_outcome(key, (fetch.result, fetch.failure_reason), "the user interface")?;
            let known = self.known_mut(key)?;
            must!(known.cleared != Sure::Yes, "{key:?} was cleared and is there");
            let is_active = fetch.records_available
                && fetch.result == BackgroundFetchResult::Empty
                && known.aborted == Sure::No
                && !(faults && known.may_be_a_ghost());
            must!(
                !is_active || active.insert((registration, fetch.id.clone())),
                "two background fetches are active as {:?}",
                fetch.id
            );
            // 3. No byte over the total is kept.
            let total = fetch.download_total;
            must!(
                faults || total == 0 || fetch.downloaded <= total,
                "{key:?} has {} bytes of {total}",
                fetch.downloaded
            );
            // 4. After an abort no byte arrives.
            if !faults
                && known.aborted == Sure::Yes
                && let Some(frozen_at) = known.frozen_at
            {
                must!(
                    fetch.downloaded == frozen_at && fetch.records.iter().all(|record| !record.in_flight),
                    "{key:?} was aborted with {frozen_at} bytes and has {}",
                    fetch.downloaded
                );
            }
        }
        let by_key: BTreeMap<_, _> = inspected.iter().map(|(_, fetch)| (fetch.key, fetch)).collect();
        for fetch in stored {
            let length: u64 = fetch.records.iter().map(|record| record.state.length).sum();
            sum += length;
            sum += fetch
                .records
                .iter()
                .filter_map(|record| record.request.body_length)
                .sum::<u64>();
            must!(
                faults || fetch.download_total == 0 || length <= fetch.download_total,
                "{length} bytes are stored of {:?}, of which {} were allowed",
                fetch.key,
                fetch.download_total
            );
            // 3. `downloaded` is what is stored.
            if let Some(inspection) = by_key.get(&fetch.key).filter(|fetch| fetch.records_available) {
                must!(
                    faults || inspection.downloaded == length,
                    "{:?} says {} bytes, {length} are stored",
                    fetch.key,
                    inspection.downloaded
                );
            }
        }
        // 3. No byte over the quota is accepted, and none is lost sight of.
        let quota = self.story.setting.quota;
        must!(
            quota.is_none_or(|quota| usage <= quota),
            "{usage} bytes are used of a quota of {quota:?}"
        );
        must!(
            faults || self.is_staging() || usage == sum,
            "{usage} bytes are accounted for, {sum} are stored"
        );
        Ok(())
    }

    /// 2. Everything is over: each background fetch got its event.
    pub(super) fn all_over(&self) -> Checked {
        for (key, known) in &self.known {
            must!(
                !known.events.is_empty() || known.cleared != Sure::No,
                "{key:?} ({:?}) got no event",
                known.call
            );
            must!(
                known.outcome.is_some() || known.cleared != Sure::No,
                "nobody saw how {key:?} ended"
            );
        }
        Ok(())
    }

    /// How many there were, and how many of them succeeded.
    pub(super) fn count(&self) -> (usize, usize) {
        let success = |known: &&Known| known.outcome.is_some_and(|outcome| outcome.1 == Reason::Empty);
        (self.known.len(), self.known.values().filter(success).count())
    }

    /// How a background fetch ended, where that was seen.
    pub(super) fn outcome(&self, key: FetchKey) -> Option<Outcome> {
        self.known.get(&key)?.outcome
    }
}

impl Known {
    /// Whether a failing storage may have taken it though `fetch()` rejected, or kept it though it was cleared: it gives
    /// way to the next of its id.
    fn may_be_a_ghost(&self) -> bool {
        !self.acknowledged || self.cleared != Sure::No
    }
}

impl Model {
    fn called_mut(&mut self, at: u64) -> &mut Called {
        let called = self.called.iter_mut().find(|called| called.at == at);
        called.expect("a call has its number")
    }

    fn known_mut(&mut self, key: FetchKey) -> Result<&mut Known, String> {
        let unknown = || format!("nobody called for {key:?}");
        self.known.get_mut(&key).ok_or_else(unknown)
    }

    /// A background fetch is there, maybe before the call for it resolved.
    pub(super) fn adopt(&mut self, sighting: &Sighting) -> Checked {
        let Sighting {
            key,
            registration,
            id,
            shape,
        } = sighting;
        let (key, registration) = (*key, *registration);
        if self.known.contains_key(&key) {
            return Ok(());
        }
        let calls_for_it = |called: &&Called| {
            let target = called.call.target;
            let fits = |shape: &Shape| {
                let call = &called.call;
                shape.download_total == call.download_total
                    && shape.files == call.files
                    && shape.upload == call.upload
            };
            !called.ended
                && called.key.is_none()
                && target.registration == registration
                && super::id_of(target) == *id
                && shape.as_ref().is_none_or(fits)
        };
        let candidates = self.called.iter().filter(calls_for_it);
        let likely = |called: &&Called| (called.refused, self.was_cleared_since(called.at));
        let at = candidates.min_by_key(likely).map(|called| called.at);
        let Some(at) = at else {
            return Err(format!("{key:?} is there as {id:?}, and nobody called for it"));
        };
        self.see(at, key);
        Ok(())
    }

    /// Whether what was taken for the answer of one call may be that of another that is the same.
    fn may_be_another_call(&self, key: FetchKey, call: &FetchCall) -> bool {
        self.known.get(&key).is_none_or(|known| known.call == *call)
    }

    /// Takes a background fetch for what a call came to. Of calls that are the same another may have been taken for it.
    fn see(&mut self, at: u64, key: FetchKey) {
        for called in &mut self.called {
            if called.key == Some(key) {
                called.key = None;
            }
        }
        let called = self.called_mut(at);
        called.key = Some(key);
        let call = called.call.clone();
        let prospects = Prospects::of(&self.story, &call);
        let known = self.known.entry(key).or_insert(Known {
            called: at,
            prospects,
            call,
            acknowledged: false,
            aborted: Sure::No,
            frozen_at: None,
            cleared: Sure::No,
            outcome: None,
            clicks: 0,
            events: Vec::new(),
            ended: false,
        });
        if known.called != at {
            (known.called, known.cleared) = (at, Sure::No);
        }
        self.apply_clearings();
    }

    /// A clearing takes what was called for before it.
    fn apply_clearings(&mut self) {
        for clearing in &self.clearings {
            for known in self.known.values_mut() {
                if known.call.target.registration == clearing.registration && known.called < clearing.at {
                    known.cleared = known.cleared.max(clearing.sure);
                }
            }
        }
    }

    /// Whether the bodies of requests may be on their way into storage.
    pub(super) fn is_staging(&self) -> bool {
        let staging = |called: &Called| !called.ended && called.call.upload.is_some();
        self.called.iter().any(staging)
    }

    fn was_cleared_since(&self, at: u64) -> bool {
        let registration = self.called.iter().find(|called| called.at == at);
        let registration = registration.map(|called| called.call.target.registration);
        let since = |clearing: &Clearing| clearing.at > at && Some(clearing.registration) == registration;
        self.clearings.iter().any(since)
    }

    fn id_may_be_taken(&self, at: u64) -> bool {
        let called = |other: &&Called| other.at == at;
        let Some(target) = self.called.iter().find(called).map(|called| called.call.target) else {
            return false;
        };
        // Called for before it, and not known to have ended before the answer.
        let may_be_active = |called: &Called| called.at != at && called.call.target == target;
        self.called.iter().any(may_be_active)
    }

    fn may_be_at_the_limit(&self, at: u64) -> bool {
        let others = self.called.iter().filter(|called| called.at != at);
        others.count() >= background_fetch::embedder::Limits::default().active_per_storage_key
    }

    fn has_faults(&self) -> bool {
        let is_fault = |step: &Step| matches!(step, Step::StorageFails { .. });
        self.story.steps.iter().any(is_fault)
    }

    fn aborted_by_user(&self) -> bool {
        self.story
            .steps
            .iter()
            .any(|step| matches!(step, Step::UserAborts(_)))
    }
}
