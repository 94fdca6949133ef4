//! What must be, besides what may be: requests that must not leave, answers that must come, bytes that must not be
//! fetched twice. The second half of [`Model`].

use std::collections::BTreeMap;

use background_fetch::embedder::{DisplayState, FetchState, MeteredPolicy};
use background_fetch::{BackgroundFetchResult, DomString, ExceptionName, FetchKey};
use http::Method;

use super::books::{Answer, Fetch, Sure};
use super::model::{Checked, Model, Outcome, must};
use super::world::{call_of, file_of};
use crate::story::{Target, Validator};
use crate::{Ranges, RequestLog, VolatileStorage};

/// What the user and the connection say.
impl Model {
    /// How often it was resumed; [`paused`](Self::paused) wants to know when a pause was called.
    pub(super) fn resumes(&mut self, key: FetchKey) -> usize {
        self.books.find(key).map_or(0, |fetch| fetch.resumes)
    }

    /// A pause is stored that was called when it had been resumed so often.
    pub(super) fn paused(&mut self, key: FetchKey, resumes: usize) {
        if let Some(fetch) = self.books.find(key)
            && fetch.resumes == resumes
        {
            fetch.paused = Sure::Yes;
        }
    }

    pub(super) fn resumed(&mut self, key: FetchKey) {
        if let Some(fetch) = self.books.find(key) {
            fetch.resumes += 1;
            fetch.paused = Sure::No;
        }
    }

    pub(super) fn allowed(&mut self, key: FetchKey) {
        if let Some(fetch) = self.books.find(key) {
            fetch.asks = Sure::No;
        }
    }

    /// The connection becomes metered or not: perhaps, when that is said; surely, when that is done.
    pub(super) fn metered(&mut self, metered: bool, sure: Sure) {
        let pauses = self.books.story.setting.metered == MeteredPolicy::Pause;
        self.books.metered = match metered && pauses {
            true => sure,
            false => Sure::No,
        };
    }

    pub(super) fn titled(&mut self, key: FetchKey) {
        if let Some(fetch) = self.books.find(key) {
            fetch.titled = true;
        }
    }

    pub(super) fn is_titled(&mut self, key: FetchKey) -> bool {
        self.books.find(key).is_some_and(|fetch| fetch.titled)
    }
}

impl Fetch {
    /// Why none of its requests may leave, or be in flight when everything has come to rest.
    fn is_held_up(&self, is_get: bool) -> Option<&'static str> {
        // A request that is no GET goes on through a pause: sending it again would have effects.
        let reasons = [
            (self.cleared == Sure::Yes, "was cleared"),
            (self.aborted == Sure::Yes, "was aborted"),
            (self.outcome.is_some() && self.cleared == Sure::No, "is settled"),
            (self.asks == Sure::Yes, "waits for permission"),
            (self.paused == Sure::Yes && is_get, "is paused"),
        ];
        reasons.into_iter().find_map(|(holds, why)| holds.then_some(why))
    }
}

/// What leaves.
impl Model {
    /// A request leaves.
    pub(super) fn requested(&mut self, request: &RequestLog) -> Checked {
        let Some(fetch) = self.books.fetches.get(call_of(&request.url)) else {
            return Err(format!("nobody called for a request of {}", request.url));
        };
        // Telling the server that nobody goes on with an upload is what follows from an end.
        if request.method == Method::DELETE {
            return Ok(());
        }
        let why = fetch.is_held_up(request.method == Method::GET);
        must!(
            why.is_none(),
            "a request of {:?} left, which {}",
            fetch.key,
            why.unwrap_or_default()
        );
        Ok(())
    }

    /// What is there when everything has gone as far as it can.
    pub(super) fn look_around(&mut self, in_flight: &[RequestLog], on_screen: &[DisplayState]) -> Checked {
        // What waits for a slow storage is not at rest.
        if self.books.is_slow {
            return Ok(());
        }
        for request in in_flight {
            let fetch = &self.books.fetches[call_of(&request.url)];
            let is_get = request.method == Method::GET;
            let metered =
                (is_get && self.books.metered == Sure::Yes).then_some("waits for another connection");
            let why = fetch.is_held_up(is_get).or(metered);
            must!(
                why.is_none(),
                "a request of {:?} is in flight, which {}",
                fetch.key,
                why.unwrap_or_default()
            );
        }
        // 7. Clearing leaves nothing behind.
        for shown in on_screen {
            let fetch = self.books.find(shown.fetch);
            must!(
                fetch.is_none_or(|fetch| fetch.cleared != Sure::Yes),
                "{:?} was cleared and is on the screen",
                shown.fetch
            );
        }
        let workers_fail = self.books.workers_fail;
        for fetch in &self.books.fetches {
            must!(
                fetch.clicks == 0 || workers_fail || fetch.cleared != Sure::No,
                "{:?} was clicked and got no event",
                fetch.key
            );
        }
        Ok(())
    }

