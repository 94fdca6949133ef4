//! [`ReadyQueue`]: the part of the executor that other threads reach. It knows which tasks are ready, and takes
//! new ones.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Wake, Waker};

use background_fetch::embedder::Spawner;
use futures::channel::oneshot;
use futures::future::BoxFuture;
use parking_lot::Mutex;

/// Names a task of one executor; a newer one is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TaskId(pub(crate) u64);

/// Where a task came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Through the spawner.
    Spawned,
    /// Started on the executor's thread.
    Local,
    /// What the executor runs for.
    Root,
}

/// The tasks that are ready, and those that were spawned since the executor last looked.
pub(crate) struct ReadyQueue {
    state: Mutex<State>,
    /// Itself, for the wakers.
    handle: Weak<Self>,
}

#[derive(Default)]
struct State {
    admitted: u64,
    /// By [`Kind`].
    live: [usize; 3],
    spawned: Vec<(TaskId, BoxFuture<'static, ()>)>,
    ready: VecDeque<Arc<TaskWaker>>,
    idle: Vec<oneshot::Sender<()>>,
}

impl ReadyQueue {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new_cyclic(|handle| Self {
            state: Mutex::default(),
            handle: handle.clone(),
        })
    }

    /// Names a new task, which is ready.
    pub(crate) fn admit(&self, kind: Kind) -> TaskId {
        self.state.lock().admit(kind, self.handle.clone())
    }

    /// Counts a task that ended, or was dropped.
    pub(crate) fn dismiss(&self, kind: Kind) {
        self.state.lock().live[kind as usize] -= 1;
    }

    /// The tasks of a kind that have not ended.
    pub(crate) fn live(&self, kind: Kind) -> usize {
        self.state.lock().live[kind as usize]
    }

    /// Takes what was spawned.
    pub(crate) fn take_spawned(&self) -> Vec<(TaskId, BoxFuture<'static, ()>)> {
        std::mem::take(&mut self.state.lock().spawned)
    }

    /// Takes the task that `pick` chooses of so many that are ready.
    pub(crate) fn next(&self, pick: impl FnOnce(usize) -> usize) -> Option<(TaskId, Waker)> {
        let mut state = self.state.lock();
        if state.ready.is_empty() {
            return None;
        }
        let index = pick(state.ready.len());
        // The first goes without moving the others; any other leaves its place to the last.
        let task = if index == 0 {
            state.ready.pop_front()
        } else {
            state.ready.swap_remove_back(index)
        }?;
        // From here on it may become ready again, while it is polled too.
        task.queued.store(false, Ordering::Release);
        Some((task.id, Waker::from(task)))
    }

    /// Tells when nothing is ready. A waker alone would not: who waits may be polled for another reason.
    pub(crate) fn when_idle(&self) -> oneshot::Receiver<()> {
        let (idle, told) = oneshot::channel();
        self.state.lock().idle.push(idle);
        told
    }

    /// Wakes who waits for nothing to be ready; says whether there was somebody.
    pub(crate) fn wake_idle(&self) -> bool {
        let idle = std::mem::take(&mut self.state.lock().idle);
        let mut found = false;
        for idle in idle {
            // An error is somebody who does not wait any more.
            found |= idle.send(()).is_ok();
        }
        found
    }
}

impl State {
    fn admit(&mut self, kind: Kind, queue: Weak<ReadyQueue>) -> TaskId {
        self.admitted += 1;
        self.live[kind as usize] += 1;
        let id = TaskId(self.admitted);
        self.ready.push_back(Arc::new(TaskWaker {
            id,
            queued: AtomicBool::new(true),
            queue,
        }));
        id
    }
}

impl Spawner for ReadyQueue {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        let mut state = self.state.lock();
        let id = state.admit(Kind::Spawned, self.handle.clone());
        state.spawned.push((id, task));
    }
}

/// Wakes one task.
struct TaskWaker {
    id: TaskId,
    /// Whether it is in the queue.
    queued: AtomicBool,
    queue: Weak<ReadyQueue>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel)
            && let Some(queue) = self.queue.upgrade()
        {
            queue.state.lock().ready.push_back(self);
        }
    }
}
