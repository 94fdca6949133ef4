//! The world of a story: its servers, its pages, and how its process begins and ends.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use background_fetch::Engine;
use background_fetch::api::{BackgroundFetchEvent, BackgroundFetchRecord};
use background_fetch::embedder::{Clock, FunctionalEventName, NetworkError, Policies, Storage, StoredFetch};
use background_fetch::fetch::Client;
use background_fetch::{BackgroundFetchUIOptions, Exception};
use futures::future::select;
use parking_lot::Mutex;
use url::Url;

use super::books::{Sighting, Sure};
use super::model::{Checked, Model, must};
use super::prospects::stalls_for_ever;
use super::{Delivery, Dispatch, LAST_LENGTH, OpenPage, Player, Running, bounds, versions_of};
use crate::story::{Habit, Story, Trouble, Validator, Version};
use crate::watched::Watched;
use crate::{Page, Random, Resource, UploadServer, VolatileStorage, World, body_of, yield_now};

/// The scopes of the two registrations; the first is where files are.
const SCOPES: [&str; 2] = ["https://site.example/", "https://site.example/b/"];

/// The scope of the second where it is another site's.
const OTHER_SITE: &str = "https://other.example/";

/// The title that a worker sets.
pub(super) const TITLE: &str = "done";

/// The quota of a story that has none.
const PLENTY: u64 = 1 << 30;

impl Player {
    pub(super) fn new(
        story: &Story,
        fresh: impl Fn(u64) -> Arc<dyn Storage> + Send + Sync + 'static,
    ) -> Rc<Self> {
        let quota = story.setting.quota.unwrap_or(PLENTY);
        let mut chance = Random::new(story.schedule ^ 0x5eed);
        let storage = Arc::new(VolatileStorage::new(move || fresh(quota), chance.fork()));
        let world = World::new(story.schedule, storage.clone());
        world.executor.set_bounds(bounds());
        world.permissions.set(story.setting.permission);
        let mut policies = Policies {
            metered: story.setting.metered,
            ..Policies::default()
        };
        policies.retry.retries = story.setting.retries;
        policies.uploads.resumable = story.setting.uploads.is_some();
        let registrations = [
            SCOPES[0],
            if story.setting.two_sites {
                OTHER_SITE
            } else {
                SCOPES[1]
            },
        ]
        .map(|scope| world.service_workers.register(scope));
        let dispatched: Arc<Mutex<Vec<Dispatch>>> = Arc::default();
        world.service_workers.witness({
            let (dispatched, storage) = (dispatched.clone(), storage.clone());
            move |event| {
                let dispatch = Dispatch {
                    event: event.clone(),
                    durable: storage.durable_state(event.fetch),
                    could_lose: storage.could_lose_records_of(event.fetch),
                };
                dispatched.lock().push(dispatch);
            }
        });
        let player = Rc::new(Self {
            story: story.clone(),
            world,
            storage,
            chance: RefCell::new(chance),
            policies,
            registrations,
            model: RefCell::new(Model::new(story)),
            broken: RefCell::default(),
            running: RefCell::default(),
            habit: Cell::new(Habit::Reads),
            metered: Cell::new(false),
            metered_changes: Cell::new(0),
            stopping: Cell::new(false),
            dispatched,
            uploads: RefCell::default(),
            strikes: Cell::new(0),
            requests: Cell::new(0),
            earlier_requests: Cell::new(0),
            earlier_shown: Cell::new(0),
            crashes: Cell::new(0),
        });
        for file in 0..story.files.len() {
            player.world.network.serve(url_of(file), player.resource(file));
        }
        player
    }

    fn resource(&self, file: usize) -> Resource {
        let versions = &self.story.files[file].versions;
        let seeds: Vec<_> = versions_of(&self.story, file).map(|(seed, _)| seed).collect();
        let following = |next: Option<Resource>, (version, seed): (&Version, &u64)| {
            let resource = resource(version, *seed);
            Some(match next {
                Some(next) => resource.after_requests(version.requests, next),
                None => resource,
            })
        };
        let first = versions.iter().zip(&seeds).rev().fold(None, following);
        first.unwrap_or_else(|| last_version(file))
    }

