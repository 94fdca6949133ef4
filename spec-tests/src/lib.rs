//! Conformance tests of the Background Fetch API: they live in `tests/`, one file per algorithm of the
//! specification. `README.md` has the table, `errata.md` what is pinned where the text is wrong or silent.
//!
//! This library is what they are told with: a [`Site`] with a page, a worker and an engine in a simulated world.
//! [`tell`] tells each story under many schedules.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use background_fetch::api::{
    BackgroundFetchEvent, BackgroundFetchManager, BackgroundFetchRegistration, RequestObject,
};
use background_fetch::embedder::{FunctionalEventName, Policies, Storage};
use background_fetch::fetch::{Client, Request, RequestBody};
use background_fetch::inspect::{EventKind, EventStream};
use background_fetch::{
    BackgroundFetchFailureReason, BackgroundFetchOptions, BackgroundFetchResult, Engine, Exception,
    ExceptionName, FetchKey, RegistrationKey,
};
pub use background_fetch_sim::{Page, body_of};
use background_fetch_sim::{RequestLog, Resource, World};
use background_fetch_storage::MemoryStorage;
use futures::{FutureExt, StreamExt};
use url::Url;

/// The scope of the site's registration, and the page's URL.
pub const SITE: &str = "https://site.example/";

/// The quota of a storage key, in bytes.
pub const QUOTA: u64 = 1 << 30;

/// The seeds that each story is told with: 0 runs ready tasks in order.
pub const SEEDS: std::ops::Range<u64> = 0..24;

/// The default policies with waits that a story can count on: no jitter.
pub fn exact() -> Policies {
    let mut policies = Policies::default();
    policies.retry.jitter_percent = 0;
    policies
}

/// Tells a story under the schedule of every seed, and checks that nothing is left running when it is over.
pub fn tell(story: impl AsyncFn(&Site)) {
    tell_with(&exact(), story);
}

/// [`tell`], with other policies.
pub fn tell_with(policies: &Policies, story: impl AsyncFn(&Site)) {
    tell_under(policies, QUOTA, story);
}

/// [`tell`], with another quota.
pub fn tell_with_quota(quota: u64, story: impl AsyncFn(&Site)) {
    tell_under(&exact(), quota, story);
}

fn tell_under(policies: &Policies, quota: u64, story: impl AsyncFn(&Site)) {
    for seed in SEEDS {
        tell_once(seed, policies, quota, &story);
    }
}

/// Tells a story under the schedule of one seed.
pub fn tell_once(seed: u64, policies: &Policies, quota: u64, story: impl AsyncFn(&Site)) {
    let site = Site::new(seed, policies.clone(), MemoryStorage::new(quota));
    site.world.run(async {
        site.open().await;
        story(&site).await;
        site.close().await;
    });
    assert_eq!(
        site.world.executor.live_spawned_tasks(),
        0,
        "tasks are left over, seed {seed}"
    );
}

/// A site: a registration with an active worker, a page in its scope, and an engine.
pub struct Site {
    /// Everything around the component.
    pub world: World,
    /// The registration.
    pub registration: RegistrationKey,
    /// The storage, without the world's faults.
    pub storage: MemoryStorage,
    policies: Policies,
    running: RefCell<Option<Running>>,
}

/// What a crash ends.
struct Running {
    engine: Engine,
    page: Page,
    events: EventStream,
}

impl Site {
    /// A site in a world of this seed. Nothing runs until [`open`](Self::open).
    pub fn new(seed: u64, policies: Policies, storage: MemoryStorage) -> Self {
        let world = World::new(seed, Arc::new(storage.clone()) as Arc<dyn Storage>);
        let registration = world.service_workers.register(SITE);
        Self {
            world,
            registration,
            storage,
            policies,
            running: RefCell::default(),
        }
    }

    /// Opens the engine on what is stored, starts it, and opens the page.
    pub async fn open(&self) {
        self.open_dormant().await;
        self.engine().start();
    }

