//! [`Clock`].

use std::time::Duration;

use futures::future::BoxFuture;

/// Tells the time, and waits.
///
/// The component asks for time here and nowhere else, so that a simulation can run on virtual time.
pub trait Clock: Send + Sync {
    /// The time since some fixed moment; never goes back. Used for intervals, not shown to anybody.
    fn now(&self) -> Duration;

    /// Resolves when `duration` has passed. Dropping it forgets the timer.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}
