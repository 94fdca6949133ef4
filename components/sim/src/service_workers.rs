//! [`TestServiceWorkers`]: registrations, and what their workers do with events.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use background_fetch::RegistrationKey;
use background_fetch::embedder::{Clock, EventError, FunctionalEvent, FunctionalEventName, ServiceWorkers};
use background_fetch::fetch::StorageKey;
use futures::StreamExt;
use futures::channel::{mpsc, oneshot};
use futures::future::BoxFuture;
use parking_lot::Mutex;
use url::Url;

use crate::watched::Watched;
use crate::{Executor, VirtualClock};

/// What a worker does with an event: the event stays active until the future is done.
pub type EventHandler = Arc<dyn Fn(FunctionalEvent) -> BoxFuture<'static, ()> + Send + Sync>;

/// Service worker registrations whose workers do as a test says: at first every event ends at once.
///
/// A handle: its clones are the same registrations.
#[derive(Clone)]
pub struct TestServiceWorkers(Arc<Inner>);

struct Inner {
    clock: VirtualClock,
    state: Mutex<State>,
    /// Whether events are held while they are active.
    held: Watched<bool>,
}

#[derive(Default)]
struct State {
    /// In the order of registration.
    registrations: Vec<Registration>,
    failures: u32,
    failed: usize,
    behaviour: Behaviour,
    fired: Vec<FiredEvent>,
    witness: Option<Witness>,
}

/// Sees each event in the moment of its dispatch.
type Witness = Arc<dyn Fn(&FunctionalEvent) + Send + Sync>;

struct Registration {
    key: RegistrationKey,
    active: bool,
}

#[derive(Clone, Default)]
enum Behaviour {
    #[default]
    EndAtOnce,
    NeverSettle,
    Handle(EventHandler),
}

/// An event that was dispatched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FiredEvent {
    /// The event.
    pub event: FunctionalEvent,
    /// When it was dispatched, on the virtual clock.
    pub at: Duration,
    /// When it was no longer active; none while it is, and for ever where a crash or a drop cut it off.
    pub ended: Option<Duration>,
}

impl TestServiceWorkers {
    /// No registrations; events are dated by `clock`.
    pub fn new(clock: VirtualClock) -> Self {
        Self(Arc::new(Inner {
            clock,
            state: Mutex::default(),
            held: Watched::new(false),
        }))
    }

    /// Makes a first-party registration with an active worker.
    ///
    /// # Panics
    ///
    /// When the scope URL does not parse.
    pub fn register(&self, scope: &str) -> RegistrationKey {
        let scope = Url::parse(scope).unwrap_or_else(|error| panic!("{scope:?}: {error}"));
        let key = RegistrationKey::of(scope);
        self.set_active(&key, true);
        key
    }

    /// Gives a registration an active worker, or takes it away. One that there was not is made.
    pub fn set_active(&self, key: &RegistrationKey, active: bool) {
        let registrations = &mut self.0.state.lock().registrations;
        match registrations
            .iter_mut()
            .find(|registration| registration.key == *key)
        {
            Some(registration) => registration.active = active,
            None => registrations.push(Registration {
                key: key.clone(),
                active,
            }),
        }
    }

    /// Forgets a registration. What the component has to do about it is for the test to call.
    pub fn unregister(&self, key: &RegistrationKey) {
        self.0
            .state
            .lock()
            .registrations
            .retain(|registration| registration.key != *key);
    }

    /// Lets the next so many starts of a worker fail.
    pub fn fail_to_start(&self, times: u32) {
        self.0.state.lock().failures = times;
    }

    /// Holds every event once it is dispatched, before its handler, until [`release`](Self::release).
    pub fn hold(&self) {
        self.0.held.change(|held| *held = true);
    }

    /// Lets held events, and all after them, go on.
    pub fn release(&self) {
        self.0.held.change(|held| *held = false);
    }

    /// Lets every event from now on stay active for ever.
    pub fn never_settle(&self) {
        self.0.state.lock().behaviour = Behaviour::NeverSettle;
    }

    /// Lets every event from now on end at once.
    pub fn end_at_once(&self) {
        self.0.state.lock().behaviour = Behaviour::EndAtOnce;
    }

