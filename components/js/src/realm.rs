//! [`Realm`]: a global with its event loop.

mod memory;
mod modules;
mod rejections;
mod settings;
mod tasks;
mod thread;
mod watchdog;

use std::any::{Any, TypeId};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use background_fetch::fetch::{Client, ReferrerPolicy};
use futures::executor::LocalSpawner;
use futures::future::LocalFutureObj;
use futures::task::LocalSpawn;

use crate::engine::{Cx, Engine, Value};
use crate::webidl::{Error, Fallible, Globals, Registry};

pub use memory::{Account, Charge, ChargedBytes, Room, WorkerPlace, converted};
use modules::Modules;
use rejections::Rejections;
pub use settings::{Settings, is_potentially_trustworthy};
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
    /// Performing a microtask checkpoint.
    in_checkpoint: Cell<bool>,
    /// When it began, on the host's clock, and as people tell it: milliseconds since 1970.
    began: Duration,
    time_origin: f64,
    rejections: Rejections,
    /// The Content Security Policies that its document got while it lived.
    policies: RefCell<Vec<String>>,
    /// The referrer policy that its document got.
    referrer_policy: Cell<Option<ReferrerPolicy>>,
    /// Whether it takes no more tasks.
    closing: Cell<bool>,
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
    /// A rejection that was reported is handled after all.
    Handled {
        /// The promise.
        promise: Value<'js>,
        /// The reason.
        reason: Value<'js>,
    },
    /// A task ran longer than it may, and was ended.
    Overrun {
        /// How long it may run.
        limit: Duration,
    },
}

impl Realm {
    /// A realm of an engine, whose tasks `spawner` runs on this thread.
    fn new(engine: &Rc<Engine>, settings: Settings, spawner: LocalSpawner, handle: RealmHandle) -> Rc<Self> {
        let began = settings.host.clock.now();
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let time_origin = since_1970.as_secs_f64() * 1000.0;
        let realm = Rc::new(Self {
            registry: Rc::default(),
            settings,
            handle,
            engine: Rc::downgrade(engine),
            spawner,
            data: RefCell::default(),
            depth: Cell::new(0),
            in_checkpoint: Cell::new(false),
            began,
            time_origin,
            rejections: Rejections::default(),
            policies: RefCell::default(),
            referrer_policy: Cell::default(),
            closing: Cell::new(false),
            reporter: OnceCell::new(),
        });
        engine.enter(|cx| cx.set_host(realm.clone()));
        engine.set_module_host(Modules::of(&realm));
        engine.on_rejection(|cx, promise, reason, is_handled| {
            Rejections::note(cx, promise, reason, is_handled);
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

    /// Where it comes from and what it may, as it is now.
    pub fn client(&self) -> Client {
        let mut client = self.settings.client.clone();
        client
            .content_security_policies
            .extend(self.policies.borrow().iter().cloned());
        if let Some(policy) = self.referrer_policy.get() {
            client.referrer_policy = policy;
        }
        client
    }

    /// Puts it under one more Content Security Policy, from now on.
    pub fn add_content_security_policy(&self, policy: String) {
        self.policies.borrow_mut().push(policy);
        self.client_changed();
    }

    /// Gives it another referrer policy, from now on.
    pub fn set_referrer_policy(&self, policy: ReferrerPolicy) {
        self.referrer_policy.set(Some(policy));
        self.client_changed();
    }

    fn client_changed(&self) {
        if let Some(objects) = self.data_of::<crate::interfaces::Objects>() {
            objects.realm().set_client(self.client());
        }
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
        let now = self.settings.host.clock.now().saturating_sub(self.began);
        now.as_secs_f64() * 1000.0
    }

    /// When the realm began, in milliseconds since 1970.
    pub fn time_origin(&self) -> f64 {
        self.time_origin
    }

    /// Closes the realm when the task that runs has ended: no other runs.
    pub fn close(&self) {
        self.closing.set(true);
        self.handle.close_after_task();
    }

    /// Whether it runs no more tasks.
    pub fn is_closing(&self) -> bool {
        self.closing.get() || self.handle.is_closed()
    }

    /// Runs a task of the event loop, from a future of the realm; none where the realm is closed or gone.
    pub fn run_task<R>(&self, task: impl for<'js> FnOnce(&Cx<'js>) -> R) -> Option<R> {
        if self.is_closing() {
            return None;
        }
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
        let busy = self.handle.activity().begin();
        self.spawn(async move {
            let output = future.await;
            if let Some(realm) = realm.upgrade() {
                realm.run_task(|cx| then(cx, output));
            }
            drop(busy);
        });
    }

    /// Waits for something while a task runs: the time does not count as the task's.
    pub fn wait<T>(&self, wait: impl FnOnce() -> T) -> T {
        let engine = self.engine.upgrade();
        let left = engine.as_ref().and_then(|engine| engine.interrupt().pause());
        let waited = wait();
        if let Some(engine) = engine {
            engine.interrupt().go_on(left);
        }
        waited
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
        // What was ended is reported once, when its task is over.
        let interrupt = self.engine.upgrade().map(|engine| engine.interrupt().clone());
        if interrupt.is_some_and(|interrupt| interrupt.is_stopped() || interrupt.is_late()) {
            return;
        }
        self.tell_reporter(cx, &Report::Exception(error.to_value(cx)));
    }

    fn tell_reporter<'js>(&self, cx: &Cx<'js>, report: &Report<'js>) {
        if let Some(reporter) = self.reporter.get() {
            reporter(cx, report);
        }
    }
}

/// Reports what a callback throws.
pub fn report_thrown<'js>(cx: &Cx<'js>, result: Fallible<'js, impl Sized>) {
    if let Err(error) = result {
        Realm::of(cx).report(cx, &error);
    }
}
