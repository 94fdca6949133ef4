//! [`ParallelQueue`]: HTML's parallel queue.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;

use futures::future::BoxFuture;
use parking_lot::Mutex;

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
            let inner = Arc::clone(&self.inner);
            self.spawner.spawn(Box::pin(async move {
                while let Some(steps) = Self::next(&inner) {
                    steps.await;
                }
            }));
        }
    }

    fn next(inner: &Mutex<Inner>) -> Option<BoxFuture<'static, ()>> {
        let mut inner = inner.lock();
        let next = inner.steps.pop_front();
        inner.running = next.is_some();
        next
    }
}
