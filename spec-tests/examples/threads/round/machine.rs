//! What everything runs on: threads that count the component's tasks, and time that flies.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use background_fetch::embedder::Spawner;
use background_fetch_net::TokioRuntime;
use background_fetch_sim::VirtualClock;
use futures::future::BoxFuture;

/// A pool of threads that counts the tasks which live on it.
pub(super) struct Pool {
    runtime: TokioRuntime,
    tasks: Arc<Tasks>,
}

#[derive(Default)]
pub(super) struct Tasks {
    live: AtomicUsize,
    spawned: AtomicUsize,
}

struct Alive(Arc<Tasks>);

impl Pool {
    pub(super) fn new(runtime: &tokio::runtime::Runtime) -> Self {
        Self {
            runtime: TokioRuntime::new(runtime.handle().clone()),
            tasks: Arc::default(),
        }
    }

    pub(super) fn tasks(&self) -> Arc<Tasks> {
        Arc::clone(&self.tasks)
    }
}

impl Tasks {
    pub(super) fn live(&self) -> usize {
        self.live.load(Ordering::SeqCst)
    }

    pub(super) fn spawned(&self) -> usize {
        self.spawned.load(Ordering::SeqCst)
    }
}

impl Spawner for Pool {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.tasks.live.fetch_add(1, Ordering::SeqCst);
        self.tasks.spawned.fetch_add(1, Ordering::SeqCst);
        let alive = Alive(Arc::clone(&self.tasks));
        self.runtime.spawn(Box::pin(async move {
            let _alive = alive;
            task.await;
        }));
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.live.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Moves a clock on: each millisecond or so is [`STEP`] there, so that waits between attempts are short.
pub(super) struct Ticker {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

const STEP: Duration = Duration::from_millis(20);

impl Ticker {
    pub(super) fn start(clock: VirtualClock) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(1));
                clock.advance(STEP);
            }
        });
        Self {
            over,
            thread: Some(thread),
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