    /// Begins a process on what is stored.
    pub(super) async fn open(self: &Rc<Self>) -> Checked {
        // A storage that fails to load is asked again, as an embedder would.
        let mut tries = 0;
        let engine = loop {
            match Engine::open(self.world.embedder(), self.policies.clone()).await {
                Ok(engine) => break engine,
                Err(error) => {
                    tries += 1;
                    must!(tries < 100, "the storage does not open: {error}");
                }
            }
        };
        let stored = self.storage.load().await.map_err(|error| error.to_string())?;
        let stored: Vec<_> = stored.iter().filter_map(sighting_stored).collect();
        self.told(|model| model.reborn(&stored))?;
        engine.set_metered(self.metered.get()).await;
        self.told(|model| model.metered(self.metered.get(), Sure::Yes));
        let workers = self.realms(&engine, "worker.js");
        let player = Rc::downgrade(self);
        let (of_first, first) = (workers.clone(), self.registrations[0].clone());
        self.world.handle_events_in(
            move |event| of_first[usize::from(event.registration != first)].clone(),
            move |event| {
                let player = player.upgrade();
                async move {
                    if let Some(player) = player {
                        player.handle(event).await;
                    }
                }
            },
        );
        engine.start();
        let pages = Vec::new();
        *self.running.borrow_mut() = Some(Running {
            engine,
            pages,
            workers,
        });
        self.open_page();
        Ok(())
    }

    /// A realm for each registration.
    fn realms(&self, engine: &Engine, path: &str) -> [Page; 2] {
        let first = self.world.open_page(engine, client(SCOPES[0], path));
        let second = match self.story.setting.two_sites {
            true => self.world.open_page(engine, client(OTHER_SITE, path)),
            false => first.clone(),
        };
        [first, second]
    }

    pub(super) fn open_page(&self) {
        let mut running = self.running.borrow_mut();
        let running = running.as_mut().expect("the engine runs");
        running.pages.push(OpenPage {
            realms: self.realms(&running.engine, ""),
            closed: Rc::new(Watched::new(false)),
            unanswered: Rc::default(),
            instances: Rc::default(),
        });
    }

    pub(super) fn close_page(&self) {
        let page = {
            let mut running = self.running.borrow_mut();
            running.as_mut().expect("the engine runs").pages.pop()
        };
        if let Some(page) = page {
            page.close();
        }
        let none_left = self
            .running
            .borrow()
            .as_ref()
            .is_some_and(|running| running.pages.is_empty());
        if none_left {
            self.open_page();
        }
    }

    /// The process is killed, and starts again; some are killed while they start.
    pub(super) async fn crash(self: &Rc<Self>) -> Checked {
        self.check()?;
        self.check_requests()?;
        loop {
            self.crashes.set(self.crashes.get() + 1);
            self.die();
            self.storage.crash().await.map_err(|error| error.to_string())?;
            let killed_after = {
                let mut chance = self.chance.borrow_mut();
                chance.chance(1, 4).then(|| chance.below(30))
            };
            let Some(turns) = killed_after else {
                return self.open().await;
            };
            let start = Engine::open(self.world.embedder(), self.policies.clone());
            let kill = async {
                for _ in 0..turns {
                    yield_now().await;
                }
            };
            // A start that fails is killed, too.
            drop(select(Box::pin(start), Box::pin(kill)).await);
        }
    }

    /// The program ends in good order, and starts again.
    pub(super) async fn restart(self: &Rc<Self>) -> Checked {
        self.shut_down().await?;
        self.open().await
    }

    /// The requests of this life, one after the other.
    fn check_requests(&self) -> Checked {
        let requests = self.world.network.log_from(self.earlier_requests.get());
        self.model.borrow().go_on(&requests)
    }

