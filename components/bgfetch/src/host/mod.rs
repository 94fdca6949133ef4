//! [`Host`]: a page and its service workers on a profile, with what the user sees of it.

mod guide_worker;
mod network;
mod owed;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use background_fetch::FetchKey;
use background_fetch::embedder::{PermissionState, Policies};
use background_fetch::inspect::{EventStream, FetchInspection};
use background_fetch_js::host::caches::FolderCaches;
use background_fetch_js::host::page::PageSource;
use background_fetch_js::host::service_workers::{FileStore, Policy, ServiceWorkers};
use background_fetch_js::host::{ConsoleLine, ConsoleSink, Parts, UserAgent};
use background_fetch_js::webidl::Globals;
use background_fetch_net::{CookieJar, TokioRuntime};
use background_fetch_storage::{Options, ProfileStorage};
use futures::{FutureExt, StreamExt};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use url::Url;

use crate::cli::{PermissionArgument, ProfileArguments};
use crate::embedding::Screen;
use crate::failure::{Failure, Status};
use crate::keys::{Key, Keys};
use crate::output::{Output, heading};
use crate::profile::Profile;
use crate::session::act;
use crate::signals::Interruptions;
use owed::Owed;

/// How many events may wait.
const EVENTS: usize = 65_536;

/// How many lines of consoles may wait: who prints more waits until they are shown.
const LINES: usize = 64;

/// How often it is looked whether anything is left to do.
const LOOK: Duration = Duration::from_millis(25);

/// How long scripts may wait where nothing begins and what is left can only be owed.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// A site: its page, and what it may.
pub(crate) struct Site {
    /// The page's URL.
    pub(crate) url: Url,
    /// Where its origin's resources are, if it needs no server.
    pub(crate) folder: Option<PathBuf>,
    /// What the user says.
    pub(crate) permission: PermissionArgument,
    /// Whether it has the guide extension.
    pub(crate) has_guide: bool,
}

/// A page and its service workers on a profile.
pub(crate) struct Host {
    site: Site,
    user_agent: UserAgent,
    screen: Screen,
    cookies: CookieJar,
    console: mpsc::Receiver<ConsoleLine>,
    events: EventStream,
    output: Output,
    keys: Option<Keys>,
    owed: Owed,
    /// Those that are shown.
    shown: BTreeMap<FetchKey, FetchInspection>,
}

/// How everything ended.
enum End {
    /// Nothing is left to do.
    Over,
    /// Nothing can be done now for what is left: sentences that say why.
    Owed(Vec<String>),
    /// Somebody wants it to end.
    Interrupted,
}

struct Console(mpsc::Sender<ConsoleLine>);

impl ConsoleSink for Console {
    fn line(&self, line: ConsoleLine) {
        // Realms have threads of their own. Nobody reads when the program is about to end.
        let _ = self.0.blocking_send(line);
    }
}

impl Host {
    /// Opens a profile, and goes on with what is stored there.
    ///
    /// # Errors
    ///
    /// A profile that cannot be used.
    pub(crate) async fn open(site: Site, arguments: &ProfileArguments) -> Result<Self, Failure> {
        let profile = Profile::at(arguments.profile.as_deref())?;
        let folder = match arguments.profile {
            Some(_) => profile.folder().to_owned(),
            // What `get` keeps is not the web's.
            None => profile.folder().join("web"),
        };
        let storage = ProfileStorage::open(&folder, Options::default())?;
        let failed = |what: &str, error: &dyn std::fmt::Display| {
            Failure::new(format!("cannot open {what} in {}: {error}", folder.display()))
        };
        let cookies =
            CookieJar::open(folder.join("cookies.json")).map_err(|error| failed("the cookies", &error))?;
        let workers = FileStore::new(folder.join("service-workers"));
        let workers = workers.map_err(|error| failed("the service workers", &error))?;
        let workers = ServiceWorkers::open(Policy::default(), Arc::new(workers));
        let workers = workers.map_err(|error| failed("the service workers", &error))?;
        let caches =
            FolderCaches::open(folder.join("caches")).map_err(|error| failed("the caches", &error))?;
        let network = network::of(&site, &cookies)?;
        let (sender, console) = mpsc::channel(LINES);
        let screen = Screen::default();
        let tokio = Arc::new(TokioRuntime::current());
        let mut parts = Parts::new(network, Arc::new(storage), tokio.clone(), tokio);
        parts.display = Arc::new(screen.clone());
        parts.console = Arc::new(Console(sender));
        parts.service_workers = workers;
        parts.caches = Arc::new(caches);
        parts.has_guide = site.has_guide;
        parts.policies = Policies::default();
        parts.permissions = Arc::new(match site.permission {
            PermissionArgument::Granted => PermissionState::Granted,
            PermissionArgument::Denied => PermissionState::Denied,
            PermissionArgument::Prompt => PermissionState::Prompt,
        });
        let user_agent = UserAgent::open(parts).await?;
        Ok(Self {
            events: user_agent.engine().events(EVENTS),
            site,
            user_agent,
            screen,
            cookies,
            console,
            output: Output::new(arguments.json),
            keys: None,
            owed: Owed::default(),
            shown: BTreeMap::new(),
        })
    }

