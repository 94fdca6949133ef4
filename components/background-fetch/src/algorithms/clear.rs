//! Clearing a service worker registration, which the specification's section on privacy asks for (errata 26).

use std::sync::Arc;

use super::display::take_off_screen;
use crate::Engine;
use crate::concepts::RegistrationKey;
use crate::embedder::StorageError;
use crate::inspect::EventKind;

/// Clears a registration: aborts its background fetches, fires nothing, wipes the storage and rejects what is
/// pending.
///
/// <https://wicg.github.io/background-fetch/#privacy-and-bandwidth-use>
pub(crate) async fn clear_registration(engine: &Engine, key: &RegistrationKey) -> Result<(), StorageError> {
    engine.registration(key);
    let Some(registration) = engine.replace_registration(key) else {
        return Ok(());
    };
    // Every task of the registration ends, and every pending promise rejects.
    registration.cleared.update(|cleared| *cleared = true);
    // What is being created right now is stored before it is wiped.
    let storage = Arc::clone(&engine.inner.embedder.storage);
    let wiped = {
        let key = key.clone();
        engine
            .enqueue(&registration, async move { storage.clear(&key).await })
            .await
    };
    let bg_fetches: Vec<_> = {
        let fetches = engine.inner.fetches.lock();
        fetches
            .values()
            .filter(|bg_fetch| Arc::ptr_eq(&bg_fetch.registration, &registration))
            .cloned()
            .collect()
    };
    for bg_fetch in bg_fetches {
        engine.note(&bg_fetch, EventKind::Cleared);
        drop(bg_fetch.active_slot.lock().take());
        take_off_screen(engine, &bg_fetch);
    }
    registration.active_background_fetches.lock().clear();
    registration.finished.lock().clear();
    wiped.unwrap_or(Ok(()))
}
