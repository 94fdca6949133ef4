//! `BackgroundFetchRegistration.abort()`, and the same from the user interface (errata 3).

use std::sync::Arc;

use crate::algorithms::contains::contains_background_fetch;
use crate::concepts::background_fetch::{BackgroundFetch, Progress};
use crate::embedder::FetchState;
use crate::inspect::EventKind;
use crate::{Engine, Exception};

impl Engine {
    /// Aborts a background fetch. Whether it was active.
    ///
    /// <https://wicg.github.io/background-fetch/#background-fetch-registration-abort>
    pub(crate) fn abort_background_fetch(
        &self,
        bg_fetch: &Arc<BackgroundFetch>,
    ) -> impl Future<Output = Result<bool, Exception>> + Send + use<> {
        // 1 and 2. The background fetch and its registration.
        // 3. Enqueue these steps to the edit queue.
        let steps = {
            let (engine, bg_fetch) = (self.clone(), Arc::clone(bg_fetch));
            async move {
                // 3.1 to 3.3. One that is not active is not aborted; nor is one that is being aborted.
                let is_active = contains_background_fetch(
                    &bg_fetch.registration.active_background_fetches.lock(),
                    &bg_fetch,
                );
                let mark = |progress: &mut Progress| !std::mem::replace(&mut progress.aborted, true);
                if !is_active || !bg_fetch.progress.update_quietly(mark) {
                    return (false, true);
                }
                // 3.6. Set the abort all flag: before the promise resolves, so that no byte comes after it.
                bg_fetch.abort_all();
                bg_fetch.response_data_stored().await;
                // The abort outlives a crash.
                let stored = engine
                    .inner
                    .embedder
                    .storage
                    .set_state(bg_fetch.key, FetchState::Aborted)
                    .await;
                let is_stored = stored.is_ok();
                match stored {
                    // 3.4. Remove it: not before it is stored, or after a crash another might have its id too.
                    Ok(()) => {
                        let active_bg_fetches = &bg_fetch.registration.active_background_fetches;
                        active_bg_fetches.lock().shift_remove(&bg_fetch.id);
                        drop(bg_fetch.active_slot.lock().take());
                    }
                    Err(error) => engine.note_storage_trouble(&bg_fetch, error),
                }
                engine.note(&bg_fetch, EventKind::Aborted);
                // A background fetch that was loaded and not started has to settle.
                engine.start_one(bg_fetch.key);
                (true, is_stored)
            }
        };
        let aborted = self.enqueue(&bg_fetch.registration, steps);
        let (engine, bg_fetch) = (self.clone(), Arc::clone(bg_fetch));
        async move {
            let (aborted, is_stored) = aborted.await.ok_or_else(super::was_cleared)?;
            // What could not be stored is stored with the result, by a storage that takes it within seconds.
            if !is_stored && !bg_fetch.settled_before(engine.stopped()).await {
                return Err(super::was_cleared());
            }
            // 3.5. Resolve with true.
            Ok(aborted)
        }
    }
}
