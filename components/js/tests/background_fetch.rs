//! What becomes of background fetches whose pages and workers do what brings others down.

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use background_fetch::embedder::{FetchStream, Network, NetworkRequest};
use background_fetch::fetch::Client;
use background_fetch_js::engine::Limits;
use background_fetch_js::host::page::{PageSource, open_page};
use background_fetch_js::host::service_workers::{Policy, ServiceWorkers};
use background_fetch_js::host::{Parts, UserAgent};
use background_fetch_js::realm::{RealmHandle, Settings};
use background_fetch_net::{HttpNetwork, TokioRuntime};
use background_fetch_storage::MemoryStorage;
use common::{Lines, Server};
use futures::future::BoxFuture;
use futures::{StreamExt, stream};
use url::Url;

/// A worker that tells the console of its events.
const WORKER: &str = "
    oninstall = () => skipWaiting();
    onbackgroundfetchsuccess = event => event.waitUntil((async () => {
        const { registration } = event;
        const [record] = await registration.matchAll();
        console.log('success', registration.id, await (await record.responseReady).text());
    })());
";

/// Begins a background fetch of something that is held; `before` and `after` it more is done.
fn begins(before: &str, after: &str) -> String {
    format!(
        "(async () => {{
             {before};
             await navigator.serviceWorker.register('/sw.js');
             const {{ backgroundFetch }} = await navigator.serviceWorker.ready;
             const registration = await backgroundFetch.fetch('id', '/held');
             registration.onprogress = () => console.log(registration.result || 'progress');
             console.log('begun');
             {after};
         }})();"
    )
}

/// Holds what is at `/held` until it is released.
struct Held {
    network: HttpNetwork,
    released: tokio::sync::watch::Receiver<bool>,
}

impl Network for Held {
    fn fetch(&self, request: NetworkRequest) -> FetchStream {
        let is_held = request.request.url.path() == "/held";
        let (mut released, events) = (self.released.clone(), self.network.fetch(request));
        stream::once(async move {
            if is_held {
                // The test that would release it is over otherwise.
                let _ = released.wait_for(|released| *released).await;
            }
            events
        })
        .flatten()
        .boxed()
    }

    fn allows(&self, url: &Url, client: &Client) -> Result<(), String> {
        self.network.allows(url, client)
    }

    fn available<'a>(&'a self, url: &'a Url) -> BoxFuture<'a, ()> {
        self.network.available(url)
    }
}

struct World {
    runtime: tokio::runtime::Runtime,
    server: Server,
    user_agent: UserAgent,
    lines: Arc<Lines>,
    release: tokio::sync::watch::Sender<bool>,
}

impl World {
    fn new(worker: &str) -> Self {
        let server = Server::new(&[("/sw.js", worker), ("/held", "bytes")]);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let lines = Arc::new(Lines::default());
        let (release, released) = tokio::sync::watch::channel(false);
        let user_agent = runtime.block_on(async {
            let tokio = Arc::new(TokioRuntime::current());
            let network = HttpNetwork::builder().build().unwrap();
            let storage = Arc::new(MemoryStorage::new(1 << 30));
            let mut parts = Parts::new(
                Arc::new(Held { network, released }),
                storage,
                tokio.clone(),
                tokio,
            );
            parts.console = lines.clone();
            parts.policies.timing.first_event_retry = Duration::from_millis(50);
            parts.service_workers = ServiceWorkers::new(Policy {
                idle: Duration::from_millis(50),
                event_life: Duration::from_secs(2),
                time_limit: Duration::from_millis(300),
            });
            UserAgent::open(parts).await.unwrap()
        });
        Self {
            runtime,
            server,
            user_agent,
            lines,
            release,
        }
    }

    fn page(&self, script: &str) -> RealmHandle {
        let url = self.server.url("/page").parse().unwrap();
        let settings = Settings {
            time_limit: Duration::from_millis(300),
            limits: Limits {
                memory: 32 << 20,
                ..Limits::default()
            },
            ..self.user_agent.page_settings(url)
        };
        let html = format!("<!doctype html><script>{script}</script>");
        open_page(settings, PageSource::Html(html), Box::new(|_| {})).unwrap()
    }

