//! [`Books`]: what was called for, and what came of it so far.

use std::collections::BTreeMap;

use background_fetch::embedder::{FetchState, PermissionState, StorageErrorKind};
use background_fetch::{BackgroundFetchFailureReason as Reason, FetchKey};

use super::model::{Checked, Outcome, must};
use super::prospects::Prospects;
use crate::story::{Story, Target};
use crate::{StorageOperation, Strike};

/// What was called for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FetchCall {
    pub(super) target: Target,
    pub(super) files: Vec<usize>,
    pub(super) download_total: u64,
    pub(super) upload: Option<u64>,
}

/// A background fetch that is there, as somebody sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sighting {
    pub(super) key: FetchKey,
    /// The number of its call, which stands in the fragments of its URLs.
    pub(super) call: usize,
    /// Its state, where storage was asked.
    pub(super) state: Option<FetchState>,
}

/// Whether something happened: a crash leaves it open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sure {
    No,
    Maybe,
    Yes,
}

/// What became of the promise of `fetch()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Open,
    Resolved,
    Rejected,
    /// Its page is gone.
    Lost,
    /// Its process is gone, and nothing of it was stored.
    Nothing,
}

/// A `fetch()`, and its background fetch once that was seen.
pub(super) struct Fetch {
    pub(super) call: FetchCall,
    pub(super) prospects: Prospects,
    pub(super) answer: Answer,
    /// Whether another background fetch may have had its id, or all slots, when it was called.
    pub(super) may_be_refused: bool,
    /// What the site may, where that did not change before the answer.
    pub(super) permission: Option<PermissionState>,
    /// Whether its registration has an active worker, where that did not change before the answer.
    pub(super) worker: Option<bool>,
    /// The calls of the storage about it that failed, each with its life.
    pub(super) strikes: Vec<(usize, Strike)>,
    /// Whether it waits until the user allows it.
    pub(super) asks: Sure,
    /// Whether the user paused it.
    pub(super) paused: Sure,
    /// How often the user resumed it.
    pub(super) resumes: usize,
    /// Whether its worker changed the title.
    pub(super) titled: bool,
    pub(super) key: Option<FetchKey>,
    pub(super) aborted: Sure,
    /// The calls that abort it, whatever they came to.
    pub(super) aborts: usize,
    /// `downloaded` when `abort()` resolved with true.
    pub(super) frozen_at: Option<u64>,
    pub(super) cleared: Sure,
    pub(super) outcome: Option<Outcome>,
    pub(super) clicks: usize,
    /// The lives in which its event was dispatched.
    pub(super) events: Vec<usize>,
    /// Whether an event of it ended before its process did.
    pub(super) ended: bool,
}

impl Fetch {
    /// Whether it may be among the active ones.
    fn may_be_active(&self) -> bool {
        self.answer != Answer::Nothing
            && self.outcome.is_none()
            && self.aborted != Sure::Yes
            && self.cleared != Sure::Yes
    }

    /// Whether what failed about it gives a reason to fail.
    pub(super) fn was_struck(&self, reason: Reason) -> bool {
        use StorageOperation::{Append, MarkSent, Read, SetResponse, SetState, SettleRecord};
        self.strikes.iter().any(|(_, strike)| {
            let is_of_record = [Append, MarkSent, Read, SetResponse, SetState, SettleRecord];
            let is_full = strike.kind == StorageErrorKind::QuotaExceeded;
            let kept = strike.after_effect && matches!(strike.operation, Append | SetResponse);
            is_of_record.contains(&strike.operation)
                && match reason {
                    Reason::QuotaExceeded => is_full,
                    Reason::FetchError => !is_full,
                    // What counts for nothing is there, and counts after a restart.
                    Reason::DownloadTotalExceeded => kept && self.call.download_total > 0,
                    _ => false,
                }
        })
    }

    /// Whether the storage took no result of it in this life, as often as that is tried: then its event goes without. That
    /// of an abort counts, too.
    pub(super) fn goes_without_result(&self, life: usize) -> bool {
        let is_of_state =
            |(of, strike): &&(usize, Strike)| *of == life && strike.operation == StorageOperation::SetState;
        self.strikes.iter().filter(is_of_state).count() >= TRIES
    }

