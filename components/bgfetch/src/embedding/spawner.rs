//! The executor: tokio's.

use background_fetch::embedder::Spawner;
use futures::future::BoxFuture;
use tokio::runtime::Handle;

pub(super) struct TokioSpawner {
    runtime: Handle,
}

impl TokioSpawner {
    pub(super) fn new(runtime: Handle) -> Self {
        Self { runtime }
    }
}

impl Spawner for TokioSpawner {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.runtime.spawn(task);
    }
}
