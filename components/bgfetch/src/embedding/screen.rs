//! The user interface, seen from the component: the last state of each background fetch, for whoever draws it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use background_fetch::FetchKey;
use background_fetch::embedder::{Display, DisplayState};

/// What there is to see. A clone is another handle to it.
#[derive(Clone, Default)]
pub(crate) struct Screen {
    shown: Arc<Mutex<BTreeMap<FetchKey, DisplayState>>>,
}

impl Screen {
    /// The last state of a background fetch.
    pub(crate) fn state(&self, fetch: FetchKey) -> Option<DisplayState> {
        self.lock().get(&fetch).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<FetchKey, DisplayState>> {
        // Nothing between lock and unlock can leave the map half changed.
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Display for Screen {
    fn show(&self, state: &DisplayState) {
        self.lock().insert(state.fetch, state.clone());
    }

    fn remove(&self, fetch: FetchKey) {
        self.lock().remove(&fetch);
    }
}
