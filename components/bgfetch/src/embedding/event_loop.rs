//! The realm's event loop: a channel, and a local task that runs what comes out of it, in order.

use std::sync::Arc;

use background_fetch::Engine;
use background_fetch::api::Realm;
use background_fetch::embedder::EventLoop;
use background_fetch::fetch::Client;
use background_fetch::seam::RealmTask;
use tokio::sync::mpsc;

struct TaskQueue(mpsc::UnboundedSender<RealmTask>);

impl EventLoop for TaskQueue {
    fn queue_task(&self, task: RealmTask) {
        // Nobody runs tasks of a realm that is gone.
        let _ = self.0.send(task);
    }
}

/// A realm whose tasks run on this thread, as long as its `LocalSet` does.
pub(super) fn realm(engine: &Engine, client: Client) -> Realm {
    let (queue, mut tasks) = mpsc::unbounded_channel();
    let realm = Realm::new(Arc::new(engine.clone()), client, Arc::new(TaskQueue(queue)));
    let running = realm.clone();
    tokio::task::spawn_local(async move {
        while let Some(task) = tasks.recv().await {
            running.run_task(task);
        }
    });
    realm
}