    /// Whether that was so in a life up to this one: its id was free, and it may have lost it to another.
    pub(super) fn went_without_result(&self, life: usize) -> bool {
        (0..=life).any(|life| self.goes_without_result(life))
    }

    /// Whether a failing storage may have taken it though `fetch()` rejected, or kept it though it was cleared: it gives
    /// way to the next of its id.
    pub(super) fn may_be_a_ghost(&self) -> bool {
        self.answer != Answer::Resolved || self.cleared != Sure::No
    }
}

/// How often a result is stored before its event goes without it (errata 30).
const TRIES: usize = 4;

/// A clearing, from its call on.
struct Clearing {
    /// The calls of `fetch()` before it.
    calls: usize,
    registration: usize,
    sure: Sure,
}

/// What failed so far, by what that excuses. What excuses one background fetch alone stands there.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Faults {
    pub(super) any: bool,
    /// A call said that it failed, and stored.
    pub(super) stores_more: bool,
    /// What was to go stayed.
    pub(super) leaks: bool,
    pub(super) reads_fail: bool,
    /// What a call of `fetch()` needs failed, because the storage is full or otherwise.
    pub(super) calls_fail: [bool; 2],
}

/// What was called for, and what came of it so far.
pub(super) struct Books {
    pub(super) story: Story,
    pub(super) life: usize,
    pub(super) fetches: Vec<Fetch>,
    pub(super) by_key: BTreeMap<FetchKey, usize>,
    pub(super) faults: Faults,
    /// Whether the connection is metered, where that pauses.
    pub(super) metered: Sure,
    /// Whether some workers did not start.
    pub(super) workers_fail: bool,
    /// Whether the servers have the last versions of their files.
    pub(super) is_peace: bool,
    /// Whether the storage takes time: then nothing has come to rest only because nothing goes on.
    pub(super) is_slow: bool,
    pub(super) permission: PermissionState,
    pub(super) workers: [bool; 2],
    clearings: Vec<Clearing>,
}

impl Books {
    pub(super) fn new(story: &Story) -> Self {
        Self {
            story: story.clone(),
            life: 0,
            fetches: Vec::new(),
            by_key: BTreeMap::new(),
            faults: Faults::default(),
            metered: Sure::No,
            workers_fail: false,
            is_peace: false,
            is_slow: false,
            permission: story.setting.permission,
            workers: [true; 2],
            clearings: Vec::new(),
        }
    }

    /// `fetch()` is called. Gives the number of the call.
    pub(super) fn fetch_called(&mut self, call: FetchCall) -> usize {
        let limit = background_fetch::embedder::Limits::default().active_per_storage_key;
        let is_rival = |fetch: &&Fetch| fetch.may_be_active() && self.shares_a_site(&fetch.call, &call);
        let active = || self.fetches.iter().filter(is_rival);
        let may_be_refused =
            active().count() >= limit || active().any(|fetch| fetch.call.target == call.target);
        self.fetches.push(Fetch {
            prospects: Prospects::of(&self.story, &call),
            answer: Answer::Open,
            may_be_refused,
            permission: Some(self.permission),
            worker: Some(self.workers[call.target.registration]),
            strikes: Vec::new(),
            asks: match self.permission {
                PermissionState::Prompt => Sure::Yes,
                _ => Sure::No,
            },
            paused: Sure::No,
            resumes: 0,
            titled: false,
            key: None,
            aborted: Sure::No,
            aborts: 0,
            frozen_at: None,
            cleared: Sure::No,
            outcome: None,
            clicks: 0,
            events: Vec::new(),
            ended: false,
            call,
        });
        self.fetches.len() - 1
    }

    fn shares_a_site(&self, one: &FetchCall, other: &FetchCall) -> bool {
        !self.story.setting.two_sites || one.target.registration == other.target.registration
    }

    /// Whether calls in the other registration, which has a queue of its own, may have taken the last slots meanwhile.
    pub(super) fn may_be_overtaken(&self, call: usize) -> bool {
        let of_it = &self.fetches[call].call;
        let rivals = self.fetches.iter().enumerate();
        let rivals = rivals.filter(|(other, fetch)| {
            (*other > call || (*other < call && fetch.may_be_active()))
                && self.shares_a_site(&fetch.call, of_it)
        });
        rivals.count() >= background_fetch::embedder::Limits::default().active_per_storage_key
    }

