//! The thread of a realm, and the way to it.

use std::fmt;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use background_fetch::embedder::Clock;

use futures::StreamExt;
use futures::channel::{mpsc, oneshot};
use futures::executor::LocalPool;
use futures::future::{Either, FutureExt, Shared, select};
use parking_lot::Mutex;

use super::{Realm, Settings, watchdog};
use crate::engine::{Cx, Engine, Interrupt};
use crate::host::{Activity, Busy};

/// What is to run, and that it is going on: until the microtasks after it have run, too.
type Task = (Box<dyn for<'js> FnOnce(&Cx<'js>) + Send>, Busy);

/// The way to a realm from any thread.
#[derive(Clone)]
pub struct RealmHandle {
    tasks: mpsc::UnboundedSender<Task>,
    interrupt: Interrupt,
    activity: Activity,
    closed: Shared<oneshot::Receiver<()>>,
    /// What resolves `closed` when it is dropped.
    gone: Arc<Mutex<Option<oneshot::Sender<()>>>>,
}

/// How long the thread of a realm that is closed is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

impl RealmHandle {
    /// Queues a task on the realm's event loop. It is dropped where the realm is gone.
    pub fn queue_task(&self, task: impl for<'js> FnOnce(&Cx<'js>) + Send + 'static) {
        // Whoever waits for what the task would do sees it dropped.
        let _ = self.tasks.unbounded_send((Box::new(task), self.activity.begin()));
    }

    /// Closes the realm: what runs is ended, and nothing runs any more.
    pub fn close(&self) {
        self.interrupt.stop();
        self.tasks.close_channel();
    }

    /// The same, from a task of the realm, which goes on to its end.
    pub(super) fn close_after_task(&self) {
        self.tasks.close_channel();
    }

    /// What ends its scripts.
    pub(super) fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Whether it was asked to end at once.
    pub fn is_stopped(&self) -> bool {
        self.interrupt.is_stopped()
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.tasks.is_closed()
    }

    /// Closes the realm, and waits until it is gone; not for long: one that does not react is given up.
    pub async fn end(&self, clock: &dyn Clock) {
        self.close();
        let patience = clock.sleep(PATIENCE);
        if let Either::Right(_) = select(pin!(self.closed()), patience).await {
            self.give_up();
        }
    }

    /// Closes a realm that does not react: for everybody else it is gone. Its thread ends when what runs there does.
    pub(super) fn give_up(&self) {
        self.close();
        self.activity.give_up();
        self.gone.lock().take();
    }

    /// Whether the task that runs should have ended.
    pub fn is_late(&self) -> bool {
        self.interrupt.is_late()
    }

    /// Whether it was given up, or is gone.
    pub(super) fn is_given_up(&self) -> bool {
        self.gone.lock().is_none()
    }

    /// What goes on in the realm.
    pub(crate) fn activity(&self) -> &Activity {
        &self.activity
    }

    /// Resolves when the realm is gone, or given up.
    pub async fn closed(&self) {
        // The sender is dropped at the end of the thread.
        let _ = self.closed.clone().await;
    }
}

impl fmt::Debug for RealmHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RealmHandle")
            .field("is_closed", &self.is_closed())
            .finish()
    }
}

/// The end of a realm's thread.
struct Gone(RealmHandle);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.gone.lock().take();
    }
}

/// Starts a realm on a thread of its own; `begin` is its first task.
///
/// # Errors
///
/// A sentence, where there is no thread or no memory for it.
pub fn spawn(
    name: &str,
    settings: Settings,
    begin: impl for<'js> FnOnce(&Cx<'js>) + Send + 'static,
) -> Result<RealmHandle, String> {
    let limits = settings.limits;
    let (tasks, queued) = mpsc::unbounded::<Task>();
    let (gone, closed) = oneshot::channel();
    let interrupt = Interrupt::default();
    let handle = RealmHandle {
        tasks,
        interrupt: interrupt.clone(),
        activity: settings.host.activity.part(),
        closed: closed.shared(),
        gone: Arc::new(Mutex::new(Some(gone))),
    };
    let of_realm = handle.clone();
    let busy = handle.activity.begin();
    let stack = limits.stack + (4 << 20);
    let builder = thread::Builder::new().name(name.to_owned()).stack_size(stack);
    let started = builder.spawn(move || {
        // Told when everything below is gone.
        let _gone = Gone(of_realm.clone());
        let _watched = watchdog::watch(&of_realm, &settings);
        let mut pool = LocalPool::new();
        let engine = match Engine::new(limits, interrupt) {
            Ok(engine) => Rc::new(engine),
            Err(_) => return,
        };
        let realm = Realm::new(&engine, settings, pool.spawner(), of_realm);
        realm.run_task(begin);
        drop(busy);
        let mut queued = queued.peekable();
        while pool.run_until(Pin::new(&mut queued).peek()).is_some() {
            // What is ready comes before the task: it may be of something that happened before the task was queued.
            pool.run_until_stalled();
            if realm.handle.is_closed() {
                break;
            }
            if let Some(Some((task, busy))) = queued.next().now_or_never() {
                realm.run_task(task);
                drop(busy);
            }
        }
        // The futures of the realm go before what they keep alive.
        drop(pool);
        realm.data.borrow_mut().clear();
    });
    let started = started.inspect_err(|_| handle.give_up());
    started.map_err(|error| format!("no thread could be started: {error}"))?;
    Ok(handle)
}
