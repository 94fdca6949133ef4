//! What a start finds: background fetches that are not finished.

use std::sync::Arc;
use std::time::{Duration, Instant};

use background_fetch::embedder::{NewFetch, Policies, Storage};

use crate::World;
use crate::stored::new_fetch;

/// Whose the unfinished background fetches are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owners {
    /// Five of each site, from its own server: what the default policies allow.
    Sites,
    /// Five of each site, all from one server.
    OneHost,
    /// All of one site, from its own server.
    OneSite,
}

impl Owners {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sites, Self::OneHost, Self::OneSite];

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Sites => "five of each site",
            Self::OneHost => "five of each site, one server",
            Self::OneSite => "all of one site",
        }
    }

    /// How many requests the default policies let them have in flight.
    pub fn requests_at_once(self) -> usize {
        let limits = Policies::default().limits;
        match self {
            Self::Sites => limits.requests,
            Self::OneHost | Self::OneSite => limits.requests_per_host,
        }
    }

    /// So many background fetches of so many records.
    pub fn fetches(self, count: usize, records: usize) -> Vec<NewFetch> {
        let fetch = |number: usize| {
            let own = format!("site-{}.example", number / 5);
            let (site, host) = match self {
                Self::Sites => (own.as_str(), own.as_str()),
                Self::OneHost => (own.as_str(), "files.example"),
                Self::OneSite => ("site.example", "site.example"),
            };
            new_fetch(site, host, &format!("fetch-{number}"), records)
        };
        (0..count).map(fetch).collect()
    }
}

/// Starts an engine on a storage, which `open` opens, until the first requests are sent and every other record waits
/// for its turn. How long it took, and the world.
pub fn start(open: impl FnOnce() -> Arc<dyn Storage>) -> (Duration, World) {
    let begun = Instant::now();
    let world = World::new(open(), Policies::default());
    (begun.elapsed(), world)
}
