//! [`Model`]: what may be observed of background fetches, whatever goes on inside.
//!
//! It knows nothing of the component's algorithms: only what was called ([`Books`]), what the servers have
//! ([`Prospects`](super::prospects::Prospects)), and the promises of the design, by their numbers. The sixth, that memory and work
//! stay small, is checked elsewhere (`spec-tests/tests/promises`), and so are damaged profiles of the eighth.

use std::collections::{BTreeMap, BTreeSet};

use background_fetch::embedder::{FetchState, FunctionalEventName, PermissionState, StoredFetch};
use background_fetch::fetch::StorageKey;
use background_fetch::inspect::FetchInspection;
use background_fetch::{
    BackgroundFetchFailureReason as Reason, BackgroundFetchResult, DomString, ExceptionName, FetchKey,
};

use super::Delivery;
use super::books::{Answer, Books, Faults, FetchCall, Sighting, Sure};
use crate::story::Story;
use crate::{Ranges, StorageOperation, pattern};

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

/// What may be observed.
pub(super) struct Model {
    pub(super) books: Books,
}

/// What scripts and the user do, and what it comes to.
impl Model {
    pub(super) fn new(story: &Story) -> Self {
        let books = Books::new(story);
        Self { books }
    }

    /// `fetch()` is called. Gives the number of the call.
    pub(super) fn fetch_called(&mut self, call: FetchCall) -> usize {
        self.books.fetch_called(call)
    }

    pub(super) fn fetch_resolved(&mut self, call: usize, key: FetchKey) -> Checked {
        self.see(&Sighting {
            key,
            call,
            state: None,
        })?;
        let fetch = &self.books.fetches[call];
        must!(
            fetch.permission != Some(PermissionState::Denied),
            "fetch() resolved without permission"
        );
        must!(
            fetch.worker != Some(false),
            "fetch() resolved without an active worker"
        );
        self.books.fetches[call].answer = Answer::Resolved;
        Ok(())
    }

    pub(super) fn fetch_rejected(&mut self, call: usize, name: ExceptionName) -> Checked {
        let Faults {
            any: faults,
            calls_fail: [is_full, is_broken],
            ..
        } = self.books.faults;
        let quota = self.books.story.setting.quota.is_some();
        let is_overtaken = self.books.may_be_overtaken(call);
        let fetch = &mut self.books.fetches[call];
        let may = match name {
            ExceptionName::NotAllowedError => !matches!(
                fetch.permission,
                Some(PermissionState::Granted | PermissionState::Prompt)
            ),
            ExceptionName::QuotaExceededError => quota || is_full,
            ExceptionName::UnknownError => is_broken,
            ExceptionName::AbortError => fetch.cleared != Sure::No,
            ExceptionName::TypeError => fetch.may_be_refused || is_overtaken || fetch.worker != Some(true),
            _ => false,
        };
        must!(may, "fetch() of {:?} rejected with {name:?}", fetch.call);
        // A storage that failed after its effect may have created it nevertheless.
        must!(
            fetch.key.is_none() || faults || name == ExceptionName::AbortError,
            "fetch() of {:?} rejected, and {:?} is there",
            fetch.call,
            fetch.key
        );
        fetch.answer = match faults || fetch.key.is_some() {
            true => Answer::Rejected,
            false => Answer::Nothing,
        };
        Ok(())
    }

    /// The page of a call is gone.
    pub(super) fn fetch_lost(&mut self, call: usize) {
        let answer = &mut self.books.fetches[call].answer;
        if *answer == Answer::Open {
            *answer = Answer::Lost;
        }
    }

    pub(super) fn abort_called(&mut self, key: FetchKey) {
        if let Some(fetch) = self.books.find(key) {
            fetch.aborts += 1;
            fetch.aborted = fetch.aborted.max(Sure::Maybe);
        }
    }

