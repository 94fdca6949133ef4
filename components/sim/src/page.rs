//! [`Page`]: a realm with its event loop, in a simulated world.

use std::rc::Rc;
use std::sync::Arc;

use background_fetch::api::{BackgroundFetchEvent, BackgroundFetchRecord, Realm};
use background_fetch::embedder::FunctionalEvent;
use background_fetch::fetch::Client;
use background_fetch::{Engine, Exception};

use crate::{TestEventLoop, World};

/// A page or a worker: a realm with its event loop.
#[derive(Clone)]
pub struct Page {
    /// The realm.
    pub realm: Realm,
    /// Its event loop, which is pumped.
    pub event_loop: TestEventLoop,
}

impl World {
    /// Opens a realm with this environment on an engine.
    pub fn open_page(&self, engine: &Engine, client: Client) -> Page {
        let event_loop = self.event_loop();
        let realm = Realm::new(Arc::new(engine.clone()), client, Arc::new(event_loop.clone()));
        let pumped = realm.clone();
        self.executor
            .spawn_local(event_loop.pump(move |task| pumped.run_task(task)));
        Page { realm, event_loop }
    }

    /// Hands every functional event to `handler`, in the realm of `worker`, as an event object. The event is extended
    /// until the handler is done.
    pub fn handle_events<F>(&self, worker: Page, handler: impl Fn(BackgroundFetchEvent) -> F + 'static)
    where
        F: Future<Output = ()> + 'static,
    {
        self.handle_events_in(move |_| worker.clone(), handler);
    }

    /// The same, where each event has the worker that `worker_of` gives.
    pub fn handle_events_in<F>(
        &self,
        worker_of: impl Fn(&FunctionalEvent) -> Page + 'static,
        handler: impl Fn(BackgroundFetchEvent) -> F + 'static,
    ) where
        F: Future<Output = ()> + 'static,
    {
        let handler = Rc::new(handler);
        self.service_workers.handle_locally(&self.executor, move |event| {
            let (worker, handler) = (worker_of(&event), Rc::clone(&handler));
            async move {
                let Ok(event) = worker.realm.create_event(&event).await else {
                    return;
                };
                let lifetime = event.extend().expect("the event is active");
                event.end_dispatch();
                handler(event.clone()).await;
                drop(lifetime);
                event.ended().await;
            }
        });
    }
}

/// The bytes of a record's response.
///
/// # Errors
///
/// What `responseReady` rejects with, or its body ends with.
pub async fn body_of(record: &BackgroundFetchRecord) -> Result<Vec<u8>, Exception> {
    let response = record.response_ready().await?;
    match response.take_body() {
        Some(body) => body.bytes().await,
        None => Ok(Vec::new()),
    }
}
