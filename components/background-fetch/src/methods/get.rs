//! `BackgroundFetchManager.get()` and `getIds()`: through the edit queue, so that they see what was called before
//! them (errata 22).

use std::sync::Arc;

use crate::concepts::background_fetch::BackgroundFetch;
use crate::concepts::service_worker_registration::ServiceWorkerRegistration;
use crate::{DomString, Engine, Exception};

/// What an id stands for.
enum Lookup {
    Found(Arc<BackgroundFetch>),
    /// Its request bodies are being read.
    Pending,
    Missing,
}

impl Engine {
    /// <https://wicg.github.io/background-fetch/#background-fetch-manager-get>
    pub(super) fn get(
        &self,
        registration: &Arc<ServiceWorkerRegistration>,
        id: DomString,
    ) -> impl Future<Output = Result<Option<Arc<BackgroundFetch>>, Exception>> + Send + use<> {
        let found = self.look_up(registration, &id);
        let (engine, registration) = (self.clone(), Arc::clone(registration));
        async move {
            let mut found = found.await;
            // One that is being stored was called for before: its answer comes first (errata 22).
            while let Some(Lookup::Pending) = found {
                let stored = |pending: &Vec<DomString>| (!pending.contains(&id)).then_some(());
                registration.pending_ids.when(stored).await;
                found = engine.look_up(&registration, &id).await;
            }
            match found {
                Some(Lookup::Found(bg_fetch)) => Ok(Some(bg_fetch)),
                Some(_) => Ok(None),
                None => Err(super::was_cleared()),
            }
        }
        // 4. The answer passes by the update handling queue: see `Engine::settle`.
    }

    /// 1 to 3. What the registration's active background fetches have for the id.
    fn look_up(
        &self,
        registration: &Arc<ServiceWorkerRegistration>,
        id: &DomString,
    ) -> impl Future<Output = Option<Lookup>> + Send + use<> {
        let steps = {
            let (registration, id) = (Arc::clone(registration), id.clone());
            async move {
                if let Some(bg_fetch) = registration.active_background_fetches.lock().get(&id) {
                    return Lookup::Found(Arc::clone(bg_fetch));
                }
                match registration.pending_ids.read(|pending| pending.contains(&id)) {
                    true => Lookup::Pending,
                    false => Lookup::Missing,
                }
            }
        };
        self.enqueue(registration, steps)
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