    /// `now` is what the engine shows of it in that moment.
    pub(super) fn abort_resolved(
        &mut self,
        key: FetchKey,
        aborted: bool,
        now: Option<&FetchInspection>,
    ) -> Checked {
        let Some(fetch) = self.books.find(key) else {
            // It was cleared before anybody saw it.
            return Ok(());
        };
        if aborted {
            // 4. After `abort()` resolves with true the result is "aborted".
            must!(
                fetch.aborted != Sure::Yes,
                "abort() of {key:?} resolved with true twice"
            );
            must!(
                fetch.outcome.is_none_or(|outcome| outcome.1 == Reason::Aborted),
                "abort() of {key:?} resolved with true, its outcome is {:?}",
                fetch.outcome
            );
            fetch.aborted = Sure::Yes;
            fetch.frozen_at = now.map(|fetch| fetch.downloaded);
            return Ok(());
        }
        let is_over =
            now.is_none_or(|now| now.result != BackgroundFetchResult::Empty || !now.records_available);
        must!(
            is_over || fetch.aborts > 1 || fetch.cleared != Sure::No,
            "abort() of {key:?} resolved with false, and it goes on"
        );
        if fetch.aborts == 1 {
            fetch.aborted = Sure::No;
        }
        Ok(())
    }

    pub(super) fn clear_called(&mut self, registration: usize) -> usize {
        self.books.clear_called(registration)
    }

    pub(super) fn clear_ended(&mut self, clearing: usize, done: bool) {
        self.books.clear_ended(clearing, done);
    }

    pub(super) fn clicked(&mut self, key: FetchKey) {
        if let Some(fetch) = self.books.find(key) {
            fetch.clicks += 1;
        }
    }

    /// What is called for and has no answer may go either way.
    pub(super) fn permission_changes(&mut self, to: PermissionState) {
        self.books.permission = to;
        for fetch in self.books.unanswered() {
            fetch.permission = None;
            fetch.asks = Sure::Maybe;
        }
    }

    pub(super) fn worker_changes(&mut self, registration: usize, active: bool) {
        self.books.workers[registration] = active;
        // Events wait for one; a click does not.
        self.books.workers_fail |= !active;
        for fetch in self.books.unanswered() {
            if fetch.call.target.registration == registration {
                fetch.worker = None;
            }
        }
    }

    /// The process ended; storage was not asked yet.
    pub(super) fn died(&mut self) {
        let life = self.books.life;
        for fetch in &mut self.books.fetches {
            // A click is not owed.
            fetch.clicks = 0;
            // A storage that took no result did not take it for the next life either: it may end in another way.
            if fetch.goes_without_result(life) {
                fetch.outcome = None;
                fetch.aborted = fetch.aborted.min(Sure::Maybe);
                fetch.frozen_at = None;
            }
        }
        self.books.life += 1;
    }

    /// What is stored when the next process begins.
    pub(super) fn reborn(&mut self, stored: &[Sighting]) -> Checked {
        let mut there = BTreeMap::new();
        for sighting in stored {
            self.see(sighting)?;
            there.insert(sighting.key, sighting.state);
        }
        for fetch in &mut self.books.fetches {
            let state = fetch.key.and_then(|key| there.get(&key).copied().flatten());
            // 2. What fetch() resolved with outlives a crash, until its event ended.
            let is_kept = state.is_some() || fetch.answer != Answer::Resolved;
            must!(
                is_kept || fetch.ended || fetch.cleared != Sure::No,
                "{:?} was lost in a crash",
                fetch.key
            );
            // 2. An event that did not end is owed.
            let is_owed = matches!(state, Some(FetchState::Settled { .. }));
            let is_told = |life: &usize| !fetch.goes_without_result(*life);
            must!(
                is_owed || !fetch.events.iter().any(is_told) || fetch.ended || fetch.cleared != Sure::No,
                "the event of {:?} did not end, and {state:?} is stored",
                fetch.key
            );
            // Calls of the life before have no answer any more; what they left is known now.
            if state.is_none() && fetch.answer != Answer::Resolved {
                fetch.answer = Answer::Nothing;
            } else if fetch.answer == Answer::Open {
                fetch.answer = Answer::Lost;
            }
        }
        Ok(())
    }
}

