//! [`survey`]: tells the stories of many seeds, and cuts the first that fails down to a short one.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::Range;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use background_fetch::embedder::Storage;
use parking_lot::Mutex;

use crate::story::{Story, shrink};
use crate::{Telling, tell};

/// Makes the empty storage of a story, with a quota in bytes.
pub type FreshStorage = fn(u64) -> Arc<dyn Storage>;

/// What became of many stories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The stories.
    pub stories: u64,
    /// What happened in them, all together.
    pub telling: Telling,
}

/// A story that broke a promise.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its seed; none where it was given.
    pub seed: Option<u64>,
    /// What went wrong.
    pub wrong: String,
    /// The shortest story found that goes wrong.
    pub story: Story,
    /// What goes wrong in that.
    pub wrong_in_short: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(seed) = self.seed {
            writeln!(f, "seed {seed}: {}", self.wrong)?;
        } else {
            writeln!(f, "{}", self.wrong)?;
        }
        writeln!(f, "in short:\n{}{}", self.story, self.wrong_in_short)
    }
}

/// How often a story is told to cut it down.
const ATTEMPTS: usize = 4000;

/// Tells one story. A panic is a failure like any other.
///
/// # Errors
///
/// What went wrong, in a sentence.
pub fn tell_safely(story: &Story, fresh: FreshStorage) -> Result<Telling, String> {
    listen();
    PANIC.with_borrow_mut(String::clear);
    let quiet = QUIET.replace(true);
    let told = panic::catch_unwind(AssertUnwindSafe(|| tell(story, fresh)));
    QUIET.set(quiet);
    told.unwrap_or_else(|_| Err(PANIC.with_borrow(|message| format!("panic: {message}"))))
}

/// Cuts a story that fails down to a short one.
pub fn in_short(seed: Option<u64>, story: &Story, wrong: String, fresh: FreshStorage) -> Failure {
    let mut wrong_in_short = wrong.clone();
    let kind = kind_of(&wrong);
    let story = shrink(story, ATTEMPTS, |candidate| match tell_safely(candidate, fresh) {
        Err(wrong) if kind_of(&wrong) == kind => {
            wrong_in_short = wrong;
            true
        }
        _ => false,
    });
    Failure {
        seed,
        wrong,
        story,
        wrong_in_short,
    }
}

/// What kind of failure a sentence tells of: it without its numbers, and where it happened.
fn kind_of(wrong: &str) -> String {
    let what = wrong.rsplit_once("\": ").map_or(wrong, |(_, what)| what);
    let what = what.strip_prefix("in the end: ").unwrap_or(what);
    what.chars()
        .filter(|character| !character.is_numeric())
        .take(30)
        .collect()
}

/// Tells the stories of all seeds of a range on so many threads. `told` hears now and then how many there were, and
/// says whether to go on.
///
/// # Errors
///
/// The first that fails.
pub fn survey(
    seeds: Range<u64>,
    threads: usize,
    fresh: FreshStorage,
    told: impl Fn(u64) -> bool + Sync,
) -> Result<Tally, Box<Failure>> {
    let next = AtomicU64::new(seeds.start);
    let stop = AtomicBool::new(false);
    let tally = Mutex::new(Tally::default());
    let failed: Mutex<Option<(u64, String)>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let first = next.fetch_add(BATCH, Ordering::Relaxed);
                    if first >= seeds.end {
                        break;
                    }
                    let mut batch = Tally::default();
                    for seed in first..(first + BATCH).min(seeds.end) {
                        match tell_safely(&Story::of_seed(seed), fresh) {
                            Ok(telling) => batch.add(telling),
                            Err(wrong) => {
                                stop.store(true, Ordering::Relaxed);
                                let mut failed = failed.lock();
                                if failed.as_ref().is_none_or(|(earlier, _)| seed < *earlier) {
                                    *failed = Some((seed, wrong));
                                }
                                return;
                            }
                        }
                    }
                    let so_far = {
                        let mut tally = tally.lock();
                        tally.join(batch);
                        tally.stories
                    };
                    if !told(so_far) {
                        stop.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    match failed.into_inner() {
        Some((seed, wrong)) => Err(Box::new(in_short(
            Some(seed),
            &Story::of_seed(seed),
            wrong,
            fresh,
        ))),
        None => Ok(tally.into_inner()),
    }
}

/// The seeds that a thread takes at once.
const BATCH: u64 = 64;

impl Tally {
    fn add(&mut self, telling: Telling) {
        let stories = 1;
        self.join(Self { stories, telling });
    }

    fn join(&mut self, other: Self) {
        self.stories += other.stories;
        self.telling.fetches += other.telling.fetches;
        self.telling.successes += other.telling.successes;
        self.telling.undisturbed += other.telling.undisturbed;
        self.telling.crashes += other.telling.crashes;
        self.telling.polls += other.telling.polls;
    }
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps the message of a panic in a story, and leaves all others to whoever listened before.
fn listen() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if QUIET.get() {
                PANIC.with_borrow_mut(|message| *message = info.to_string());
            } else {
                before(info);
            }
        }));
    });
}
