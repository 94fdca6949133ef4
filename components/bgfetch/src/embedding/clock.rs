//! The clock: tokio's.

use std::time::Duration;

use background_fetch::embedder::Clock;
use futures::future::BoxFuture;
use tokio::time::Instant;

pub(super) struct TokioClock {
    started: Instant,
}

impl TokioClock {
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
        }
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}
