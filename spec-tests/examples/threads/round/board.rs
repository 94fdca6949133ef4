//! [`Board`]: who waits for what right now, and a watchdog that reads it out when nothing moves any more.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

/// Without a sign of life for so long, something hangs: every wait in a round is shorter by far.
const PATIENCE: Duration = Duration::from_secs(60);
/// With signs of life: when all goes well for so long, what is not over goes round in circles.
const LONGEST_END: Duration = Duration::from_secs(180);

/// Who waits for what.
#[derive(Clone, Default)]
pub(super) struct Board(Arc<Inner>);

#[derive(Default)]
struct Inner {
    signs: AtomicU64,
    next: AtomicU64,
    waiting: Mutex<BTreeMap<u64, String>>,
    ending: AtomicBool,
}

/// A wait that is not over.
pub(super) struct Wait {
    board: Board,
    number: u64,
}

impl Board {
    /// Notes that a wait begins; it ends when what is returned is dropped.
    pub(super) fn wait(&self, what: String) -> Wait {
        self.sign();
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        self.0.waiting.lock().insert(number, what);
        let board = self.clone();
        Wait { board, number }
    }

    /// A sign of life.
    pub(super) fn sign(&self) {
        self.0.signs.fetch_add(1, Ordering::Relaxed);
    }

    /// From now on all goes well.
    pub(super) fn ends(&self) {
        self.0.ending.store(true, Ordering::Relaxed);
    }

    /// How many waits began so far.
    pub(super) fn waits(&self) -> u64 {
        self.0.next.load(Ordering::Relaxed)
    }

    /// Ends the process where nothing moves any more, and says what it waited for; `more` says what is known beside
    /// that, on a thread of its own: it may hang as well.
    pub(super) fn watch(&self, name: String, more: impl FnOnce() -> String + Send + 'static) -> Watchdog {
        let (board, over) = (self.clone(), Arc::new(AtomicBool::new(false)));
        let stop = Arc::clone(&over);
        std::thread::spawn(move || {
            let (mut signs, mut silence, mut end) = (0, Duration::ZERO, Duration::ZERO);
            const LOOK: Duration = Duration::from_millis(100);
            while !stop.load(Ordering::Relaxed) {
                std::thread::sleep(LOOK);
                let now = board.0.signs.load(Ordering::Relaxed);
                silence = if now == signs {
                    silence + LOOK
                } else {
                    Duration::ZERO
                };
                signs = now;
                if board.0.ending.load(Ordering::Relaxed) {
                    end += LOOK;
                }
                if silence > PATIENCE {
                    board.bark(&format!("{name}: nothing moves any more"), more);
                }
                if end > LONGEST_END {
                    board.bark(&format!("{name}: it does not come to an end"), more);
                }
            }
        });
        Watchdog(over)
    }

    fn bark(&self, why: &str, more: impl FnOnce() -> String + Send + 'static) -> ! {
        // Past the test harness, which keeps what is printed to itself.
        let say = |text: &str| drop(writeln!(std::io::stderr(), "{text}"));
        say(&format!("{why}; what is waited for:"));
        match self.0.waiting.try_lock() {
            Some(waiting) => waiting.values().for_each(|what| say(&format!("  {what}"))),
            None => say("  (the board is locked)"),
        }
        let (sender, known) = std::sync::mpsc::channel();
        std::thread::spawn(move || sender.send(more()));
        match known.recv_timeout(Duration::from_secs(10)) {
            Ok(known) => say(&known),
            Err(_) => say("the engine does not answer: a lock is never let go of"),
        }
        std::process::exit(1)
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.board.sign();
        self.board.0.waiting.lock().remove(&self.number);
    }
}

/// Watches until it is dropped.
pub(super) struct Watchdog(Arc<AtomicBool>);

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