/// What is seen.
impl Model {
    /// A background fetch is there.
    pub(super) fn see(&mut self, sighting: &Sighting) -> Checked {
        self.books.see(sighting)
    }

    /// Instances, snapshots and events say the same, and never go back.
    pub(super) fn see_outcome(&mut self, key: FetchKey, outcome: Outcome, who: &str) -> Checked {
        let Faults {
            any: faults, leaks, ..
        } = self.books.faults;
        let (quota, life) = (self.books.story.setting.quota.is_some(), self.books.life);
        let Some(fetch) = self.books.find(key) else {
            return Ok(());
        };
        let (result, reason) = outcome;
        // What should have gone takes the place of what should have come.
        let is_crowded = reason == Reason::QuotaExceeded && quota && leaks;
        if result == BackgroundFetchResult::Empty {
            must!(reason == Reason::Empty, "{who} shows no result and {reason:?}");
            return Ok(());
        }
        if fetch.cleared == Sure::No {
            must!(
                fetch.outcome.is_none_or(|seen| seen == outcome),
                "{who} shows {outcome:?} for {key:?}, it was {:?}",
                fetch.outcome
            );
            fetch.outcome = Some(outcome);
        }
        let consistent = (result == BackgroundFetchResult::Success) == (reason == Reason::Empty);
        must!(consistent, "{who} shows {outcome:?}");
        let is_ghost = (faults && fetch.may_be_a_ghost()) || fetch.went_without_result(life);
        match reason {
            // 4. Whoever aborted successfully gets "aborted", and nobody else.
            Reason::Aborted => must!(
                fetch.aborted != Sure::No || is_ghost,
                "{who} shows {key:?} aborted; nobody did"
            ),
            _ => must!(
                fetch.aborted != Sure::Yes,
                "{who} shows {outcome:?} for {key:?}, whose abort() resolved with true"
            ),
        }
        must!(
            reason == Reason::Aborted
                || fetch.prospects.allow(reason)
                || fetch.was_struck(reason)
                || is_crowded,
            "{who} shows {outcome:?} for {key:?} ({:?}), whose servers give no reason for it",
            fetch.call
        );
        Ok(())
    }

    /// The event of a background fetch is dispatched; `state` is what a crash in this moment would leave, and
    /// `could_lose` whether it would take something of the records.
    pub(super) fn fired(
        &mut self,
        key: FetchKey,
        name: FunctionalEventName,
        state: Option<FetchState>,
        could_lose: bool,
    ) -> Checked {
        let life = self.books.life;
        let fetch = self.books.get(key)?;
        must!(fetch.cleared != Sure::Yes, "{key:?} was cleared and got {name:?}");
        if name == FunctionalEventName::Click {
            must!(fetch.clicks > 0, "{key:?} got a click that nobody made");
            fetch.clicks -= 1;
            return Ok(());
        }
        // 2. One event; in another life the same again where it had not ended.
        must!(
            !fetch.events.contains(&life),
            "{key:?} got a second event in one life"
        );
        fetch.events.push(life);
        if fetch.cleared != Sure::No {
            return Ok(());
        }
        // A storage that takes nothing for seconds holds nobody up.
        if fetch.goes_without_result(life) {
            return Ok(());
        }
        must!(
            !could_lose,
            "{key:?} got its event before its records were durable"
        );
        let Some(FetchState::Settled {
            result,
            failure_reason,
        }) = state
        else {
            return Err(format!("{key:?} got its event while {state:?} was stored"));
        };
        must!(
            is_event_of(name, (result, failure_reason)),
            "{key:?} got {name:?} for {result:?} {failure_reason:?}"
        );
        self.see_outcome(key, (result, failure_reason), "the storage")
    }

