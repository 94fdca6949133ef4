//! Tells a story in a world, and checks after every step what may be observed.

mod books;
mod duties;
mod end;
mod model;
mod operations;
mod prospects;
mod world;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use background_fetch::api::BackgroundFetchRegistration;
use background_fetch::embedder::{
    Clock, DisplayState, FetchState, FunctionalEvent, FunctionalEventName, Policies, Storage,
};
use background_fetch::fetch::StorageKey;
use background_fetch::{BackgroundFetchResult, Engine, ExceptionName, FetchKey, RegistrationKey};
use parking_lot::Mutex;

use crate::story::{Habit, Step, Story, Target};
use crate::watched::Watched;
use crate::{Bounds, Page, Random, UploadServer, VolatileStorage, World};
use books::{FetchCall, Sighting};
use model::{Checked, Model, Outcome, must};

/// How a story went that kept every promise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Telling {
    /// The background fetches.
    pub fetches: usize,
    /// Those that succeeded.
    pub successes: usize,
    /// Those that had to succeed, unless somebody aborted them: nothing stood in their way.
    pub undisturbed: usize,
    /// The processes that were killed.
    pub crashes: usize,
    /// The polls of all tasks.
    pub polls: u64,
}

/// Tells a story over a storage that `fresh` makes empty, with this quota in bytes, and checks throughout that every
/// promise is kept.
///
/// # Errors
///
/// The promise that was broken, in a sentence.
///
/// # Panics
///
/// Where the component does, or where nothing goes on any more though something is not over.
pub fn tell(
    story: &Story,
    fresh: impl Fn(u64) -> Arc<dyn Storage> + Send + Sync + 'static,
) -> Result<Telling, String> {
    let player = Player::new(story, fresh);
    let told = player.world.run(player.tell());
    // The tasks hold the player.
    player.world.crash();
    told?;
    let (fetches, successes, undisturbed) = player.model.borrow().count();
    Ok(Telling {
        fetches,
        successes,
        undisturbed,
        crashes: player.crashes.get(),
        polls: player.world.executor.polls(),
    })
}

/// Where the scripts, the user and the servers of a story come together.
struct Player {
    story: Story,
    world: World,
    storage: Arc<VolatileStorage>,
    /// What the story does not say: when a start is killed.
    chance: RefCell<Random>,
    policies: Policies,
    registrations: [RegistrationKey; 2],
    model: RefCell<Model>,
    /// Promises that were broken.
    broken: RefCell<Vec<String>>,
    running: RefCell<Option<Running>>,
    habit: Cell<Habit>,
    metered: Cell<bool>,
    metered_changes: Cell<usize>,
    /// Whether the engine is being shut down.
    stopping: Cell<bool>,
    /// The events that were dispatched, and not told to the model yet.
    dispatched: Arc<Mutex<Vec<Dispatch>>>,
    /// The servers with resumable uploads, by their calls.
    uploads: RefCell<BTreeMap<usize, UploadServer>>,
    /// The failed calls of the storage that were told to the model.
    strikes: Cell<usize>,
    /// The requests that were told to the model.
    requests: Cell<usize>,
    /// The requests of the lives before.
    earlier_requests: Cell<usize>,
    /// What was shown in the lives before.
    earlier_shown: Cell<usize>,
    crashes: Cell<usize>,
}

/// What a crash ends.
struct Running {
    engine: Engine,
    pages: Vec<OpenPage>,
    workers: [Page; 2],
}

/// A page, and the instances that it has seen.
#[derive(Clone)]
struct OpenPage {
    /// A realm for the site of each registration; the same where there is one site.
    realms: [Page; 2],
    closed: Rc<Watched<bool>>,
    /// The calls that have no answer yet.
    unanswered: Rc<Cell<usize>>,
    instances: Rc<RefCell<Vec<Seen>>>,
}

/// An instance that a page has seen, and what it showed last.
struct Seen {
    registration: usize,
    instance: BackgroundFetchRegistration,
    outcome: Outcome,
    /// What its last `progress` event showed.
    told: Rc<Cell<Values>>,
}

/// What a page can read: the bytes downloaded and uploaded, and the outcome.
type Values = (u64, u64, Outcome);

fn values_of(instance: &BackgroundFetchRegistration) -> Values {
    let outcome = (instance.result(), instance.failure_reason());
    (instance.downloaded(), instance.uploaded(), outcome)
}

/// An event in the moment of its dispatch.
struct Dispatch {
    event: FunctionalEvent,
    /// What a crash in this moment would leave of its background fetch.
    durable: Option<FetchState>,
    could_lose: bool,
}

/// What a worker got and read.
struct Delivery {
    fetch: FetchKey,
    name: FunctionalEventName,
    outcome: Outcome,
    downloaded: u64,
    uploaded: u64,
    /// Of each record whether its status is one of success, and its body.
    bodies: Vec<Result<(bool, Vec<u8>), ExceptionName>>,
}

/// The version that every file has in the end.
const LAST_LENGTH: u64 = 300;