    /// A background fetch is there.
    pub(super) fn see(&mut self, sighting: &Sighting) -> Checked {
        let Sighting { key, call, .. } = *sighting;
        let Some(fetch) = self.fetches.get_mut(call) else {
            return Err(format!("{key:?} is there, and nobody called for it"));
        };
        must!(
            fetch.key.is_none_or(|seen| seen == key),
            "{key:?} and {:?} came of one call",
            fetch.key
        );
        fetch.key = Some(key);
        let of = *self.by_key.entry(key).or_insert(call);
        must!(of == call, "{key:?} came of two calls: {call} and {of}");
        self.apply_clearings();
        Ok(())
    }

    pub(super) fn find(&mut self, key: FetchKey) -> Option<&mut Fetch> {
        let call = self.by_key.get(&key)?;
        self.fetches.get_mut(*call)
    }

    pub(super) fn get(&mut self, key: FetchKey) -> Result<&mut Fetch, String> {
        self.find(key).ok_or_else(|| format!("nobody called for {key:?}"))
    }

    /// A registration is being cleared. Gives the number of the call.
    pub(super) fn clear_called(&mut self, registration: usize) -> usize {
        self.clearings.push(Clearing {
            calls: self.fetches.len(),
            registration,
            sure: Sure::Maybe,
        });
        self.apply_clearings();
        self.clearings.len() - 1
    }

    pub(super) fn clear_ended(&mut self, clearing: usize, done: bool) {
        if done {
            self.clearings[clearing].sure = Sure::Yes;
        }
        self.apply_clearings();
    }

    /// A clearing takes what was called for before it.
    fn apply_clearings(&mut self) {
        for clearing in &self.clearings {
            for fetch in &mut self.fetches[..clearing.calls] {
                if fetch.call.target.registration == clearing.registration {
                    fetch.cleared = fetch.cleared.max(clearing.sure);
                }
            }
        }
    }

    pub(super) fn was_cleared(&self, registration: usize) -> bool {
        self.clearings
            .iter()
            .any(|clearing| clearing.registration == registration)
    }

    /// The calls that have no answer, and may come to something yet.
    pub(super) fn unanswered(&mut self) -> impl Iterator<Item = &mut Fetch> {
        let fetches = self.fetches.iter_mut();
        fetches.filter(|fetch| matches!(fetch.answer, Answer::Open | Answer::Lost))
    }

    /// A call of the storage failed.
    pub(super) fn strike(&mut self, strike: Strike) {
        use StorageOperation::{Append, Clear, Create, Discard, Estimate, Read, Remove, SetResponse, Stage};
        let faults = &mut self.faults;
        faults.any = true;
        faults.stores_more |= strike.after_effect && matches!(strike.operation, Append | SetResponse);
        faults.reads_fail |= strike.operation == Read;
        if strike.fetch.is_none() && matches!(strike.operation, Append | Create | Estimate | Stage) {
            faults.calls_fail[usize::from(strike.kind != StorageErrorKind::QuotaExceeded)] = true;
        }
        faults.leaks |= faults.stores_more
            || matches!(
                strike.operation,
                Append | Clear | Create | Discard | Remove | Stage
            );
        let life = self.life;
        if let Some(fetch) = strike.fetch.and_then(|key| self.find(key)) {
            fetch.strikes.push((life, strike));
        }
    }

    /// Whether a slow storage may be at the bodies of a request that nobody waits for any more.
    pub(super) fn is_lost_and_staging(&self) -> bool {
        let staging = |fetch: &Fetch| {
            fetch.answer != Answer::Resolved && fetch.key.is_none() && fetch.call.upload.is_some()
        };
        self.is_slow && self.fetches.iter().any(staging)
    }

    /// Whether the bodies of requests may be on their way into storage.
    pub(super) fn is_staging(&self) -> bool {
        let staging = |fetch: &Fetch| fetch.answer == Answer::Open && fetch.call.upload.is_some();
        self.fetches.iter().any(staging)
    }
}
