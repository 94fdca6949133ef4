//! [`Activity`]: whether anything is going on that ends by itself.

use std::fmt;
use std::sync::Arc;
use std::task::{Poll, Waker};

use parking_lot::Mutex;

/// Counts what is going on and ends by itself: tasks that wait, timers, requests, jobs of service workers.
#[derive(Clone, Default)]
pub struct Activity {
    all: Arc<Mutex<State>>,
    /// What it is a part of that may be given up; none for everything.
    part: Option<Arc<Mutex<Part>>>,
}

#[derive(Default)]
struct State {
    busy: usize,
    /// Grows with every beginning.
    begun: u64,
    wakers: Vec<Waker>,
}

/// What goes on in one realm.
#[derive(Default)]
struct Part {
    busy: usize,
    is_given_up: bool,
}

/// Something is going on until this is dropped.
pub struct Busy(Activity);

impl Activity {
    /// Something begins.
    pub fn begin(&self) -> Busy {
        let mut part = self.part.as_ref().map(|part| part.lock());
        if let Some(part) = &mut part {
            part.busy += 1;
            if part.is_given_up {
                return Busy(self.clone());
            }
        }
        let mut state = self.all.lock();
        state.busy += 1;
        state.begun += 1;
        Busy(self.clone())
    }

    /// A part of it, which can be given up for itself.
    pub fn part(&self) -> Self {
        Self {
            all: Arc::clone(&self.all),
            part: Some(Arc::default()),
        }
    }

    /// What goes on in this part is not waited for any more.
    pub fn give_up(&self) {
        let Some(part) = &self.part else { return };
        let mut part = part.lock();
        if !std::mem::replace(&mut part.is_given_up, true) {
            self.end(part.busy);
        }
    }

    /// So many have ended.
    fn end(&self, count: usize) {
        let mut state = self.all.lock();
        state.busy -= count;
        if state.busy > 0 || count == 0 {
            return;
        }
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// A number that is another after anything began.
    pub fn begun(&self) -> u64 {
        self.all.lock().begun
    }

    /// Resolves when nothing is going on; gives a number that is another after anything began.
    pub async fn quiet(&self) -> u64 {
        std::future::poll_fn(|context| {
            let mut state = self.all.lock();
            if state.busy == 0 {
                return Poll::Ready(state.begun);
            }
            if !state.wakers.iter().any(|waker| waker.will_wake(context.waker())) {
                state.wakers.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some(part) = &self.0.part {
            let mut part = part.lock();
            part.busy -= 1;
            if part.is_given_up {
                return;
            }
        }
        self.0.end(1);
    }
}

impl fmt::Debug for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Activity")
            .field("busy", &self.all.lock().busy)
            .finish()
    }
}

impl fmt::Debug for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Busy")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn it_is_quiet_when_everything_has_ended() {
        let activity = Activity::default();
        assert_eq!(activity.quiet().now_or_never(), Some(0));
        let (first, second) = (activity.begin(), activity.begin());
        drop(first);
        assert_eq!(activity.quiet().now_or_never(), None);
        drop(second);
        assert_eq!(activity.quiet().now_or_never(), Some(2));
        assert_eq!(activity.begun(), 2);
    }

    #[test]
    fn what_is_given_up_is_not_waited_for() {
        let activity = Activity::default();
        let (part, other) = (activity.part(), activity.part());
        let (stuck, waits) = (part.begin(), other.begin());
        part.give_up();
        assert_eq!(activity.quiet().now_or_never(), None);
        drop(waits);
        assert_eq!(activity.quiet().now_or_never(), Some(2));
        let later = part.begin();
        assert_eq!(activity.quiet().now_or_never(), Some(2));
        drop((stuck, later));
        assert_eq!(activity.quiet().now_or_never(), Some(2));
    }
}
