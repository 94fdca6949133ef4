//! What a service worker registration has in addition.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashMap;
use indexmap::IndexMap;
use parking_lot::Mutex;
use url::Url;

use super::RegistrationKey;
use super::background_fetch::BackgroundFetch;
use crate::DomString;
use crate::fetch::StorageKey;
use crate::sync::{ParallelQueue, Watched};

/// A service worker registration, as far as background fetches need it.
///
/// <https://wicg.github.io/background-fetch/#service-worker-registration-concept-extensions>
pub(crate) struct ServiceWorkerRegistration {
    /// The storage key and the scope URL.
    pub(crate) key: RegistrationKey,
    /// Active background fetches.
    pub(crate) active_background_fetches: Mutex<IndexMap<DomString, Arc<BackgroundFetch>>>,
    /// The ids of background fetches whose request bodies are being read: they are taken, and not in the map yet.
    pub(crate) pending_ids: Watched<Vec<DomString>>,
    /// The active background fetches edit queue. A registration that takes the place of a cleared one takes its
    /// queue too: so nothing new is stored before the old is wiped.
    pub(crate) edit_queue: ParallelQueue,
    /// Whether it was cleared.
    pub(crate) cleared: Watched<bool>,
    /// The last ones that finished: their user interface may still be clicked.
    pub(crate) finished: Mutex<VecDeque<Arc<BackgroundFetch>>>,
}

impl ServiceWorkerRegistration {
    pub(crate) fn new(key: RegistrationKey, edit_queue: ParallelQueue) -> Self {
        Self {
            key,
            active_background_fetches: Mutex::default(),
            pending_ids: Watched::new(Vec::new()),
            edit_queue,
            cleared: Watched::new(false),
            finished: Mutex::default(),
        }
    }

    /// Waits until it is cleared.
    pub(crate) async fn cleared(&self) {
        self.cleared.when(|cleared| cleared.then_some(())).await;
    }

    pub(crate) fn is_cleared(&self) -> bool {
        self.cleared.read(|cleared| *cleared)
    }
}

/// An id that is taken by a background fetch which is not in the map yet; dropping it gives the id back.
pub(crate) struct PendingId {
    registration: Arc<ServiceWorkerRegistration>,
    pub(crate) id: DomString,
}

impl PendingId {
    /// Takes an id, or none where it is pending already.
    pub(crate) fn new(registration: &Arc<ServiceWorkerRegistration>, id: DomString) -> Option<Self> {
        let taken = registration.pending_ids.update(|pending| {
            let free = !pending.contains(&id);
            pending.extend(free.then(|| id.clone()));
            free
        });
        taken.then(|| Self {
            registration: Arc::clone(registration),
            id,
        })
    }
}

impl Drop for PendingId {
    fn drop(&mut self) {
        self.registration
            .pending_ids
            .update(|pending| pending.retain(|id| *id != self.id));
    }
}

/// Matches a service worker registration: the longest of a storage key's scope URLs that `url` starts with.
///
/// <https://w3c.github.io/ServiceWorker/#scope-match-algorithm>
pub fn match_service_worker_registration<'a>(
    scopes: impl IntoIterator<Item = &'a Url>,
    url: &Url,
) -> Option<&'a Url> {
    scopes
        .into_iter()
        .filter(|scope| scope.origin() == url.origin() && url.as_str().starts_with(scope.as_str()))
        .max_by_key(|scope| scope.as_str().len())
}

/// Counts the active background fetches of each storage key, against the limit.
#[derive(Clone, Default)]
pub(crate) struct ActiveCounts(Arc<Mutex<HashMap<StorageKey, usize>>>);

/// A place among the active background fetches of a storage key; dropping it gives it back.
pub(crate) struct ActiveSlot {
    counts: ActiveCounts,
    storage_key: StorageKey,
}

impl ActiveCounts {
    /// Takes a place, or none where `limit` are taken.
    pub(crate) fn take(&self, storage_key: &StorageKey, limit: usize) -> Option<ActiveSlot> {
        let mut counts = self.0.lock();
        let count = counts.entry(storage_key.clone()).or_default();
        (*count < limit).then(|| {
            *count += 1;
            ActiveSlot {
                counts: self.clone(),
                storage_key: storage_key.clone(),
            }
        })
    }
}

impl Drop for ActiveSlot {
    fn drop(&mut self) {
        let mut counts = self.counts.0.lock();
        if let Some(count) = counts.get_mut(&self.storage_key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.storage_key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_scope_that_the_url_starts_with_matches() {
        let scopes: Vec<Url> = [
            "https://a.example/",
            "https://a.example/app/",
            "https://b.example/app/long/",
        ]
        .iter()
        .map(|scope| Url::parse(scope).unwrap())
        .collect();
        let matched = |url: &str| {
            match_service_worker_registration(&scopes, &Url::parse(url).unwrap()).map(Url::as_str)
        };
        assert_eq!(
            matched("https://a.example/app/page?q"),
            Some("https://a.example/app/")
        );
        assert_eq!(matched("https://a.example/app"), Some("https://a.example/"));
        assert_eq!(matched("https://b.example/app/"), None);
        assert_eq!(matched("http://a.example/app/"), None);
    }
}
