//! The algorithms of the specification, a file each.
//!
//! <https://wicg.github.io/background-fetch/#algorithms>

mod attempt;
pub(crate) mod clear;
pub(crate) mod complete_record;
pub(crate) mod contains;
pub(crate) mod content_range;
pub(crate) mod create_record_objects;
pub(crate) mod display;
pub(crate) mod fire_click_event;
pub(crate) mod fire_settled_event;
pub(crate) mod over_total;
pub(crate) mod perform;
pub(crate) mod request_matches;
pub(crate) mod response_action;
mod resume_upload;
mod retry;
mod start_again;
pub(crate) mod stored_body;
mod temporarily_unavailable;
pub(crate) mod update_instances;
pub(crate) mod validate_partial_response;

use std::sync::Arc;

use futures::future;

use crate::Engine;
use crate::concepts::background_fetch::BackgroundFetch;
use crate::embedder::FetchState;

/// Starts the task of a background fetch, at the state in which it is stored.
pub(crate) fn run(engine: &Engine, bg_fetch: Arc<BackgroundFetch>, state: FetchState) {
    run_after(engine, bg_fetch, state, future::ready(()));
}

/// The same; it begins when `begins` resolves.
pub(crate) fn run_after(
    engine: &Engine,
    bg_fetch: Arc<BackgroundFetch>,
    state: FetchState,
    begins: impl Future<Output = ()> + Send + 'static,
) {
    let task = {
        let engine = engine.clone();
        let bg_fetch = Arc::clone(&bg_fetch);
        async move {
            begins.await;
            let work = async {
                match state {
                    FetchState::Active | FetchState::Aborted => {
                        perform::perform_a_background_fetch(&engine, &bg_fetch).await;
                    }
                    FetchState::Settled { .. } => {
                        fire_settled_event::fire_settled_event(&engine, &bg_fetch).await;
                    }
                    FetchState::Delivered => fire_settled_event::remove_records(&engine, &bg_fetch).await,
                }
            };
            future::join(work, update_instances::deliver_updates(&engine, &bg_fetch)).await;
        }
    };
    engine.spawn(Arc::clone(&bg_fetch.registration), task);
}