    /// Hands every event from now on to a handler.
    pub fn handle(&self, handler: EventHandler) {
        self.0.state.lock().behaviour = Behaviour::Handle(handler);
    }

    /// Hands every event from now on to a handler on the executor's thread, where a worker's realm lives: each
    /// runs as a local task of its own. A local task waits for them from now on.
    pub fn handle_locally<F>(
        &self,
        executor: &Executor,
        mut handler: impl FnMut(FunctionalEvent) -> F + 'static,
    ) where
        F: Future<Output = ()> + 'static,
    {
        let (sender, mut events) = mpsc::unbounded::<(FunctionalEvent, oneshot::Sender<()>)>();
        self.handle(Arc::new(move |event| {
            let (done, ended) = oneshot::channel();
            let handed = sender.unbounded_send((event, done));
            Box::pin(async move {
                // Where the tasks were dropped there is no worker any more: the event ends, handled or not.
                if handed.is_ok() {
                    let _ = ended.await;
                }
            })
        }));
        let local = executor.clone();
        executor.spawn_local(async move {
            while let Some((event, done)) = events.next().await {
                let handling = handler(event);
                local.spawn_local(async move {
                    handling.await;
                    // Nobody waits any more: the event was dropped.
                    let _ = done.send(());
                });
            }
        });
    }

    /// Shows each event to `witness` in the moment of its dispatch, before anybody else sees it.
    pub fn witness(&self, witness: impl Fn(&FunctionalEvent) + Send + Sync + 'static) {
        self.0.state.lock().witness = Some(Arc::new(witness));
    }

    /// The events that were dispatched, in order.
    pub fn fired(&self) -> Vec<FiredEvent> {
        self.0.state.lock().fired.clone()
    }

    /// The names of the events that were dispatched, in order.
    pub fn names(&self) -> Vec<FunctionalEventName> {
        self.0
            .state
            .lock()
            .fired
            .iter()
            .map(|fired| fired.event.name)
            .collect()
    }

    /// How often an event was to be fired and was not dispatched.
    pub fn failed(&self) -> usize {
        self.0.state.lock().failed
    }

    /// The number of events that were dispatched and have not ended.
    pub fn active_events(&self) -> usize {
        self.0
            .state
            .lock()
            .fired
            .iter()
            .filter(|fired| fired.ended.is_none())
            .count()
    }

    /// The events that each background fetch got, by its number.
    pub fn fired_by_fetch(&self) -> BTreeMap<u64, Vec<FunctionalEventName>> {
        let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for fired in &self.0.state.lock().fired {
            found
                .entry(fired.event.fetch.0)
                .or_default()
                .push(fired.event.name);
        }
        found
    }
}

impl State {
    /// Starts the worker and dispatches; gives the place in the list and what the handlers do.
    fn dispatch(&mut self, event: &FunctionalEvent, at: Duration) -> Result<(usize, Behaviour), EventError> {
        let started = if !self.is_active(&event.registration) {
            Err(EventError(format!(
                "{} has no active worker",
                event.registration.scope
            )))
        } else if self.failures > 0 {
            self.failures -= 1;
            Err(EventError(format!(
                "the worker of {} did not start",
                event.registration.scope
            )))
        } else {
            Ok(())
        };
        started.inspect_err(|_| self.failed += 1)?;
        if let Some(witness) = &self.witness {
            witness(event);
        }
        let event = event.clone();
        let ended = None;
        self.fired.push(FiredEvent { event, at, ended });
        Ok((self.fired.len() - 1, self.behaviour.clone()))
    }

    fn is_active(&self, key: &RegistrationKey) -> bool {
        self.registrations
            .iter()
            .any(|registration| registration.key == *key && registration.active)
    }
}

impl ServiceWorkers for TestServiceWorkers {
    fn has_active_worker(&self, registration: &RegistrationKey) -> bool {
        self.0.state.lock().is_active(registration)
    }

    fn scopes(&self, storage_key: &StorageKey) -> Vec<Url> {
        let state = self.0.state.lock();
        let of_key = |registration: &&Registration| registration.key.storage_key == *storage_key;
        let found = state.registrations.iter().filter(of_key);
        found.map(|registration| registration.key.scope.clone()).collect()
    }

