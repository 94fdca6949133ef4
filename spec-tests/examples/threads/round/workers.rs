//! Service workers: a thread and a realm for each registration, which gets its events and reads what arrived.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use background_fetch::embedder::{EventError, FunctionalEvent, FunctionalEventName, ServiceWorkers};
use background_fetch::fetch::{Client, StorageKey};
use background_fetch::{BackgroundFetchUIOptions, CacheQueryOptions, Engine, RegistrationKey};
use background_fetch_sim::Random;
use futures::channel::{mpsc, oneshot};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use parking_lot::Mutex;
use url::Url;

use super::Shared;
use super::ledger::Unless;
use super::realm::Thread;

/// An event on its way to a worker, and what tells that it is no longer active.
type Delivery = (FunctionalEvent, oneshot::Sender<()>);

/// The registrations and the way to their workers.
pub(super) struct Workers {
    shared: Arc<Shared>,
    to: Mutex<HashMap<RegistrationKey, mpsc::UnboundedSender<Delivery>>>,
    random: Mutex<Random>,
}

impl Workers {
    pub(super) fn new(shared: Arc<Shared>, random: Random) -> Self {
        Self {
            shared,
            to: Mutex::default(),
            random: Mutex::new(random),
        }
    }

    /// The events of a registration, from now on.
    pub(super) fn events(&self, registration: &RegistrationKey) -> mpsc::UnboundedReceiver<Delivery> {
        let (sender, events) = mpsc::unbounded();
        self.to.lock().insert(registration.clone(), sender);
        events
    }

    /// No event comes any more.
    pub(super) fn close(&self) {
        self.to.lock().clear();
    }
}

impl ServiceWorkers for Workers {
    fn has_active_worker(&self, _registration: &RegistrationKey) -> bool {
        true
    }

    fn scopes(&self, storage_key: &StorageKey) -> Vec<Url> {
        let of_key = self.shared.sites.registrations.iter();
        of_key
            .filter(|registration| registration.storage_key == *storage_key)
            .map(|registration| registration.scope.clone())
            .collect()
    }

    fn fire(&self, event: FunctionalEvent) -> BoxFuture<'static, Result<(), EventError>> {
        let calm = self.shared.calm.load(Ordering::Relaxed);
        let refused = !calm && self.random.lock().chance(1, 8);
        let (done, ended) = oneshot::channel();
        let sent = !refused
            && self
                .to
                .lock()
                .get(&event.registration)
                .is_some_and(|to| to.unbounded_send((event, done)).is_ok());
        async move {
            if !sent {
                return Err(EventError("the worker did not start".to_owned()));
            }
            // Whatever the worker did: the event is over.
            let _ = ended.await;
            Ok(())
        }
        .boxed()
    }
}

/// Runs the worker of a registration for as long as events can come.
pub(super) fn work(
    registration: RegistrationKey,
    mut events: mpsc::UnboundedReceiver<Delivery>,
    engine: Engine,
    shared: Arc<Shared>,
    random: Random,
) {
    let client = Client::page(registration.scope.clone());
    let name = format!("the worker of {}", registration.scope);
    Thread::run(name, client, engine, shared, random, async |thread| {
        while let Some((event, done)) = events.next().await {
            let thread = thread.clone();
            let what = format!("{:?} of {}", event.name, event.fetch);
            thread.clone().wait_for(what, async move {
                handle(&thread, &event).await;
                let _ = done.send(());
            });
        }
        while thread.waits() > 0 {
            thread.pause(20).await;
        }
    });
}

async fn handle(thread: &Thread, fired: &FunctionalEvent) {
    let ledger = &thread.shared().ledger;
    ledger.dispatched(fired.fetch, fired.name);
    let wrong = |what: String| {
        let what = format!("{}: {:?} of {}: {what}", thread.name(), fired.name, fired.fetch);
        ledger.suspect(fired.fetch, Unless::Cleared, what);
    };
    let click = fired.name == FunctionalEventName::Click;
    let event = match thread.realm().create_event(fired).await {
        Ok(event) => event,
        // One that is clicked may go meanwhile.
        Err(_) if click => return,
        Err(error) => return wrong(format!("no event object: {error}")),
    };
    let lifetime = event.extend().expect("the event is active");
    event.end_dispatch();
    if thread.chance(1, 3) && fired.name.has_update_ui() {
        let title = Some("done".into());
        let updated = event.update_ui(BackgroundFetchUIOptions { title, icons: None });
        if let Err(error) = updated.await {
            wrong(format!("updateUI(): {error}"));
        }
    }
    let registration = event.registration();
    let records = registration.match_all(None, CacheQueryOptions::default()).await;
    let records = match records {
        Ok(records) => records,
        Err(_) if click => return,
        Err(error) => return wrong(format!("matchAll(): {error}")),
    };
    for record in &records {
        match thread.read(record, true).await {
            Ok(length) => drop(thread.shared().read.fetch_add(length, Ordering::Relaxed)),
            Err(error) if fired.name == FunctionalEventName::Success => {
                wrong(format!("a record is not to be read: {error}"));
            }
            Err(_) => {}
        }
    }
    drop(lifetime);
    event.ended().await;
    // Some keep their records longer than the event lives: the bytes stay.
    if thread.chance(1, 4) {
        thread.pause(500).await;
        for record in &records {
            let read = thread.read(record, true).await;
            if let (Err(error), FunctionalEventName::Success) = (read, fired.name) {
                wrong(format!("a record that is held is not to be read: {error}"));
            }
        }
    }
}