    /// The event ended before its process did.
    pub(super) fn event_ended(&mut self, key: FetchKey) {
        if let Some(fetch) = self.books.find(key) {
            fetch.ended = true;
        }
    }

    /// A worker read the records.
    pub(super) fn delivered(&mut self, delivery: &Delivery) -> Checked {
        let key = delivery.fetch;
        self.see_outcome(key, delivery.outcome, "the event")?;
        let reads_fail = self.books.faults.reads_fail;
        let fetch = self.books.get(key)?;
        let may_be_refused = reads_fail || fetch.cleared != Sure::No;
        let is_click = delivery.name == FunctionalEventName::Click;
        // A failure whose record could not be stored keeps its reason, and after a crash not its record.
        let is_of_record = |operation| operation == StorageOperation::SettleRecord;
        let is_unsettled = fetch
            .strikes
            .iter()
            .any(|(_, strike)| is_of_record(strike.operation));
        must!(
            is_click || is_event_of(delivery.name, delivery.outcome),
            "{:?} came with {:?}",
            delivery.name,
            delivery.outcome
        );
        let files = fetch.call.files.clone();
        must!(
            is_click || delivery.bodies.len() == files.len(),
            "{key:?} has {} records, the event handed out {}",
            files.len(),
            delivery.bodies.len()
        );
        // A click may come before the end, and what it reads may be replaced.
        let success = delivery.name == FunctionalEventName::Success;
        let mut length = 0;
        let mut is_bad = false;
        for (index, (file, body)) in files.iter().zip(&delivery.bodies).enumerate() {
            match body {
                Ok((is_ok, body)) => {
                    is_bad |= !is_ok;
                    length += body.len() as u64;
                    self.is_answer(key, index, body, !success)?;
                }
                Err(name) => must!(
                    !success || may_be_refused,
                    "a success hands out {name:?} for file {file}"
                ),
            }
        }
        must!(
            !success || may_be_refused || length == delivery.downloaded,
            "{key:?} says that {} bytes were downloaded, its bodies have {length}",
            delivery.downloaded
        );
        // The status decides, and somebody's.
        must!(!success || !is_bad, "{key:?} is a success with a bad status");
        must!(
            delivery.outcome.1 != Reason::BadStatus || is_bad || is_click || may_be_refused || is_unsettled,
            "no record of {key:?} has a bad status"
        );
        let upload = self.books.get(key)?.call.upload.unwrap_or(0);
        must!(
            !success || delivery.uploaded == upload,
            "{key:?} is a success with {} bytes uploaded of {upload}",
            delivery.uploaded
        );
        Ok(())
    }

    /// A worker could not read the records.
    pub(super) fn records_refused(&mut self, key: FetchKey, is_click: bool, name: ExceptionName) -> Checked {
        let fetch = self.books.get(key)?;
        must!(
            is_click || fetch.cleared != Sure::No,
            "the records of {key:?} are refused with {name:?} while its event is active"
        );
        Ok(())
    }

    /// A page read a record to its end.
    pub(super) fn read(&mut self, key: FetchKey, index: usize, body: &[u8]) -> Checked {
        let Some(fetch) = self.books.find(key) else {
            return Ok(());
        };
        must!(index < fetch.call.files.len(), "{key:?} has no record {index}");
        self.is_answer(key, index, body, true)
    }

    /// 1. What a record hands out is what its server answered.
    fn is_answer(&self, key: FetchKey, index: usize, body: &[u8], may_be_an_error_page: bool) -> Checked {
        let call = &self.books.fetches[self.books.by_key[&key]].call;
        let Some(sent) = call
            .upload
            .filter(|_| index == 0 && self.books.story.setting.uploads.is_some())
        else {
            return self.whole(call.files[index], body, may_be_an_error_page);
        };
        // A body that is still arriving, or that nobody continues, is a beginning of it.
        let answer = format!("stored {sent}").into_bytes();
        must!(
            body == answer || (may_be_an_error_page && answer.starts_with(body)),
            "the answer to an upload of {sent} bytes is {:?}",
            String::from_utf8_lossy(body)
        );
        Ok(())
    }

