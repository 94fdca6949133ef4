//! The writer: the one thread that changes the database. It takes what waits in its queue into one transaction, so
//! that one commit answers many. Where nobody waits for an answer it waits a moment for more.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use background_fetch::FetchKey;
use background_fetch::embedder::StorageError;
use futures::channel::oneshot;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::batch::Batch;
use super::operation::Operation;
use super::options::Result;
use super::packs::Packs;
use super::state::Shared;
use super::trouble;
use crate::write_points::{Step, step};

/// An operation in the writer's queue.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) operation: Operation,
    /// Who waits for its end. An operation for which nobody waits was answered already: it is tried again until it
    /// is done, and what depends on it fails as long as it is not.
    pub(super) reply: Option<oneshot::Sender<Result<()>>>,
}

/// The most operations of one transaction.
const LARGEST_BATCH: usize = 4096;

/// How long what nobody waits for may wait for more.
const PATIENCE: Duration = Duration::from_millis(100);

pub(super) struct Writer {
    shared: Arc<Shared>,
    connection: Connection,
    queue: Receiver<Job>,
    /// What is not done yet, in its order.
    waiting: Vec<Job>,
    /// When it is done at the latest, whoever comes.
    until: Option<Instant>,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, connection: Connection, queue: Receiver<Job>) -> Self {
        let (waiting, until) = (Vec::new(), None);
        Self {
            shared,
            connection,
            queue,
            waiting,
            until,
        }
    }

    /// Works until nobody can ask for anything any more.
    pub(super) fn run(mut self) {
        loop {
            match self.next() {
                Ok(job) => self.take(job),
                Err(RecvTimeoutError::Timeout) => self.do_all(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        if !self.waiting.is_empty() {
            self.do_all();
        }
        step(Step::Close, || drop(self.connection));
    }

    fn next(&self) -> std::result::Result<Job, RecvTimeoutError> {
        match self.until {
            Some(until) => self
                .queue
                .recv_timeout(until.saturating_duration_since(Instant::now())),
            None => self.queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    /// Takes a job with what else is in the queue, and does what is not to wait.
    fn take(&mut self, job: Job) {
        self.waiting.push(job);
        self.waiting.extend(self.queue.try_iter().take(LARGEST_BATCH));
        let is_urgent = |job: &Job| match job.operation {
            // The next bytes of this body may have to wait for it.
            Operation::Checkpoint { .. } => true,
            _ => job.reply.is_some() && !job.operation.is_light(),
        };
        if self.is_stuck() || self.waiting.len() >= LARGEST_BATCH || self.waiting.iter().any(is_urgent) {
            self.do_all();
        } else if self.waiting.iter().any(|job| job.reply.is_some()) {
            self.do_light();
        } else {
            self.until.get_or_insert_with(|| Instant::now() + PATIENCE);
        }
    }

    /// Whether something was answered and could not be done: then nothing overtakes anything.
    fn is_stuck(&self) -> bool {
        self.shared.stuck.load(Ordering::Relaxed)
    }

    fn do_all(&mut self) {
        self.until = None;
        let jobs = std::mem::take(&mut self.waiting);
        self.batch(jobs, true);
    }

    /// Does what is done quickly, and leaves to the others their time. It does not matter to them which is first: a
    /// record that is settled gets no response and no bytes.
    fn do_light(&mut self) {
        let jobs = std::mem::take(&mut self.waiting);
        let (light, others): (Vec<_>, _) = jobs.into_iter().partition(|job| job.operation.is_light());
        self.waiting = others;
        if self.waiting.is_empty() {
            self.until = None;
        }
        self.batch(light, false);
    }

    /// Does these in one transaction and answers them; `durably`, unless it need not survive a restart of the machine.
    fn batch(&mut self, jobs: Vec<Job>, durably: bool) {
        let (batch, results) = transact(&self.shared, &mut self.connection, &jobs, durably);
        // A body that moved to its file is there before it is said how much of it is durable.
        for (job, result) in jobs.iter().zip(&results) {
            step(Step::Follow, || match result {
                Ok(()) => job.operation.done(&self.shared),
                Err(_) if job.reply.is_some() => job.operation.undo(&self.shared),
                Err(_) => {}
            });
        }
        if let Some(batch) = batch {
            batch.committed();
        }
        if jobs.iter().any(|job| matches!(job.operation, Operation::Flush)) {
            self.shared.review_all_dirty();
        } else {
            self.shared
                .review_dirty(jobs.iter().filter_map(|job| job.operation.fetch()).collect());
        }
        // Before anybody hears of it.
        let is_stuck = |(job, result): (&Job, &Result<()>)| job.reply.is_none() && result.is_err();
        let stuck = jobs.iter().zip(&results).any(is_stuck);
        self.shared.stuck.store(stuck, Ordering::Relaxed);
        let count = jobs.len();
        let mut owed = Vec::new();
        for (mut job, result) in jobs.into_iter().zip(results) {
            match (job.reply.take(), result) {
                // Who no longer waits needs no answer.
                (Some(reply), result) => drop(step(Step::Answer, || reply.send(result))),
                (None, Err(_)) => owed.push(job),
                (None, Ok(())) => {}
            }
        }
        self.shared
            .queued
            .fetch_sub(count - owed.len(), Ordering::Relaxed);
        self.waiting.splice(..0, owed);
    }
}

/// Does what can be done in one transaction. The batch is what it committed.
fn transact<'a>(
    shared: &'a Shared,
    connection: &mut Connection,
    jobs: &[Job],
    durably: bool,
) -> (Option<Batch<'a>>, Vec<Result<()>>) {
    let is_retry = shared.stuck.load(Ordering::Relaxed);
    let packs = if is_retry {
        Packs::default()
    } else {
        Packs::write(shared, jobs.iter().map(|job| &job.operation))
    };
    let mut batch = Batch::new(shared, packs, durably);
    batch.sync_bodies(jobs.iter().map(|job| &job.operation));
    if together(connection, &mut batch, jobs).is_ok() {
        return (Some(batch), jobs.iter().map(|_| Ok(())).collect());
    }
    let packs = batch.rolled_back();
    // What cannot be done is not to keep the rest from being done.
    let mut batch = Batch::new(shared, Packs::default(), durably);
    match one_by_one(connection, &mut batch, jobs) {
        Ok(results) => {
            packs.remove_unused(shared);
            (Some(batch), results)
        }
        // Opening sweeps the packs, unless a crash has brought the first transaction back.
        Err(error) => (None, jobs.iter().map(|_| Err(error.clone())).collect()),
    }
}

/// Does all jobs in one transaction. An error means that none was done.
fn together(connection: &mut Connection, batch: &mut Batch<'_>, jobs: &[Job]) -> Result<()> {
    let transaction = begin(connection, batch)?;
    for job in jobs {
        batch.all_or_nothing(|batch| job.operation.apply(batch, &transaction))?;
    }
    commit(transaction, batch)
}

/// Does all jobs in one transaction, each as a whole or not at all. An error means that none was done.
fn one_by_one(connection: &mut Connection, batch: &mut Batch<'_>, jobs: &[Job]) -> Result<Vec<Result<()>>> {
    let mut transaction = begin(connection, batch)?;
    let mut overdue = Overdue::default();
    let mut results = Vec::with_capacity(jobs.len());
    for job in jobs {
        let result = overdue.check(&job.operation, batch).and_then(|()| {
            let savepoint = batch.sql(transaction.savepoint())?;
            batch.all_or_nothing(|batch| {
                job.operation.apply(batch, &savepoint)?;
                batch.sql(savepoint.commit())
            })
        });
        if let Err(error) = &result {
            // SQLite gives up the whole transaction on the worst errors.
            if transaction.is_autocommit() {
                return Err(error.clone());
            }
            if job.reply.is_none() {
                overdue.add(&job.operation, error);
            }
        }
        results.push(result);
    }
    commit(transaction, batch)?;
    Ok(results)
}

fn begin<'a>(connection: &'a mut Connection, batch: &Batch<'_>) -> Result<Transaction<'a>> {
    // A commit waits for the disk where it is to be durable, and otherwise for the operating system.
    let synchronous = if batch.is_durable() { "FULL" } else { "NORMAL" };
    batch.sql(connection.pragma_update(None, "synchronous", synchronous))?;
    let begun = step(Step::Begin, || {
        connection.transaction_with_behavior(TransactionBehavior::Immediate)
    });
    batch.sql(begun)
}

fn commit(transaction: Transaction<'_>, batch: &Batch<'_>) -> Result<()> {
    batch.before_commit()?;
    batch.sql(step(Step::Commit, || transaction.commit()))
}

/// The background fetches for which something that was answered already could not be done: nothing may overtake it.
#[derive(Default)]
struct Overdue {
    fetches: HashMap<FetchKey, StorageError>,
    /// It never will be, for a body whose bytes can no longer be relied on: the end of its fetch may overtake it.
    hopeless: HashMap<FetchKey, StorageError>,
}

impl Overdue {
    fn add(&mut self, operation: &Operation, error: &StorageError) {
        let which = if operation.is_hopeless() {
            &mut self.hopeless
        } else {
            &mut self.fetches
        };
        if let Some(fetch) = operation.fetch() {
            which.entry(fetch).or_insert_with(|| error.clone());
        }
    }

    fn check(&mut self, operation: &Operation, batch: &Batch<'_>) -> Result<()> {
        let error = match operation {
            // What goes takes along what was owed to it.
            Operation::Remove(fetch) => {
                self.fetches.remove(fetch);
                self.hopeless.remove(fetch);
                None
            }
            Operation::Clear(registration) => {
                let stays = |fetch: &FetchKey, _: &mut _| !batch.belongs_to(*fetch, registration);
                self.fetches.retain(stays);
                self.hopeless.retain(stays);
                None
            }
            Operation::Flush => self.fetches.values().chain(self.hopeless.values()).next(),
            _ => operation.fetch().and_then(|fetch| {
                let hopeless = self.hopeless.get(&fetch);
                self.fetches
                    .get(&fetch)
                    .or(hopeless.filter(|_| !operation.is_end_without_success()))
            }),
        };
        error.map_or(Ok(()), |error| Err(error.clone()))
    }
}

/// What will come of an operation.
#[must_use]
pub(super) struct Answer(pub(super) Option<oneshot::Receiver<Result<()>>>);

impl Answer {
    /// Waits until it is durable, where it was asked for that.
    pub(super) async fn done(self) -> Result<()> {
        match self.0 {
            Some(answer) => answer.await.unwrap_or_else(|_| Err(trouble::stopped())),
            None => Ok(()),
        }
    }
}
