//! Gates: where a test stops a response, and lets it go on.

use std::collections::{BTreeMap, BTreeSet};

use crate::watched::Watched;

/// The gates of every URL.
pub(super) struct Gates(Watched<BTreeMap<String, Gate>>);

#[derive(Default)]
struct Gate {
    /// Everything stops where it is, and new responses before their head.
    closed: bool,
    /// The bytes of the resource before which responses stop.
    stops: BTreeSet<u64>,
    /// The responses that wait here.
    waiting: usize,
}

/// How far a response is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Its head was not sent.
    Head,
    /// The byte of the resource that comes next.
    Byte(u64),
}

impl Gate {
    fn stops_at(&self, place: Place) -> bool {
        self.closed || matches!(place, Place::Byte(byte) if self.stops.contains(&byte))
    }
}

impl Gates {
    pub(super) fn new() -> Self {
        Self(Watched::new(BTreeMap::new()))
    }

    /// Stops every response for this URL where it is.
    pub(super) fn close(&self, url: &str) {
        self.0
            .change(|gates| gates.entry(url.to_owned()).or_default().closed = true);
    }

    /// Stops responses before these bytes, in place of those before which they stopped until now.
    pub(super) fn set_stops(&self, url: &str, stops: &BTreeSet<u64>) {
        self.0
            .change(|gates| gates.entry(url.to_owned()).or_default().stops = stops.clone());
    }

    /// Opens the gate where it is closed, else takes the first stop away.
    pub(super) fn release(&self, url: &str) {
        self.0.change(|gates| {
            if let Some(gate) = gates.get_mut(url)
                && !std::mem::take(&mut gate.closed)
            {
                gate.stops.pop_first();
            }
        });
    }

    /// Opens the gate and takes all stops away.
    pub(super) fn release_all(&self, url: &str) {
        self.0.change(|gates| {
            if let Some(gate) = gates.get_mut(url) {
                gate.closed = false;
                gate.stops.clear();
            }
        });
    }

    /// The responses that wait at this URL's gate.
    pub(super) fn waiting(&self, url: &str) -> usize {
        self.0.look(|gates| gates.get(url).map_or(0, |gate| gate.waiting))
    }

    /// Resolves when a response waits at this URL's gate.
    pub(super) async fn until_waiting(&self, url: &str) {
        self.0
            .until(|gates| gates.get(url).is_some_and(|gate| gate.waiting > 0).then_some(()))
            .await;
    }

    /// Waits while the gate stops this response.
    pub(super) async fn pass(&self, url: &str, place: Place) {
        let stops = self
            .0
            .look(|gates| gates.get(url).is_some_and(|gate| gate.stops_at(place)));
        if !stops {
            return;
        }
        self.count(url, |waiting| waiting + 1);
        let _leaving = Leaving { gates: self, url };
        self.0
            .until(|gates| (!gates.get(url).is_some_and(|gate| gate.stops_at(place))).then_some(()))
            .await;
    }

    /// How many bytes a response at `byte` may send before it must look again.
    pub(super) fn room(&self, url: &str, byte: u64) -> Option<u64> {
        self.0.look(|gates| {
            let stop = gates.get(url)?.stops.range(byte + 1..).next()?;
            Some(stop - byte)
        })
    }

    fn count(&self, url: &str, change: impl FnOnce(usize) -> usize) {
        self.0.change(|gates| {
            let gate = gates.entry(url.to_owned()).or_default();
            gate.waiting = change(gate.waiting);
        });
    }
}

/// Counts a response that goes on, or is dropped.
struct Leaving<'a> {
    gates: &'a Gates,
    url: &'a str,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.gates.count(self.url, |waiting| waiting - 1);
    }
}
