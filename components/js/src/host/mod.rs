//! [`Host`]: what the realms of one user agent share.

mod activity;
mod blob_urls;
pub mod caches;
mod console;
mod disk;
pub mod page;
mod policies;
pub mod scripts;
pub mod service_workers;
mod user_agent;

use std::fmt;
use std::sync::Arc;

use background_fetch::Engine;
use background_fetch::embedder::{Clock, Network, PermissionState, Permissions, Spawner, Storage};
use parking_lot::Mutex;

use crate::engine::Cx;
use crate::realm::Realm;

use caches::{CacheStore, MemoryCaches};
use service_workers::ServiceWorkers;

pub use activity::{Activity, Busy};
pub use blob_urls::BlobUrls;
pub use console::{ConsoleLine, ConsoleSink, Level, StandardError};
pub use policies::PolicyContainer;
pub use user_agent::{Parts, UserAgent};

/// What the realms of one user agent share.
pub struct Host {
    /// Fetches, for scripts' `fetch()` and for scripts themselves.
    pub network: Arc<dyn Network>,
    /// Tells and waits for time.
    pub clock: Arc<dyn Clock>,
    /// Runs what outlives a realm.
    pub spawner: Arc<dyn Spawner>,
    /// Where the lines of consoles go.
    pub console: Arc<dyn ConsoleSink>,
    /// What scripts are told of the user agent.
    pub navigator: NavigatorInfo,
    /// What scripts cache; in memory by default.
    pub caches: Arc<dyn CacheStore>,
    /// The service workers.
    pub service_workers: ServiceWorkers,
    /// Knows the user's permissions.
    pub permissions: Arc<dyn Permissions>,
    /// Knows how much is stored.
    pub storage: Option<Arc<dyn Storage>>,
    /// The blobs that have a URL.
    pub blob_urls: BlobUrls,
    /// What is going on.
    pub activity: Activity,
    /// Whether pages and workers have the guide extension.
    pub has_guide: bool,
    /// The component, where there is Background Fetch; it needs the host first.
    pub background_fetch: Mutex<Option<Engine>>,
}

/// What scripts are told of the user agent.
#[derive(Clone, Debug)]
pub struct NavigatorInfo {
    /// `navigator.userAgent`
    pub user_agent: String,
    /// `navigator.languages`; not empty.
    pub languages: Vec<String>,
}

impl Default for NavigatorInfo {
    fn default() -> Self {
        Self {
            user_agent: concat!("bgfetch/", env!("CARGO_PKG_VERSION")).to_owned(),
            languages: vec!["en-US".to_owned(), "en".to_owned()],
        }
    }
}

impl Host {
    /// A host whose consoles write to the standard error.
    pub fn new(network: Arc<dyn Network>, clock: Arc<dyn Clock>, spawner: Arc<dyn Spawner>) -> Self {
        Self {
            network,
            clock,
            spawner,
            console: Arc::new(StandardError),
            navigator: NavigatorInfo::default(),
            caches: Arc::new(MemoryCaches::default()),
            service_workers: ServiceWorkers::default(),
            permissions: Arc::new(PermissionState::Prompt),
            storage: None,
            blob_urls: BlobUrls::default(),
            activity: Activity::default(),
            has_guide: false,
            background_fetch: Mutex::default(),
        }
    }

    /// Runs what ends by itself, beside every realm.
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        let busy = self.activity.begin();
        self.spawner.spawn(Box::pin(async move {
            future.await;
            drop(busy);
        }));
    }

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
