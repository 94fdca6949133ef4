//! A session: runs background fetches until they are over, or until it is interrupted.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use background_fetch::inspect::{EventKind, EventStream, InspectEvent};
use background_fetch::{BackgroundFetchResult, Engine, FetchKey};
use futures::StreamExt;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use crate::embedding::{Dispatch, Embedding};
use crate::failure::{Failure, Status};
use crate::keys::{Key, Keys};
use crate::output::Output;
use crate::profile::{Profile, quoted};
use crate::signals::Interruptions;
use crate::worker::{Handled, Worker};

/// How many events may wait for the session: more than there are in a tick.
const EVENTS: usize = 65_536;

/// How many records a tick looks at every time; with more it looks less often.
const MANY_RECORDS: usize = 1_000;

/// Runs background fetches.
pub(crate) struct Session {
    embedding: Embedding,
    profile: Profile,
    /// What to add to a command that goes on.
    option: String,
    output: Output,
    events: EventStream,
    lost_events: u64,
    interruptions: Interruptions,
    keys: Option<Keys>,
    worker: Rc<Worker>,
    handled: Channel<(FetchKey, Result<Handled, Failure>)>,
    complaints: Channel<String>,
    /// Those that are not over.
    running: BTreeSet<FetchKey>,
    failed: bool,
}

struct Channel<T> {
    sender: mpsc::UnboundedSender<T>,
    receiver: mpsc::UnboundedReceiver<T>,
}

impl<T> Channel<T> {
    fn new() -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self { sender, receiver }
    }
}

impl Session {
    /// A session on an open profile. From now on the program is interrupted gracefully.
    pub(crate) fn new(embedding: Embedding, profile: Profile, output: Output) -> Result<Self, Failure> {
        let worker = Worker {
            engine: embedding.engine.clone(),
            realm: embedding.realm.clone(),
            storage: embedding.storage.clone(),
            profile: profile.clone(),
            discards: false,
        };
        Ok(Self {
            events: embedding.engine.events(EVENTS),
            lost_events: 0,
            interruptions: Interruptions::listen()?,
            keys: None,
            worker: Rc::new(worker),
            handled: Channel::new(),
            complaints: Channel::new(),
            running: BTreeSet::new(),
            failed: false,
            output: output.with_option(&profile.option()),
            option: profile.option(),
            embedding,
            profile,
        })
    }

    /// The profile that is open.
    pub(crate) fn embedding(&self) -> &Embedding {
        &self.embedding
    }

    /// From now on nothing that arrived becomes a file.
    pub(crate) fn discard(&mut self) {
        self.worker = Rc::new(Worker {
            discards: true,
            ..(*self.worker).clone()
        });
    }

    /// Tells the user something.
    pub(crate) fn warn(&mut self, message: &str) {
        self.output.warn(message);
    }

