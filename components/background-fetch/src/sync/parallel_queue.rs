//! [`ParallelQueue`]: HTML's parallel queue.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;

use futures::future::BoxFuture;

use super::Mutex;
use crate::embedder::Spawner;

/// Runs enqueued steps one after the other, each to its end, in the order in which they came.
///
/// <https://html.spec.whatwg.org/#parallel-queue>
#[derive(Clone)]
pub(crate) struct ParallelQueue {
    spawner: Arc<dyn Spawner>,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    steps: VecDeque<BoxFuture<'static, ()>>,
    running: bool,
}

impl ParallelQueue {
    /// Starts a new parallel queue.
    pub(crate) fn new(spawner: Arc<dyn Spawner>) -> Self {
        Self {
            spawner,
            inner: Arc::default(),
        }
    }

    /// Enqueues steps.
    pub(crate) fn enqueue(&self, steps: impl Future<Output = ()> + Send + 'static) {
        let start = {
            let mut inner = self.inner.lock();
            inner.steps.push_back(Box::pin(steps));
            !std::mem::replace(&mut inner.running, true)
        };
        // A task lives only while there are steps, so that an idle queue costs nothing and outlives nobody.
        if start {
            let mut runner = Runner {
                inner: Arc::clone(&self.inner),
                ended: false,
            };
            self.spawner.spawn(Box::pin(async move {
                while let Some(steps) = runner.next() {
                    steps.await;
                }
            }));
        }
    }
}

/// Runs the steps. Where its task is dropped before their end, they are dropped too, and the queue starts anew with
/// what comes next.
struct Runner {
    inner: Arc<Mutex<Inner>>,
    ended: bool,
}

impl Runner {
    fn next(&mut self) -> Option<BoxFuture<'static, ()>> {
        let mut inner = self.inner.lock();
        let next = inner.steps.pop_front();
        inner.running = next.is_some();
        self.ended = !inner.running;
        next
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let dropped = {
            let mut inner = self.inner.lock();
            inner.running = false;
            std::mem::take(&mut inner.steps)
        };
        // Without the lock: what they hold may come back here.
        drop(dropped);
    }
}