    /// Waits until a line of a console has this text.
    fn wait_for(&self, text: &str) {
        let began = Instant::now();
        while !self.lines.all().iter().any(|line| line.contains(text)) {
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "no {text:?} in {:#?}",
                self.lines.all()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn count(&self, text: &str) -> usize {
        self.lines.all().iter().filter(|line| line.contains(text)).count()
    }

    fn release(&self) {
        self.release.send(true).unwrap();
    }

    /// Its event came, once, with its bytes, and nothing of it is left.
    fn succeeds(self) {
        self.release();
        self.wait_for("success id bytes");
        let began = Instant::now();
        while !self
            .user_agent
            .engine()
            .inspect()
            .iter()
            .all(|fetch| fetch.records.is_empty())
        {
            assert!(began.elapsed() < Duration::from_secs(20), "its records stay");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(self.count("success id bytes"), 1, "{:#?}", self.lines.all());
        self.runtime.block_on(self.user_agent.close()).unwrap();
    }
}

#[test]
fn a_page_that_is_closed_while_it_runs_changes_nothing_and_the_worker_gets_the_event() {
    let world = World::new(WORKER);
    let page = world.page(&begins("", ""));
    world.wait_for("begun");
    page.close();
    world.runtime.block_on(page.closed());
    world.succeeds();
}

#[test]
fn a_page_that_closes_itself_in_the_middle_of_fetch_takes_nobody_with_it() {
    let world = World::new(WORKER);
    let after = "backgroundFetch.fetch('other', '/held'); registration.matchAll(); close()";
    let page = world.page(&begins("", after));
    world.runtime.block_on(page.closed());
    world.succeeds();
}

#[test]
fn a_script_that_throws_is_reported() {
    let world = World::new(WORKER);
    let _page = world.page(&begins(
        "",
        "setTimeout(() => { throw new RangeError('thrown') })",
    ));
    world.wait_for("RangeError: thrown");
    world.succeeds();
}

#[test]
fn a_script_that_never_ends_is_ended_and_reported() {
    let world = World::new(WORKER);
    let _page = world.page(&begins("", "while (true);"));
    world.wait_for("a task ran for more than 0.3 s");
    world.succeeds();
}

/// It takes the engine more than the seconds of a test, in which it neither calls nor jumps.
const DOES_NOT_REACT: &str = "'a'.repeat(2 ** 20).indexOf('a'.repeat(2 ** 18) + 'b')";

#[test]
fn a_script_that_does_not_react_is_reported_and_the_rest_goes_on() {
    let world = World::new(WORKER);
    let page = world.page(&begins("", DOES_NOT_REACT));
    world.wait_for("a task has run for more than 0.3 s and does not react: its page is given up");
    world.runtime.block_on(page.closed());
    world.succeeds();
}

#[test]
fn a_worker_that_does_not_react_at_its_start_is_started_anew() {
    let worker = format!(
        "oninstall = () => skipWaiting();
         if (serviceWorker.state == 'activated') {{ {DOES_NOT_REACT} }}"
    );
    let world = World::new(&worker);
    let _page = world.page(&begins("", ""));
    world.wait_for("begun");
    std::thread::sleep(Duration::from_millis(300));
    world.release();
    let given_up = "does not react: its worker is given up";
    world.wait_for(given_up);
    let began = Instant::now();
    while world.count(given_up) < 2 {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "it is not started anew"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    // Its event still is owed, and nobody waits for its threads.
    let began = Instant::now();
    world.runtime.block_on(world.user_agent.close()).unwrap();
    assert!(began.elapsed() < Duration::from_secs(6));
}

#[test]
fn a_script_of_slow_calls_is_ended_and_not_given_up() {
    let world = World::new(WORKER);
    let slow = "const all = [], text = 'x'.repeat(1 << 18); for (;;) new Blob([text, text])";
    let _page = world.page(&begins("", slow));
    world.wait_for("a task ran for more than 0.3 s");
    assert_eq!(world.count("does not react"), 0);
    world.succeeds();
}

#[test]
fn a_user_agent_that_is_closed_has_no_workers() {
    let worker = format!(
        "{WORKER}; onmessage = event => {{
        event.waitUntil(new Promise(() => {{}}));
        setInterval(() => console.log('tick'), 10);
    }}"
    );
    let world = World::new(&worker);
    let _page = world.page(&begins(
        "",
        "(await navigator.serviceWorker.ready).active.postMessage('begin')",
    ));
    world.wait_for("tick");
    let (user_agent, lines) = (world.user_agent, world.lines);
    world.runtime.block_on(user_agent.close()).unwrap();
    let ticks = lines.all().len();
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(lines.all().len(), ticks, "a worker runs on");
}

#[test]
fn a_listener_that_never_ends_is_ended_each_time() {
    let world = World::new(WORKER);
    let after = "registration.onprogress = () => { for (;;) try { for (;;); } catch {} }";
    let _page = world.page(&begins("", after));
    world.wait_for("begun");
    world.release();
    world.wait_for("a task ran for more than 0.3 s");
    world.succeeds();
}

#[test]
fn a_script_that_allocates_without_bound_is_told_so() {
    for allocates in [
        "const all = []; for (;;) all.push(new Uint8Array(1 << 20))",
        "let text = 'x'; for (;;) text += text",
        "const all = []; for (;;) all.push({})",
        "const deeper = () => deeper() + 1; deeper()",
    ] {
        let world = World::new(WORKER);
        let _page = world.page(&begins("", &format!("setTimeout(() => {{ {allocates} }})")));
        world.wait_for("begun");
        world.wait_for("rror");
        world.succeeds();
    }
}

#[test]
fn a_worker_that_fails_to_start_is_owed_its_event_until_it_starts() {
    // It is installed, and then starts no more for a while.
    let worker = format!(
        "self.until = Number('{}');
         if (serviceWorker.state == 'activated' && Date.now() < until) throw new Error('not yet');
         {WORKER}",
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_millis()
            + 2500
    );
    let world = World::new(&worker);
    let _page = world.page(&begins("", ""));
    world.wait_for("begun");
    // It is idle, and was stopped.
    std::thread::sleep(Duration::from_millis(300));
    world.release();
    world.wait_for("not yet");
    assert_eq!(world.count("success id"), 0);
    world.succeeds();
}

#[test]
fn a_handler_that_never_ends_is_ended_and_the_next_event_is_handled() {
    for endless in [
        "while (true);",
        "event.waitUntil(new Promise(() => {}))",
        "const a = []; for (;;) a.push(a.slice())",
        DOES_NOT_REACT,
    ] {
        let worker = format!(
            "oninstall = () => skipWaiting();
             onbackgroundfetchsuccess = event => {{
                 console.log('got', event.registration.id);
                 if (event.registration.id == 'id') {{ {endless} }}
             }};"
        );
        let world = World::new(&worker);
        let _page = world.page(&begins(
            "",
            "globalThis.next = () => backgroundFetch.fetch('next', '/held')",
        ));
        world.wait_for("begun");
        world.release();
        world.wait_for("got id");
        let _other = world.page(
            "(async () => {
                 const { backgroundFetch } = await navigator.serviceWorker.ready;
                 await backgroundFetch.fetch('next', '/held');
             })();",
        );
        world.wait_for("got next");
        world.runtime.block_on(world.user_agent.close()).unwrap();
    }
}
