//! Runs a script in a realm, and waits for what it tells.
#![allow(dead_code, unused_imports)]

mod server;

use std::sync::{Arc, mpsc};
use std::time::Duration;

use background_fetch_js::engine::Limits;
use background_fetch_js::host::{ConsoleLine, ConsoleSink, Host};
use background_fetch_js::interfaces::define_globals;
use background_fetch_js::realm::{RealmHandle, Settings, spawn};
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
        }
    }

    /// What the consoles showed.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.0.lock().clone()
    }

    /// Opens a page with a script.
    pub(crate) fn page(&self, url: &str, script: &str) -> Page {
        let mut settings = Settings::page(self.host.clone(), url.parse().unwrap());
        settings.time_limit = self.time_limit;
        settings.limits = self.limits;
        let (sender, told) = mpsc::channel();
        let (script, name) = (script.to_owned(), url.to_owned());
        let realm = spawn("window", settings, move |cx| {
            define_globals(cx).unwrap();
            let tells = sender.clone();
            let tell = cx.function(
                "tell",
                1,
                Box::new(move |arguments| {
                    // Nobody may wait for it any more.
                    let _ = tells.send(arguments.get(0).to_text(&arguments.cx)?);
                    Ok(arguments.cx.undefined())
                }),
            );
            cx.global()
                .define_value(cx, "tell", tell.unwrap().value())
                .unwrap();
            if let Err(thrown) = cx.run_script(&script, &name) {
                let _ = sender.send(format!("threw {}", thrown.0.to_text(cx).unwrap_or_default()));
            }
        });
        Page {
            realm: realm.unwrap(),
            told,
        }
    }
}

/// A page; it is closed when it is dropped.
pub(crate) struct Page {
    pub(crate) realm: RealmHandle,
    told: mpsc::Receiver<String>,
}

impl Page {
    /// The next that it tells.
    pub(crate) fn told(&self) -> String {
        let told = self.told.recv_timeout(Duration::from_secs(20));
        told.unwrap_or_else(|_| "nothing was told".into())
    }

    /// Runs a script in it.
    pub(crate) fn run(&self, script: &str) {
        let script = script.to_owned();
        self.realm.queue_task(move |cx| {
            if let Err(thrown) = cx.run_script(&script, "later.js") {
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
