//! [`Oracle`]: remembers what was promised, outside of the process that promised it, and says where it was not kept.

use std::collections::{BTreeMap, BTreeSet};

use super::story::{Kind, Server, Story};

/// What was heard of one profile since it was last empty.
#[derive(Default)]
pub(crate) struct Oracle {
    known: BTreeMap<String, Known>,
    /// Everything that was said, for the story of a failure.
    log: Vec<String>,
    wrongs: Vec<String>,
    /// Whether a registration was about to be cleared in this life.
    clearing: bool,
    /// A system call fails in this life.
    fault: Option<Fault>,
}

/// A system call fails.
#[derive(Clone)]
struct Fault {
    /// What a complaint names.
    place: String,
    /// Whether it says that there is no room, where that can be known.
    is_full: Option<bool>,
}

/// What is known of one background fetch.
struct Known {
    story: Story,
    /// `fetch()` resolved, or it was found: it ends with an event.
    promised: bool,
    refused: bool,
    abort_asked: bool,
    aborted: bool,
    event: Option<Event>,
    /// The worker was done with the event.
    handled: bool,
    removed: bool,
    /// Whether it is paused, where that is durable.
    paused: Option<bool>,
    titled: bool,
    cleared: Cleared,
    sent: BTreeSet<String>,
    found: bool,
    /// It was there when this life began.
    is_old: bool,
    /// A fault kept it from being stored as it was told.
    untold: bool,
    /// It lived through a fault: a record may have failed for it, durably.
    harmed: bool,
}

