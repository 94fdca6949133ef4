//! Running and terminating workers.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ::background_fetch::DomString;
use ::background_fetch::embedder::Clock;
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{Either, join_all, select};
use url::Url;

use super::events::InProgress;
use super::instance::Instance;
use super::model::Worker;
use super::{ScriptResource, ServiceWorkers};
use crate::bindings::{ServiceWorkerState, WorkerType};
use crate::engine::{Cx, Limits, PromiseState};
use crate::host::Host;
use crate::host::scripts::{FetchedScript, ScriptSource, ScriptUse, fetch_blocking};
use crate::interfaces::service_workers::WorkerRealm;
use crate::interfaces::{EventTarget, define_globals};
use crate::realm::{Realm, Settings, spawn};
use crate::webidl::{Error, Globals, Ref};

/// Starts a worker where it does not run, and waits until its script ran.
///
/// <https://w3c.github.io/ServiceWorker/#run-service-worker-algorithm>
///
/// # Errors
///
/// A sentence: why it does not run.
pub(super) async fn run_service_worker(
    host: &Arc<Host>,
    worker: &Arc<Worker>,
) -> Result<Arc<Instance>, String> {
    let instance = running_instance(host, worker)?;
    started(worker, &instance).await?;
    Ok(instance)
}

/// Waits until a worker's script ran.
pub(super) async fn started(worker: &Arc<Worker>, instance: &Arc<Instance>) -> Result<(), String> {
    let started = instance.started.clone();
    // One that does not react is given up before it has started.
    let started = match select(started, pin!(instance.realm.closed())).await {
        Either::Left((started, _)) => started,
        Either::Right(((), started)) => started.now_or_never().unwrap_or(Err(oneshot::Canceled)),
    };
    match started {
        Ok(Ok(())) => Ok(()),
        Ok(Err(message)) => {
            ServiceWorkers::terminate_instance(worker, instance);
            Err(message)
        }
        Err(oneshot::Canceled) => Err(format!(
            "the worker {} was ended while it started",
            worker.script_url
        )),
    }
}

/// The instance of a worker, which may be starting.
pub(super) fn running_instance(host: &Arc<Host>, worker: &Arc<Worker>) -> Result<Arc<Instance>, String> {
    let client = worker.client();
    let mut life = worker.life.lock();
    if host.service_workers.is_shut_down.load(Ordering::Acquire) {
        return Err("the user agent is closing".to_owned());
    }
    // 1. It runs already.
    if let Some(instance) = &life.instance
        && !instance.realm.is_closed()
    {
        return Ok(Arc::clone(instance));
    }
    if life.state == ServiceWorkerState::Redundant {
        return Err(format!("the worker {} is redundant", worker.script_url));
    }
    // 7 to 9. Its settings, in a realm of its own.
    let settings = Settings {
        kind: Globals::SERVICE_WORKER,
        has_guide: host.has_guide,
        client,
        is_module: worker.type_ == WorkerType::Module,
        time_limit: host.service_workers.policy.time_limit,
        name: DomString::default(),
        limits: Limits::default(),
        ..Settings::page(Arc::clone(host), worker.script_url.clone())
    };
    let (sender, started) = oneshot::channel();
    let of_realm = Arc::clone(worker);
    let realm = spawn("service worker", settings, move |cx| {
        let began = begin(cx, &of_realm);
        if began.is_err() {
            // What is queued behind does not run.
            Realm::of(cx).close();
        }
        let _ = sender.send(began);
    })?;
    let instance = Arc::new(Instance::new(realm.clone(), started.shared()));
    life.instance = Some(Arc::clone(&instance));
    drop(life);
    // It is stopped where it gets no event; not while it starts.
    let starts = InProgress::begin(host, worker, &instance);
    let of_start = Arc::clone(&instance);
    host.spawner.spawn(Box::pin(async move {
        select(of_start.started.clone(), pin!(of_start.realm.closed())).await;
        drop(starts);
    }));
    // When its thread is gone it does not run.
    let (worker, of_watch) = (Arc::clone(worker), Arc::clone(&instance));
    host.spawner.spawn(Box::pin(async move {
        realm.closed().await;
        let mut life = worker.life.lock();
        let is_it = |instance: &Arc<Instance>| Arc::ptr_eq(instance, &of_watch);
        if life.instance.as_ref().is_some_and(is_it) {
            life.instance = None;
        }
    }));
    Ok(instance)
}

