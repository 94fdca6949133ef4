//! [`Executor`]: runs tasks on one thread, in an order that follows from a seed.

#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use background_fetch::embedder::{Clock, Spawner};
use futures::channel::oneshot;
use futures::future::LocalBoxFuture;

use crate::ready_queue::{Kind, ReadyQueue, TaskId};
use crate::{Random, VirtualClock};

/// Runs tasks on one thread: of those that are ready it picks the next by its seed, so that a seed stands for
/// one schedule, and many seeds for many.
///
/// A handle: its clones are the same executor. It stays on its thread; [`spawner`](Self::spawner) gives what
/// other threads and tasks spawn with. Tasks may be woken from anywhere, but an executor does not wait for
/// other threads: when nothing is ready it moves its [`VirtualClock`], and when there is no timer either, it
/// panics.
#[derive(Clone)]
pub struct Executor(Rc<Inner>);

struct Inner {
    queue: Arc<ReadyQueue>,
    tasks: RefCell<BTreeMap<TaskId, Task>>,
    clock: VirtualClock,
    /// None picks in order.
    random: RefCell<Option<Random>>,
    bounds: Cell<Bounds>,
    running: Cell<bool>,
    polls: Cell<u64>,
    fingerprint: Cell<u64>,
}

struct Task {
    kind: Kind,
    future: LocalBoxFuture<'static, ()>,
}

/// How far [`Executor::run_until`] goes before it takes what it waits for as lost, and panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The polls of all tasks together, what is waited for included.
    pub polls: u64,
    /// The virtual time.
    pub time: Duration,
}

impl Default for Bounds {
    /// Ten million polls, thirty days.
    fn default() -> Self {
        Self {
            polls: 10_000_000,
            time: Duration::from_secs(30 * 24 * 60 * 60),
        }
    }
}

impl Executor {
    /// The executor of this seed, with a clock at zero. Seed 0 is [`fifo`](Self::fifo).
    pub fn new(seed: u64) -> Self {
        Self(Rc::new(Inner {
            queue: ReadyQueue::new(),
            tasks: RefCell::default(),
            clock: VirtualClock::new(),
            random: RefCell::new((seed != 0).then(|| Random::new(seed))),
            bounds: Cell::default(),
            running: Cell::new(false),
            polls: Cell::new(0),
            fingerprint: Cell::new(FNV_OFFSET),
        }))
    }

    /// The executor that runs ready tasks in the order in which they became ready.
    pub fn fifo() -> Self {
        Self::new(0)
    }

    /// Its clock.
    pub fn clock(&self) -> VirtualClock {
        self.0.clock.clone()
    }

    /// What the component, and any thread, spawns with.
    pub fn spawner(&self) -> Arc<dyn Spawner> {
        self.0.queue.clone()
    }

    /// Starts a task that stays on this thread. The handle gives its output; dropping it changes nothing.
    pub fn spawn_local<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> LocalTask<T> {
        let (sender, receiver) = oneshot::channel();
        let id = self.0.queue.admit(Kind::Local);
        let future = Box::pin(async move {
            // Nobody listens: the handle was dropped.
            let _ = sender.send(future.await);
        });
        self.0.tasks.borrow_mut().insert(
            id,
            Task {
                kind: Kind::Local,
                future,
            },
        );
        LocalTask(receiver)
    }

    /// Polls until no task is ready. The time stands still.
    pub fn run_until_stalled(&self) {
        let _entered = self.enter();
        self.stall();
    }

    /// Runs for a span of virtual time, from deadline to deadline, and ends stalled.
    pub fn run_for(&self, duration: Duration) {
        let _entered = self.enter();
        let clock = &self.0.clock;
        let end = clock.now().saturating_add(duration);
        loop {
            self.stall();
            match clock.next_deadline() {
                Some(deadline) if deadline <= end => clock.advance_to(deadline),
                _ => break,
            }
        }
        clock.advance_to(end);
        self.stall();
    }