    /// `getIds()`: no id twice, and none that nobody called for.
    pub(super) fn ids(&mut self, registration: usize, ids: &[DomString]) -> Checked {
        let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
        let unique: BTreeSet<_> = ids.iter().collect();
        must!(unique.len() == ids.len(), "getIds() gave {ids:?}");
        for id in &ids {
            let has_it = |target: crate::story::Target| {
                target.registration == registration && super::id_of(target) == *id
            };
            let called = self.books.fetches.iter().any(|fetch| has_it(fetch.call.target));
            must!(called, "getIds() gave {id:?}, which nobody called for");
        }
        Ok(())
    }

    /// What rejects only where the registration was cleared.
    pub(super) fn call_rejected(&mut self, registration: usize, call: &str, name: ExceptionName) -> Checked {
        let may = matches!(name, ExceptionName::AbortError | ExceptionName::InvalidStateError);
        must!(
            may && self.books.was_cleared(registration),
            "{call} rejected with {name:?}"
        );
        Ok(())
    }

    /// 1. A body that was read to its end is one version of its file, byte for byte.
    fn whole(&self, file: usize, body: &[u8], may_be_an_error_page: bool) -> Checked {
        let story = &self.books.story;
        // What a server says of its own file nobody can know better.
        let told = story.files[file]
            .versions
            .iter()
            .map(|version| match version.ranges {
                Ranges::WrongTotal(total) if !version.says_length => Some(total),
                _ => None,
            });
        let is_version =
            super::versions_of(story, file)
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
        inspected: &[(Option<Sighting>, FetchInspection)],
        stored: &[StoredFetch],
        usage: &BTreeMap<StorageKey, u64>,
    ) -> Checked {
        let (faults, life) = (self.books.faults, self.books.life);
        // A request goes when the call of the storage that it waits for is done.
        let is_slow = self.books.is_slow;
        let mut active = BTreeSet::new();
        for (sighting, fetch) in inspected {
            let key = fetch.key;
            if let Some(sighting) = sighting {
                self.see(sighting)?;
            }
            self.see_outcome(key, (fetch.result, fetch.failure_reason), "the user interface")?;
            let known = self.books.get(key)?;
            must!(known.cleared != Sure::Yes, "{key:?} was cleared and is there");
            let is_active = fetch.records_available
                && fetch.result == BackgroundFetchResult::Empty
                && known.aborted == Sure::No
                && !(faults.any && known.may_be_a_ghost())
                && !known.went_without_result(life);
            must!(
                !is_active || active.insert((fetch.registration.scope.clone(), fetch.id.clone())),
                "two background fetches are active as {:?}",
                fetch.id
            );
            // 3. No byte over the total is kept.
            let total = fetch.download_total;
            must!(
                faults.stores_more || total == 0 || fetch.downloaded <= total,
                "{key:?} has {} bytes of {total}",
                fetch.downloaded
            );
            // 4. After an abort no byte arrives.
            let frozen_at = known.frozen_at.unwrap_or(fetch.downloaded);
            must!(
                faults.stores_more || fetch.downloaded == frozen_at,
                "{key:?} was aborted with {frozen_at} bytes and has {}",
                fetch.downloaded
            );
            must!(
                known.aborted != Sure::Yes || is_slow || fetch.records.iter().all(|record| !record.in_flight),
                "{key:?} was aborted and has requests in flight"
            );
        }
        self.look_at_bytes(inspected, stored, usage)
    }

