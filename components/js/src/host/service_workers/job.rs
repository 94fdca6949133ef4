//! Jobs, one after the other for each scope.
//!
//! <https://w3c.github.io/ServiceWorker/#dfn-job>

use std::collections::VecDeque;
use std::sync::Arc;

use ::background_fetch::RegistrationKey;
use ::background_fetch::fetch::Client;
use url::Url;

use super::model::RegistrationSnapshot;
use super::{Refusal, ServiceWorkers, State, register, unregister, update};
use crate::bindings::{ServiceWorkerUpdateViaCache, WorkerType};
use crate::host::Host;
use crate::interfaces::service_workers::settle;
use crate::realm::RealmHandle;

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// Registers.
    Register,
    /// Updates.
    Update,
    /// Unregisters.
    Unregister,
}

/// Something to do with a registration.
///
/// <https://w3c.github.io/ServiceWorker/#create-job>
pub struct Job {
    /// What.
    pub kind: JobKind,
    /// Of which registration.
    pub key: RegistrationKey,
    /// With which script; none where it unregisters.
    pub script_url: Option<Url>,
    /// Of which type.
    pub worker_type: WorkerType,
    /// How the HTTP cache is used.
    pub update_via_cache: ServiceWorkerUpdateViaCache,
    /// Whether it is not used at all.
    pub force_bypass_cache: bool,
    /// Whether it is not done where the client is in a registration.
    pub only_where_none: bool,
    /// Who asked.
    pub client: Client,
    /// Whose promises it settles: its own, and those of equivalent jobs.
    pub answers: Vec<Answer>,
}

/// A promise of a realm.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The realm.
    pub realm: RealmHandle,
    /// What the realm knows the promise by.
    pub id: u64,
}

/// What a job gives.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A registration.
    Registration(Option<RegistrationSnapshot>),
    /// Whether there was something to unregister.
    Boolean(bool),
    /// Nothing.
    Undefined,
}

/// A job queue; its first job runs.
#[derive(Default)]
pub(super) struct Queue {
    waiting: VecDeque<Job>,
    is_running: bool,
}

impl Queue {
    /// Whether there are jobs behind the one that runs.
    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }
}

impl Answer {
    /// Settles the promise, in a task.
    pub fn give(&self, outcome: Result<Outcome, Refusal>) {
        let id = self.id;
        self.realm.queue_task(move |cx| settle(cx, id, outcome));
    }
}

impl Job {
    /// Whether it is the same as another that waits.
    ///
    /// <https://w3c.github.io/ServiceWorker/#dfn-job-equivalent>
    fn is_equivalent(&self, other: &Self) -> bool {
        self.kind == other.kind
            && match self.kind {
                JobKind::Register | JobKind::Update => {
                    self.script_url == other.script_url
                        && self.worker_type == other.worker_type
                        && self.update_via_cache == other.update_via_cache
                }
                JobKind::Unregister => true,
            }
    }

    /// Resolve Job Promise, and Reject Job Promise.
    ///
    /// <https://w3c.github.io/ServiceWorker/#resolve-job-promise>
    pub(super) fn settle(&mut self, outcome: Result<Outcome, Refusal>) {
        for answer in self.answers.drain(..) {
            answer.give(outcome.clone());
        }
    }
}

impl ServiceWorkers {
    /// <https://w3c.github.io/ServiceWorker/#schedule-job>
    pub fn schedule_job(host: &Arc<Host>, mut job: Job) {
        let key = job.key.clone();
        let mut state = host.service_workers.state.lock();
        let queue = state.queues.entry(key.clone()).or_default();
        // 6. Behind the last, or with it where they are equivalent.
        match queue.waiting.back_mut() {
            Some(last) if last.is_equivalent(&job) && !last.answers.is_empty() => {
                last.answers.append(&mut job.answers);
            }
            _ => queue.waiting.push_back(job),
        }
        // 5. The queue begins to run.
        if !std::mem::replace(&mut queue.is_running, true) {
            drop(state);
            let host_of_queue = Arc::clone(host);
            host.spawn(run_queue(host_of_queue, key));
        }
    }
}

/// <https://w3c.github.io/ServiceWorker/#run-job>
async fn run_queue(host: Arc<Host>, key: RegistrationKey) {
    loop {
        let next = host.service_workers.state.lock().next_job(&key);
        let Some(job) = next else { return };
        let finished = match job.kind {
            JobKind::Register => register::register(&host, job).await,
            JobKind::Update => update::update(&host, job).await,
            JobKind::Unregister => unregister::unregister(&host, job).await,
        };
        if let Some(after) = finished {
            // What comes after the job, and does not hold up the next.
            host.spawn(after);
        }
    }
}

impl State {
    fn next_job(&mut self, key: &RegistrationKey) -> Option<Job> {
        let queue = self.queues.get_mut(key)?;
        let job = queue.waiting.pop_front();
        if job.is_none() {
            self.queues.shift_remove(key);
        }
        job
    }
}
