//! `BackgroundFetchManager.get()` and `getIds()`: through the edit queue, so that they see what was called before
//! them (errata 22).

use std::sync::Arc;

use crate::concepts::RegistrationKey;
use crate::concepts::background_fetch::BackgroundFetch;
use crate::{DomString, Engine, Exception};

impl Engine {
    /// <https://wicg.github.io/background-fetch/#background-fetch-manager-get>
    pub(super) async fn get(
        &self,
        key: &RegistrationKey,
        id: &DomString,
    ) -> Result<Option<Arc<BackgroundFetch>>, Exception> {
        // 1. The registration.
        let registration = self.registration(key);
        // 2 and 3. What its active background fetches have for the id.
        let steps = {
            let (registration, id) = (Arc::clone(&registration), id.clone());
            async move { registration.active_background_fetches.lock().get(&id).cloned() }
        };
        self.enqueue(&registration, steps)
            .await
            .ok_or_else(super::was_cleared)
        // 4. The answer passes by the update handling queue: see `Engine::settle`.
    }

    /// <https://wicg.github.io/background-fetch/#background-fetch-manager-get-ids>
    pub(super) async fn get_ids(&self, key: &RegistrationKey) -> Result<Vec<DomString>, Exception> {
        // 1. The registration.
        let registration = self.registration(key);
        // 2. The keys of its active background fetches.
        let steps = {
            let registration = Arc::clone(&registration);
            async move {
                registration
                    .active_background_fetches
                    .lock()
                    .keys()
                    .cloned()
                    .collect()
            }
        };
        self.enqueue(&registration, steps)
            .await
            .ok_or_else(super::was_cleared)
    }
}