    /// 3. `downloaded` is what is stored, and the quota knows of it.
    fn look_at_bytes(
        &self,
        inspected: &[(Option<Sighting>, FetchInspection)],
        stored: &[StoredFetch],
        usage: &BTreeMap<StorageKey, u64>,
    ) -> Checked {
        let faults = self.books.faults;
        let mut sums = BTreeMap::new();
        for fetch in stored {
            let length: u64 = fetch.records.iter().map(|record| record.state.length).sum();
            let bodies = fetch
                .records
                .iter()
                .filter_map(|record| record.request.body_length);
            let of_site = sums.entry(&fetch.registration.storage_key).or_insert(0);
            *of_site += length + bodies.sum::<u64>();
            must!(
                faults.stores_more || fetch.download_total == 0 || length <= fetch.download_total,
                "{length} bytes are stored of {:?}, of which {} were allowed",
                fetch.key,
                fetch.download_total
            );
            let shown = inspected
                .iter()
                .map(|(_, shown)| shown)
                .find(|shown| shown.key == fetch.key && shown.records_available);
            must!(
                faults.stores_more || shown.is_none_or(|shown| shown.downloaded == length),
                "{:?} says {:?} bytes, {length} are stored",
                fetch.key,
                shown.map(|shown| shown.downloaded)
            );
        }
        let quota = self.books.story.setting.quota;
        for (site, usage) in usage {
            must!(
                quota.is_none_or(|quota| *usage <= quota),
                "{usage} bytes are used of a quota of {quota:?}"
            );
            let sum = sums.get(site).copied().unwrap_or(0);
            must!(
                faults.leaks || *usage == sum || self.books.is_lost_and_staging(),
                "{usage} bytes are accounted for, {sum} are stored"
            );
        }
        Ok(())
    }

    /// Whether looking at the storage now would take away request bodies.
    pub(super) fn is_staging(&self) -> bool {
        self.books.is_staging()
    }

    /// 2. Everything is over: each background fetch got its event, and it ended.
    pub(super) fn all_over(&self) -> Checked {
        for fetch in &self.books.fetches {
            let Some(key) = fetch.key.filter(|_| fetch.cleared == Sure::No) else {
                continue;
            };
            must!(
                !fetch.events.is_empty(),
                "{key:?} ({:?}) got no event",
                fetch.call
            );
            must!(fetch.ended, "the event of {key:?} did not end");
        }
        Ok(())
    }

    /// Background fetches; those that succeeded; those that had to, unless somebody aborted them.
    pub(super) fn count(&self) -> (usize, usize, usize) {
        let there = || self.books.fetches.iter().filter(|fetch| fetch.key.is_some());
        let success = there().filter(|fetch| fetch.outcome.is_some_and(|outcome| outcome.1 == Reason::Empty));
        let must_succeed = there().filter(|fetch| fetch.prospects.allow_nothing());
        (there().count(), success.count(), must_succeed.count())
    }

    /// How a background fetch ended, where that was seen.
    pub(super) fn outcome(&mut self, key: FetchKey) -> Option<Outcome> {
        self.books.find(key)?.outcome
    }

    /// The bytes that a call has to send.
    pub(super) fn upload_of(&self, call: usize) -> Option<u64> {
        self.books.fetches.get(call)?.call.upload
    }

    /// Whether the background fetch of a call succeeded.
    pub(super) fn succeeded(&self, call: usize) -> bool {
        let fetch = self.books.fetches.get(call);
        fetch.is_some_and(|fetch| fetch.outcome.is_some_and(|outcome| outcome.1 == Reason::Empty))
    }
}

/// Whether an event is that of an outcome.
fn is_event_of(name: FunctionalEventName, outcome: Outcome) -> bool {
    name == match outcome {
        (_, Reason::Aborted) => FunctionalEventName::Abort,
        (BackgroundFetchResult::Success, _) => FunctionalEventName::Success,
        _ => FunctionalEventName::Fail,
    }
}
