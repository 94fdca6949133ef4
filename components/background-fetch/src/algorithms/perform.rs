//! Perform a background fetch.

use std::sync::Arc;

use futures::StreamExt;
use futures::stream;

use super::complete_record::complete_a_record;
use super::contains::contains_background_fetch;
use super::fire_settled_event::fire_settled_event;
use super::update_instances::update_background_fetch_instances_in_order;
use crate::Engine;
use crate::concepts::background_fetch::BackgroundFetch;
use crate::concepts::record::Record;
use crate::concepts::{BackgroundFetchFailureReason, BackgroundFetchResult, ResponseResult};
use crate::embedder::{FetchState, StorageError, StorageErrorKind};
use crate::inspect::EventKind;

/// How many records are being completed at once, for each request that may be in flight: those that wait to be
/// tried again do not hold up the others.
const RECORDS_PER_REQUEST: usize = 4;

/// Performs a background fetch: completes its records, settles it, fires its event.
///
/// <https://wicg.github.io/background-fetch/#perform-a-background-fetch-algorithm>
pub(crate) async fn perform_a_background_fetch(engine: &Engine, bg_fetch: &Arc<BackgroundFetch>) {
    // 1 to 4. The registration, failureReason and the count of settled fetches live in `bg_fetch` and in the
    // stream below, immediateFailure in the abort all flag.
    // 5. For each record, in parallel. Those that were settled before a restart stay so.
    let unsettled = bg_fetch.records.clone().into_iter().filter(|record| {
        record
            .response_data()
            .state
            .read(|state| state.result == ResponseResult::Empty)
    });
    let completions = {
        let (engine, bg_fetch) = (engine.clone(), Arc::clone(bg_fetch));
        unsettled.map(move |record| settle_record(engine.clone(), Arc::clone(&bg_fetch), record))
    };
    let at_once = engine
        .inner
        .policies
        .limits
        .requests_per_fetch
        .saturating_mul(RECORDS_PER_REQUEST)
        .max(1);
    let mut settled_fetches = stream::iter(completions).buffer_unordered(at_once);
    // 6. Wait until all are settled; one that fails the whole sets the abort all flag, and the others follow.
    while let Some(immediate_failure) = settled_fetches.next().await {
        // 7. Set the abort all flag.
        if immediate_failure {
            bg_fetch.abort_all();
        }
    }
    // 8. Enqueue the steps that settle it; again while the result cannot be stored, since no event goes before it.
    let mut storing = Storing::default();
    let mut wait = engine.inner.policies.timing.first_event_retry;
    loop {
        let steps = settle(engine.clone(), Arc::clone(bg_fetch), storing);
        match engine.enqueue(&bg_fetch.registration, steps).await {
            Some(Ok(())) => break,
            Some(Err(again)) => storing = again,
            None => return,
        }
        engine.inner.embedder.clock.sleep(wait).await;
        wait = engine.inner.policies.timing.next_event_retry(wait);
    }
    // 8.8 to 8.13. Fire its event.
    fire_settled_event(engine, bg_fetch).await;
}

/// Completes one record; whether its failure fails the whole at once.
async fn settle_record(engine: Engine, bg_fetch: Arc<BackgroundFetch>, record: Arc<Record>) -> bool {
    // 5.1 and 5.2. Complete the record; its result.
    let result = complete_a_record(&engine, &bg_fetch, &record).await;
    let failure_reason = result.failure_reason();
    // 5.3. The first failure in time is the failure reason (errata 1).
    debug_assert_ne!(result, ResponseResult::Redundant);
    bg_fetch.progress.update(|progress| {
        if progress.first_failure == BackgroundFetchFailureReason::Empty {
            progress.first_failure = failure_reason;
        }
    });
    // 5.4. The end of this future counts as a settled fetch.
    // 5.5. An exceeded download total, or quota, is an immediate failure.
    result.fails_the_whole()
}

