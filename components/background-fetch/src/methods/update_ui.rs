//! `BackgroundFetchUpdateUIEvent.updateUI()`.

use std::sync::Arc;

use crate::algorithms::update_instances::update_background_fetch_instances_now;
use crate::concepts::background_fetch::BackgroundFetch;
use crate::concepts::{BackgroundFetchUIOptions, FetchKey};
use crate::embedder::StorageErrorKind;
use crate::{Engine, Exception};

impl Engine {
    /// Sets title and icons at once, so that they count although the event ends before they are stored.
    ///
    /// <https://wicg.github.io/background-fetch/#background-fetch-update-ui-event-update-ui>, 4 to 6.
    pub(super) fn update_ui(
        &self,
        fetch: FetchKey,
        options: BackgroundFetchUIOptions,
    ) -> Result<Arc<BackgroundFetch>, Exception> {
        self.check_ui_limits(&options)?;
        // 4. The background fetch.
        let bg_fetch = self.known(fetch)?;
        {
            let mut ui = bg_fetch.ui.lock();
            // 5. The icons, if present.
            if let Some(icons) = options.icons {
                ui.icons = icons;
            }
            // 6. The title, if present.
            if let Some(title) = options.title {
                ui.title = title;
            }
        }
        update_background_fetch_instances_now(&bg_fetch);
        Ok(bg_fetch)
    }

    /// Stores title and icons; 7. resolve.
    pub(super) async fn store_ui(&self, bg_fetch: &BackgroundFetch) -> Result<(), Exception> {
        let ui = bg_fetch.ui.lock().clone();
        let stored = self
            .inner
            .embedder
            .storage
            .set_ui(bg_fetch.key, &ui.title, &ui.icons)
            .await;
        match stored {
            // The event has ended meanwhile, and what was stored is removed: the user interface has it all the same.
            Err(error) if error.kind == StorageErrorKind::NotFound => Ok(()),
            stored => stored.map_err(|error| super::fetch::exception_of(&error)),
        }
    }
}
