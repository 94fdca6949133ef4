//! Update background fetch instances.

use std::sync::Arc;

use futures::future;

use super::display;
use crate::Engine;
use crate::concepts::background_fetch::{BackgroundFetch, Progress};

/// Updates background fetch instances: soon, with whatever else changes within the progress interval
/// (errata 25).
///
/// <https://wicg.github.io/background-fetch/#update-background-fetch-instance-algorithm>
pub(crate) fn update_background_fetch_instances(bg_fetch: &BackgroundFetch) {
    bg_fetch.progress.update(Progress::changed);
}

/// Updates background fetch instances at once: a result, or an unset flag, does not wait.
pub(crate) fn update_background_fetch_instances_now(bg_fetch: &BackgroundFetch) {
    bg_fetch.progress.update(Progress::changed_urgently);
}

/// Updates background fetch instances in this moment: what is set after this comes with another update.
pub(crate) fn update_background_fetch_instances_in_order(engine: &Engine, bg_fetch: &BackgroundFetch) {
    bg_fetch.progress.update(Progress::changed_urgently);
    deliver(engine, bg_fetch);
}

/// Delivers updates as long as there can be any: one in each progress interval at most, and always the last.
pub(crate) async fn deliver_updates(engine: &Engine, bg_fetch: &Arc<BackgroundFetch>) {
    let clock = &engine.inner.embedder.clock;
    let interval = engine.inner.policies.timing.progress_interval;
    // It is shown from the beginning.
    deliver(engine, bg_fetch);
    loop {
        if !bg_fetch.progress.read(|progress| progress.records_available) {
            return;
        }
        let urgent = |progress: &Progress| (progress.urgent_revision > progress.delivered).then_some(());
        future::select(bg_fetch.progress.when(urgent), clock.sleep(interval)).await;
        let newer = |progress: &Progress| (progress.revision > progress.delivered).then_some(());
        bg_fetch.progress.when(newer).await;
        deliver(engine, bg_fetch);
    }
}

/// Queues the update on every realm that may have an instance, and shows it to the user.
fn deliver(engine: &Engine, bg_fetch: &BackgroundFetch) {
    {
        // The update handling queue: no realm gets an older state after a newer one.
        let _update_handling = bg_fetch.update_handling.lock();
        bg_fetch
            .progress
            .update(|progress| progress.delivered = progress.revision);
        // 1 to 5. What is copied.
        let snapshot = bg_fetch.snapshot();
        // 6. Queue a task on every realm of the storage key (errata 29). What follows happens there:
        // see `BackgroundFetchRegistration::update`.
        let storage_key = &bg_fetch.registration.key.storage_key;
        engine.inner.realms.queue_updates(storage_key, &snapshot);
    }
    display::show(engine, bg_fetch);
}
