//! Updating: whether there is a new version, and its first run.

use std::sync::Arc;
use std::time::SystemTime;

use ::background_fetch::fetch::Client;
use indexmap::IndexMap;
use url::Url;

use super::install::install;
use super::job::{Job, JobKind, Outcome};
use super::model::{Registration, ScriptResource, Worker};
use super::register::After;
use super::run::run_service_worker;
use super::script::{ScriptFetch, fetch_resource};
use super::{Refusal, ServiceWorkers};
use crate::bindings::{ServiceWorkerState, ServiceWorkerUpdateViaCache};
use crate::host::Host;

/// <https://w3c.github.io/ServiceWorker/#update-algorithm>
pub(super) async fn update(host: &Arc<Host>, mut job: Job) -> After {
    let this = &host.service_workers;
    // 1. The registration.
    let registration = this.registration(&job.key);
    // 2. It may have been unregistered.
    let (Some(registration), Some(script_url)) = (registration, job.script_url.clone()) else {
        job.settle(Err(Refusal::type_error(format!(
            "the registration of {} was unregistered",
            job.key.scope
        ))));
        return None;
    };
    // 3. The newest worker.
    let newest = registration.newest_worker();
    // 4. An update is of the same script.
    let is_other = |newest: &Arc<Worker>| newest.script_url != script_url;
    if job.kind == JobKind::Update && newest.as_ref().is_some_and(is_other) {
        job.settle(Err(Refusal::type_error(format!(
            "the registration of {} has another script than {script_url} now",
            job.key.scope
        ))));
        return None;
    }
    // 7 to 16. The scripts, and whether one of them is new.
    let fetched = updated_resources(host, &job, &registration, newest.as_ref(), &script_url).await;
    let resources = match fetched {
        Err(refusal) => {
            // 17. There is no script.
            job.settle(Err(refusal));
            forget_if_empty(this, &registration);
            return None;
        }
        // 18. Nothing is new.
        Ok(None) => {
            registration.parts.lock().update_via_cache = job.update_via_cache;
            job.settle(Ok(Outcome::Registration(Some(registration.snapshot()))));
            return None;
        }
        Ok(Some(resources)) => resources,
    };
    // 19. A new worker.
    let worker = {
        let mut state = this.state.lock();
        let id = state.new_id();
        let parsed = ServiceWorkerState::Parsed;
        let key = job.key.clone();
        Arc::new(Worker::new(
            id,
            script_url,
            job.worker_type,
            key,
            resources,
            parsed,
        ))
    };
    // 20 and 21. Its first run.
    if let Err(message) = run_service_worker(host, &worker).await {
        job.settle(Err(Refusal::type_error(message)));
        ServiceWorkers::terminate(&worker);
        forget_if_empty(this, &registration);
        return None;
    }
    // 22. It is installed.
    install(host, job, worker, registration).await
}

/// A registration that never had a worker is none.
fn forget_if_empty(this: &ServiceWorkers, registration: &Arc<Registration>) {
    let mut state = this.state.lock();
    if registration.newest_worker().is_none() && state.is_registered(registration) {
        state.scopes.shift_remove(&registration.key);
    }
}

/// The resources of a new worker; none where everything is as it was, byte for byte.
async fn updated_resources(
    host: &Arc<Host>,
    job: &Job,
    registration: &Arc<Registration>,
    newest: Option<&Arc<Worker>>,
    script_url: &Url,
) -> Result<Option<IndexMap<Url, ScriptResource>>, Refusal> {
    let (via_cache, is_stale) = (job.update_via_cache, registration.is_stale() && newest.is_some());
    let bypass = job.force_bypass_cache || is_stale;
    let fetch = ScriptFetch {
        network: Arc::clone(&host.network),
        client: job.client.clone(),
        worker_type: job.worker_type,
        scope: job.key.scope.clone(),
        is_register: job.kind == JobKind::Register,
    };
    // The main script.
    let no_cache = bypass || via_cache != ServiceWorkerUpdateViaCache::All;
    let main = fetch_resource(&fetch, script_url, true, no_cache).await?;
    if no_cache {
        registration.parts.lock().last_update_check = Some(SystemTime::now());
    }
    let known = newest.and_then(|newest| newest.resource(script_url));
    let is_same = newest.is_some_and(|newest| newest.type_ == job.worker_type)
        && known.is_some_and(|known| known.bytes == main.bytes);
    let changed = Ok(Some(IndexMap::from([(script_url.clone(), main)])));
    let (true, Some(newest)) = (is_same, newest) else {
        return changed;
    };
    // What it imports.
    let imported: Vec<_> = {
        let life = newest.life.lock();
        let others = life.resources.iter().filter(|(url, _)| *url != script_url);
        others
            .map(|(url, resource)| (url.clone(), resource.bytes.clone()))
            .collect()
    };
    let no_cache = bypass || via_cache == ServiceWorkerUpdateViaCache::None;
    for (url, bytes) in imported {
        // What is not there any more does not make a new version.
        if let Ok(resource) = fetch_resource(&fetch, &url, false, no_cache).await
            && resource.bytes != bytes
        {
            return changed;
        }
    }
    Ok(None)
}

impl ServiceWorkers {
    /// Looks for a new version of what was not looked after for long: after each of its events.
    pub(crate) fn soft_update_where_stale(host: &Arc<Host>, registration: &Arc<Registration>) {
        if registration.is_stale() {
            Self::soft_update(host, registration, false);
        }
    }

    /// Looks for a new version when nobody asked.
    ///
    /// <https://w3c.github.io/ServiceWorker/#soft-update>
    pub fn soft_update(host: &Arc<Host>, registration: &Arc<Registration>, force_bypass_cache: bool) {
        let Some(newest) = registration.newest_worker() else {
            return;
        };
        let job = Job {
            kind: JobKind::Update,
            key: registration.key.clone(),
            script_url: Some(newest.script_url.clone()),
            worker_type: newest.type_,
            update_via_cache: registration.parts.lock().update_via_cache,
            force_bypass_cache,
            only_where_none: false,
            client: Client::page(newest.script_url.clone()),
            answers: Vec::new(),
        };
        Self::schedule_job(host, job);
    }
}