    pub(super) async fn shut_down(&self) -> Checked {
        self.check()?;
        self.check_requests()?;
        let engine = self.engine();
        self.stopping.set(true);
        {
            let running = self.running.borrow();
            let running = running.as_ref().expect("the engine runs");
            running.pages.iter().for_each(OpenPage::close);
            running
                .workers
                .iter()
                .for_each(|worker| worker.event_loop.close());
        }
        // A flush that fails has made nothing less durable.
        let _ = engine.shutdown().await;
        // What was asked of the engine meanwhile finds it stopped.
        self.world.stalled().await;
        self.check()?;
        let left = self.world.executor.live_spawned_tasks();
        must!(left == 0, "{left} tasks are left after a shutdown");
        let left = self.world.network.in_flight();
        must!(left == 0, "{left} requests are in flight after a shutdown");
        self.die();
        Ok(())
    }

    /// What every end of a process ends.
    fn die(&self) {
        self.stopping.set(false);
        self.tell_ended_events();
        // What nobody was told of in time belongs to no life.
        self.tell_dispatches();
        self.earlier_requests.set(self.requests.get());
        self.earlier_shown.set(self.world.display.history().len());
        self.model.borrow_mut().died();
        if let Some(running) = self.running.borrow_mut().take() {
            running.pages.iter().for_each(OpenPage::close);
            running
                .workers
                .iter()
                .for_each(|worker| worker.event_loop.close());
        }
        self.world.crash();
    }

    pub(super) fn tell_ended_events(&self) {
        for fired in self.world.service_workers.fired() {
            if fired.ended.is_some() && fired.event.name != FunctionalEventName::Click {
                self.told(|model| model.event_ended(fired.event.fetch));
            }
        }
    }

    /// Gives every file its last version, and lets nothing go wrong any more.
    pub(super) fn make_peace(self: &Rc<Self>) {
        self.told(|model| model.books.is_peace = true);
        for file in 0..self.story.files.len() {
            self.world.network.serve(url_of(file), last_version(file));
        }
        self.world.storage.mend();
        self.world.network.online();
        self.uploads.borrow().values().for_each(UploadServer::mend);
        if stalls_for_ever(&self.story) {
            self.world.network.drop_connections();
        }
        self.world.service_workers.fail_to_start(0);
        for (index, registration) in self.registrations.iter().enumerate() {
            self.told(|model| model.worker_changes(index, true));
            self.world.service_workers.set_active(registration, true);
        }
        self.habit.set(Habit::Reads);
        self.set_metered(false);
    }

    /// What the worker does with an event.
    async fn handle(&self, event: BackgroundFetchEvent) {
        match self.habit.get() {
            Habit::Reads | Habit::Rejects => {}
            Habit::Slow(seconds) => self.world.clock.sleep(Duration::from_secs(seconds)).await,
            Habit::Ignores => return,
            Habit::NeverSettles => {
                self.world.clock.sleep(Duration::from_secs(300)).await;
                event.time_out();
                return;
            }
            Habit::UpdatesUi => {
                let options = BackgroundFetchUIOptions {
                    title: Some(TITLE.into()),
                    ..Default::default()
                };
                // It is for two of the events only.
                if event.update_ui(options).await.is_ok() {
                    self.told(|model| model.titled(event.registration().key()));
                }
                // Time in which the process may be killed.
                self.world.clock.sleep(Duration::from_secs(20)).await;
            }
        }
        let registration = event.registration();
        let records = match registration.match_all(None, Default::default()).await {
            Ok(records) => records,
            Err(exception) => {
                let key = registration.key();
                let is_click = event.name() == FunctionalEventName::Click;
                return self.note(|model| model.records_refused(key, is_click, exception.name));
            }
        };
        if self.habit.get() == Habit::Rejects {
            // It goes no further than its first record; a promise that rejects ends the event like any other.
            if let Some(record) = records.first() {
                let _ = body_of(record).await;
            }
            return;
        }
        let mut bodies = Vec::new();
        for record in &records {
            bodies.push(record_of(record).await.map_err(|exception| exception.name));
        }
        drop(records);
        let delivery = Delivery {
            fetch: registration.key(),
            name: event.name(),
            outcome: (registration.result(), registration.failure_reason()),
            downloaded: registration.downloaded(),
            uploaded: registration.uploaded(),
            bodies,
        };
        self.note(|model| model.delivered(&delivery));
    }
}

