//! [`Watched`]: a value that tasks can wait on.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use indexmap::IndexMap;

use super::Mutex;

/// A value behind a lock, with "wait for |condition|".
///
/// No wake-up is lost: a waiter looks at the value and leaves its waker under one lock, and every
/// [`update`](Self::update) wakes all waiters after it let the lock go.
pub(crate) struct Watched<T> {
    inner: Mutex<Inner<T>>,
}

struct Inner<T> {
    value: T,
    /// In the order in which they came, as far as nobody left: the order is the same in every run.
    waiters: IndexMap<u64, Waker>,
    next_waiter: u64,
}

impl<T> Watched<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            inner: Mutex::new(Inner {
                value,
                waiters: IndexMap::new(),
                next_waiter: 0,
            }),
        }
    }

    /// Looks at the value.
    pub(crate) fn read<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.inner.lock().value)
    }

    /// Changes the value, and wakes everybody who waits for something of it.
    pub(crate) fn update<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let (result, waiters) = {
            let mut inner = self.inner.lock();
            let result = change(&mut inner.value);
            (result, std::mem::take(&mut inner.waiters))
        };
        for (_, waker) in waiters {
            waker.wake();
        }
        result
    }

    /// Changes what nobody waits for, or what another [`update`](Self::update) tells at once: wakes nobody.
    pub(crate) fn update_quietly<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        change(&mut self.inner.lock().value)
    }

    /// Waits until `condition` gives something.
    pub(crate) fn when<R, F: FnMut(&T) -> Option<R> + Unpin>(&self, condition: F) -> When<'_, T, F> {
        When {
            watched: self,
            condition,
            waiter: None,
        }
    }
}

/// Waits for a [`Watched`] value.
pub(crate) struct When<'a, T, F> {
    watched: &'a Watched<T>,
    condition: F,
    waiter: Option<u64>,
}

impl<T, R, F: FnMut(&T) -> Option<R> + Unpin> Future for When<'_, T, F> {
    type Output = R;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<R> {
        let this = self.get_mut();
        let mut inner = this.watched.inner.lock();
        if let Some(result) = (this.condition)(&inner.value) {
            return Poll::Ready(result);
        }
        let id = *this.waiter.get_or_insert_with(|| {
            inner.next_waiter += 1;
            inner.next_waiter
        });
        let former = inner.waiters.insert(id, cx.waker().clone());
        // A waker may run anything when it is dropped: without the lock.
        drop(inner);
        drop(former);
        Poll::Pending
    }
}

impl<T, F> Drop for When<'_, T, F> {
    fn drop(&mut self) {
        if let Some(id) = self.waiter {
            let waker = self.watched.inner.lock().waiters.swap_remove(&id);
            drop(waker);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use futures::task::noop_waker;

    #[test]
    fn a_waiter_sees_what_was_there_before_and_what_comes_after() {
        let watched = Watched::new(0);
        let mut when = watched.when(|value| (*value > 1).then_some(*value));
        let waker = noop_waker();
        let mut cx = Context::from_waker(&waker);
        assert!(when.poll_unpin(&mut cx).is_pending());
        watched.update(|value| *value = 1);
        assert!(when.poll_unpin(&mut cx).is_pending());
        watched.update(|value| *value = 2);
        assert_eq!(when.poll_unpin(&mut cx), Poll::Ready(2));
        assert_eq!(watched.when(|value| Some(*value)).now_or_never(), Some(2));
    }

    #[test]
    fn a_dropped_waiter_leaves_no_waker_behind() {
        let watched = Watched::new(());
        let waker = noop_waker();
        {
            let mut when = watched.when(|_| None::<()>);
            assert!(when.poll_unpin(&mut Context::from_waker(&waker)).is_pending());
            assert!(when.poll_unpin(&mut Context::from_waker(&waker)).is_pending());
            assert_eq!(watched.inner.lock().waiters.len(), 1);
        }
        assert!(watched.inner.lock().waiters.is_empty());
    }
}
