//! [`Activity`]: whether anything is going on that ends by itself.

use std::fmt;
use std::sync::Arc;
use std::task::{Poll, Waker};

use parking_lot::Mutex;

/// Counts what is going on and ends by itself: tasks that wait, timers, requests, jobs of service workers.
#[derive(Clone, Default)]
pub struct Activity(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    busy: usize,
    /// Grows with every beginning.
    begun: u64,
    wakers: Vec<Waker>,
}

/// Something is going on until this is dropped.
pub struct Busy(Activity);

impl Activity {
    /// Something begins.
    pub fn begin(&self) -> Busy {
        let mut state = self.0.lock();
        state.busy += 1;
        state.begun += 1;
        drop(state);
        Busy(self.clone())
    }

    /// Resolves when nothing is going on; gives a number that is another after anything began.
    pub async fn quiet(&self) -> u64 {
        std::future::poll_fn(|context| {
            let mut state = self.0.lock();
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
        let mut state = self.0.0.lock();
        state.busy -= 1;
        if state.busy > 0 {
            return;
        }
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl fmt::Debug for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Activity")
            .field("busy", &self.0.lock().busy)
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
    }
}
