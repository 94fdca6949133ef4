//! Events of workers.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{BoxFuture, Either, select};

use super::ServiceWorkers;
use super::instance::Instance;
use super::model::{Registration, Worker};
use super::run::{end_event, running_instance, started};
use crate::engine::Cx;
use crate::host::Host;
use crate::interfaces::service_workers::ExtendableEvent;
use crate::webidl::{Fallible, Ref};

/// Why an event was not dispatched, or did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventFailure {
    /// There is no active worker.
    NoWorker(String),
    /// The worker does not start.
    Start(String),
    /// The worker was ended meanwhile.
    Terminated(String),
    /// The event was extended for too long; the worker was ended.
    TimedOut(String),
    /// No event could be made.
    Make(String),
}

impl fmt::Display for EventFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::NoWorker(message)
        | Self::Start(message)
        | Self::Terminated(message)
        | Self::TimedOut(message)
        | Self::Make(message)) = self;
        f.write_str(message)
    }
}

/// What is told when an event is no longer active: whether one of the promises that extended it was rejected, or why there was
/// no event.
pub(crate) type Inactive = oneshot::Sender<Result<bool, String>>;

/// Keeps count of an event, whatever becomes of the task that waits for it.
pub(super) struct InProgress {
    host: Arc<Host>,
    worker: Arc<Worker>,
    instance: Arc<Instance>,
}

impl InProgress {
    pub(super) fn begin(host: &Arc<Host>, worker: &Arc<Worker>, instance: &Arc<Instance>) -> Self {
        instance.begin_event();
        Self {
            host: Arc::clone(host),
            worker: Arc::clone(worker),
            instance: Arc::clone(instance),
        }
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        end_event(&self.host, &self.worker, &self.instance);
        if let Some(registration) = self.host.service_workers.registration_of(&self.worker) {
            ServiceWorkers::used_less(&self.host, &registration);
        }
    }
}

/// Dispatches an event at a worker's global, and waits until it is no longer active: whether a promise that extended it was
/// rejected.
pub(super) async fn dispatch(
    host: &Arc<Host>,
    worker: &Arc<Worker>,
    make: impl for<'js> FnOnce(&Cx<'js>) -> Fallible<'js, Ref<'js, ExtendableEvent>> + Send + 'static,
) -> Result<bool, EventFailure> {
    let task = move |cx: &Cx<'_>, inactive: Inactive| match make(cx) {
        Ok(event) => ExtendableEvent::dispatch(cx, &event, inactive),
        Err(error) => {
            let text = error.to_value(cx).to_text(cx).unwrap_or_default();
            let _ = inactive.send(Err(text));
        }
    };
    dispatch_with(host, worker, task).await
}

/// The same, with a task that makes the event in its own time.
pub(super) async fn dispatch_with(
    host: &Arc<Host>,
    worker: &Arc<Worker>,
    task: impl for<'js> FnOnce(&Cx<'js>, Inactive) + Send + 'static,
) -> Result<bool, EventFailure> {
    let dispatched = dispatch_now(host, worker, task);
    dispatched.map_err(EventFailure::Start)?.await
}

/// The same: the task is queued when this returns, behind what was queued before.
pub(super) fn dispatch_now(
    host: &Arc<Host>,
    worker: &Arc<Worker>,
    task: impl for<'js> FnOnce(&Cx<'js>, Inactive) + Send + 'static,
) -> Result<BoxFuture<'static, Result<bool, EventFailure>>, String> {
    let instance = running_instance(host, worker)?;
    let in_progress = InProgress::begin(host, worker, &instance);
    let (sender, inactive) = oneshot::channel();
    // Where the worker does not start, its realm is closed before the task would run.
    let begun = Arc::new(AtomicBool::new(false));
    let begins = Arc::clone(&begun);
    instance.realm.queue_task(move |cx| {
        begins.store(true, Ordering::Release);
        task(cx, sender);
    });
    Ok(Box::pin(async move {
        let (host, worker) = (&in_progress.host, &in_progress.worker);
        started(worker, &instance).await.map_err(EventFailure::Start)?;
        let life = host.clock.sleep(host.service_workers.policy.event_life);
        let gone = pin!(instance.realm.closed());
        match select(inactive, select(life, gone)).await {
            Either::Left((Ok(outcome), _)) => outcome.map_err(EventFailure::Make),
            Either::Left((Err(oneshot::Canceled), _)) => Err(ended(worker)),
            Either::Right((Either::Right(_), inactive)) => match inactive.now_or_never() {
                Some(Ok(outcome)) => outcome.map_err(EventFailure::Make),
                Some(Err(oneshot::Canceled)) => Err(ended(worker)),
                // Its thread does not react, and was given up: because the event had its time, or to end the program.
                None if begun.load(Ordering::Acquire) && instance.realm.is_late() => Err(too_long(worker)),
                None => Err(ended(worker)),
            },
            Either::Right((Either::Left(_), _)) => {
                ServiceWorkers::terminate_instance(worker, &instance);
                match begun.load(Ordering::Acquire) {
                    true => Err(too_long(worker)),
                    // It waited behind one that does not react: the worker has not seen it.
                    false => Err(ended(worker)),
                }
            }
        }
    }))
}

fn ended(worker: &Worker) -> EventFailure {
    EventFailure::Terminated(format!(
        "the worker {} was ended before its event was over",
        worker.script_url
    ))
}

fn too_long(worker: &Worker) -> EventFailure {
    EventFailure::TimedOut(format!(
        "an event of the worker {} lasted for too long",
        worker.script_url
    ))
}

impl ServiceWorkers {
    /// Dispatches an event at a worker, behind those that were posted before; nobody waits for it.
    pub(crate) fn post(
        host: &Arc<Host>,
        worker: &Arc<Worker>,
        task: impl for<'js> FnOnce(&Cx<'js>, Inactive) + Send + 'static,
    ) {
        // A worker that does not start gets no event.
        if let Ok(dispatched) = dispatch_now(host, worker, task) {
            host.spawner.spawn(Box::pin(async move {
                let _ = dispatched.await;
            }));
        }
    }

    /// Fires a functional event at the active worker of a registration; `task` makes its object and dispatches it.
    ///
    /// <https://w3c.github.io/ServiceWorker/#fire-functional-event-algorithm>
    pub(crate) async fn fire_functional_event(
        host: &Arc<Host>,
        registration: &Arc<Registration>,
        task: impl for<'js> FnOnce(&Cx<'js>, Inactive) + Send + 'static,
    ) -> Result<bool, EventFailure> {
        // 2 and 3. The active worker.
        let worker = registration.active();
        let worker = worker.ok_or_else(|| {
            EventFailure::NoWorker(format!("{} has no active worker", registration.key.scope))
        })?;
        // 4. It is active when it is activated.
        worker.when_activated().await;
        // 5 to 8. Its event.
        let outcome = dispatch_with(host, &worker, task).await;
        // A worker whose pages are never opened gets its new version here.
        Self::soft_update_where_stale(host, registration);
        outcome
    }
}