    /// The requests of one life: what is there is not fetched again, where it can be continued.
    pub(super) fn go_on(&self, requests: &[RequestLog]) -> Checked {
        let mut there: BTreeMap<(usize, usize), u64> = BTreeMap::new();
        for request in requests.iter().filter(|request| request.method == Method::GET) {
            let (call, file) = (call_of(&request.url), file_of(&request.url));
            if !self.can_be_continued(call, file) {
                continue;
            }
            let start = request.range.as_ref().map_or(0, |range| range.start);
            let there = there.entry((call, file)).or_insert(start);
            must!(
                start == *there,
                "file {file} of call {call} is asked for from {start} on, {there} bytes of it are there"
            );
            match request.status.map(|status| status.as_u16()) {
                // An error that is no passing one takes the place of what was there, too.
                Some(200 | 404) => *there = request.sent,
                Some(206) => *there += request.sent,
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether every version of a file can be continued, and a call has it once.
    fn can_be_continued(&self, call: usize, file: usize) -> bool {
        let strong = [Validator::Strong, Validator::Date];
        let Some(versions) = self.books.story.files.get(file).map(|file| &file.versions) else {
            return false;
        };
        let once = |files: &[usize]| files.iter().filter(|other| **other == file).count() == 1;
        once(&self.books.fetches[call].call.files)
            && versions.iter().all(|version| {
                strong.contains(&version.validator)
                    && version.ranges == Ranges::Honoured
                    && version.status == 200
                    && !version.content_decoded
            })
    }
}

/// What a page asked for, and how it stood when it did.
pub(super) struct Due {
    /// What was active for all anybody knew.
    active: Vec<(Target, FetchKey)>,
    /// What was over.
    over: Vec<FetchKey>,
}

/// What pages see.
impl Model {
    /// A page calls `get()` or `getIds()`.
    pub(super) fn due(&self, registration: usize) -> Due {
        let there = self
            .books
            .fetches
            .iter()
            .filter_map(|fetch| Some((fetch, fetch.key?)));
        let there = there.filter(|(fetch, _)| fetch.call.target.registration == registration);
        let (mut active, mut over) = (Vec::new(), Vec::new());
        for (fetch, key) in there {
            match fetch.outcome {
                Some(_) => over.push(key),
                None if fetch.answer == Answer::Resolved => active.push((fetch.call.target, key)),
                None => {}
            }
        }
        Due { active, over }
    }

    /// `get()` gave the background fetch that is active.
    pub(super) fn got(
        &mut self,
        due: &Due,
        target: Target,
        answer: Option<FetchKey>,
        storage: &VolatileStorage,
    ) -> Checked {
        if let Some(key) = answer {
            let known = self.books.find(key);
            let may_be_cleared = known.is_none_or(|fetch| fetch.cleared != Sure::No);
            must!(
                may_be_cleared || !due.over.contains(&key),
                "get() gave {key:?}, which was over"
            );
        }
        for (of, key) in due.active.iter().filter(|(of, _)| *of == target) {
            must!(
                answer == Some(*key) || !self.is_active(*key, storage),
                "get() of {of:?} gave {answer:?}, {key:?} is active"
            );
        }
        Ok(())
    }

    /// `getIds()` gave every one that is active.
    pub(super) fn got_ids(&mut self, due: &Due, ids: &[DomString], storage: &VolatileStorage) -> Checked {
        for (of, key) in &due.active {
            let id = DomString::from(super::id_of(*of).as_str());
            must!(
                ids.contains(&id) || !self.is_active(*key, storage),
                "getIds() gave {ids:?}, {key:?} is active as {id:?}"
            );
        }
        Ok(())
    }

    /// Whether it is active still, and was when anything was asked before.
    fn is_active(&mut self, key: FetchKey, storage: &VolatileStorage) -> bool {
        let life = self.books.life;
        let Some(fetch) = self.books.find(key) else {
            return false;
        };
        let is_undisturbed =
            fetch.aborts == 0 && fetch.cleared == Sure::No && !fetch.goes_without_result(life);
        is_undisturbed && storage.durable_state(key) == Some(FetchState::Active)
    }

    /// A page may not have the records; or not read the one at this place.
    pub(super) fn read_rejected(
        &mut self,
        key: FetchKey,
        index: Option<usize>,
        name: ExceptionName,
    ) -> Checked {
        let life = self.books.life;
        let fetch = self.books.get(key)?;
        // Records are there until the event is over.
        let is_over = fetch.cleared != Sure::No
            || fetch.outcome.is_some() && fetch.events.contains(&life)
            || fetch.goes_without_result(life);
        let Some(index) = index else {
            let may = matches!(name, ExceptionName::AbortError | ExceptionName::InvalidStateError);
            must!(may && is_over, "matchAll() of {key:?} rejected with {name:?}");
            return Ok(());
        };
        // A record that nothing is wrong with, and that nothing takes the place of, can be read to its end.
        let is_undisturbed = fetch.aborts == 0
            && fetch.cleared == Sure::No
            && fetch.strikes.is_empty()
            && fetch.prospects.allow_nothing();
        let file = fetch.call.files[index];
        let call = self.books.by_key[&key];
        let stays = self.can_be_continued(call, file) && self.books.story.files[file].versions.len() == 1;
        must!(
            !is_undisturbed || !stays || self.books.is_peace,
            "record {index} of {key:?} cannot be read: {name:?}"
        );
        Ok(())
    }

    /// A page shows an outcome when everything has gone as far as it can.
    pub(super) fn shows(&mut self, key: FetchKey, outcome: Outcome) -> Checked {
        let is_slow = self.books.is_slow;
        let Some(fetch) = self.books.find(key).filter(|fetch| fetch.cleared == Sure::No) else {
            return Ok(());
        };
        must!(
            outcome.0 != BackgroundFetchResult::Empty || fetch.outcome.is_none() || is_slow,
            "a page does not know that {key:?} is over: {:?}",
            fetch.outcome
        );
        Ok(())
    }
}
