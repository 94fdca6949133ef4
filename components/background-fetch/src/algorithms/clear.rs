//! Clearing a service worker registration, which the specification's section on privacy asks for (errata 26).

use std::sync::Arc;

use super::display::take_off_screen;
use crate::Engine;
use crate::concepts::RegistrationKey;
use crate::concepts::service_worker_registration::ServiceWorkerRegistration;
use crate::embedder::{StorageError, StorageErrorKind};
use crate::inspect::EventKind;
use crate::seam::RealmTask;

/// Clears a registration: aborts its background fetches, fires nothing, wipes the storage and rejects what is
/// pending.
///
/// <https://wicg.github.io/background-fetch/#privacy-and-bandwidth-use>
pub(crate) async fn clear_registration(engine: &Engine, key: &RegistrationKey) -> Result<(), StorageError> {
    let registration = engine.replace_registration(key);
    // Every task of the registration ends, and every pending promise rejects.
    registration.cleared.update(|cleared| *cleared = true);
    // What is being created right now is stored before it is wiped. Once begun it goes to its end, whoever waits.
    let wiped = {
        let (engine, registration) = (engine.clone(), Arc::clone(&registration));
        async move {
            let wiped = engine.inner.embedder.storage.clear(&registration.key).await;
            forget_background_fetches(&engine, &registration);
            wiped
        }
    };
    engine
        .enqueue_to_the_end(&registration, wiped)
        .await
        .unwrap_or_else(|| {
            let message = format!("clearing {} was cut off: clear it again", key.scope);
            Err(StorageError::new(StorageErrorKind::Io, message))
        })
}

fn forget_background_fetches(engine: &Engine, registration: &Arc<ServiceWorkerRegistration>) {
    registration.active_background_fetches.lock().clear();
    registration.finished.lock().clear();
    let bg_fetches: Vec<_> = {
        let fetches = engine.inner.fetches.lock();
        let of_it = fetches
            .values()
            .filter(|bg_fetch| Arc::ptr_eq(&bg_fetch.registration, registration));
        of_it.cloned().collect()
    };
    for bg_fetch in bg_fetches {
        engine.note(&bg_fetch, EventKind::Cleared);
        drop(bg_fetch.active_slot.lock().take());
        take_off_screen(engine, &bg_fetch);
        // The instances learn that there is nothing to wait for; no event is fired.
        let fetch = bg_fetch.key;
        engine
            .inner
            .realms
            .queue_tasks(&registration.key.storage_key, || RealmTask::Cleared { fetch });
    }
}
