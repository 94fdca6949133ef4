//! [`Tasks`]: how many tasks live, and when none does.

use std::sync::Arc;

use super::Watched;

/// Counts the tasks that live.
#[derive(Clone)]
pub(crate) struct Tasks(Arc<Watched<usize>>);

/// A task that lives until this is dropped.
pub(crate) struct Running(Tasks);

impl Tasks {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Watched::new(0)))
    }

    /// Counts a task.
    pub(crate) fn begin(&self) -> Running {
        self.0.update_quietly(|live| *live += 1);
        Running(self.clone())
    }

    /// Waits until none lives.
    pub(crate) async fn idle(&self) {
        self.0.when(|live| (*live == 0).then_some(())).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.update(|live| *live -= 1);
    }
}