/// How often a success is stored before it is taken for one that cannot be made durable.
const SUCCESS_TRIES: u32 = 2;

/// How often a result is stored. A storage that takes nothing then, as on a disk that stays full, holds nobody up: the event
/// goes without it, and after a crash there may be another.
const TRIES: u32 = 4;

/// A result that could not be stored yet.
#[derive(Clone, Copy, Debug, Default)]
struct Storing {
    tries: u32,
    /// Its failure reason, the empty string for a success.
    failure_reason: Option<BackgroundFetchFailureReason>,
}

/// The steps that settle a background fetch; or what is to be tried again, where its result could not be stored.
async fn settle(engine: Engine, bg_fetch: Arc<BackgroundFetch>, storing: Storing) -> Result<(), Storing> {
    // 8.1 and 8.2. The registration's active background fetches, and the id.
    let is_active = {
        let active_bg_fetches = bg_fetch.registration.active_background_fetches.lock();
        contains_background_fetch(&active_bg_fetches, &bg_fetch)
    };
    let (was_aborted, first_failure) = bg_fetch
        .progress
        .read(|progress| (progress.aborted, progress.first_failure));
    let failure_reason = match storing.failure_reason {
        // 8.4. It was aborted, whatever failed meanwhile.
        _ if !is_active || was_aborted => BackgroundFetchFailureReason::Aborted,
        Some(not_stored) => not_stored,
        None => first_failure,
    };
    // 8.5 and 8.6. The result: durable before anybody sees it, and the event is owed from here on (errata 30).
    let result = match failure_reason {
        BackgroundFetchFailureReason::Empty => BackgroundFetchResult::Success,
        _ => BackgroundFetchResult::Failure,
    };
    let state = FetchState::Settled {
        result,
        failure_reason,
    };
    if let Err(error) = engine.inner.embedder.storage.set_state(bg_fetch.key, state).await {
        let tries = storing.tries.saturating_add(1);
        let again = still_to_be_stored(failure_reason, tries, &error);
        engine.note_storage_trouble(&bg_fetch, error);
        if let Some(failure_reason) = again.filter(|_| tries < TRIES) {
            return Err(Storing {
                tries,
                failure_reason: Some(failure_reason),
            });
        }
    }
    // 8.3. Remove it: not before its result is stored, or after a crash another might have its id too.
    if is_active {
        let mut active_bg_fetches = bg_fetch.registration.active_background_fetches.lock();
        active_bg_fetches.shift_remove(&bg_fetch.id);
    }
    drop(bg_fetch.active_slot.lock().take());
    bg_fetch.progress.update(|progress| {
        progress.result = result;
        progress.failure_reason = failure_reason;
        progress.event_owed = true;
    });
    engine.note(
        &bg_fetch,
        EventKind::Settled {
            result,
            failure_reason,
        },
    );
    // 8.7. Update background fetch instances, before the event can end: the result comes with available records.
    update_background_fetch_instances_in_order(&engine, &bg_fetch);
    Ok(())
}

/// The failure reason to store next, where this one was not stored; none where there is nothing to store it to. A success
/// that cannot be made durable is none.
fn still_to_be_stored(
    failure_reason: BackgroundFetchFailureReason,
    tries: u32,
    error: &StorageError,
) -> Option<BackgroundFetchFailureReason> {
    if failure_reason != BackgroundFetchFailureReason::Empty {
        return (error.kind != StorageErrorKind::NotFound).then_some(failure_reason);
    }
    match error.kind {
        StorageErrorKind::QuotaExceeded if tries >= SUCCESS_TRIES => {
            Some(BackgroundFetchFailureReason::QuotaExceeded)
        }
        StorageErrorKind::QuotaExceeded | StorageErrorKind::Io if tries < SUCCESS_TRIES => {
            Some(failure_reason)
        }
        _ => Some(BackgroundFetchFailureReason::FetchError),
    }
}
