//! [`TestDisplay`]: a user interface that remembers what it was shown.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use background_fetch::FetchKey;
use background_fetch::embedder::{Clock, Display, DisplayState};
use parking_lot::Mutex;

use crate::VirtualClock;

/// A user interface that remembers what it was shown.
///
/// A handle: its clones are the same user interface.
#[derive(Clone)]
pub struct TestDisplay(Arc<Inner>);

struct Inner {
    clock: VirtualClock,
    history: Mutex<Vec<DisplayCall>>,
}

/// A call to the user interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayCall {
    /// When, on the virtual clock.
    pub at: Duration,
    /// The background fetch.
    pub fetch: FetchKey,
    /// What was shown, or none where it was taken off the screen.
    pub shown: Option<DisplayState>,
}

impl TestDisplay {
    /// An empty screen; calls are dated by `clock`.
    pub fn new(clock: VirtualClock) -> Self {
        let history = Mutex::default();
        Self(Arc::new(Inner { clock, history }))
    }

    /// Every call, in order.
    pub fn history(&self) -> Vec<DisplayCall> {
        self.0.history.lock().clone()
    }

    /// What was shown of a background fetch, in order.
    pub fn states(&self, fetch: FetchKey) -> Vec<DisplayState> {
        let history = self.0.history.lock();
        let of_fetch = history.iter().filter(|call| call.fetch == fetch);
        of_fetch.filter_map(|call| call.shown.clone()).collect()
    }

    /// What was shown last of a background fetch, even where it was taken off the screen after that.
    pub fn latest(&self, fetch: FetchKey) -> Option<DisplayState> {
        self.states(fetch).pop()
    }

    /// What is on the screen, in the order of the background fetches.
    pub fn on_screen(&self) -> Vec<DisplayState> {
        self.on_screen_from(0)
    }

    /// What is on a screen that was empty before this place in the history.
    pub fn on_screen_from(&self, first: usize) -> Vec<DisplayState> {
        let mut screen = BTreeMap::new();
        for call in self.history().into_iter().skip(first) {
            match call.shown {
                Some(state) => screen.insert(call.fetch, state),
                None => screen.remove(&call.fetch),
            };
        }
        screen.into_values().collect()
    }

    /// The background fetches that were taken off the screen, in order.
    pub fn removed(&self) -> Vec<FetchKey> {
        let history = self.0.history.lock();
        let removals = history.iter().filter(|call| call.shown.is_none());
        removals.map(|call| call.fetch).collect()
    }

    fn record(&self, fetch: FetchKey, shown: Option<DisplayState>) {
        let at = self.0.clock.now();
        self.0.history.lock().push(DisplayCall { at, fetch, shown });
    }
}

impl Display for TestDisplay {
    fn show(&self, state: &DisplayState) {
        self.record(state.fetch, Some(state.clone()));
    }

    fn remove(&self, fetch: FetchKey) {
        self.record(fetch, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use background_fetch::RegistrationKey;
    use background_fetch::embedder::PauseReasons;
    use background_fetch::{BackgroundFetchFailureReason, BackgroundFetchResult};
    use url::Url;

    #[test]
    fn the_latest_state_stays_and_a_removal_clears_the_screen() {
        let clock = VirtualClock::new();
        let display = TestDisplay::new(clock.clone());
        let url = Url::parse("https://a.example/").unwrap();
        let mut state = DisplayState {
            fetch: FetchKey(1),
            id: "id".into(),
            registration: RegistrationKey::of(url.clone()),
            origin: "https://a.example".into(),
            base_url: url,
            title: "one".into(),
            icons: Vec::new(),
            bandwidth_in_use: true,
            dismissible: false,
            pausable: true,
            paused: PauseReasons::default(),
            download_total: 0,
            downloaded: 0,
            upload_total: 0,
            uploaded: 0,
            result: BackgroundFetchResult::Empty,
            failure_reason: BackgroundFetchFailureReason::Empty,
        };
        display.show(&state);
        clock.advance(Duration::from_secs(1));
        state.downloaded = 5;
        display.show(&state);
        assert_eq!(display.on_screen(), [state.clone()]);
        display.remove(FetchKey(1));
        assert_eq!(display.on_screen(), []);
        assert_eq!(display.removed(), [FetchKey(1)]);
        assert_eq!(display.latest(FetchKey(1)), Some(state));
        assert_eq!(display.history()[1].at, Duration::from_secs(1));
        assert_eq!(display.states(FetchKey(2)), []);
    }
}
