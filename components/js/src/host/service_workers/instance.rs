//! [`Instance`]: a worker while it runs.

use futures::channel::oneshot;
use futures::future::Shared;
use parking_lot::Mutex;

use crate::realm::RealmHandle;

/// How a worker started: whether its script ran, or why not.
pub(super) type Started = Shared<oneshot::Receiver<Result<(), String>>>;

/// A worker while it runs.
pub(super) struct Instance {
    /// Its realm.
    pub(super) realm: RealmHandle,
    /// Resolves when its script ran.
    pub(super) started: Started,
    use_: Mutex<Use>,
}

/// What keeps it running.
#[derive(Default)]
struct Use {
    events: usize,
    /// Goes up with each event: so a timer knows that it is late.
    generation: u64,
}

impl Instance {
    pub(super) fn new(realm: RealmHandle, started: Started) -> Self {
        Self {
            realm,
            started,
            use_: Mutex::default(),
        }
    }

    /// An event begins.
    pub(super) fn begin_event(&self) {
        let mut use_ = self.use_.lock();
        use_.events += 1;
        use_.generation += 1;
    }

    /// An event is over; where it was the last, a number for [`is_idle_since`](Self::is_idle_since).
    pub(super) fn end_event(&self) -> Option<u64> {
        let mut use_ = self.use_.lock();
        use_.events = use_.events.saturating_sub(1);
        (use_.events == 0).then_some(use_.generation)
    }

    /// Whether there was no event since.
    pub(super) fn is_idle_since(&self, generation: u64) -> bool {
        let use_ = self.use_.lock();
        use_.events == 0 && use_.generation == generation
    }

    pub(super) fn has_events(&self) -> bool {
        self.use_.lock().events > 0
    }
}
