//! The realms that are connected to an engine, seen from the engine half.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use indexmap::IndexMap;

use crate::concepts::{BackgroundFetchResult, FetchKey};
use crate::embedder::EventLoop;
use crate::fetch::StorageKey;
use crate::seam::{FetchSnapshot, RealmId, RealmTask};
use crate::sync::{Mutex, Watched};

#[derive(Default)]
pub(crate) struct Realms {
    connected: Mutex<IndexMap<RealmId, ConnectedRealm>>,
    next: AtomicU64,
}

struct ConnectedRealm {
    storage_key: StorageKey,
    event_loop: Arc<dyn EventLoop>,
    life: RealmLife,
    /// How many record objects of each background fetch the realm holds.
    held_records: HashMap<FetchKey, u64>,
    /// The updates that the realm has not run yet, one of each background fetch; with the newer one that waits for it.
    updates: HashMap<FetchKey, Option<FetchSnapshot>>,
}

/// Whether a realm is gone.
#[derive(Clone)]
pub(crate) struct RealmLife(Arc<Watched<bool>>);

impl RealmLife {
    fn new(gone: bool) -> Self {
        Self(Arc::new(Watched::new(gone)))
    }

    /// Waits until the realm is gone.
    pub(crate) async fn gone(self) {
        self.0.when(|gone| gone.then_some(())).await;
    }
}

impl Realms {
    pub(crate) fn connect(&self, storage_key: StorageKey, event_loop: Arc<dyn EventLoop>) -> RealmId {
        let realm = RealmId(self.next.fetch_add(1, Ordering::Relaxed));
        let connected = ConnectedRealm {
            storage_key,
            event_loop,
            life: RealmLife::new(false),
            held_records: HashMap::new(),
            updates: HashMap::new(),
        };
        self.connected.lock().insert(realm, connected);
        realm
    }

    /// Disconnects a realm; what it held is to be released.
    pub(crate) fn disconnect(&self, realm: RealmId) -> HashMap<FetchKey, u64> {
        let gone = self.connected.lock().shift_remove(&realm);
        let Some(gone) = gone else {
            return HashMap::new();
        };
        gone.life.0.update(|gone| *gone = true);
        gone.held_records
    }

    /// Whether a realm is there, and may use the storage of this key.
    pub(crate) fn may_use(&self, realm: RealmId, storage_key: &StorageKey) -> bool {
        let connected = self.connected.lock();
        connected
            .get(&realm)
            .is_some_and(|realm| realm.storage_key == *storage_key)
    }

    pub(crate) fn life(&self, realm: RealmId) -> RealmLife {
        let connected = self.connected.lock();
        connected
            .get(&realm)
            .map_or_else(|| RealmLife::new(true), |realm| realm.life.clone())
    }

    /// Queues a task on a realm's event loop, where the realm is still there.
    pub(crate) fn queue_task(&self, realm: RealmId, task: RealmTask) {
        let event_loop = self
            .connected
            .lock()
            .get(&realm)
            .map(|connected| Arc::clone(&connected.event_loop));
        if let Some(event_loop) = event_loop {
            event_loop.queue_task(task);
        }
    }

    /// Queues a task on the event loop of every realm of a storage key.
    pub(crate) fn queue_tasks(&self, storage_key: &StorageKey, task: impl Fn() -> RealmTask) {
        self.queue_some(storage_key, |_| Some(task()));
    }

    /// Queues an update on every realm of a storage key. One that has not run the last yet gets the newest when it
    /// has, so that a page that is frozen costs one task for each background fetch; and the few with the result.
    pub(crate) fn queue_updates(&self, storage_key: &StorageKey, snapshot: &FetchSnapshot) {
        let settled = snapshot.result != BackgroundFetchResult::Empty;
        self.queue_some(storage_key, |realm| {
            let waits = realm.updates.insert(snapshot.key, None).is_some();
            if waits && !settled {
                realm.updates.insert(snapshot.key, Some(snapshot.clone()));
                return None;
            }
            Some(RealmTask::Update(snapshot.clone()))
        });
    }

    /// Notes that a realm gets this state by another task: what waits is not newer than that.
    pub(crate) fn supersede(&self, realm: RealmId, snapshot: &FetchSnapshot) {
        let mut connected = self.connected.lock();
        let realm = connected.get_mut(&realm);
        if let Some(Some(waiting)) = realm.and_then(|realm| realm.updates.get_mut(&snapshot.key)) {
            waiting.clone_from(snapshot);
        }
    }

    /// Notes that a realm has run an update; queues the newer one, where there is one.
    pub(crate) fn updated(&self, realm: RealmId, fetch: FetchKey) {
        let mut connected = self.connected.lock();
        let Some(realm) = connected.get_mut(&realm) else {
            return;
        };
        let Some(Some(newer)) = realm.updates.remove(&fetch) else {
            return;
        };
        realm.updates.insert(fetch, None);
        // With the lock: what supersedes it cannot be queued before it.
        realm.event_loop.queue_task(RealmTask::Update(newer));
    }

    fn queue_some(
        &self,
        storage_key: &StorageKey,
        mut task: impl FnMut(&mut ConnectedRealm) -> Option<RealmTask>,
    ) {
        let tasks: Vec<_> = {
            let mut connected = self.connected.lock();
            let of_key = connected
                .values_mut()
                .filter(|realm| realm.storage_key == *storage_key);
            of_key
                .filter_map(|realm| Some((Arc::clone(&realm.event_loop), task(realm)?)))
                .collect()
        };
        for (event_loop, task) in tasks {
            event_loop.queue_task(task);
        }
    }

    /// Notes that a realm holds so many more record objects. Whether the realm is there.
    pub(crate) fn hold(&self, realm: RealmId, fetch: FetchKey, count: u64) -> bool {
        let mut connected = self.connected.lock();
        let Some(connected) = connected.get_mut(&realm) else {
            return false;
        };
        *connected.held_records.entry(fetch).or_default() += count;
        true
    }

    /// Notes that a realm holds so many fewer; how many that really were.
    pub(crate) fn release(&self, realm: RealmId, fetch: FetchKey, count: u64) -> u64 {
        let mut connected = self.connected.lock();
        let held_records = connected.get_mut(&realm).map(|realm| &mut realm.held_records);
        let Some(Entry::Occupied(mut held)) = held_records.map(|held| held.entry(fetch)) else {
            return 0;
        };
        let released = count.min(*held.get());
        *held.get_mut() -= released;
        if *held.get() == 0 {
            held.remove();
        }
        released
    }
}
