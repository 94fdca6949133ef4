//! [`World`]: an engine with a page on one thread and in virtual time, so that it does the same each time.

use std::sync::Arc;
use std::time::Duration;

use background_fetch::api::{BackgroundFetchManager, BackgroundFetchRegistration, Realm};
use background_fetch::embedder::{Embedder, PermissionState, Policies, Storage};
use background_fetch::fetch::Client;
use background_fetch::{BackgroundFetchOptions, Engine, RegistrationKey};
use background_fetch_sim::{Executor, TestServiceWorkers, VirtualClock};
use background_fetch_storage::MemoryStorage;
use futures::StreamExt;
use futures::channel::mpsc;
use url::Url;

use crate::network::Supply;

/// The scope of the registration, and the page's URL.
pub const SITE: &str = "https://site.example/";

/// More than the bodies of any benchmark, in bytes.
const QUOTA: u64 = 1 << 40;

/// An engine, what it is embedded in, and a page.
pub struct World {
    /// Runs the tasks, in the order in which they became ready.
    pub executor: Executor,
    /// Its clock.
    pub clock: VirtualClock,
    /// The network.
    pub network: Supply,
    /// The engine.
    pub engine: Engine,
    /// The registration of the site.
    pub registration: RegistrationKey,
    /// A page of the site.
    pub page: Page,
}

/// A realm whose event loop runs.
pub struct Page {
    /// The realm.
    pub realm: Realm,
}

impl Default for World {
    fn default() -> Self {
        Self::new(Arc::new(MemoryStorage::new(QUOTA)), Policies::default())
    }
}

impl World {
    /// A world with this storage and these policies, started.
    ///
    /// # Panics
    ///
    /// When the storage does not load.
    pub fn new(storage: Arc<dyn Storage>, policies: Policies) -> Self {
        let executor = Executor::fifo();
        let clock = executor.clock();
        let network = Supply::default();
        let service_workers = TestServiceWorkers::new(clock.clone());
        let registration = service_workers.register(SITE);
        let embedder = Embedder {
            network: Arc::new(network.clone()),
            storage,
            service_workers: Arc::new(service_workers),
            permissions: Arc::new(PermissionState::Granted),
            display: Arc::new(()),
            spawner: executor.spawner(),
            clock: Arc::new(clock.clone()),
        };
        // Not by the executor: a storage may have a thread of its own, for which it would not wait.
        let engine =
            futures::executor::block_on(Engine::open(embedder, policies)).expect("the storage loads");
        engine.start();
        let page = open_page(&executor, &engine, page_of_the_site());
        let world = Self {
            executor,
            clock,
            network,
            engine,
            registration,
            page,
        };
        world.settle_down();
        world
    }

    /// Opens another page of the site.
    pub fn open_page(&self) -> Page {
        self.open_page_of(page_of_the_site())
    }

    /// Opens a page with this environment.
    pub fn open_page_of(&self, client: Client) -> Page {
        open_page(&self.executor, &self.engine, client)
    }

    /// Runs until this is done.
    pub fn run<F: Future>(&self, future: F) -> F::Output {
        self.executor.run_until(future)
    }

    /// Runs until there is nothing left to do in this moment.
    pub fn settle_down(&self) {
        self.executor.run_until_stalled();
    }

    /// Lets the progress interval pass, so that what changed is told.
    pub fn pass_progress_interval(&self) {
        self.executor.run_for(Duration::from_millis(200));
    }

    /// The manager of the registration in a page.
    pub fn manager_in(&self, page: &Page) -> BackgroundFetchManager {
        page.realm.background_fetch(&self.registration)
    }

    /// The manager of the registration in the first page.
    pub fn manager(&self) -> BackgroundFetchManager {
        self.manager_in(&self.page)
    }

    /// Starts a background fetch of these URLs.
    ///
    /// # Panics
    ///
    /// When it is refused.
    pub fn fetch(&self, id: &str, urls: Vec<String>) -> BackgroundFetchRegistration {
        let promise = self.manager().fetch(id, urls, BackgroundFetchOptions::default());
        self.run(promise).expect("the background fetch starts")
    }

    /// Starts a background fetch of so many files, and lets the first requests be sent.
    pub fn fetch_files(&self, id: &str, count: usize) -> BackgroundFetchRegistration {
        let registration = self.fetch(id, urls(count));
        self.settle_down();
        registration
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // Tasks hold the engine that holds the executor's spawner.
        self.executor.drop_tasks();
    }
}

fn page_of_the_site() -> Client {
    Client::page(Url::parse(SITE).expect("the site has a URL"))
}

fn open_page(executor: &Executor, engine: &Engine, client: Client) -> Page {
    let (event_loop, mut tasks) = mpsc::unbounded();
    let realm = Realm::new(Arc::new(engine.clone()), client, Arc::new(event_loop));
    let running = realm.clone();
    executor.spawn_local(async move {
        while let Some(task) = tasks.next().await {
            running.run_task(task);
        }
    });
    Page { realm }
}

/// The URL of a file.
pub fn url(index: usize) -> String {
    format!("{SITE}files/{index}.bin")
}

/// The URLs of so many files.
pub fn urls(count: usize) -> Vec<String> {
    (0..count).map(url).collect()
}
