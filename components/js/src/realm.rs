//! [`Realm`]: a global with its event loop.

mod memory;
mod thread;

use std::any::{Any, TypeId};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::{Duration, Instant};

use background_fetch::fetch::Client;
use futures::executor::LocalSpawner;
use futures::future::LocalFutureObj;
use futures::task::LocalSpawn;

use crate::engine::{Cx, Engine, Root, Value};
use crate::host::Host;
use crate::webidl::{Error, Fallible, Globals, Registry};

pub use memory::Charge;
pub use thread::{RealmHandle, spawn};

/// A global with its event loop, on its thread.
pub struct Realm {
    /// Its interfaces.
    pub registry: Rc<Registry>,
    settings: Settings,
    handle: RealmHandle,
    engine: Weak<Engine>,
    spawner: LocalSpawner,
    /// What the parts of the host keep with the realm.
    data: RefCell<HashMap<TypeId, Rc<dyn Any>>>,
    /// The scripts and callbacks that are on the stack.
    depth: Cell<usize>,
    began: Instant,
    /// The promises that were rejected while nobody handled it, and their reasons.
    rejected: RefCell<Vec<(Root, Root)>>,
    reporter: OnceCell<Reporter>,
}

/// Is told of exceptions and rejections that nobody handles.
pub type Reporter = for<'a, 'js> fn(&'a Cx<'js>, &'a Report<'js>);

/// What nobody handles.
#[derive(Debug)]
pub enum Report<'js> {
    /// An exception.
    Exception(Value<'js>),
    /// A promise was rejected, for this reason.
    Rejection {
        /// The promise.
        promise: Value<'js>,
        /// The reason.
        reason: Value<'js>,
    },
}

/// What a realm is: its settings object, and its limits.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The user agent that it is of.
    pub host: Arc<Host>,
    /// Its global.
    pub kind: Globals,
    /// Where it comes from, and what it may.
    pub client: Client,
    /// Whether it is a secure context.
    pub is_secure_context: bool,
    /// Whether it has the guide extension.
    pub has_guide: bool,
    /// How long a script may run before it is ended.
    pub time_limit: Duration,
}

impl Realm {
    /// A realm of an engine, whose tasks `spawner` runs on this thread.
    fn new(engine: &Rc<Engine>, settings: Settings, spawner: LocalSpawner, handle: RealmHandle) -> Rc<Self> {
        let realm = Rc::new(Self {
            registry: Rc::default(),
            settings,
            handle,
            engine: Rc::downgrade(engine),
            spawner,
            data: RefCell::default(),
            depth: Cell::new(0),
            began: Instant::now(),
            rejected: RefCell::default(),
            reporter: OnceCell::new(),
        });
        engine.enter(|cx| cx.set_host(realm.clone()));
        engine.on_rejection(|cx, promise, reason, is_handled| {
            Self::of(cx).note_rejection(cx, promise, reason, is_handled);
        });
        realm
    }

    /// That of a context.
    pub fn of(cx: &Cx<'_>) -> Rc<Self> {
        cx.host()
    }

    /// Its settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Its global.
    pub fn kind(&self) -> Globals {
        self.settings.kind
    }

    /// Whether it is a secure context.
    pub fn is_secure_context(&self) -> bool {
        self.settings.is_secure_context
    }

    /// Whether it has the guide extension.
    pub fn has_guide(&self) -> bool {
        self.settings.has_guide
    }

    /// The way here from other threads.
    pub fn handle(&self) -> &RealmHandle {
        &self.handle
    }