    /// Opens the engine on what is stored without starting it, and opens the page.
    pub async fn open_dormant(&self) {
        let engine = Engine::open(self.world.embedder(), self.policies.clone()).await;
        let engine = engine.expect("the storage opens");
        let events = engine.events(100_000);
        let page = self.connect(&engine, SITE);
        *self.running.borrow_mut() = Some(Running { engine, page, events });
    }

    /// The process is killed; what was not stored is lost.
    pub fn crash(&self) {
        self.world.crash();
        let running = self.running.borrow_mut().take();
        if let Some(running) = running {
            running.page.event_loop.close();
        }
    }

    /// The process is killed, and starts again.
    pub async fn crash_and_restart(&self) {
        self.crash();
        self.open().await;
    }

    /// Closes the page, shuts the engine down, and waits for its tasks.
    pub async fn close(&self) {
        let running = self.running.borrow_mut().take();
        if let Some(running) = running {
            running.page.event_loop.close();
            running.engine.shutdown().await.expect("the storage flushes");
        }
    }

    /// The engine.
    pub fn engine(&self) -> Engine {
        self.running
            .borrow()
            .as_ref()
            .expect("the engine runs")
            .engine
            .clone()
    }

    /// The page.
    pub fn page(&self) -> Page {
        self.running
            .borrow()
            .as_ref()
            .expect("the page is open")
            .page
            .clone()
    }

    /// The background fetch manager of the site's registration in the page.
    pub fn manager(&self) -> BackgroundFetchManager {
        self.page().realm.background_fetch(&self.registration)
    }

    /// Opens another page.
    pub fn open_page(&self, url: &str) -> Page {
        self.connect(&self.engine(), url)
    }

    /// Opens a realm with this environment.
    pub fn open_realm(&self, client: Client) -> Page {
        self.world.open_page(&self.engine(), client)
    }

    /// Opens a page on an engine.
    pub fn connect(&self, engine: &Engine, url: &str) -> Page {
        self.world
            .open_page(engine, Client::page(Url::parse(url).expect("the page has a URL")))
    }

    /// Hands every functional event to `handler`, in a worker's realm of its own, as an event object. The event
    /// is extended until the handler is done.
    pub fn on_event<F>(&self, handler: impl Fn(BackgroundFetchEvent) -> F + 'static)
    where
        F: Future<Output = ()> + 'static,
    {
        let worker = self.open_page(&format!("{SITE}worker.js"));
        self.world.handle_events(worker, handler);
    }

    /// Starts a background fetch of these URLs with default options.
    pub async fn fetch(&self, id: &str, urls: &[&str]) -> Result<BackgroundFetchRegistration, Exception> {
        self.manager()
            .fetch(id, urls.iter().copied(), BackgroundFetchOptions::default())
            .await
    }

    /// Waits until a background fetch is settled, as the page sees it.
    pub async fn settled(
        &self,
        registration: &BackgroundFetchRegistration,
    ) -> (BackgroundFetchResult, BackgroundFetchFailureReason) {
        while registration.result() == BackgroundFetchResult::Empty {
            progress(registration).await;
        }
        (registration.result(), registration.failure_reason())
    }

    /// Waits until the records of a background fetch are no longer available, and its event ended.
    pub async fn over(&self, registration: &BackgroundFetchRegistration) {
        while registration.records_available() {
            background_fetch::embedder::Clock::sleep(&self.world.clock, std::time::Duration::from_millis(10))
                .await;
        }
    }

    /// What happened since this was called last.
    pub fn events(&self) -> Vec<EventKind> {
        let mut running = self.running.borrow_mut();
        let events = &mut running.as_mut().expect("the engine runs").events;
        std::iter::from_fn(|| events.next().now_or_never().flatten())
            .map(|event| event.kind)
            .collect()
    }
}

/// Waits for the next `progress` event.
pub async fn progress(registration: &BackgroundFetchRegistration) {
    let (sender, receiver) = futures::channel::oneshot::channel();
    let sender = RefCell::new(Some(sender));
    let listener = registration.on_progress(move |_| {
        if let Some(sender) = sender.borrow_mut().take() {
            let _ = sender.send(());
        }
    });
    let _ = receiver.await;
    registration.remove_listener(listener);
}

/// A `GET` of a URL.
pub fn get(url: &str) -> Request {
    Request::new(Url::parse(url).expect("the request has a URL"))
}

/// A request of a URL with this method.
pub fn request(method: http::Method, url: &str) -> Request {
    Request { method, ..get(url) }
}

/// A `POST` of a URL.
pub fn post(url: &str) -> Request {
    request(http::Method::POST, url)
}

/// How a background fetch ended: its result and its failure reason.
pub type Outcome = (BackgroundFetchResult, BackgroundFetchFailureReason);

/// The outcome of a background fetch that succeeded.
pub const SUCCESS: Outcome = (
    BackgroundFetchResult::Success,
    BackgroundFetchFailureReason::Empty,
);

/// The outcome of a background fetch that failed for this reason.
pub const fn failure(reason: BackgroundFetchFailureReason) -> Outcome {
    (BackgroundFetchResult::Failure, reason)
}

/// What the site's server has and was asked, by paths in the site; and what is awaited often.
impl Site {
    /// Serves a resource at a path.
    pub fn serve(&self, path: &str, resource: Resource) {
        self.world.network.serve(format!("{SITE}{path}"), resource);
    }

