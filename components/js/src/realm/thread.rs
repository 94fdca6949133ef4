//! The thread of a realm, and the way to it.

use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::thread;

use futures::StreamExt;
use futures::channel::{mpsc, oneshot};
use futures::executor::LocalPool;
use futures::future::{FutureExt, Shared};

use super::{Realm, Settings};
use crate::engine::{Cx, Engine, Interrupt};
use crate::host::Activity;

type Task = Box<dyn for<'js> FnOnce(&Cx<'js>) + Send>;

/// The way to a realm from any thread.
#[derive(Clone)]
pub struct RealmHandle {
    tasks: mpsc::UnboundedSender<Task>,
    interrupt: Interrupt,
    activity: Activity,
    closed: Shared<oneshot::Receiver<()>>,
}

impl RealmHandle {
    /// Queues a task on the realm's event loop. It is dropped where the realm is gone.
    pub fn queue_task(&self, task: impl for<'js> FnOnce(&Cx<'js>) + Send + 'static) {
        let busy = self.activity.begin();
        let task = move |cx: &Cx<'_>| {
            let _busy = busy;
            task(cx);
        };
        // Whoever waits for what the task would do sees it dropped.
        let _ = self.tasks.unbounded_send(Box::new(task));
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

    /// Whether it was asked to end at once.
    pub fn is_stopped(&self) -> bool {
        self.interrupt.is_stopped()
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.tasks.is_closed()
    }

    /// Resolves when the realm is gone.
    pub async fn closed(&self) {
        // The sender is dropped with the thread.
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
        activity: settings.host.activity.clone(),
        closed: closed.shared(),
    };
    let of_realm = handle.clone();
    let busy = handle.activity.begin();
    let stack = limits.stack + (4 << 20);
    let builder = thread::Builder::new().name(name.to_owned()).stack_size(stack);
    let started = builder.spawn(move || {
        // Told when everything below is gone.
        let _gone: oneshot::Sender<()> = gone;
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
            if let Some(Some(task)) = queued.next().now_or_never() {
                realm.run_task(task);
            }
        }
        // The futures of the realm go before what they keep alive.
        drop(pool);
        realm.data.borrow_mut().clear();
    });
    started.map_err(|error| format!("no thread could be started: {error}"))?;
    Ok(handle)
}
