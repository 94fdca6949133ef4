//! `BackgroundFetchManager.get()` and `getIds()`: through the edit queue, so that they see what was called before
//! them (errata 22).

use std::sync::Arc;

use crate::concepts::background_fetch::BackgroundFetch;
use crate::concepts::service_worker_registration::ServiceWorkerRegistration;
use crate::{DomString, Engine, Exception};

impl Engine {
    /// <https://wicg.github.io/background-fetch/#background-fetch-manager-get>
    pub(super) fn get(
        &self,
        registration: &Arc<ServiceWorkerRegistration>,
        id: DomString,
    ) -> impl Future<Output = Result<Option<Arc<BackgroundFetch>>, Exception>> + Send + use<> {
        // 1 to 3. What the registration's active background fetches have for the id.
        let steps = {
            let registration = Arc::clone(registration);
            async move { registration.active_background_fetches.lock().get(&id).cloned() }
        };
        let found = self.enqueue(registration, steps);
        async { found.await.ok_or_else(super::was_cleared) }
        // 4. The answer passes by the update handling queue: see `Engine::settle`.
    }

    /// <https://wicg.github.io/background-fetch/#background-fetch-manager-get-ids>
    pub(super) fn get_ids(
        &self,
        registration: &Arc<ServiceWorkerRegistration>,
    ) -> impl Future<Output = Result<Vec<DomString>, Exception>> + Send + use<> {
        // 1 and 2. The keys of the registration's active background fetches.
        let steps = {
            let registration = Arc::clone(registration);
            async move {
                registration
                    .active_background_fetches
                    .lock()
                    .keys()
                    .cloned()
                    .collect()
            }
        };
        let ids = self.enqueue(registration, steps);
        async { ids.await.ok_or_else(super::was_cleared) }
    }
}
