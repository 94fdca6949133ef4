//! Runs a script in a realm, and waits for what it tells.
#![allow(dead_code, unused_imports)]

mod server;
pub(crate) mod service_workers;

use std::sync::{Arc, mpsc};
use std::time::Duration;

use background_fetch_js::engine::{Cx, Limits};
use background_fetch_js::host::page::{PageSource, open_page};
use background_fetch_js::host::{ConsoleLine, ConsoleSink, Host};
use background_fetch_js::interfaces::define_globals;
use background_fetch_js::realm::{Account, Realm, RealmHandle, Settings, spawn};
use background_fetch_net::{HttpNetwork, TokioRuntime};
use parking_lot::Mutex;

pub(crate) use server::Server;

/// What `tell(…)` was called with first, as a string; the exception, where the script throws before.
pub(crate) fn run(script: &str) -> String {
    UserAgent::new().page("https://site.example/page", script).told()
}

/// The lines of the consoles, as they are shown.
#[derive(Default)]
pub(crate) struct Lines(Mutex<Vec<String>>);

impl Lines {
    /// Those that were shown so far.
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().clone()
    }
}

impl ConsoleSink for Lines {
    fn line(&self, line: ConsoleLine) {
        self.0.lock().push(line.to_string());
    }
}

/// A host on a runtime of its own.
pub(crate) struct UserAgent {
    pub(crate) host: Arc<Host>,
    pub(crate) runtime: tokio::runtime::Runtime,
    lines: Arc<Lines>,
    pub(crate) time_limit: Duration,
    pub(crate) limits: Limits,
    /// What scripts may have the host keep for them.
    pub(crate) room: usize,
}

impl UserAgent {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// One whose host is set up further.
    pub(crate) fn with(set_up: impl FnOnce(&mut Host)) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let entered = runtime.enter();
        let tokio = Arc::new(TokioRuntime::current());
        let network = Arc::new(HttpNetwork::builder().build().unwrap());
        drop(entered);
        let lines = Arc::new(Lines::default());
        let mut host = Host::new(network, tokio.clone(), tokio);
        host.console = lines.clone();
        set_up(&mut host);
        Self {
            host: Arc::new(host),
            runtime,
            lines,
            time_limit: Duration::from_secs(10),
            limits: Limits::default(),
            room: 512 << 20,
        }
    }

    /// What the consoles showed.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.all()
    }

    /// Opens a page with this HTML.
    pub(crate) fn html_page(&self, url: &str, html: &str) -> Page {
        let (sender, told) = mpsc::channel();
        let source = PageSource::Html(html.to_owned());
        let before = Box::new(move |cx: &Cx<'_>| define_tell(cx, sender));
        let realm = open_page(self.settings(url), source, before);
        Page {
            realm: realm.unwrap(),
            told,
        }
    }

    fn settings(&self, url: &str) -> Settings {
        let mut settings = Settings::page(self.host.clone(), url.parse().unwrap());
        settings.time_limit = self.time_limit;
        settings.limits = self.limits;
        settings.account = Account::with_limit(self.room);
        settings
    }

    /// Opens a page with a script.
    pub(crate) fn page(&self, url: &str, script: &str) -> Page {
        let (sender, told) = mpsc::channel();
        let settings = self.settings(url);
        let (script, name) = (script.to_owned(), url.to_owned());
        let realm = spawn("window", settings, move |cx| {
            define_globals(cx).unwrap();
            define_tell(cx, sender.clone());
            if let Err(thrown) = Realm::run_classic_script(cx, &script, &name) {
                let _ = sender.send(format!("threw {}", thrown.0.to_text(cx).unwrap_or_default()));
            }
        });
        Page {
            realm: realm.unwrap(),
            told,
        }
    }
}

/// Gives scripts `tell(text)`.
fn define_tell(cx: &Cx<'_>, told: mpsc::Sender<String>) {
    let tell = cx.function(
        "tell",
        1,
        Box::new(move |arguments| {
            // Nobody may wait for it any more.
            let _ = told.send(arguments.get(0).to_text(&arguments.cx)?);
            Ok(arguments.cx.undefined())
        }),
    );
    let tell = tell.unwrap().value();
    cx.global().define_value(cx, "tell", tell).unwrap();
}

/// A page; it is closed when it is dropped.
pub(crate) struct Page {
    pub(crate) realm: RealmHandle,
    told: mpsc::Receiver<String>,
}

impl Page {
    /// The next that it tells.
    pub(crate) fn told(&self) -> String {
        self.told_within(Duration::from_secs(20))
    }

    /// The same, with more patience.
    pub(crate) fn told_within(&self, patience: Duration) -> String {
        let told = self.told.recv_timeout(patience);
        told.unwrap_or_else(|_| "nothing was told".into())
    }

    /// Runs a script in it.
    pub(crate) fn run(&self, script: &str) {
        let script = script.to_owned();
        self.realm.queue_task(move |cx| {
            if let Err(thrown) = Realm::run_classic_script(cx, &script, "later.js") {
                background_fetch_js::realm::report_thrown(cx, Err::<(), _>(thrown.into()));
            }
        });
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.realm.close();
        futures::executor::block_on(self.realm.closed());
    }
}