    /// The requests for a path so far.
    pub fn requests(&self, path: &str) -> Vec<RequestLog> {
        self.world.network.log_of(format!("{SITE}{path}"))
    }

    /// The first byte that each request for a path asked for: 0 for all of it.
    pub fn starts(&self, path: &str) -> Vec<u64> {
        let start = |request: &RequestLog| request.range.as_ref().map_or(0, |range| range.start);
        self.requests(path).iter().map(start).collect()
    }

    /// Waits until a response for a path is held.
    pub async fn until_held(&self, path: &str) {
        self.world.network.until_held(format!("{SITE}{path}")).await;
    }

    /// Lets the responses for a path go on.
    pub fn release(&self, path: &str) {
        self.world.network.release_all(format!("{SITE}{path}"));
    }

    /// Lets time pass.
    pub async fn sleep(&self, time: std::time::Duration) {
        background_fetch::embedder::Clock::sleep(&self.world.clock, time).await;
    }

    /// Waits until something is so; looks every ten milliseconds.
    pub async fn until(&self, is_so: impl Fn() -> bool) {
        while !is_so() {
            self.sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    /// Starts a background fetch of one path, waits until it is over, and says how it ended.
    pub async fn outcome_of(&self, path: &str) -> Outcome {
        let registration = self.fetch(path, &[path]).await.expect("the fetch starts");
        self.outcome(&registration).await
    }

    /// Starts a background fetch of one `POST` to a path.
    pub async fn post(
        &self,
        path: &str,
        body: impl Into<RequestBody>,
    ) -> Result<BackgroundFetchRegistration, Exception> {
        let request = RequestObject::with_body(post(&format!("{SITE}{path}")), body);
        self.manager().fetch(path, [request], Default::default()).await
    }

    /// Waits until a background fetch is over, and says how it ended.
    pub async fn outcome(&self, registration: &BackgroundFetchRegistration) -> Outcome {
        let outcome = self.settled(registration).await;
        self.over(registration).await;
        outcome
    }

    /// Waits until every background fetch of the engine is over, and nothing of it is stored. Request bodies that are
    /// being stored meanwhile are lost.
    pub async fn all_over(&self) {
        loop {
            let stored = self.storage.load().await.expect("the storage loads");
            if stored.is_empty() {
                return;
            }
            self.sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    /// Lets `worker` handle every event. To be called again after a crash: a worker lives in the process.
    pub fn employ(&self, worker: &ReadingWorker) {
        let worker = worker.clone();
        self.on_event(move |event| {
            let worker = worker.clone();
            async move { worker.read(&event).await }
        });
    }

    /// A worker that handles every event.
    pub fn reading_worker(&self) -> ReadingWorker {
        let worker = ReadingWorker::default();
        self.employ(&worker);
        worker
    }
}

/// A worker that reads every record of each event, and remembers what it read.
#[derive(Clone, Default)]
pub struct ReadingWorker(Rc<RefCell<Vec<Delivery>>>);

/// An event that a [`ReadingWorker`] got, and what it read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The background fetch.
    pub fetch: FetchKey,
    /// The event's name.
    pub name: FunctionalEventName,
    /// The result and the failure reason of its registration.
    pub outcome: Outcome,
    /// `downloaded` of its registration.
    pub downloaded: u64,
    /// The body of each record, or the exception in its place.
    pub bodies: Vec<Result<Vec<u8>, ExceptionName>>,
}

impl ReadingWorker {
    async fn read(&self, event: &BackgroundFetchEvent) {
        let registration = event.registration();
        let records = registration.match_all(None, Default::default()).await;
        let mut bodies = Vec::new();
        for record in records.expect("the records are available while the event is active") {
            bodies.push(body_of(&record).await.map_err(|exception| exception.name));
        }
        self.0.borrow_mut().push(Delivery {
            fetch: registration.key(),
            name: event.name(),
            outcome: (registration.result(), registration.failure_reason()),
            downloaded: registration.downloaded(),
            bodies,
        });
    }

    /// The events so far, in order.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.0.borrow().clone()
    }

    /// The bodies of the only event that there was.
    pub fn bodies(&self) -> Vec<Result<Vec<u8>, ExceptionName>> {
        match self.0.borrow().as_slice() {
            [delivery] => delivery.bodies.clone(),
            other => panic!("one event was expected: {other:?}"),
        }
    }
}

/// Checks that a promise rejected with this exception, and that its message has all of these texts.
pub fn assert_rejected<T: std::fmt::Debug>(
    outcome: Result<T, Exception>,
    name: ExceptionName,
    texts: &[&str],
) {
    let exception = outcome.expect_err("the promise rejects");
    assert_eq!(exception.name, name, "{exception}");
    for text in texts {
        assert!(
            exception.message.contains(text),
            "{exception} does not say {text:?}"
        );
    }
    let length = exception.message.len();
    assert!(length < 1000, "a sentence, not {length} bytes");
}

/// What the site's storage has, and what else is often needed.
impl Site {
    /// Checks that nothing is stored: no background fetch, no body, and no body of one that was not created.
    pub async fn assert_nothing_stored(&self) {
        use background_fetch_sim::StorageOperation::{Create, Discard, Stage};
        assert_eq!(self.usage().await, 0, "bytes are left");
        let calls = |operation| self.world.storage.calls(operation);
        if calls(Create) == 0 {
            assert_eq!(calls(Stage), calls(Discard), "a staged body is left");
        }
        assert_eq!(self.storage.load().await.expect("the storage loads"), []);
    }

    /// The bytes that the site uses.
    pub async fn usage(&self) -> u64 {
        let estimate = self.storage.estimate(&self.registration.storage_key).await;
        estimate.expect("the storage knows its usage").usage
    }

    /// Serves a file of so many bytes, which are [`pattern`](background_fetch_sim::pattern)`(1, ..)`, at a path.
    pub fn serve_pattern(&self, path: &str, length: u64) {
        self.serve(path, Resource::pattern(1, length));
    }

    /// Serves a file of 1000 bytes at a path, of which 100 come and then nothing any more.
    pub fn serve_hanging(&self, path: &str) {
        let resource = Resource::pattern(1, 1000).chunks(100);
        self.serve(path, resource.stall_for_ever_at(100).always());
    }

    /// Lets this much time pass, and everything that happens in it.
    pub async fn pass(&self, time: std::time::Duration) {
        self.sleep(time).await;
        self.world.stalled().await;
    }
}

/// The README's embedding compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