/// The versions that a file ever has, as seed and length of their patterns.
fn versions_of(story: &Story, file: usize) -> impl Iterator<Item = (u64, u64)> {
    let first = 10 * (1 + file as u64);
    let versions = story.files[file].versions.iter().zip(first..);
    versions
        .map(|(version, seed)| (seed, version.length))
        .chain([(first + 9, LAST_LENGTH)])
}

fn id_of(target: Target) -> String {
    format!("fetch {}", target.id)
}

impl Player {
    async fn tell(self: &Rc<Self>) -> Checked {
        self.open().await?;
        for step in &self.story.steps {
            let told = self.step(step).await;
            told.map_err(|wrong| format!("after \"{step}\": {wrong}"))?;
            let checked = self.check();
            checked.map_err(|wrong| format!("after \"{step}\": {wrong}"))?;
        }
        self.end().await.map_err(|wrong| format!("in the end: {wrong}"))
    }

    async fn step(self: &Rc<Self>, step: &Step) -> Checked {
        let network = &self.world.network;
        match step {
            Step::Fetch {
                target,
                files,
                download_total,
                upload,
            } => self.fetch(FetchCall {
                target: *target,
                files: files.iter().map(|file| file % self.story.files.len()).collect(),
                download_total: *download_total,
                upload: *upload,
            }),
            Step::Get(target) => self.get(*target),
            Step::GetIds(registration) => self.get_ids(*registration),
            Step::Abort(target) => self.abort(*target),
            Step::Read(target, record) => self.read(*target, *record),
            Step::Pause(_)
            | Step::Resume(_)
            | Step::UserAborts(_)
            | Step::Allow(_)
            | Step::Refuse(_)
            | Step::Click(_)
            | Step::Dismiss(_) => self.user(step),
            Step::OpenPage => self.open_page(),
            Step::ClosePage => self.close_page(),
            Step::Offline => network.offline(),
            Step::Online => network.online(),
            Step::LoseConnections => network.drop_connections(),
            Step::Metered(metered) => self.set_metered(*metered),
            Step::Workers(habit) => self.habit.set(*habit),
            Step::WorkersFail(count) => {
                self.told(|model| model.books.workers_fail = true);
                self.world.service_workers.fail_to_start(*count);
            }
            Step::Permission(state) => {
                self.told(|model| model.permission_changes(*state));
                self.world.permissions.set(*state);
            }
            Step::Worker(registration, active) => {
                self.told(|model| model.worker_changes(*registration, *active));
                let key = &self.registrations[*registration];
                self.world.service_workers.set_active(key, *active);
            }
            Step::StorageFailsOn(operation, kind) => {
                let storage = &self.world.storage;
                storage.fail_from(*operation, storage.calls(*operation) + 1, *kind);
            }
            Step::StorageIsSlow(operation, milliseconds) => {
                self.told(|model| model.books.is_slow = true);
                let time = Duration::from_millis(*milliseconds);
                self.world.storage.delay(*operation, time);
            }
            Step::StorageIsMended => self.world.storage.mend(),
            Step::StorageFails {
                operation,
                nth,
                kind,
                after_effect,
            } => {
                let storage = &self.world.storage;
                let nth = storage.calls(*operation) + nth;
                match after_effect {
                    true => storage.fail_after_effect(*operation, nth, *kind),
                    false => storage.fail(*operation, nth, *kind),
                }
            }
            Step::Clear(registration) => self.clear(*registration),
            Step::Crash => return self.crash().await,
            Step::Restart => return self.restart().await,
            Step::Pass(milliseconds) => self.world.clock.sleep(Duration::from_millis(*milliseconds)).await,
            Step::Turns(turns) => {
                for _ in 0..*turns {
                    crate::yield_now().await;
                }
            }
            Step::Settle => return self.look().await.map(drop),
        }
        Ok(())
    }

    /// Tells the model something, after everything that happened before.
    fn told<T>(&self, tell: impl FnOnce(&mut Model) -> T) -> T {
        self.tell_dispatches();
        tell(&mut self.model.borrow_mut())
    }

    /// The same, from a task: what is wrong shows in the next check.
    fn note(&self, tell: impl FnOnce(&mut Model) -> Checked) {
        if let Err(wrong) = self.told(tell) {
            self.broken.borrow_mut().push(wrong);
        }
    }

    fn tell_dispatches(&self) {
        for strike in self.world.storage.strikes_from(self.strikes.get()) {
            self.strikes.update(|told| told + 1);
            // It may come before the answer of `fetch()` does.
            let seen = strike.fetch.and_then(|key| self.sighting(key));
            let mut model = self.model.borrow_mut();
            if let Some(Err(wrong)) = seen.map(|seen| model.see(&seen)) {
                self.broken.borrow_mut().push(wrong);
            }
            model.books.strike(strike);
        }
        let requests = self.world.network.log_from(self.requests.get());
        self.requests.update(|told| told + requests.len());
        for request in &requests {
            if let Err(wrong) = self.model.borrow_mut().requested(request) {
                self.broken.borrow_mut().push(wrong);
            }
        }
        let dispatched = std::mem::take(&mut *self.dispatched.lock());
        let mut model = self.model.borrow_mut();
        for Dispatch {
            event,
            durable,
            could_lose,
        } in dispatched
        {
            // It may come before the answer of `fetch()` does.
            let seen = self.sighting(event.fetch).map_or(Ok(()), |seen| model.see(&seen));
            let told = seen.and_then(|()| model.fired(event.fetch, event.name, durable, could_lose));
            if let Err(wrong) = told {
                self.broken.borrow_mut().push(wrong);
            }
        }
    }

