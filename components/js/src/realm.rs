//! [`Realm`]: a global with its event loop.

mod memory;
mod modules;
mod rejections;
mod thread;

use std::any::{Any, TypeId};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use background_fetch::DomString;
use background_fetch::fetch::Client;
use futures::executor::LocalSpawner;
use futures::future::LocalFutureObj;
use futures::task::LocalSpawn;
use url::Url;

use crate::engine::{Completion, Cx, Engine, Limits, Value};
use crate::host::Host;
use crate::webidl::{Error, Fallible, Globals, Registry};

pub use memory::{Charge, ChargedBytes, Room};
use modules::Modules;
use rejections::Rejections;
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
    /// Whether a worker's script is a module.
    pub is_module: bool,
    /// The name of a dedicated worker.
    pub name: DomString,
    /// What its scripts may use up.
    pub limits: Limits,
}

impl Settings {
    /// Those of a page at a URL: a secure context where the URL says so.
    pub fn page(host: Arc<Host>, url: Url) -> Self {
        Self {
            host,
            kind: Globals::WINDOW,
            is_secure_context: is_potentially_trustworthy(&url),
            client: Client::page(url),
            has_guide: false,
            time_limit: Duration::from_secs(10),
            is_module: false,
            name: DomString::default(),
            limits: Limits::default(),
        }
    }
}

/// <https://w3c.github.io/webappsec-secure-contexts/#is-url-trustworthy>
pub fn is_potentially_trustworthy(url: &Url) -> bool {
    match url.host() {
        _ if matches!(url.scheme(), "https" | "wss" | "file") => true,
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(domain)) => domain == "localhost" || domain.ends_with(".localhost"),
        None => false,
    }
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
        client
    }

    /// Puts it under one more Content Security Policy, from now on.
    pub fn add_content_security_policy(&self, policy: String) {
        self.policies.borrow_mut().push(policy);
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
        let busy = self.settings.host.activity.begin();
        self.spawn(async move {
            let output = future.await;
            if let Some(realm) = realm.upgrade() {
                realm.run_task(|cx| then(cx, output));
            }
            drop(busy);
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
        // A task, or a script that a task has called: nothing else is on the stack.
        if depth <= 1 {
            realm.run_jobs(cx);
        }
        if depth == 0 {
            realm.rejections.notify(cx, &realm);
            realm.report_overrun(cx);
        }
        realm.depth.set(depth);
        result
    }

    /// Performs a microtask checkpoint between two callbacks of one task.
    ///
    /// <https://html.spec.whatwg.org/multipage/webappapis.html#perform-a-microtask-checkpoint>
    pub fn microtask_checkpoint(cx: &Cx<'_>) {
        let realm = Self::of(cx);
        if realm.depth.get() <= 1 {
            realm.run_jobs(cx);
        }
    }

    /// Runs a classic script in a task.
    ///
    /// <https://html.spec.whatwg.org/multipage/webappapis.html#run-a-classic-script>
    ///
    /// # Errors
    ///
    /// What it throws.
    pub fn run_classic_script<'js>(cx: &Cx<'js>, source: &str, name: &str) -> Completion<'js, Value<'js>> {
        Self::run_script(cx, || cx.run_script(source, name))
    }

    /// Runs the jobs that wait; those of a task that runs for too long wait for the next.
    fn run_jobs(&self, cx: &Cx<'_>) {
        let Some(engine) = self.engine.upgrade() else {
            return;
        };
        let interrupt = engine.interrupt();
        // The engine looks at the clock after some thousand calls: so it ends a job that queues itself, before we give up.
        let mut left = 30_000_u32;
        // We look at it after some jobs only.
        let mut count = 0_u32;
        let mut is_late = false;
        while cx.run_job() {
            count = count.wrapping_add(1);
            if is_late {
                left -= 1;
            } else if count.is_multiple_of(64) {
                is_late = interrupt.is_late();
            }
            if left == 0 || interrupt.is_stopped() {
                break;
            }
        }
        self.in_checkpoint.set(false);
    }

    /// Reports a task that was ended, or that should have been.
    fn report_overrun(&self, cx: &Cx<'_>) {
        let Some(engine) = self.engine.upgrade() else {
            return;
        };
        let interrupt = engine.interrupt();
        let is_late = interrupt.is_late() | interrupt.take_fired();
        interrupt.set_deadline(None);
        if is_late && !interrupt.is_stopped() {
            let limit = self.settings.time_limit;
            self.tell_reporter(cx, &Report::Overrun { limit });
        }
    }

    /// Lets the task that runs go on for longer: it had to wait.
    pub fn extend_deadline(&self, by: Duration) {
        if let Some(engine) = self.engine.upgrade() {
            engine.interrupt().extend_deadline(by);
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
