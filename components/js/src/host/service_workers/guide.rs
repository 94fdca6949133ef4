//! The guide extension's worker: one that does nothing, for pages that wait for a worker and register none. The guides on the
//! web begin with one that is there.
//!
//! It never stands in the way of a worker of the page's own.

use std::sync::Arc;

use ::background_fetch::fetch::Client;
use ::background_fetch::match_service_worker_registration;

use super::job::{Job, JobKind};
use super::model::Worker;
use super::{ServiceWorkers, State, check_urls};
use crate::bindings::{ServiceWorkerUpdateViaCache, WorkerType};
use crate::host::Host;

/// The path of its script on every origin. The host's network must have one there.
pub const GUIDE_WORKER: &str = "/bgfetch-guide-worker.js";

impl ServiceWorkers {
    /// Registers the extension's worker for a page, unless it is in a registration when the job's turn comes, or about to be.
    pub(crate) fn register_for_guide(host: &Arc<Host>, client: Client) {
        let Ok(mut script_url) = client.base_url.join(GUIDE_WORKER) else {
            return;
        };
        let Ok(key) = check_urls(&mut script_url, None, client.storage_key.clone()) else {
            return;
        };
        let job = Job {
            kind: JobKind::Register,
            key,
            script_url: Some(script_url),
            worker_type: WorkerType::Classic,
            update_via_cache: ServiceWorkerUpdateViaCache::Imports,
            force_bypass_cache: false,
            only_where_none: true,
            client,
            answers: Vec::new(),
        };
        Self::schedule_job(host, job);
    }
}

/// Whether a worker is the extension's: any other takes its place without waiting.
pub(super) fn is_guide_worker(worker: &Worker) -> bool {
    worker.script_url.path() == GUIDE_WORKER
}

impl State {
    /// Whether the client of a job is in a registration, or other jobs will see to that.
    pub(super) fn has_one_for(&self, job: &Job) -> bool {
        let url = &job.client.base_url;
        let is_pending = |(key, queue): (&::background_fetch::RegistrationKey, &super::job::Queue)| {
            // Of its own queue, this is the one that runs.
            let is_other = *key != job.key || queue.has_waiting();
            is_other
                && key.storage_key == job.key.storage_key
                && match_service_worker_registration([&key.scope], url).is_some()
        };
        self.match_registration(&job.key.storage_key, url).is_some() || self.queues.iter().any(is_pending)
    }
}
