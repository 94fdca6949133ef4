//! [`UserAgent`]: a host with Background Fetch: the component, lent what the host has.

use std::sync::Arc;

use background_fetch::Engine;
use background_fetch::embedder::{
    Clock, Display, Embedder, Network, Permissions, Policies, Spawner, Storage, StorageError,
    StorageErrorKind,
};
use futures::channel::oneshot;
use futures::future::join_all;
use parking_lot::Mutex;
use url::Url;

use super::caches::{CacheStore, CountedCaches, MemoryCaches};
use super::page::{BeforeScripts, PageSource, open_page};
use super::service_workers::{ComponentServiceWorkers, EnvironmentId, ServiceWorkers};
use super::{ConsoleSink, Host, StandardError};
use crate::interfaces::{environment_of, make_event};
use crate::realm::{RealmHandle, Settings};

/// What a user agent is made of.
pub struct Parts {
    /// Fetches.
    pub network: Arc<dyn Network>,
    /// Keeps background fetches.
    pub storage: Arc<dyn Storage>,
    /// Knows the user's permissions.
    pub permissions: Arc<dyn Permissions>,
    /// Shows background fetches.
    pub display: Arc<dyn Display>,
    /// Runs tasks.
    pub spawner: Arc<dyn Spawner>,
    /// Tells and waits for time.
    pub clock: Arc<dyn Clock>,
    /// Where the lines of consoles go.
    pub console: Arc<dyn ConsoleSink>,
    /// The policies of background fetches.
    pub policies: Policies,
    /// The service workers that are kept.
    pub service_workers: ServiceWorkers,
    /// What scripts cache; in memory by default.
    pub caches: Arc<dyn CacheStore>,
    /// Whether pages and workers have the guide extension.
    pub has_guide: bool,
}

impl Parts {
    /// These, with a console on the standard error and nothing kept of service workers.
    pub fn new(
        network: Arc<dyn Network>,
        storage: Arc<dyn Storage>,
        spawner: Arc<dyn Spawner>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            network,
            storage,
            permissions: Arc::new(background_fetch::embedder::PermissionState::Granted),
            display: Arc::new(()),
            spawner,
            clock,
            console: Arc::new(StandardError),
            policies: Policies::default(),
            service_workers: ServiceWorkers::default(),
            caches: Arc::new(MemoryCaches::default()),
            has_guide: false,
        }
    }
}

/// A host with Background Fetch.
pub struct UserAgent {
    host: Arc<Host>,
    engine: Engine,
    /// The pages that workers opened.
    windows: Windows,
}

type Windows = Arc<Mutex<Vec<RealmHandle>>>;

/// Opens a page for a worker; resolves with its environment.
async fn open_window(host: Arc<Host>, windows: Windows, url: Url) -> Result<Option<EnvironmentId>, String> {
    let (sender, environment) = oneshot::channel();
    let settings = Settings {
        has_guide: host.has_guide,
        ..Settings::page(host, url)
    };
    let page = open_page(
        settings,
        PageSource::Network,
        Box::new(move |cx| {
            // The worker that asked may be gone.
            let _ = sender.send(environment_of(cx));
        }),
    )?;
    {
        let mut windows = windows.lock();
        windows.retain(|window| !window.is_closed());
        windows.push(page);
    }
    environment
        .await
        .map_err(|_| "the new page's realm could not begin".to_owned())
}

impl UserAgent {
    /// Opens what is stored, and goes on with it.
    ///
    /// # Errors
    ///
    /// What the storage says.
    pub async fn open(mut parts: Parts) -> Result<Self, StorageError> {
        parts.service_workers.event_factory = Some(make_event);
        let mut host = Host::new(parts.network, parts.clock, parts.spawner);
        host.console = parts.console;
        host.service_workers = parts.service_workers;
        let caches = CountedCaches::new(parts.caches, Arc::clone(&parts.storage)).await;
        host.caches =
            Arc::new(caches.map_err(|error| StorageError::new(StorageErrorKind::Io, error.message))?);
        host.has_guide = parts.has_guide;
        host.permissions = Arc::clone(&parts.permissions);
        host.storage = Some(Arc::clone(&parts.storage));
        let host = Arc::new(host);
        let embedder = Embedder {
            network: Arc::clone(&host.network),
            storage: parts.storage,
            service_workers: Arc::new(ComponentServiceWorkers(Arc::clone(&host))),
            permissions: parts.permissions,
            display: parts.display,
            spawner: Arc::clone(&host.spawner),
            clock: Arc::clone(&host.clock),
        };
        let engine = Engine::open(embedder, parts.policies).await?;
        *host.background_fetch.lock() = Some(engine.clone());
        let clears = engine.clone();
        *host.service_workers.clear_hook.lock() = Some(Arc::new(move |registration| {
            let engine = clears.clone();
            Box::pin(async move {
                let cleared = engine.clear_registration(&registration).await;
                cleared.map_err(|error| error.to_string())
            })
        }));
        let windows = Windows::default();
        let (of_host, opened) = (Arc::downgrade(&host), Arc::clone(&windows));
        *host.service_workers.open_window.lock() = Some(Arc::new(move |url| {
            let (host, windows) = (of_host.upgrade(), Arc::clone(&opened));
            Box::pin(async move {
                let host = host.ok_or_else(|| "the user agent is closing".to_owned())?;
                open_window(host, windows, url).await
            })
        }));
        ServiceWorkers::clear_unregistered(&host).await;
        ServiceWorkers::start(&host);
        engine.start();
        Ok(Self {
            host,
            engine,
            windows,
        })
    }

    /// What its realms share.
    pub fn host(&self) -> &Arc<Host> {
        &self.host
    }

    /// Its background fetches.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The settings of a page at a URL.
    pub fn page_settings(&self, url: Url) -> Settings {
        Settings {
            has_guide: self.host.has_guide,
            ..Settings::page(Arc::clone(&self.host), url)
        }
    }

    /// Opens a page.
    ///
    /// # Errors
    ///
    /// A sentence, where there is no thread or no memory for it.
    pub fn open_page(
        &self,
        url: Url,
        source: PageSource,
        before_scripts: BeforeScripts,
    ) -> Result<RealmHandle, String> {
        open_page(self.page_settings(url), source, before_scripts)
    }

    /// Stops every worker and every background fetch; what is stored is durable then.
    ///
    /// # Errors
    ///
    /// What the storage says.
    pub async fn close(self) -> Result<(), StorageError> {
        let windows = std::mem::take(&mut *self.windows.lock());
        let clock = &*self.host.clock;
        join_all(windows.iter().map(|window| window.end(clock))).await;
        self.host.service_workers.shut_down(clock).await;
        let closed = self.engine.shutdown().await;
        // The engine holds the host, too.
        *self.host.background_fetch.lock() = None;
        *self.host.service_workers.clear_hook.lock() = None;
        closed
    }
}
