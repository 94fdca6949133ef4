//! A realm on a thread of its own: an event loop that is really one, and what its script waits for.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use background_fetch::api::{BackgroundFetchRecord, BackgroundFetchRegistration, Realm};
use background_fetch::embedder::EventLoop;
use background_fetch::fetch::Client;
use background_fetch::seam::RealmTask;
use background_fetch::{BackgroundFetchResult, Engine, Exception};
use background_fetch_sim::{Random, yield_now};
use futures::StreamExt;
use futures::channel::mpsc;
use futures::executor::LocalPool;
use futures::task::LocalSpawnExt;

use super::Shared;
use super::ledger::Unless;

/// A realm's thread.
#[derive(Clone)]
pub(super) struct Thread(Rc<Inner>);

struct Inner {
    name: String,
    realm: Realm,
    shared: Arc<Shared>,
    spawner: futures::executor::LocalSpawner,
    random: RefCell<Random>,
    /// What is waited for.
    waits: Cell<usize>,
}

impl Thread {
    /// Runs a script in a new realm of this URL, and everything that it spawned for as long as it runs itself.
    pub(super) fn run(
        name: String,
        client: Client,
        engine: Engine,
        shared: Arc<Shared>,
        random: Random,
        script: impl AsyncFnOnce(&Thread),
    ) {
        let mut pool = LocalPool::new();
        let (event_loop, mut tasks) = mpsc::unbounded();
        let event_loop: Arc<dyn EventLoop> = Arc::new(event_loop);
        shared.event_loops.lock().push(Arc::downgrade(&event_loop));
        let thread = Self(Rc::new(Inner {
            name,
            realm: Realm::new(Arc::new(engine), client, event_loop),
            shared,
            spawner: pool.spawner(),
            random: RefCell::new(random),
            waits: Cell::new(0),
        }));
        let realm = thread.realm().clone();
        thread.spawn(async move {
            while let Some(task) = tasks.next().await {
                let task: RealmTask = task;
                realm.run_task(task);
                // What the task settled runs before the next, as in a real event loop.
                yield_now().await;
            }
        });
        pool.run_until(script(&thread));
        // The tasks hold the realm; with them go the promises that it never keeps.
        drop(pool);
    }

    pub(super) fn realm(&self) -> &Realm {
        &self.0.realm
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }

    pub(super) fn name(&self) -> &str {
        &self.0.name
    }

    /// Draws from chance.
    pub(super) fn random<R>(&self, draw: impl FnOnce(&mut Random) -> R) -> R {
        draw(&mut self.0.random.borrow_mut())
    }

    pub(super) fn below(&self, bound: u64) -> u64 {
        self.random(|random| random.below(bound))
    }

    pub(super) fn chance(&self, numerator: u64, denominator: u64) -> bool {
        self.random(|random| random.chance(numerator, denominator))
    }

    /// Does something beside everything else.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        self.0
            .spawner
            .spawn_local(task)
            .expect("the pool is there while its realm is");
    }

    /// The same, and notes that it is waited for.
    pub(super) fn wait_for(&self, what: String, task: impl Future<Output = ()> + 'static) {
        let wait = self.0.shared.board.wait(format!("{}: {what}", self.0.name));
        let thread = self.clone();
        thread.0.waits.set(thread.0.waits.get() + 1);
        self.spawn(async move {
            task.await;
            drop(wait);
            thread.0.waits.set(thread.0.waits.get() - 1);
        });
    }

    /// What is waited for.
    pub(super) fn waits(&self) -> usize {
        self.0.waits.get()
    }

    /// Lets some time pass.
    pub(super) async fn pause(&self, milliseconds: u64) {
        let time = std::time::Duration::from_millis(self.below(milliseconds));
        background_fetch::embedder::Clock::sleep(&self.0.shared.clock, time).await;
    }

    /// Looks after the progress of a background fetch.
    pub(super) fn listen(&self, registration: &BackgroundFetchRegistration) {
        // Not the realm: it holds its instances, and they their listeners.
        let (name, shared) = (self.0.name.clone(), Arc::clone(&self.0.shared));
        let last = Cell::new(registration.downloaded());
        let settled = Cell::new(registration.result() != BackgroundFetchResult::Empty);
        registration.on_progress(move |registration| {
            let (key, ledger) = (registration.key(), &shared.ledger);
            if settled.get() {
                ledger.fault(format!("{name}: progress of {key} after its result"));
            }
            settled.set(registration.result() != BackgroundFetchResult::Empty);
            let (before, now) = (last.replace(registration.downloaded()), registration.downloaded());
            if now < before {
                let what = format!("{name}: downloaded of {key} goes from {before} back to {now}");
                ledger.suspect(key, Unless::Restarted, what);
            }
            let total = registration.download_total();
            if total > 0 && now > total {
                ledger.fault(format!("{name}: {key} has {now} of {total} bytes"));
            }
        });
    }

    /// Reads a record's body, or some of it, and compares it with what the server has. How many bytes there were.
    pub(super) async fn read(&self, record: &BackgroundFetchRecord, all: bool) -> Result<u64, Exception> {
        let response = record.response_ready().await?;
        let ok = response.head().status == http::StatusCode::OK;
        let Some(mut body) = response.take_body() else {
            return Ok(0);
        };
        let mut bytes = Vec::new();
        let mut whole = false;
        while !whole && (all || !self.chance(1, 20)) {
            match body.next().await {
                Some(chunk) => bytes.extend_from_slice(&chunk?),
                None => whole = true,
            }
        }
        let url = record.request().request().url.clone();
        if ok && let Err(wrong) = self.shared().sites.check(&url, &bytes, whole) {
            let fault = format!("{}: {} of {}", self.name(), wrong, record.key().fetch);
            self.shared().ledger.fault(fault);
        }
        Ok(bytes.len() as u64)
    }
}
