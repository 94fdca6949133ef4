//! Service workers of a host without a component.

use std::sync::Arc;

use background_fetch::embedder::FunctionalEvent;
use background_fetch_js::engine::{Cx, Slots};
use background_fetch_js::host::service_workers::{EventDone, ServiceWorkerStore, StoredRegistration};
use background_fetch_js::interfaces::ExtendableEvent;
use background_fetch_js::webidl::create;
use parking_lot::Mutex;

use super::{Server, UserAgent};

/// What the scripts of pages here share.
pub(crate) const HELPERS: &str = "
    const sw = navigator.serviceWorker;
    const state = (worker, wanted) => new Promise((resolve, reject) => {
        const look = () => {
            if (worker.state == wanted) resolve();
            else if (worker.state == 'redundant') reject(new Error('it is redundant'));
        };
        worker.addEventListener('statechange', look);
        look();
    });
    const failed = promise => promise.then(() => 'fine', error => error.name);
    const run = main => main().then(tell, error => tell('threw ' + error));
";

pub(crate) fn page(user_agent: &UserAgent, server: &Server, script: &str) -> String {
    let script = format!("{HELPERS} run(async () => {{ {script} }})");
    user_agent.page(&server.url("/app/page"), &script).told()
}

/// Keeps what is saved last, in memory.
#[derive(Clone, Default)]
pub(crate) struct Saved(pub(crate) Arc<Mutex<Vec<StoredRegistration>>>);

impl ServiceWorkerStore for Saved {
    fn load(&self) -> Result<Vec<StoredRegistration>, String> {
        Ok(self.0.lock().clone())
    }

    fn save(&self, registrations: &[StoredRegistration]) -> Result<(), String> {
        *self.0.lock() = registrations.to_vec();
        Ok(())
    }
}

/// Makes the event of a background fetch without the component: the test is of who fires it.
pub(crate) fn make_plain(cx: &Cx<'_>, event: FunctionalEvent, done: EventDone) {
    let event = ExtendableEvent::trusted(cx, event.name.as_str());
    done(cx, create(cx, event, Slots::default()));
}
