//! [`TestPermissions`]: a permission that a test sets.

use std::collections::BTreeMap;
use std::sync::Arc;

use background_fetch::embedder::{PermissionState, Permissions};
use background_fetch::fetch::{Client, StorageKey};
use futures::future::BoxFuture;
use parking_lot::Mutex;

/// The state of the "background-fetch" permission, as a test sets it: granted at first.
///
/// A handle: its clones are the same permissions.
#[derive(Clone)]
pub struct TestPermissions(Arc<Mutex<State>>);

struct State {
    everywhere: PermissionState,
    exceptions: BTreeMap<StorageKey, PermissionState>,
    silent: bool,
    asked: usize,
}

impl TestPermissions {
    /// Granted everywhere.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            everywhere: PermissionState::Granted,
            exceptions: BTreeMap::new(),
            silent: false,
            asked: 0,
        })))
    }

    /// Sets the state, everywhere.
    pub fn set(&self, state: PermissionState) {
        let mut permissions = self.0.lock();
        permissions.everywhere = state;
        permissions.exceptions.clear();
    }

    /// Sets the state for one storage key.
    pub fn set_for(&self, key: &StorageKey, state: PermissionState) {
        self.0.lock().exceptions.insert(key.clone(), state);
    }

    /// Never answers from now on, which an embedder should not do.
    pub fn never_answer(&self) {
        self.0.lock().silent = true;
    }

    /// How often the component asked.
    pub fn asked(&self) -> usize {
        self.0.lock().asked
    }
}

impl Default for TestPermissions {
    fn default() -> Self {
        Self::new()
    }
}

impl Permissions for TestPermissions {
    fn state<'a>(&'a self, client: &'a Client) -> BoxFuture<'a, PermissionState> {
        Box::pin(async {
            let answer = {
                let mut permissions = self.0.lock();
                permissions.asked += 1;
                let exception = permissions.exceptions.get(&client.storage_key);
                let state = exception.copied().unwrap_or(permissions.everywhere);
                (!permissions.silent).then_some(state)
            };
            match answer {
                Some(state) => state,
                None => std::future::pending().await,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Executor;
    use url::Url;

    #[test]
    fn a_storage_key_can_differ_from_the_rest() {
        let permissions = TestPermissions::new();
        let [a, b] =
            ["https://a.example/", "https://b.example/"].map(|url| Client::page(Url::parse(url).unwrap()));
        let state = |client| Executor::fifo().run_until(permissions.state(client));
        permissions.set_for(&a.storage_key, PermissionState::Prompt);
        assert_eq!(
            [&a, &b].map(state),
            [PermissionState::Prompt, PermissionState::Granted]
        );
        permissions.set(PermissionState::Denied);
        assert_eq!([&a, &b].map(state), [PermissionState::Denied; 2]);
        assert_eq!(permissions.asked(), 4);
    }
}
