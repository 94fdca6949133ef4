//! [`Screen`]: a user interface that knows what it was shown last.

use std::collections::BTreeMap;
use std::sync::Arc;

use background_fetch::embedder::{Display, DisplayState};
use background_fetch::{BackgroundFetchResult, Engine, FetchKey};
use parking_lot::Mutex;

use super::ledger::Ledger;

/// A user interface that knows what it was shown last.
#[derive(Clone, Default)]
pub(super) struct Screen(Arc<Mutex<BTreeMap<FetchKey, DisplayState>>>);

impl Display for Screen {
    fn show(&self, state: &DisplayState) {
        self.0.lock().insert(state.fetch, state.clone());
    }

    fn remove(&self, fetch: FetchKey) {
        self.0.lock().remove(&fetch);
    }
}

impl Screen {
    /// Compares what is shown with what is, once everything is over.
    pub(super) fn check(&self, engine: &Engine, ledger: &Ledger) {
        let shown = self.0.lock().clone();
        let known: Vec<_> = engine.inspect().into_iter().map(|fetch| fetch.key).collect();
        if !shown.keys().eq(&known) {
            ledger.fault(format!("shown are {:?}, known are {known:?}", shown.keys()));
        }
        for (key, state) in shown {
            if state.result == BackgroundFetchResult::Empty {
                ledger.fault(format!("{key} is over and shown as {state:?}"));
            }
        }
    }
}
