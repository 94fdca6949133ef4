//! [`Host`]: what the realms of one user agent share.

use std::fmt;
use std::sync::Arc;

use background_fetch::embedder::{Clock, Network, Spawner};

use crate::engine::Cx;
use crate::realm::Realm;

/// What the realms of one user agent share.
pub struct Host {
    /// Fetches, for scripts' `fetch()` and for scripts themselves.
    pub network: Arc<dyn Network>,
    /// Tells and waits for time.
    pub clock: Arc<dyn Clock>,
    /// Runs what outlives a realm.
    pub spawner: Arc<dyn Spawner>,
}

impl Host {
    /// That of a realm.
    pub fn of(cx: &Cx<'_>) -> Arc<Self> {
        Arc::clone(&Realm::of(cx).settings().host)
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Host")
    }
}
