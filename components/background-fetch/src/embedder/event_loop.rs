//! [`EventLoop`].

use futures::channel::mpsc::UnboundedSender;

use crate::seam::RealmTask;

/// A realm's event loop, seen from the engine half: the way to the realm's thread.
///
/// The task is plain data. Run it with [`Realm::run_task`](crate::api::Realm::run_task) on the realm's thread,
/// one after the other, in the order in which they were queued: progress depends on it. When the realm is gone,
/// drop it.
///
/// <https://wicg.github.io/background-fetch/#queue-a-bgfetch-task>
pub trait EventLoop: Send + Sync {
    /// Queues a task on the background fetch task source. Called from any thread; must not block, and must not
    /// run the task, or call the engine, before it returns.
    fn queue_task(&self, task: RealmTask);
}

/// A channel whose receiver the realm's thread reads.
impl EventLoop for UnboundedSender<RealmTask> {
    fn queue_task(&self, task: RealmTask) {
        // The realm is gone where nobody receives: its tasks are dropped.
        let _ = self.unbounded_send(task);
    }
}
