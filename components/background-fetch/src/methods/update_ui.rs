//! `BackgroundFetchUpdateUIEvent.updateUI()`.

use crate::algorithms::update_instances::update_background_fetch_instances_now;
use crate::concepts::{BackgroundFetchUIOptions, FetchKey};
use crate::{Engine, Exception};

impl Engine {
    /// <https://wicg.github.io/background-fetch/#background-fetch-update-ui-event-update-ui>, 4 on.
    pub(super) async fn update_ui(
        &self,
        fetch: FetchKey,
        options: BackgroundFetchUIOptions,
    ) -> Result<(), Exception> {
        self.check_ui_limits(&options)?;
        // 4. The background fetch.
        let bg_fetch = self.known(fetch)?;
        let ui = {
            let mut ui = bg_fetch.ui.lock();
            // 5. The icons, if present.
            if let Some(icons) = options.icons {
                ui.icons = icons;
            }
            // 6. The title, if present.
            if let Some(title) = options.title {
                ui.title = title;
            }
            ui.clone()
        };
        let stored = self
            .inner
            .embedder
            .storage
            .set_ui(fetch, &ui.title, &ui.icons)
            .await;
        stored.map_err(|error| super::fetch::exception_of(&error))?;
        update_background_fetch_instances_now(&bg_fetch);
        // 7. Resolve.
        Ok(())
    }
}
