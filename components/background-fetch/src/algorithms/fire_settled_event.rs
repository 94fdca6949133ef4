//! The end of "perform a background fetch": the event, and what comes after it.

use std::sync::Arc;

use super::display;
use super::update_instances::update_background_fetch_instances_now;
use crate::Engine;
use crate::concepts::background_fetch::BackgroundFetch;
use crate::concepts::{BackgroundFetchFailureReason, BackgroundFetchResult};
use crate::embedder::{FetchState, FunctionalEvent, FunctionalEventName};
use crate::inspect::EventKind;

/// Fires the event of a settled background fetch until a worker took it, then makes its records unavailable.
///
/// <https://wicg.github.io/background-fetch/#perform-a-background-fetch-algorithm>, 8.8 on.
pub(crate) async fn fire_settled_event(engine: &Engine, bg_fetch: &Arc<BackgroundFetch>) {
    // 8.8 to 8.12. The name, which gives the interface.
    let (result, failure_reason) = bg_fetch
        .progress
        .read(|progress| (progress.result, progress.failure_reason));
    let name = event_name(result, failure_reason);
    // 8.13. Fire a functional event; 8.13.1: wait until it is not active.
    fire_until_dispatched(engine, bg_fetch, name).await;
    // 8.13.2. Unset the records available flag. The event is no longer owed, after a restart too.
    let stored = engine
        .inner
        .embedder
        .storage
        .set_state(bg_fetch.key, FetchState::Delivered)
        .await;
    if let Err(error) = stored {
        engine.note_storage_trouble(bg_fetch, error);
    }
    bg_fetch.progress.update(|progress| {
        progress.records_available = false;
        progress.event_owed = false;
    });
    // 8.13.3. Update background fetch instances.
    update_background_fetch_instances_now(bg_fetch);
    remove_records(engine, bg_fetch).await;
}

fn event_name(
    result: BackgroundFetchResult,
    failure_reason: BackgroundFetchFailureReason,
) -> FunctionalEventName {
    match (result, failure_reason) {
        (_, BackgroundFetchFailureReason::Aborted) => FunctionalEventName::Abort,
        (BackgroundFetchResult::Success, _) => FunctionalEventName::Success,
        _ => FunctionalEventName::Fail,
    }
}

/// The event is owed until a worker took it: one that does not start is started again (errata 30).
async fn fire_until_dispatched(engine: &Engine, bg_fetch: &BackgroundFetch, name: FunctionalEventName) {
    let timing = &engine.inner.policies.timing;
    let mut wait = timing.first_event_retry;
    loop {
        engine.note(bg_fetch, EventKind::EventFired { name });
        match engine
            .inner
            .embedder
            .service_workers
            .fire(functional_event(bg_fetch, name))
            .await
        {
            Ok(()) => break,
            Err(error) => engine.note(
                bg_fetch,
                EventKind::EventFailed {
                    name,
                    message: error.0,
                },
            ),
        }
        engine.inner.embedder.clock.sleep(wait).await;
        wait = timing.next_event_retry(wait);
    }
    engine.note(bg_fetch, EventKind::EventEnded { name });
}

pub(crate) fn functional_event(bg_fetch: &BackgroundFetch, name: FunctionalEventName) -> FunctionalEvent {
    FunctionalEvent {
        name,
        registration: bg_fetch.registration.key.clone(),
        fetch: bg_fetch.key,
        id: bg_fetch.id.clone(),
    }
}

/// Removes what is stored of a background fetch, once no record object of it is left in any realm.
pub(crate) async fn remove_records(engine: &Engine, bg_fetch: &Arc<BackgroundFetch>) {
    bg_fetch
        .held_records
        .when(|held| (*held == 0).then_some(()))
        .await;
    match engine.inner.embedder.storage.remove(bg_fetch.key).await {
        Ok(()) => engine.note(bg_fetch, EventKind::Removed),
        // What could not be removed now is removed after a restart.
        Err(error) => engine.note_storage_trouble(bg_fetch, error),
    }
    display::keep_finished(engine, bg_fetch);
}
