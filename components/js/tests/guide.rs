//! The guide extension's `start()`: it begins the same requests anew.

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use background_fetch::embedder::{FetchEvent, FetchStream, MeteredPolicy, Network, NetworkRequest};
use background_fetch::fetch::{CacheMode, Client, CredentialsMode, Request, ResponseHead};
use background_fetch_js::host::page::{PageSource, open_page};
use background_fetch_js::host::{Parts, UserAgent};
use background_fetch_js::realm::{Realm, RealmHandle};
use background_fetch_net::TokioRuntime;
use background_fetch_storage::MemoryStorage;
use common::Lines;
use futures::future::BoxFuture;
use futures::{StreamExt, stream};
use http::{HeaderMap, StatusCode};
use parking_lot::Mutex;
use url::Url;

/// Answers everything, a worker at `/sw.js`; keeps the requests for `/kept` with their bodies.
struct Keeps {
    worker: &'static str,
    kept: Arc<Mutex<Vec<(Request, String)>>>,
}

impl Network for Keeps {
    fn fetch(&self, request: NetworkRequest) -> FetchStream {
        let (kept, worker) = (Arc::clone(&self.kept), self.worker);
        stream::once(async move {
            let mut sent = Vec::new();
            if let Some(body) = &request.body {
                let mut body = body.open();
                while let Some(Ok(bytes)) = body.next().await {
                    sent.extend_from_slice(&bytes);
                }
            }
            let url = request.request.url.clone();
            let is_worker = url.path() == "/sw.js";
            if url.path() == "/kept" {
                kept.lock()
                    .push((request.request, String::from_utf8(sent).unwrap()));
            }
            let mut headers = HeaderMap::new();
            let mime = if is_worker {
                "text/javascript"
            } else {
                "text/plain"
            };
            headers.insert("content-type", mime.parse().unwrap());
            let head = ResponseHead::new(url, StatusCode::OK, headers);
            let body = if is_worker { worker } else { "answer" };
            stream::iter([
                Ok(FetchEvent::Response(Box::new(head))),
                Ok(FetchEvent::Body(body.into())),
            ])
        })
        .flatten()
        .boxed()
    }

    fn allows(&self, _: &Url, _: &Client) -> Result<(), String> {
        Ok(())
    }

    fn available<'a>(&'a self, _: &'a Url) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }
}

struct World {
    runtime: tokio::runtime::Runtime,
    user_agent: UserAgent,
    lines: Arc<Lines>,
    kept: Arc<Mutex<Vec<(Request, String)>>>,
}

impl World {
    fn new(worker: &'static str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (lines, kept) = (Arc::new(Lines::default()), Arc::default());
        let network = Arc::new(Keeps {
            worker,
            kept: Arc::clone(&kept),
        });
        let user_agent = runtime.block_on(async {
            let tokio = Arc::new(TokioRuntime::current());
            let storage = Arc::new(MemoryStorage::new(1 << 30));
            let mut parts = Parts::new(network, storage, tokio.clone(), tokio);
            parts.console = lines.clone();
            parts.policies.metered = MeteredPolicy::Pause;
            parts.has_guide = true;
            UserAgent::open(parts).await.unwrap()
        });
        Self {
            runtime,
            user_agent,
            lines,
            kept,
        }
    }

    fn page(&self, script: &str) -> RealmHandle {
        let html = format!(
            "<script>(async () => {{
                 await navigator.serviceWorker.register('/sw.js');
                 const {{ backgroundFetch }} = await navigator.serviceWorker.ready;
                 const over = fetch => new Promise(async resolve => {{
                     while (fetch.recordsAvailable) await new Promise(resolve => setTimeout(resolve, 5));
                     resolve();
                 }});
                 {script}
             }})()</script>"
        );
        let settings = self
            .user_agent
            .page_settings("https://site.example/".parse().unwrap());
        open_page(settings, PageSource::Html(html), Box::new(|_| {})).unwrap()
    }

    fn set_metered(&self, metered: bool) {
        let engine = self.user_agent.engine();
        self.runtime.block_on(engine.set_metered(metered));
    }

    fn wait_for(&self, text: &str) {
        let began = Instant::now();
        while !self.lines.all().iter().any(|line| line.contains(text)) {
            let lines = self.lines.all();
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "no {text:?} in {lines:#?}"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// All that was kept is the same request again and again.
    fn requests(&self, count: usize) -> (Request, String) {
        let kept = self.kept.lock();
        assert_eq!(kept.len(), count);
        for again in &*kept {
            assert_eq!(again, &kept[0]);
        }
        kept[0].clone()
    }
}

/// Runs a script in a page.
fn run(page: &RealmHandle, script: &str) {
    let script = script.to_owned();
    page.queue_task(move |cx| {
        let _ = Realm::run_classic_script(cx, &script, "later.js");
    });
}

const WORKER: &str = "oninstall = () => skipWaiting();";

/// A request with everything that an author may set.
const REQUEST: &str = "new Request('/kept', {
    headers: { 'X-Token': 't' }, credentials: 'omit', cache: 'no-store', redirect: 'error', referrer: '/page',
    referrerPolicy: 'origin', mode: 'same-origin',
})";