impl Fault {
    fn allows(&self, full: bool) -> bool {
        self.is_full.is_none_or(|is_full| is_full == full)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cleared {
    No,
    /// It was asked for when this was there.
    Due,
    /// It may be, or not.
    Perhaps,
    Yes,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Event {
    name: String,
    reason: String,
    bodies: String,
}

impl Event {
    /// Whether the other tells something else. Bodies that could not be read to their end tell nothing.
    fn differs_from(&self, other: &Self) -> bool {
        let whole = |body: &str| body.starts_with('v');
        let bodies = self.bodies.split(',').zip(other.bodies.split(','));
        self.reason != other.reason || bodies.filter(|(a, b)| whole(a) && whole(b)).any(|(a, b)| a != b)
    }
}

impl Oracle {
    /// The process is started again, or for the first time.
    pub(crate) fn new_life(&mut self, life: u64, how: &str) {
        let faulty = self.fault.take().is_some();
        self.clearing = false;
        self.log.push(format!("--- life {life}: {how}"));
        for known in self.known.values_mut() {
            known.found = false;
            known.harmed |= faulty;
            if known.cleared == Cleared::Due {
                known.cleared = Cleared::Perhaps;
            }
        }
    }

    /// In this life a system call fails: complaints name the place.
    pub(crate) fn expect_fault(&mut self, place: String, is_full: Option<bool>) {
        self.fault = Some(Fault { place, is_full });
    }

    /// Notes something for the story of a failure.
    pub(crate) fn note(&mut self, line: &str) {
        self.log.push(line.to_owned());
    }

    /// Hears a line of the process.
    pub(crate) fn hear(&mut self, line: &str) {
        self.log.push(line.to_owned());
        let mut words = line.splitn(3, ' ');
        let (verb, id, rest) = (words.next().unwrap_or_default(), words.next(), words.next());
        let (id, rest) = (id.unwrap_or_default(), rest.unwrap_or_default());
        match verb {
            "fetch?" => self.ask(id),
            "ready" => self.compare(),
            "clear?" => self.clear_asked(),
            "cleared" => self.cleared(),
            "failed" if self.fault.is_some() => self.complaint(line),
            "wrong" | "failed" => self.wrong(line.to_owned()),
            "sent" => self.sent(id),
            "over" | "end" | "hits" | "used" | "detail" => {}
            _ => {
                if matches!(verb, "refused" | "trouble" | "misexported") && self.fault.is_some() {
                    self.complaint(line);
                }
                if verb == "trouble" && id == "clear" && self.fault.is_some() {
                    return;
                }
                let (clearing, fault) = (self.clearing, self.fault.clone());
                let Some(known) = self.known.get_mut(id) else {
                    return self.wrong(format!("nobody asked for it: {line}"));
                };
                if let Some(wrong) = known.hear(verb, rest, clearing, fault) {
                    self.wrong(format!("{wrong}: {line}"));
                }
            }
        }
    }

    /// A complaint about a fault says where it is.
    fn complaint(&mut self, line: &str) {
        if self
            .fault
            .as_ref()
            .is_some_and(|fault| !line.contains(&fault.place))
        {
            self.wrong(format!("this does not say where it is: {line}"));
        }
    }

    fn wrong(&mut self, wrong: String) {
        self.log.push(format!("WRONG: {wrong}"));
        self.wrongs.push(wrong);
    }

    fn ask(&mut self, id: &str) {
        let Some(story) = Story::named(id) else {
            return self.wrong(format!("{id} is no story"));
        };
        let known = Known {
            story,
            promised: false,
            refused: false,
            abort_asked: false,
            aborted: false,
            event: None,
            handled: false,
            removed: false,
            paused: Some(false),
            titled: false,
            cleared: if self.clearing {
                Cleared::Perhaps
            } else {
                Cleared::No
            },
            sent: BTreeSet::new(),
            found: false,
            is_old: false,
            untold: false,
            harmed: false,
        };
        self.known.insert(id.to_owned(), known);
    }

    fn sent(&mut self, path: &str) {
        let id = path.split('/').next().unwrap_or_default();
        let again = match self.known.get_mut(id) {
            Some(known) => !known.sent.insert(path.to_owned()),
            None => true,
        };
        if again {
            self.wrong(format!("{path} was sent twice, and may be sent once"));
        }
    }

    fn clear_asked(&mut self) {
        self.clearing = true;
        for known in self
            .known
            .values_mut()
            .filter(|known| known.story.kind == Kind::Cleared)
        {
            known.cleared = match known.cleared {
                Cleared::Yes => Cleared::Yes,
                _ if known.promised => Cleared::Due,
                _ => Cleared::Perhaps,
            };
        }
    }

    fn cleared(&mut self) {
        for known in self
            .known
            .values_mut()
            .filter(|known| known.cleared == Cleared::Due)
        {
            known.cleared = Cleared::Yes;
        }
    }

    /// Compares what was found with what was promised.
    fn compare(&mut self) {
        let mut wrongs = Vec::new();
        for (id, known) in &mut self.known {
            let due = known.promised && !known.handled && known.cleared == Cleared::No;
            if due && !known.found {
                wrongs.push(format!("{id} is lost"));
            }
            if known.found && (known.removed || known.refused || known.cleared == Cleared::Yes) {
                wrongs.push(format!("{id} is back"));
            }
            known.promised |= known.found;
        }
        wrongs.into_iter().for_each(|wrong| self.wrong(wrong));
    }

    /// Everything is over: every event that was owed has come. The profile is empty from here on.
    pub(crate) fn end(&mut self) {
        let mut wrongs = Vec::new();
        for (id, known) in &self.known {
            let owed = known.promised && known.cleared == Cleared::No;
            if owed && (known.event.is_none() || !known.handled) {
                wrongs.push(format!("the event of {id} never came"));
            }
        }
        wrongs.into_iter().for_each(|wrong| self.wrong(wrong));
        self.known.clear();
        if self.wrongs.is_empty() {
            self.log.clear();
        }
    }

    /// Whether anything was said in this life.
    pub(crate) fn said_something(&self) -> bool {
        self.log
            .iter()
            .rev()
            .take_while(|line| !line.contains("--- life"))
            .any(|line| !line.starts_with("---"))
    }

    /// Whether the database did not take something in this life: then what nobody owns any more may stay on the disk,
    /// until the profile is opened next.
    pub(crate) fn heard_of_a_database_that_failed(&self) -> bool {
        let this_life = self
            .log
            .iter()
            .rev()
            .take_while(|line| !line.contains("--- life"));
        let failed = |line: &String| {
            line.contains("database.sqlite3 failed") || line.contains("write to the database")
        };
        this_life.into_iter().any(failed)
    }

    /// What is wrong so far.
    pub(crate) fn wrongs(&self) -> &[String] {
        &self.wrongs
    }

    /// Everything that was said since the profile was last empty.
    pub(crate) fn log(&self) -> &[String] {
        &self.log
    }
}

impl Known {
    /// Hears of this one; gives what is wrong.
    fn hear(&mut self, verb: &str, rest: &str, clearing: bool, fault: Option<Fault>) -> Option<&'static str> {
        // What is under way when its registration is cleared fails.
        let may_fail = clearing && self.story.kind == Kind::Cleared;
        match verb {
            "fetched" => self.promised = true,
            "refused" if fault.is_some() => {
                self.cleared = self.cleared.max(Cleared::Perhaps);
                let full = rest.starts_with("QuotaExceededError");
                let right = fault.is_some_and(|fault| fault.allows(full));
                return (!right).then_some("it was refused for another reason");
            }
            "trouble" if fault.is_some() => self.untold = true,
            "unhandled" | "misexported" | "untitled" if fault.is_some() => {}
            "refused" => {
                if !may_fail {
                    return Some("it was refused");
                }
                // Until it is known to be cleared, it may be there.
                self.refused = self.cleared == Cleared::Yes;
                self.cleared = self.cleared.max(Cleared::Perhaps);
            }
            "found" => return self.found(rest),
            "abort?" => self.abort_asked = true,
            "aborted" if rest == "true" => self.aborted = true,
            "aborted" => {}
            "pause?" | "resume?" => self.paused = None,
            "paused" => self.paused = Some(true),
            "resumed" => self.paused = Some(false),
            "titled" => self.titled = true,
            "handled" => self.handled = true,
            "removed" => self.removed = true,
            "unhandled" | "trouble" | "misexported" | "untitled" => {
                return (!may_fail).then_some("it failed");
            }
            "event" => return self.event(rest, may_fail, fault),
            _ => return Some("what does it say"),
        }
        None
    }

    fn found(&mut self, rest: &str) -> Option<&'static str> {
        (self.found, self.is_old) = (true, true);
        let available = rest.contains("available=true");
        if !available && !self.handled && self.cleared == Cleared::No {
            return Some("its event was never handled");
        }
        if available
            && self
                .paused
                .is_some_and(|paused| paused != rest.contains("paused=true"))
        {
            return Some("what the user was told about its pause is not so");
        }
        if self.titled && !rest.ends_with("title=told") {
            return Some("its title is the old one");
        }
        None
    }

    fn event(&mut self, rest: &str, may_fail: bool, fault: Option<Fault>) -> Option<&'static str> {
        let mut words = rest.split(' ');
        let mut word = |name: &str| words.next().map(|word| word.trim_start_matches(name).to_owned());
        let event = Event {
            name: word("")?,
            reason: word("reason=")?,
            bodies: word("bodies=")?,
        };
        let wrong = self.judge(&event, may_fail, fault);
        self.event = Some(event);
        wrong
    }