    /// What `before` gives; none where the program is interrupted. For what comes before [`run`](Self::run).
    pub(crate) async fn unless_interrupted<T>(&mut self, before: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.interruptions.next() => None,
            done = before => Some(done),
        }
    }

    /// Runs these to their end: each is started, and its event handled.
    pub(crate) async fn run(
        mut self,
        fetches: impl IntoIterator<Item = FetchKey>,
    ) -> Result<Status, Failure> {
        self.running.extend(fetches);
        for &fetch in &self.running {
            if let Some(inspection) = self.embedding.engine.inspect_one(fetch) {
                self.output.begin(&inspection);
            }
            self.embedding.engine.start_one(fetch);
        }
        if self.output.is_interactive() {
            self.keys = Keys::listen();
        }
        let ended = self.until_over().await;
        self.keys = None;
        self.output.end();
        match ended {
            Ok(true) => {
                let failed = self.failed;
                self.embedding.close().await?;
                Ok(if failed { Status::Failure } else { Status::Success })
            }
            Ok(false) => self.interrupt().await,
            Err(failure) => {
                // What went wrong first says more.
                let _ = self.embedding.close().await;
                Err(failure)
            }
        }
    }

    /// Works until all are over, or the session is interrupted; whether all are over.
    async fn until_over(&mut self) -> Result<bool, Failure> {
        let mut ticks = tokio::time::interval(self.output.tick());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.running.is_empty() {
            tokio::select! {
                biased;
                () = self.interruptions.next() => return Ok(false),
                Some(dispatch) = self.embedding.dispatches.recv() => self.dispatch(dispatch),
                Some((fetch, handled)) = self.handled.receiver.recv() => self.report(fetch, handled?),
                Some(event) = self.events.next() => self.note(&event),
                Some(complaint) = self.complaints.receiver.recv() => self.output.warn(&complaint),
                key = Keys::next(&mut self.keys) => self.press(key),
                _ = ticks.tick() => {
                    let records = self.tick();
                    if records > MANY_RECORDS {
                        ticks.reset_after(Duration::from_secs(1).max(self.output.tick()));
                    }
                }
            }
        }
        Ok(true)
    }

    /// Gives an event to the worker, which handles it beside everything else.
    fn dispatch(&self, Dispatch { event, ended }: Dispatch) {
        let (worker, sender) = (Rc::clone(&self.worker), self.handled.sender.clone());
        let fetch = event.fetch;
        tokio::task::spawn_local(async move {
            let handled = worker.handle(event).await;
            let failed = handled.is_err();
            let _ = sender.send((fetch, handled));
            if failed {
                // The event stays active, and so stays owed, until the session ends.
                std::future::pending::<()>().await;
            }
            let _ = ended.send(());
        });
    }

    fn report(&mut self, fetch: FetchKey, handled: Handled) {
        match handled {
            Handled::Clicked => {
                if let Some(inspection) = self.embedding.engine.inspect_one(fetch) {
                    self.output.clicked(&inspection);
                }
            }
            Handled::Finished { finished, warning } => {
                if let Some(warning) = warning {
                    self.output.warn(&warning);
                }
                self.failed |= finished.result != BackgroundFetchResult::Success;
                self.output.finished(&finished);
            }
        }
    }

    fn note(&mut self, event: &InspectEvent) {
        if self.running.contains(&event.fetch) {
            self.output.event(event);
        }
        if matches!(event.kind, EventKind::Removed | EventKind::Cleared) {
            self.over(event.fetch);
        }
    }

    fn over(&mut self, fetch: FetchKey) {
        if self.running.remove(&fetch)
            && let Some(inspection) = self.embedding.engine.inspect_one(fetch)
        {
            self.profile.remove_options(&inspection.id.to_string());
        }
    }

    /// Shows how far everything is; how many records that are.
    fn tick(&mut self) -> usize {
        let lost = self.events.lost();
        let look_again = std::mem::replace(&mut self.lost_events, lost) != lost;
        let mut records = 0;
        for fetch in self.running.clone() {
            let Some(inspection) = self.embedding.engine.inspect_one(fetch) else {
                self.running.remove(&fetch);
                continue;
            };
            if look_again && inspection.records.is_empty() && !inspection.records_available {
                self.over(fetch);
                continue;
            }
            records += inspection.records.len();
            let state = self.embedding.screen.state(fetch);
            self.output.progress(&inspection, state.as_ref());
        }
        records
    }

    fn press(&self, key: Key) {
        for &fetch in &self.running {
            let (engine, complaints) = (self.embedding.engine.clone(), self.complaints.sender.clone());
            tokio::task::spawn_local(async move {
                if let Err(failure) = act(&engine, fetch, key).await {
                    let _ = complaints.send(failure.message);
                }
            });
        }
    }

    async fn interrupt(mut self) -> Result<Status, Failure> {
        let stored: Vec<_> = self
            .running
            .iter()
            .filter_map(|fetch| self.embedding.engine.inspect_one(*fetch))
            .collect();
        let option = std::mem::take(&mut self.option);
        self.embedding.close().await?;
        for inspection in stored {
            let command = format!("bgfetch resume {}{option}", quoted(&inspection.id.to_string()));
            self.output.interrupted(&inspection, &command);
        }
        Ok(Status::Interrupted)
    }
}

/// Does what a key asks for.
pub(crate) async fn act(engine: &Engine, fetch: FetchKey, key: Key) -> Result<(), Failure> {
    match key {
        Key::Pause => {
            let paused = engine.inspect_one(fetch).is_some_and(|fetch| fetch.paused.user);
            if paused {
                engine.resume(fetch).await?;
            } else {
                engine.pause(fetch).await?;
            }
        }
        Key::Abort => {
            engine.abort(fetch).await;
        }
        Key::Click => {
            engine.click(fetch);
        }
        Key::Grant => engine.allow(fetch).await?,
        Key::Deny => {
            engine.refuse(fetch).await;
        }
    }
    Ok(())
}