    /// What holds at any moment.
    fn check(&self) -> Checked {
        self.tell_dispatches();
        if let Some(wrong) = self.broken.borrow_mut().drain(..).next() {
            return Err(wrong);
        }
        let running = self.running.borrow();
        for page in running.iter().flat_map(|running| &running.pages) {
            for Seen {
                instance,
                outcome: seen,
                told,
                ..
            } in &mut *page.instances.borrow_mut()
            {
                // Nothing changes without an event.
                must!(
                    told.get() == values_of(instance),
                    "a page reads {:?}, the last event of {:?} showed {:?}",
                    values_of(instance),
                    instance.key(),
                    told.get()
                );
                let outcome = (instance.result(), instance.failure_reason());
                if *seen == outcome {
                    continue;
                }
                // 5. Getters never go back from a settled result.
                must!(
                    seen.0 == BackgroundFetchResult::Empty,
                    "an instance showed {seen:?} and shows {outcome:?}"
                );
                *seen = outcome;
                self.told(|model| model.see_outcome(instance.key(), outcome, "a page"))?;
            }
        }
        Ok(())
    }

    /// What holds when everything has gone as far as it can. Whether it could be looked at.
    async fn look(&self) -> Result<bool, String> {
        self.world.stalled().await;
        self.check()?;
        // Looking would take away what is being staged.
        if self.model.borrow().is_staging() {
            return Ok(false);
        }
        // Before anything is loaded: that takes away what was staged and not used.
        let usage = self.usage().await?;
        let stored = self.storage.load().await.map_err(|error| error.to_string())?;
        self.world.stalled().await;
        let inspected: Vec<_> = self
            .engine()
            .inspect()
            .into_iter()
            .map(|fetch| (self.sighting(fetch.key), fetch))
            .collect();
        self.told(|model| model.look(&inspected, &stored, &usage))?;
        let in_flight = self.world.network.unfinished();
        let on_screen = self.world.display.on_screen_from(self.earlier_shown.get());
        self.told(|model| model.look_around(&in_flight, &on_screen))?;
        self.look_at_pages(&on_screen)?;
        Ok(true)
    }

    /// 5. What a page shows is what is.
    fn look_at_pages(&self, on_screen: &[DisplayState]) -> Checked {
        let running = self.running.borrow();
        for page in running.iter().flat_map(|running| &running.pages) {
            for Seen { instance, .. } in &*page.instances.borrow() {
                let outcome = (instance.result(), instance.failure_reason());
                self.told(|model| model.shows(instance.key(), outcome))?;
                // In the end the page and the user see the same.
                let shown = on_screen.iter().find(|shown| shown.fetch == instance.key());
                let shown = shown.filter(|shown| (shown.result, shown.failure_reason) == outcome);
                let (downloaded, uploaded, _) = values_of(instance);
                must!(
                    outcome == Outcome::default()
                        || shown
                            .is_none_or(|shown| (shown.downloaded, shown.uploaded) == (downloaded, uploaded)),
                    "a page reads {downloaded} and {uploaded} bytes of {:?}, the user sees {shown:?}",
                    instance.key()
                );
            }
        }
        Ok(())
    }

    /// The calls of open pages that have no answer yet.
    fn unanswered(&self) -> usize {
        let running = self.running.borrow();
        let pages = running.iter().flat_map(|running| &running.pages);
        pages.map(|page| page.unanswered.get()).sum()
    }

    /// The bytes that each site uses.
    async fn usage(&self) -> Result<BTreeMap<StorageKey, u64>, String> {
        let mut usage = BTreeMap::new();
        for key in self
            .registrations
            .iter()
            .map(|registration| &registration.storage_key)
        {
            let estimate = self.storage.estimate(key).await;
            usage.insert(key.clone(), estimate.map_err(|error| error.to_string())?.usage);
        }
        Ok(usage)
    }

    /// Whose background fetch this is.
    fn sighting(&self, key: FetchKey) -> Option<Sighting> {
        let request = self.storage.first_request_of(key)?;
        Some(Sighting {
            key,
            call: world::call_of(&request.url),
            state: None,
        })
    }

    fn engine(&self) -> Engine {
        let running = self.running.borrow();
        running.as_ref().expect("the engine runs").engine.clone()
    }

    /// The page that was opened last.
    fn page(&self) -> OpenPage {
        let running = self.running.borrow();
        let page = running.as_ref().and_then(|running| running.pages.last());
        page.expect("a page is open").clone()
    }
}

fn bounds() -> Bounds {
    Bounds {
        polls: 2_000_000,
        time: Duration::from_secs(30 * 24 * 60 * 60),
    }
}
