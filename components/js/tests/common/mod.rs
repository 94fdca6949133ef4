//! Runs a script in a realm, and waits for what it tells.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use background_fetch::fetch::Client;
use background_fetch_js::engine::Limits;
use background_fetch_js::host::Host;
use background_fetch_js::interfaces::define_globals;
use background_fetch_js::realm::{Settings, spawn};
use background_fetch_js::webidl::Globals;
use background_fetch_net::{HttpNetwork, TokioRuntime};

/// What `tell(…)` was called with first, as a string; the exception, where the script throws before.
pub(crate) fn run(script: &str) -> String {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let _entered = runtime.enter();
    let tokio = Arc::new(TokioRuntime::current());
    let host = Arc::new(Host {
        network: Arc::new(HttpNetwork::builder().build().unwrap()),
        clock: tokio.clone(),
        spawner: tokio,
    });
    let settings = Settings {
        host,
        kind: Globals::WINDOW,
        client: Client::page("https://site.example/page".parse().unwrap()),
        is_secure_context: true,
        has_guide: false,
        time_limit: Duration::from_secs(10),
    };
    let (sender, receiver) = mpsc::channel();
    let script = script.to_owned();
    let realm = spawn("window", settings, Limits::default(), move |cx| {
        define_globals(cx).unwrap();
        let told = sender.clone();
        let tell = cx.function(
            "tell",
            1,
            Box::new(move |arguments| {
                // Only the first is waited for.
                let _ = told.send(arguments.get(0).to_text(&arguments.cx)?);
                Ok(arguments.cx.undefined())
            }),
        );
        cx.global()
            .define_value(cx, "tell", tell.unwrap().value())
            .unwrap();
        if let Err(thrown) = cx.run_script(&script, "test.js") {
            let _ = sender.send(format!("threw {}", thrown.0.to_text(cx).unwrap_or_default()));
        }
    });
    let realm = realm.unwrap();
    let told = receiver
        .recv_timeout(Duration::from_secs(20))
        .unwrap_or_else(|_| "nothing was told".into());
    realm.close();
    futures::executor::block_on(realm.closed());
    told
}
