//! [`TokioRuntime`]: the executor and the clock of tokio, for an embedder that runs on it.

use std::sync::Arc;
use std::time::Duration;

use background_fetch::embedder::{Clock, Spawner};
use futures::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::time::Instant;

/// The default [`Spawner`] and [`Clock`]: those of a tokio runtime, with one thread or many.
#[derive(Clone, Debug)]
pub struct TokioRuntime {
    handle: Handle,
    started: Arc<Instant>,
}

impl TokioRuntime {
    /// The runtime of this handle; its time driver must be on.
    pub fn new(handle: Handle) -> Self {
        Self {
            handle,
            started: Arc::new(Instant::now()),
        }
    }

    /// The runtime that the caller runs on.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn current() -> Self {
        Self::new(Handle::current())
    }
}

impl Spawner for TokioRuntime {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.handle.spawn(task);
    }
}

impl Clock for TokioRuntime {
    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let handle = self.handle.clone();
        Box::pin(async move {
            // A timer belongs to the runtime it is made in, wherever it is polled.
            let sleep = {
                let _entered = handle.enter();
                tokio::time::sleep(duration)
            };
            sleep.await;
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_is_polled_by_any_executor() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_time()
            .build();
        let runtime = runtime.expect("a runtime starts");
        let clock = TokioRuntime::new(runtime.handle().clone());
        let before = clock.now();
        futures::executor::block_on(clock.sleep(Duration::from_millis(2)));
        assert!(clock.now() - before >= Duration::from_millis(2));
    }
}
