//! The realm's event loop: a channel, and a local task that runs what comes out of it, in order.

use std::sync::Arc;

use background_fetch::Engine;
use background_fetch::api::Realm;
use background_fetch::fetch::Client;
use futures::StreamExt;
use futures::channel::mpsc;

/// A realm whose tasks run on this thread, as long as its `LocalSet` does.
pub(super) fn realm(engine: &Engine, client: Client) -> Realm {
    let (queue, mut tasks) = mpsc::unbounded();
    let realm = Realm::new(Arc::new(engine.clone()), client, Arc::new(queue));
    let running = realm.clone();
    tokio::task::spawn_local(async move {
        while let Some(task) = tasks.next().await {
            running.run_task(task);
        }
    });
    realm
}