/// Whether the status of a record is one of success, and its body.
async fn record_of(record: &BackgroundFetchRecord) -> Result<(bool, Vec<u8>), Exception> {
    let is_ok = record.response_ready().await?.head().is_ok();
    Ok((is_ok, body_of(record).await?))
}

impl OpenPage {
    fn close(&self) {
        self.closed.change(|closed| *closed = true);
        self.instances.borrow_mut().clear();
        self.realms.iter().for_each(|realm| realm.event_loop.close());
    }
}

/// The upload resource of a call.
pub(super) fn upload_url_of(call: usize) -> String {
    format!("{}upload/{call}#{call}", SCOPES[0])
}

pub(super) fn url_of(file: usize) -> String {
    format!("{}{file}", SCOPES[0])
}

fn sighting_stored(fetch: &StoredFetch) -> Option<Sighting> {
    Some(Sighting {
        key: fetch.key,
        call: call_of(&fetch.records.first()?.request.url),
        state: Some(fetch.state),
    })
}

/// The number of the call that a URL is from.
pub(super) fn call_of(url: &Url) -> usize {
    let number = url.fragment().and_then(|fragment| fragment.parse().ok());
    number.unwrap_or(usize::MAX)
}

/// The file that a URL is of.
pub(super) fn file_of(url: &Url) -> usize {
    let number = url.path().rsplit('/').next().and_then(|file| file.parse().ok());
    number.unwrap_or(usize::MAX)
}

fn client(site: &str, path: &str) -> Client {
    let url = format!("{site}{path}");
    Client::page(Url::parse(&url).expect("the site has a URL"))
}

fn last_version(file: usize) -> Resource {
    Resource::pattern(10 * (1 + file as u64) + 9, LAST_LENGTH).etag("the last")
}

fn resource(version: &Version, seed: u64) -> Resource {
    let mut resource = Resource::pattern(seed, version.length);
    if version.status != 200 {
        resource = resource.with_status(version.status);
    }
    resource = match version.validator {
        Validator::None => resource,
        Validator::Strong => resource.etag(&seed.to_string()),
        Validator::Weak => resource.weak_etag(&seed.to_string()),
        Validator::Date => {
            resource.last_modified(&format!("Sun, {:02} Nov 1994 08:49:37 GMT", 1 + seed % 10))
        }
    };
    resource = resource.ranges(version.ranges.clone());
    if let Some(cap) = version.range_cap {
        resource = resource.range_cap(cap);
    }
    if !version.says_length {
        resource = resource.without_length();
    }
    if version.content_decoded {
        resource = resource.content_decoded();
    }
    if version.redirects > 0 {
        let hop = |hop| format!("{}hop/{hop}", [SCOPES[0], "https://cdn.example/"][hop % 2]);
        let hops: Vec<_> = (0..version.redirects).map(hop).collect();
        resource = resource.redirects(hops.iter().map(String::as_str));
    }
    for trouble in &version.troubles {
        resource = match *trouble {
            Trouble::None => resource.goes_well(),
            Trouble::Unreachable => resource.unreachable(),
            Trouble::Drop(bytes) => resource.drop_after(bytes),
            Trouble::Stall(bytes, seconds) => resource.stall_at(bytes, Duration::from_secs(seconds)),
            Trouble::StallForEver(bytes) => resource.stall_for_ever_at(bytes),
            Trouble::Status(status) => resource.answers(status),
            Trouble::Garbage(bytes) => resource.break_after(bytes, NetworkError::fatal("garbage")),
        };
    }
    resource
        .chunks(version.chunk.max(1) as usize)
        .chunk_delay(Duration::from_millis(version.chunk_delay))
        .latency(Duration::from_millis(version.latency))
}