    /// Runs `future`, such as the body of a test, and all tasks beside it, until it is done. When nothing is
    /// ready the clock moves to the next deadline. Other tasks may be left.
    ///
    /// # Panics
    ///
    /// When nothing is ready and no timer is pending; when the [`Bounds`] are passed; when called from within a
    /// task of this executor.
    pub fn run_until<F: Future>(&self, future: F) -> F::Output {
        let _entered = self.enter();
        let mut future = pin!(future);
        let id = self.0.queue.admit(Kind::Root);
        let bounds = self.0.bounds.get();
        let (first_poll, start) = (self.0.polls.get(), self.0.clock.now());
        loop {
            match self.next_ready() {
                Some((ready, waker)) if ready == id => {
                    self.record(id);
                    if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                        self.0.queue.dismiss(Kind::Root);
                        return output;
                    }
                }
                Some((ready, waker)) => self.poll_task(ready, &waker),
                None if self.0.queue.wake_idle() || self.0.clock.advance_to_next() => {}
                None => panic!(
                    "deadlock: nothing is ready and no timer is pending; {}",
                    self.describe()
                ),
            }
            let polls = self.0.polls.get() - first_poll;
            let time = self.0.clock.now().saturating_sub(start);
            assert!(
                polls <= bounds.polls && time <= bounds.time,
                "no end in sight: still waiting after {polls} polls and {time:?} of virtual time; {}",
                self.describe()
            );
        }
    }

    /// Resolves when every other task waits, before the time moves: what can happen now has happened.
    pub fn stalled(&self) -> impl Future<Output = ()> + use<> {
        let queue = self.0.queue.clone();
        async move {
            // The queue that tells is held here: it cannot go without.
            let _ = queue.when_idle().await;
        }
    }

    /// Drops every task where it stands, as a crash does.
    pub fn drop_tasks(&self) {
        loop {
            self.accept_spawned();
            let tasks = std::mem::take(&mut *self.0.tasks.borrow_mut());
            if tasks.is_empty() {
                return;
            }
            for (_, task) in tasks {
                self.0.queue.dismiss(task.kind);
            }
        }
    }

    /// The number of tasks that have not ended, without the future of [`run_until`](Self::run_until).
    pub fn live_tasks(&self) -> usize {
        self.live_spawned_tasks() + self.0.queue.live(Kind::Local)
    }

    /// The number of those that came through the [`spawner`](Self::spawner): the component's own.
    pub fn live_spawned_tasks(&self) -> usize {
        self.0.queue.live(Kind::Spawned)
    }

    /// The polls so far.
    pub fn polls(&self) -> u64 {
        self.0.polls.get()
    }

    /// A number that stands for the schedule so far: which tasks were polled, in which order, at which times.
    /// The same seed and the same program give the same.
    pub fn fingerprint(&self) -> u64 {
        self.0.fingerprint.get()
    }

    /// Sets how far [`run_until`](Self::run_until) goes.
    pub fn set_bounds(&self, bounds: Bounds) {
        self.0.bounds.set(bounds);
    }

    fn enter(&self) -> Entered<'_> {
        assert!(
            !self.0.running.replace(true),
            "an executor cannot run from within one of its tasks"
        );
        Entered(&self.0.running)
    }

    fn stall(&self) {
        let first_poll = self.0.polls.get();
        loop {
            while let Some((ready, waker)) = self.next_ready() {
                self.poll_task(ready, &waker);
                assert!(
                    self.0.polls.get() - first_poll <= self.0.bounds.get().polls,
                    "no end in sight: tasks wake each other for ever; {}",
                    self.describe()
                );
            }
            if !self.0.queue.wake_idle() {
                return;
            }
        }
    }

    fn next_ready(&self) -> Option<(TaskId, Waker)> {
        self.accept_spawned();
        let mut random = self.0.random.borrow_mut();
        self.0.queue.next(|ready| match &mut *random {
            Some(random) if ready > 1 => random.below(ready as u64) as usize,
            _ => 0,
        })
    }

    fn poll_task(&self, id: TaskId, waker: &Waker) {
        // Taken out, so that the task may spawn others while it runs. One that is gone was woken late.
        let Some(mut task) = self.0.tasks.borrow_mut().remove(&id) else {
            return;
        };
        self.record(id);
        if task
            .future
            .as_mut()
            .poll(&mut Context::from_waker(waker))
            .is_ready()
        {
            self.0.queue.dismiss(task.kind);
        } else {
            self.0.tasks.borrow_mut().insert(id, task);
        }
    }

    fn record(&self, id: TaskId) {
        self.0.polls.set(self.0.polls.get() + 1);
        let nanoseconds = self.0.clock.now().as_nanos() as u64;
        let mut hash = self.0.fingerprint.get();
        for part in [id.0, nanoseconds] {
            hash = (hash ^ part).wrapping_mul(FNV_PRIME);
        }
        self.0.fingerprint.set(hash);
    }

    fn accept_spawned(&self) {
        let spawned = self.0.queue.take_spawned();
        let mut tasks = self.0.tasks.borrow_mut();
        tasks.extend(spawned.into_iter().map(|(id, future)| {
            let kind = Kind::Spawned;
            (id, Task { kind, future })
        }));
    }

    fn describe(&self) -> String {
        format!(
            "{} live tasks: {} spawned and {} local, at {:?}",
            self.live_tasks(),
            self.live_spawned_tasks(),
            self.0.queue.live(Kind::Local),
            self.0.clock.now()
        )
    }
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// Marks an executor as running.
struct Entered<'a>(&'a Cell<bool>);

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// The handle of a task that [`Executor::spawn_local`] started: a future of its output.
///
/// # Panics
///
/// When it is awaited and the task was dropped before it ended.
pub struct LocalTask<T>(oneshot::Receiver<T>);

impl<T> Future for LocalTask<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        Pin::new(&mut self.0)
            .poll(context)
            .map(|output| output.expect("the task was dropped before it ended"))
    }
}

/// Lets the other tasks go first, once.
pub async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
