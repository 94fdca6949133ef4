//! [`VirtualClock`]: time that passes when nothing else happens.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use background_fetch::embedder::Clock;
use futures::future::BoxFuture;
use parking_lot::Mutex;

/// A clock whose time stands still until somebody moves it: the [`Executor`](crate::Executor) does, when every
/// task waits. A handle: its clones show the same time, which begins at zero.
#[derive(Clone, Default)]
pub struct VirtualClock(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    now: Duration,
    created: u64,
    /// Those that are waited for, by deadline and then creation.
    timers: BTreeMap<(Duration, u64), Waker>,
}

impl VirtualClock {
    /// A clock at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves the time on in one jump; the timers that are due fire in the order of their deadlines, those with
    /// one deadline in the order of their creation.
    ///
    /// Whoever wakes sees the time after the jump. [`Executor::run_for`](crate::Executor::run_for) goes from
    /// deadline to deadline instead.
    pub fn advance(&self, duration: Duration) {
        let target = self.now().saturating_add(duration);
        self.advance_to(target);
    }

    /// Moves the time on to the next deadline, where there is one; says whether there was.
    pub fn advance_to_next(&self) -> bool {
        let next = self.next_deadline();
        if let Some(deadline) = next {
            self.advance_to(deadline);
        }
        next.is_some()
    }

    /// When the next timer is due.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.0.lock().timers.keys().next().map(|(deadline, _)| *deadline)
    }

    /// The number of timers that are waited for.
    pub fn pending_timers(&self) -> usize {
        self.0.lock().timers.len()
    }

    /// Moves the time to `target`, never back.
    pub(crate) fn advance_to(&self, target: Duration) {
        let due = {
            let mut state = self.0.lock();
            state.now = state.now.max(target);
            let later = match state.now.checked_add(Duration::from_nanos(1)) {
                Some(after) => state.timers.split_off(&(after, 0)),
                None => BTreeMap::new(),
            };
            std::mem::replace(&mut state.timers, later)
        };
        for (_, waker) in due {
            waker.wake();
        }
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Duration {
        self.0.lock().now
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let mut state = self.0.lock();
        state.created += 1;
        Box::pin(Sleep {
            timer: (state.now.saturating_add(duration), state.created),
            clock: self.clone(),
        })
    }
}

impl fmt::Debug for VirtualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.lock();
        f.debug_struct("VirtualClock")
            .field("now", &state.now)
            .field("timers", &state.timers.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// Waits for a deadline.
struct Sleep {
    clock: VirtualClock,
    timer: (Duration, u64),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.clock.0.lock();
        if state.now >= self.timer.0 {
            return Poll::Ready(());
        }
        state.timers.insert(self.timer, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.clock.0.lock().timers.remove(&self.timer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Executor;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn timers_fire_by_deadline_and_then_by_creation() {
        let executor = Executor::fifo();
        let clock = executor.clock();
        let fired = Arc::new(Mutex::new(Vec::new()));
        // Spawned in the reverse of their creation, so that registration cannot decide.
        let sleeps: Vec<_> = [3, 1, 2, 1]
            .into_iter()
            .enumerate()
            .map(|(index, seconds)| (index, seconds, clock.sleep(SECOND * seconds)))
            .collect();
        for (index, seconds, sleep) in sleeps.into_iter().rev() {
            let (fired, clock) = (fired.clone(), clock.clone());
            executor.spawn_local(async move {
                sleep.await;
                assert_eq!(clock.now(), SECOND * seconds);
                fired.lock().push((index, seconds));
            });
        }
        executor.run_for(SECOND * 10);
        assert_eq!(*fired.lock(), [(1, 1), (3, 1), (2, 2), (0, 3)]);
        assert_eq!(clock.now(), SECOND * 10);
    }

    #[test]
    fn a_dropped_timer_is_forgotten_and_a_jump_fires_all_that_are_due() {
        let executor = Executor::fifo();
        let clock = executor.clock();
        let long = executor.spawn_local(clock.sleep(SECOND * 5));
        let mut dropped = clock.sleep(SECOND);
        assert!(
            dropped
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_pending()
        );
        executor.run_until_stalled();
        assert_eq!(clock.pending_timers(), 2);
        drop(dropped);
        assert_eq!(clock.next_deadline(), Some(SECOND * 5));
        clock.advance(SECOND * 7);
        executor.run_until(long);
        assert_eq!(clock.now(), SECOND * 7);
        assert!(!clock.advance_to_next());
    }
}