    fn fire(&self, event: FunctionalEvent) -> BoxFuture<'static, Result<(), EventError>> {
        let inner = self.0.clone();
        Box::pin(async move {
            let (place, behaviour) = inner.state.lock().dispatch(&event, inner.clock.now())?;
            inner.held.until(|held| (!*held).then_some(())).await;
            match behaviour {
                Behaviour::EndAtOnce => {}
                Behaviour::NeverSettle => std::future::pending().await,
                Behaviour::Handle(handler) => handler(event).await,
            }
            inner.state.lock().fired[place].ended = Some(inner.clock.now());
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yield_now;
    use background_fetch::FetchKey;
    use std::cell::RefCell;
    use std::rc::Rc;

    fn world() -> (Executor, TestServiceWorkers, RegistrationKey) {
        let executor = Executor::new(2);
        let workers = TestServiceWorkers::new(executor.clock());
        let key = workers.register("https://a.example/app/");
        (executor, workers, key)
    }

    fn event(registration: &RegistrationKey, fetch: u64) -> FunctionalEvent {
        FunctionalEvent {
            name: FunctionalEventName::Success,
            registration: registration.clone(),
            fetch: FetchKey(fetch),
            id: "id".into(),
        }
    }

    #[test]
    fn an_event_ends_at_once_where_there_is_a_worker() {
        let (executor, workers, key) = world();
        assert_eq!(executor.run_until(workers.fire(event(&key, 1))), Ok(()));
        workers.set_active(&key, false);
        assert!(!workers.has_active_worker(&key));
        assert!(executor.run_until(workers.fire(event(&key, 2))).is_err());
        assert_eq!(
            workers.fired_by_fetch(),
            BTreeMap::from([(1, vec![FunctionalEventName::Success])])
        );
        assert_eq!((workers.failed(), workers.active_events()), (1, 0));
        workers.register("https://a.example/other/");
        workers.register("https://b.example/");
        let paths: Vec<_> = workers
            .scopes(&key.storage_key)
            .iter()
            .map(|scope| scope.path().to_owned())
            .collect();
        assert_eq!(paths, ["/app/", "/other/"]);
        workers.unregister(&key);
        assert_eq!(workers.scopes(&key.storage_key).len(), 1);
    }

    #[test]
    fn workers_fail_to_start_hold_events_and_never_settle() {
        let (executor, workers, key) = world();
        workers.fail_to_start(2);
        workers.hold();
        executor.run_until(async {
            assert!(workers.fire(event(&key, 1)).await.is_err());
            assert!(workers.fire(event(&key, 1)).await.is_err());
            let held = executor.spawn_local(workers.fire(event(&key, 1)));
            executor.stalled().await;
            assert_eq!((workers.names().len(), workers.active_events()), (1, 1));
            workers.release();
            assert_eq!(held.await, Ok(()));
            workers.never_settle();
            executor.spawn_local(workers.fire(event(&key, 2)));
            executor.stalled().await;
            assert_eq!(workers.active_events(), 1);
        });
    }

    #[test]
    fn handlers_run_beside_each_other_on_the_executors_thread() {
        let (executor, workers, key) = world();
        let seen = Rc::new(RefCell::new(Vec::new()));
        workers.handle_locally(&executor, {
            let seen = seen.clone();
            let clock = executor.clock();
            move |event| {
                let (seen, clock) = (seen.clone(), clock.clone());
                async move {
                    // The later fetch takes less.
                    clock.sleep(Duration::from_secs(10 - event.fetch.0)).await;
                    yield_now().await;
                    seen.borrow_mut().push(event.fetch.0);
                }
            }
        });
        executor.run_until(async {
            let fired = (1..=2).map(|fetch| executor.spawn_local(workers.fire(event(&key, fetch))));
            for task in fired.collect::<Vec<_>>() {
                assert_eq!(task.await, Ok(()));
            }
        });
        assert_eq!(*seen.borrow(), [2, 1]);
        let fired = workers
            .fired()
            .into_iter()
            .find(|fired| fired.event.fetch == FetchKey(1));
        assert_eq!(fired.unwrap().ended, Some(Duration::from_secs(9)));
    }
}
