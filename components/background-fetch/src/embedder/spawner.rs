//! [`Spawner`].

use futures::future::BoxFuture;

/// Runs the component's tasks: what the specification does "in parallel".
///
/// A thread pool, a single-threaded executor and a simulation all do. A task ends by itself: when its background
/// fetch is over, when its registration is cleared, or at
/// [`Engine::shutdown`](crate::Engine::shutdown). An executor that drops a task early loses nothing that
/// storage holds: the next start goes on from there.
pub trait Spawner: Send + Sync {
    /// Starts a task. May be called from any thread, and from a task.
    fn spawn(&self, task: BoxFuture<'static, ()>);
}