/// The first task of a worker's realm: its script.
fn begin<'js>(cx: &Cx<'js>, worker: &Arc<Worker>) -> Result<(), String> {
    let realm = Realm::of(cx);
    let no_memory = |_| "the worker's globals do not fit into its memory".to_owned();
    realm.set_data(std::rc::Rc::new(WorkerRealm::new(Arc::clone(worker))));
    realm.set_data(std::rc::Rc::new(script_source(Arc::clone(worker))));
    define_globals(cx).map_err(no_memory)?;
    let url = &worker.script_url;
    let is_module = worker.type_ == WorkerType::Module;
    let resource = worker.resource(url);
    let script = resource.ok_or_else(|| format!("the script {url} of the worker is lost"))?;
    let script = script.script(is_module);
    // 13 to 15. It is evaluated.
    let evaluated = Realm::run_script(cx, || match is_module {
        true => {
            let promise = cx.run_module(&script.source, url.as_str())?;
            // Before the first microtask: one that waits for nothing is evaluated by now.
            let is_async = matches!(promise.state(cx), PromiseState::Pending);
            Ok(Some((promise, is_async)))
        }
        false => cx.run_script(&script.source, url.as_str()).map(|_| None),
    });
    let threw = |error: Error<'js>| {
        let text = error.to_value(cx).to_text(cx).unwrap_or_default();
        realm.report(cx, &error);
        Err(format!("the script {url} threw {text}"))
    };
    match evaluated {
        Err(thrown) => return threw(thrown.into()),
        // <https://w3c.github.io/ServiceWorker/#dfn-is-async-module>
        Ok(Some((_, true))) => return Err(format!("the script {url} waits at its top level")),
        Ok(Some((promise, false))) => {
            if let PromiseState::Rejected(reason) = promise.state(cx) {
                return threw(Error::Thrown(reason));
            }
        }
        Ok(None) => {}
    }
    // 16. The events that it listens to.
    let target = Ref::<EventTarget>::of(cx, &cx.global());
    let events: HashSet<String> = target.map(|target| target.listened_types()).unwrap_or_default();
    worker.life.lock().events = Some(events);
    Ok(())
}

/// The scripts that a worker imports: from its resources; until it is installed, from the network into these.
///
/// <https://w3c.github.io/ServiceWorker/#importscripts>
fn script_source(worker: Arc<Worker>) -> ScriptSource {
    ScriptSource(Box::new(move |realm: &Realm, url: &Url, what: ScriptUse| {
        let known = worker.resource(url);
        if let Some(known) = known {
            return Ok(known.script(what == ScriptUse::Module));
        }
        let may_fetch = matches!(
            worker.state(),
            ServiceWorkerState::Parsed | ServiceWorkerState::Installing
        );
        if !may_fetch {
            return Err(format!("{url} was not imported while the worker was installed"));
        }
        let script: FetchedScript = fetch_blocking(realm, url, what)?;
        let resource = ScriptResource::from(script.clone());
        worker.life.lock().resources.insert(url.clone(), resource);
        Ok(script)
    }))
}

/// An event is over: where it was the last, the worker is stopped after a while.
pub(super) fn end_event(host: &Arc<Host>, worker: &Arc<Worker>, instance: &Arc<Instance>) {
    let Some(generation) = instance.end_event() else {
        return;
    };
    let sleep = host.clock.sleep(host.service_workers.policy.idle);
    let (worker, instance) = (Arc::downgrade(worker), Arc::downgrade(instance));
    host.spawner.spawn(Box::pin(async move {
        sleep.await;
        let (Some(worker), Some(instance)) = (worker.upgrade(), instance.upgrade()) else {
            return;
        };
        if instance.is_idle_since(generation) {
            ServiceWorkers::terminate_instance(&worker, &instance);
        }
    }));
}

impl ServiceWorkers {
    /// <https://w3c.github.io/ServiceWorker/#terminate-service-worker-algorithm>
    pub fn terminate(worker: &Worker) {
        let instance = worker.life.lock().instance.take();
        if let Some(instance) = instance {
            instance.realm.close();
        }
    }

    pub(super) fn terminate_instance(worker: &Worker, instance: &Arc<Instance>) {
        let mut life = worker.life.lock();
        let is_it = |current: &Arc<Instance>| Arc::ptr_eq(current, instance);
        if life.instance.as_ref().is_some_and(is_it) {
            life.instance = None;
        }
        drop(life);
        instance.realm.close();
    }

    /// Whether a worker runs.
    pub fn is_running(worker: &Worker) -> bool {
        worker
            .life
            .lock()
            .instance
            .as_ref()
            .is_some_and(|instance| !instance.realm.is_closed())
    }

    /// Terminates every worker, and resolves when their threads are gone; those that do not react are given up.
    /// No other starts from then on.
    pub async fn shut_down(&self, clock: &dyn Clock) {
        self.is_shut_down.store(true, Ordering::Release);
        let workers: Vec<_> = {
            let state = self.state.lock();
            let registrations = state.scopes.values().chain(&state.unregistered);
            registrations
                .flat_map(|registration| registration.workers())
                .collect()
        };
        let instances = workers
            .iter()
            .filter_map(|worker| worker.life.lock().instance.take());
        let instances: Vec<_> = instances.collect();
        join_all(instances.iter().map(|instance| instance.realm.end(clock))).await;
    }
}
