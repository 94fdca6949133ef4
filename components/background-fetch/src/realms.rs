//! The realms that are connected to an engine, seen from the engine half.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hashbrown::HashMap;
use indexmap::IndexMap;
use parking_lot::Mutex;

use crate::concepts::FetchKey;
use crate::embedder::EventLoop;
use crate::fetch::StorageKey;
use crate::seam::{RealmId, RealmTask};

#[derive(Default)]
pub(crate) struct Realms {
    connected: Mutex<IndexMap<RealmId, ConnectedRealm>>,
    next: AtomicU64,
}

struct ConnectedRealm {
    storage_key: StorageKey,
    event_loop: Arc<dyn EventLoop>,
    /// How many record objects of each background fetch the realm holds.
    held_records: HashMap<FetchKey, u64>,
}

impl Realms {
    pub(crate) fn connect(&self, storage_key: StorageKey, event_loop: Arc<dyn EventLoop>) -> RealmId {
        let realm = RealmId(self.next.fetch_add(1, Ordering::Relaxed));
        let connected = ConnectedRealm {
            storage_key,
            event_loop,
            held_records: HashMap::new(),
        };
        self.connected.lock().insert(realm, connected);
        realm
    }

    /// Disconnects a realm; what it held is to be released.
    pub(crate) fn disconnect(&self, realm: RealmId) -> HashMap<FetchKey, u64> {
        let gone = self.connected.lock().shift_remove(&realm);
        gone.map(|gone| gone.held_records).unwrap_or_default()
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
        let event_loops: Vec<_> = {
            let connected = self.connected.lock();
            let of_key = connected
                .values()
                .filter(|connected| connected.storage_key == *storage_key);
            of_key
                .map(|connected| Arc::clone(&connected.event_loop))
                .collect()
        };
        for event_loop in event_loops {
            event_loop.queue_task(task());
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
        let held = connected
            .get_mut(&realm)
            .and_then(|connected| connected.held_records.get_mut(&fetch));
        held.map_or(0, |held| {
            let released = count.min(*held);
            *held -= released;
            released
        })
    }
}
