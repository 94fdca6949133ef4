//! Fire a background fetch click event.

use std::sync::Arc;

use super::fire_settled_event::functional_event;
use crate::Engine;
use crate::concepts::background_fetch::BackgroundFetch;
use crate::embedder::FunctionalEventName;
use crate::inspect::EventKind;

/// Fires a background fetch click event. A worker that does not start misses it: a click is not owed.
///
/// <https://wicg.github.io/background-fetch/#fire-a-background-fetch-click-event-algorithm>
pub(crate) fn fire_a_background_fetch_click_event(engine: &Engine, bg_fetch: &Arc<BackgroundFetch>) {
    let name = FunctionalEventName::Click;
    let (task_engine, bg_fetch) = (engine.clone(), Arc::clone(bg_fetch));
    engine.spawn(Arc::clone(&bg_fetch.registration), async move {
        task_engine.note(&bg_fetch, EventKind::EventFired { name });
        let fired = task_engine
            .inner
            .embedder
            .service_workers
            .fire(functional_event(&bg_fetch, name))
            .await;
        let kind = match fired {
            Ok(()) => EventKind::EventEnded { name },
            Err(error) => EventKind::EventFailed {
                name,
                message: error.0,
            },
        };
        task_engine.note(&bg_fetch, kind);
    });
}