#[test]
fn a_page_begins_the_requests_of_its_author_anew_when_the_records_are_gone() {
    let world = World::new(WORKER);
    let _page = world.page(&format!(
        "const fetch = await backgroundFetch.fetch('id', {REQUEST},
             {{ title: 'Title', icons: [{{ src: '/icon.png', sizes: '1x1', label: 'Icon' }}], downloadTotal: 100 }});
         await over(fetch);
         const again = await fetch.start();
         console.log('again', again !== fetch, again.id, again.downloadTotal);
         await over(again);
         console.log('over', again.result);"
    ));
    world.wait_for("over success");
    world.wait_for("again true id 100");
    let (request, _) = world.requests(2);
    assert_eq!(request.headers["x-token"], "t");
    assert_eq!(
        (request.credentials, request.cache),
        (CredentialsMode::Omit, CacheMode::NoStore)
    );
    let shown: Vec<_> = world.user_agent.engine().inspect();
    assert!(shown.iter().all(|fetch| fetch.title == "Title"), "{shown:?}");
}

#[test]
fn the_title_and_the_icons_are_those_of_before() {
    let world = World::new(WORKER);
    let page = world.page(
        "globalThis.first = await backgroundFetch.fetch('id', '/kept',
             { title: 'Title', icons: [{ src: '/icon.png', sizes: '1x1', label: 'Icon' }] });
         await over(first);
         console.log('over');",
    );
    world.wait_for("over");
    // The second is held up, to be looked at.
    world.set_metered(true);
    run(
        &page,
        "first.start().then(again => console.log('again', again.status))",
    );
    world.wait_for("again interrupted");
    let shown = world.user_agent.engine().inspect();
    let again = shown.iter().find(|fetch| fetch.paused.any());
    let again = again.expect("the second is paused");
    let icon = &again.icons[0];
    assert_eq!(again.title.to_string(), "Title");
    assert_eq!(
        (icon.src.as_str(), icon.sizes.as_deref(), icon.label.as_deref()),
        ("/icon.png", Some("1x1"), Some("Icon"))
    );
}

#[test]
fn bodies_are_sent_again_while_there_are_records_and_not_without_them() {
    let world = World::new(
        "oninstall = () => skipWaiting();
         let once = false;
         onbackgroundfetchsuccess = event => {
             if (once || event.registration.id != 'in the worker') return;
             once = true;
             event.waitUntil(event.registration.start().then(again => console.log('again', again.uploadTotal)));
         };",
    );
    let post = "new Request('/kept', { method: 'POST', body: 'a body' })";
    let _page = world.page(&format!(
        "await over(await backgroundFetch.fetch('in the worker', {post}));
         const fetch = await backgroundFetch.fetch('in the page', {post});
         await over(fetch);
         console.log('page:', await fetch.start().catch(error => error.name + ' ' + error.message));"
    ));
    world.wait_for("page:");
    world.wait_for("page: InvalidStateError the body of the POST request");
    world.wait_for("again 6");
    let began = Instant::now();
    while world.kept.lock().len() < 3 && began.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let (request, body) = world.requests(3);
    assert_eq!((request.method.as_str(), body.as_str()), ("POST", "a body"));
}

#[test]
fn what_the_user_paused_is_released_and_what_the_user_agent_paused_is_not() {
    let world = World::new(WORKER);
    world.set_metered(true);
    let page =
        world.page("globalThis.first = await backgroundFetch.fetch('id', '/kept'); console.log('begun')");
    world.wait_for("begun");
    run(
        &page,
        "first.start().catch(error => console.log(error.name, error.message))",
    );
    world.wait_for(
        "InvalidStateError the user agent paused this background fetch, because the connection is metered",
    );
    let engine = world.user_agent.engine();
    let key = engine.inspect()[0].key;
    world.runtime.block_on(engine.pause(key)).unwrap();
    world.set_metered(false);
    run(&page, "console.log('status', first.status, first.getStatus())");
    world.wait_for("status interrupted interrupted");
    run(
        &page,
        "first.onprogress = () => console.log(first.result); first.start().then(same => console.log(same === first))",
    );
    world.wait_for("success");
    world.wait_for("true");
}