    fn judge(&self, event: &Event, may_fail: bool, fault: Option<Fault>) -> Option<&'static str> {
        if self.removed {
            return Some("it was removed, and tells again");
        }
        if self.cleared == Cleared::Yes && !may_fail {
            return Some("it was cleared, and tells");
        }
        if event.bodies.contains("wrong") {
            return Some("these are the bytes of no version");
        }
        let aborted = event.name == "backgroundfetchabort";
        if let Some(before) = &self.event
            && !self.untold
            && (before.name != event.name || (!aborted && before.differs_from(event)))
        {
            return Some("an earlier life told another");
        }
        if self.aborted && !aborted && !self.untold {
            return Some("it was aborted");
        }
        let may_fail = may_fail || fault.is_some();
        let whole = event.bodies.split(',').all(|body| body.starts_with('v')) || may_fail;
        let missing = self
            .story
            .records
            .iter()
            .any(|record| record.server == Server::Missing);
        let right = match (event.name.as_str(), event.reason.as_str()) {
            ("backgroundfetchsuccess", "") => whole && !missing,
            ("backgroundfetchfail", "bad-status") => whole && missing,
            ("backgroundfetchfail", reason) if fault.is_some() => {
                let full = reason == "quota-exceeded";
                let of_old = self.story.kind == Kind::Posting && self.is_old && !full;
                let known = full || reason == "fetch-error";
                of_old || (known && fault.is_some_and(|fault| fault.allows(full)))
            }
            ("backgroundfetchfail", "quota-exceeded" | "fetch-error") if self.harmed => true,
            // It was killed while it sent what may be sent once.
            ("backgroundfetchfail", "fetch-error") => self.story.kind == Kind::Posting && self.is_old,
            ("backgroundfetchabort", "aborted") => self.abort_asked,
            _ => false,
        };
        (!right).then_some("this is not how it can end")
    }
}