    /// Opens the page with its script, and runs until nothing is left to do, or until it is interrupted.
    pub(crate) async fn run(mut self, text: String, url: Url) -> Result<Status, Failure> {
        let mut interruptions = Interruptions::listen()?;
        if self.output.is_interactive() {
            self.keys = Keys::listen();
        }
        let source = PageSource::Script { text, url };
        let page = self
            .user_agent
            .open_page(self.site.url.clone(), source, Box::new(|_| {}));
        let page = page.map_err(Failure::new)?;
        self.decide();
        let end = self.until_over(&mut interruptions).await;
        // Who waits to print waits no more.
        self.console.close();
        page.end(&*self.user_agent.host().clock).await;
        while let Ok(line) = self.console.try_recv() {
            self.say(&line);
        }
        self.keys = None;
        self.output.end();
        let left = self
            .user_agent
            .engine()
            .inspect()
            .into_iter()
            .filter(|fetch| fetch.records_available)
            .count();
        self.user_agent.close().await?;
        self.cookies
            .flush()
            .map_err(|error| Failure::new(error.to_string()))?;
        match end {
            End::Over => return Ok(Status::Success),
            End::Owed(reasons) => {
                for reason in reasons {
                    self.output.warn(&reason);
                }
                return Ok(Status::Owed);
            }
            End::Interrupted => {}
        }
        self.output.warn(&match left {
            0 => "interrupted; run it again with the same profile to go on".to_owned(),
            left => format!(
                "interrupted, and background fetches are not over ({left}): run it again with the same profile to go on"
            ),
        });
        Ok(Status::Interrupted)
    }

    /// What waited for permission in another run has its answer now, where the command has one.
    fn decide(&self) {
        let key = match self.site.permission {
            PermissionArgument::Granted => Key::Grant,
            PermissionArgument::Denied => Key::Deny,
            PermissionArgument::Prompt => return,
        };
        let fetches = self.user_agent.engine().inspect();
        for fetch in fetches.iter().filter(|fetch| fetch.paused.permission) {
            self.act(fetch.key, key);
        }
    }

    /// Runs until nothing is left to do, or can be done.
    async fn until_over(&mut self, interruptions: &mut Interruptions) -> End {
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ticks = tokio::time::interval(self.output.tick());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut quiet_since = None;
        let mut last_begun = (0, Instant::now());
        loop {
            tokio::select! {
                biased;
                () = interruptions.next() => return End::Interrupted,
                Some(line) = self.console.recv() => self.say(&line),
                Some(event) = self.events.next() => {
                    // Labels are known from then on.
                    if !self.shown.contains_key(&event.fetch) {
                        self.show();
                    }
                    self.owed.note(&event);
                    self.output.event(&event);
                }
                key = Keys::next(&mut self.keys) => self.press(key),
                _ = ticks.tick() => self.show(),
                _ = looks.tick() => {
                    let activity = &self.user_agent.host().activity;
                    let (quiet, begun) = (activity.quiet().now_or_never(), activity.begun());
                    if last_begun.0 != begun {
                        last_begun = (begun, Instant::now());
                    }
                    let waits = last_begun.1.elapsed() >= LONGEST_WAIT;
                    let owed = (quiet.is_some() || waits).then(|| self.only_owed()).flatten();
                    // A script that waits for what nobody can do waits in vain.
                    if waits && let Some(owed) = owed.as_ref().filter(|owed| !owed.is_empty()) {
                        return End::Owed(owed.clone());
                    }
                    let owed = quiet.and(owed);
                    let quiet = quiet.filter(|_| owed.is_some());
                    // Twice, with nothing in between: what ends may begin something else.
                    if let Some(owed) = owed
                        && quiet == quiet_since
                    {
                        return if owed.is_empty() { End::Over } else { End::Owed(owed) };
                    }
                    quiet_since = quiet;
                }
            }
        }
    }

    /// Why nothing can be done now for what is left; none where something goes on.
    fn only_owed(&self) -> Option<Vec<String>> {
        let fetches = self.user_agent.engine().inspect();
        let left = fetches.iter().filter(|fetch| fetch.records_available);
        let reasons = left.map(|fetch| {
            let reason = self.owed.reason(fetch, self.keys.is_some())?;
            let heading = heading(fetch);
            Some(format!(
                "the background fetch {heading} {reason}; it stays stored for the next run"
            ))
        });
        reasons.collect()
    }

    fn say(&mut self, line: &ConsoleLine) {
        let global = match line.global {
            Globals::WINDOW => "page",
            Globals::SERVICE_WORKER => "service worker",
            _ => "worker",
        };
        let level = line.level.to_string();
        self.output.console(&level, global, &line.text, &line.to_string());
    }

    /// Shows how far everything is.
    fn show(&mut self) {
        let fetches = self.user_agent.engine().inspect();
        for fetch in fetches.iter().filter(|fetch| fetch.records_available) {
            if !self.shown.contains_key(&fetch.key) {
                self.output.begin(fetch);
                if fetch.paused.permission && self.keys.is_some() {
                    self.output
                        .warn("it waits for permission: the key g grants it, d denies it");
                }
            }
            self.output.progress(fetch, self.screen.state(fetch.key).as_ref());
            self.shown.insert(fetch.key, fetch.clone());
        }
        let is_over = |key: &FetchKey| {
            !fetches
                .iter()
                .any(|fetch| fetch.key == *key && fetch.records_available)
        };
        let over: Vec<FetchKey> = self.shown.keys().copied().filter(is_over).collect();
        for key in over {
            self.shown.remove(&key);
            self.output.over(key);
        }
    }

    fn press(&self, key: Key) {
        for fetch in self.shown.keys().copied() {
            self.act(fetch, key);
        }
    }

    fn act(&self, fetch: FetchKey, key: Key) {
        let engine = self.user_agent.engine().clone();
        tokio::task::spawn_local(async move {
            // What cannot be done any more needs no answer: the screen shows how it is.
            let _ = act(&engine, fetch, key).await;
        });
    }
}
