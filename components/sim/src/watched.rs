//! [`Watched`]: a value under a lock, and futures that wait until it is as they want it.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::task::{Poll, Waker};

use parking_lot::Mutex;

/// A value that futures wait on. For values that change seldom: every change wakes every waiter, in the order in
/// which they came.
pub(crate) struct Watched<T>(Mutex<State<T>>);

struct State<T> {
    value: T,
    next_waiter: u64,
    waiters: BTreeMap<u64, Waker>,
}

impl<T> Watched<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Mutex::new(State {
            value,
            next_waiter: 0,
            waiters: BTreeMap::new(),
        }))
    }

    /// Looks at the value.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.0.lock().value)
    }

    /// Changes the value, and wakes whoever waits.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let (result, waiters) = {
            let mut state = self.0.lock();
            let result = change(&mut state.value);
            (result, std::mem::take(&mut state.waiters))
        };
        for (_, waker) in waiters {
            waker.wake();
        }
        result
    }

    /// Resolves when `wanted` gives something. `wanted` may change the value too, which wakes nobody.
    pub(crate) async fn until<R>(&self, mut wanted: impl FnMut(&mut T) -> Option<R>) -> R {
        let mut place = Place {
            watched: self,
            number: None,
        };
        poll_fn(|context| {
            let mut state = self.0.lock();
            if let Some(found) = wanted(&mut state.value) {
                return Poll::Ready(found);
            }
            let number = *place.number.get_or_insert_with(|| {
                state.next_waiter += 1;
                state.next_waiter
            });
            state.waiters.insert(number, context.waker().clone());
            Poll::Pending
        })
        .await
    }
}

/// A waiter's place in the queue, given up when its future is dropped.
struct Place<'a, T> {
    watched: &'a Watched<T>,
    number: Option<u64>,
}

impl<T> Drop for Place<'_, T> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.watched.0.lock().waiters.remove(&number);
        }
    }
}