    /// What a part of the host keeps with the realm; made when it is asked for first.
    pub fn data<T: Default + 'static>(&self) -> Rc<T> {
        let data = self.data.borrow().get(&TypeId::of::<T>()).cloned();
        let data = data.and_then(|data| data.downcast().ok());
        data.unwrap_or_else(|| {
            let made = Rc::new(T::default());
            self.data.borrow_mut().insert(TypeId::of::<T>(), made.clone());
            made
        })
    }

    /// Keeps data with the realm, for [`data_of`](Self::data_of).
    pub fn set_data<T: 'static>(&self, data: Rc<T>) {
        self.data.borrow_mut().insert(TypeId::of::<T>(), data);
    }

    /// The data of a type that was [kept](Self::set_data).
    pub fn data_of<T: 'static>(&self) -> Option<Rc<T>> {
        self.data
            .borrow()
            .get(&TypeId::of::<T>())
            .cloned()?
            .downcast()
            .ok()
    }

    /// The milliseconds since the realm began.
    pub fn now(&self) -> f64 {
        self.began.elapsed().as_secs_f64() * 1000.0
    }

    /// Runs a task of the event loop, from a future of the realm; none where the realm is gone.
    pub fn run_task<R>(&self, task: impl for<'js> FnOnce(&Cx<'js>) -> R) -> Option<R> {
        let engine = self.engine.upgrade()?;
        let result = engine.enter(|cx| Self::run_script(cx, || task(cx)));
        Some(result)
    }

    /// Runs a future on the event loop; it is polled outside of the engine.
    pub fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        // The pool is gone with its realm.
        let _ = self
            .spawner
            .spawn_local_obj(LocalFutureObj::new(Box::new(future)));
    }

    /// Runs a future on the event loop, and a task with what it gives.
    pub fn spawn_then<T: 'static>(
        self: &Rc<Self>,
        future: impl Future<Output = T> + 'static,
        then: impl for<'js> FnOnce(&Cx<'js>, T) + 'static,
    ) {
        let realm = Rc::downgrade(self);
        self.spawn(async move {
            let output = future.await;
            if let Some(realm) = realm.upgrade() {
                realm.run_task(|cx| then(cx, output));
            }
        });
    }

    /// Prepares to run script, runs it, and cleans up: a microtask checkpoint where nothing else is on the stack.
    ///
    /// <https://html.spec.whatwg.org/multipage/webappapis.html#calling-scripts>
    pub fn run_script<R>(cx: &Cx<'_>, run: impl FnOnce() -> R) -> R {
        let realm = Self::of(cx);
        let depth = realm.depth.get();
        if depth == 0 {
            realm.set_deadline(Some(Instant::now() + realm.settings.time_limit));
        }
        realm.depth.set(depth + 1);
        let result = run();
        if depth == 0 {
            // Still at depth 1: what the jobs call has no checkpoint of its own.
            while cx.run_job() {}
            realm.report_rejections(cx);
            realm.set_deadline(None);
        }
        realm.depth.set(depth);
        result
    }

    /// Performs a microtask checkpoint between two callbacks of one task.
    ///
    /// <https://html.spec.whatwg.org/multipage/webappapis.html#perform-a-microtask-checkpoint>
    pub fn microtask_checkpoint(cx: &Cx<'_>) {
        if Self::of(cx).depth.get() <= 1 {
            while cx.run_job() {}
        }
    }

    fn set_deadline(&self, deadline: Option<Instant>) {
        if let Some(engine) = self.engine.upgrade() {
            engine.interrupt().set_deadline(deadline);
        }
    }

    /// Has this told of what nobody handles.
    pub fn set_reporter(&self, reporter: Reporter) {
        let _ = self.reporter.set(reporter);
    }

    /// Reports an exception that nobody catches.
    ///
    /// <https://html.spec.whatwg.org/multipage/webappapis.html#report-the-exception>
    pub fn report<'js>(&self, cx: &Cx<'js>, error: &Error<'js>) {
        if let Some(reporter) = self.reporter.get() {
            reporter(cx, &Report::Exception(error.to_value(cx)));
        }
    }

    fn note_rejection<'js>(&self, cx: &Cx<'js>, promise: &Value<'js>, reason: &Value<'js>, is_handled: bool) {
        if is_handled {
            let known = |(other, _): &(Root, Root)| other.get(cx).is(promise);
            let place = self.rejected.borrow().iter().position(known);
            let handled = place.map(|place| self.rejected.borrow_mut().remove(place));
            drop(handled);
        } else {
            let noted = (cx.root(promise), cx.root(reason));
            self.rejected.borrow_mut().push(noted);
        }
    }

    /// <https://html.spec.whatwg.org/multipage/webappapis.html#notify-about-rejected-promises>
    fn report_rejections(&self, cx: &Cx<'_>) {
        let rejected = std::mem::take(&mut *self.rejected.borrow_mut());
        let Some(reporter) = self.reporter.get() else {
            return;
        };
        for (promise, reason) in rejected {
            let report = Report::Rejection {
                promise: promise.get(cx),
                reason: reason.get(cx),
            };
            reporter(cx, &report);
            while cx.run_job() {}
        }
    }
}

/// Reports what a callback throws.
pub fn report_thrown<'js>(cx: &Cx<'js>, result: Fallible<'js, impl Sized>) {
    if let Err(error) = result {
        Realm::of(cx).report(cx, &error);
    }
}
