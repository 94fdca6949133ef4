//! [`TestEventLoop`]: a realm's event loop, pumped on the executor's thread.

use std::collections::VecDeque;
use std::sync::Arc;

use background_fetch::embedder::EventLoop;
use background_fetch::seam::RealmTask;

use crate::watched::Watched;
use crate::yield_now;

/// The event loop of one realm: a queue, and a pump that hands its tasks to a closure in their order.
///
/// A handle: its clones are the same event loop.
#[derive(Clone)]
pub struct TestEventLoop(Arc<Watched<State>>);

#[derive(Default)]
struct State {
    tasks: VecDeque<RealmTask>,
    queued: usize,
    run: usize,
    blocked: bool,
    closed: bool,
}

impl TestEventLoop {
    /// An event loop without tasks.
    pub fn new() -> Self {
        Self(Arc::new(Watched::new(State::default())))
    }

    /// Hands each task to `run` as it comes, one after the other, with other tasks of the executor between them.
    /// Ends when the event loop is [closed](Self::close). Spawn it with
    /// [`Executor::spawn_local`](crate::Executor::spawn_local).
    pub fn pump(&self, mut run: impl FnMut(RealmTask) + 'static) -> impl Future<Output = ()> + 'static {
        let event_loop = self.clone();
        async move {
            while let Some(task) = event_loop.next().await {
                run(task);
                yield_now().await;
            }
        }
    }

    /// The next task, once there is one; none when the event loop is closed.
    pub async fn next(&self) -> Option<RealmTask> {
        let next = |state: &mut State| {
            if state.closed {
                return Some(None);
            }
            if state.blocked {
                return None;
            }
            let task = state.tasks.pop_front()?;
            state.run += 1;
            Some(Some(task))
        };
        self.0.until(next).await
    }

    /// Stops the pump, as a script that runs for long does; tasks go on to be queued.
    pub fn block(&self) {
        self.0.change(|state| state.blocked = true);
    }

    /// Lets the pump go on.
    pub fn unblock(&self) {
        self.0.change(|state| state.blocked = false);
    }

    /// The realm is gone: drops its tasks, and all that are queued later.
    pub fn close(&self) {
        let dropped = self.0.change(|state| {
            state.closed = true;
            std::mem::take(&mut state.tasks)
        });
        drop(dropped);
    }

    /// The number of tasks that were queued so far.
    pub fn queued(&self) -> usize {
        self.0.look(|state| state.queued)
    }

    /// The number of tasks that were handed out.
    pub fn run(&self) -> usize {
        self.0.look(|state| state.run)
    }

    /// The number of tasks that wait.
    pub fn pending(&self) -> usize {
        self.0.look(|state| state.tasks.len())
    }
}

impl Default for TestEventLoop {
    fn default() -> Self {
        Self::new()
    }
}

impl EventLoop for TestEventLoop {
    fn queue_task(&self, task: RealmTask) {
        self.0.change(|state| {
            state.queued += 1;
            if !state.closed {
                state.tasks.push_back(task);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Executor;
    use background_fetch::seam::{CallId, Reply};
    use std::cell::RefCell;
    use std::rc::Rc;

    fn task(call: u64) -> RealmTask {
        RealmTask::Settle {
            call: CallId(call),
            outcome: Ok(Reply::Done),
        }
    }

    #[test]
    fn tasks_run_in_the_order_in_which_they_were_queued_whatever_the_seed() {
        for seed in 0..20 {
            let executor = Executor::new(seed);
            let event_loop = TestEventLoop::new();
            let seen = Rc::new(RefCell::new(Vec::new()));
            let pump = executor.spawn_local(event_loop.pump({
                let seen = seen.clone();
                move |task| match task {
                    RealmTask::Settle { call, .. } => seen.borrow_mut().push(call.0),
                    _ => unreachable!(),
                }
            }));
            event_loop.queue_task(task(1));
            assert_eq!(
                (event_loop.pending(), seen.borrow().len()),
                (1, 0),
                "never before it returns"
            );
            executor.run_until(async {
                event_loop.queue_task(task(2));
                yield_now().await;
                event_loop.queue_task(task(3));
                executor.stalled().await;
                event_loop.block();
                event_loop.queue_task(task(4));
                executor.stalled().await;
                assert_eq!(event_loop.pending(), 1);
                event_loop.unblock();
                executor.stalled().await;
                event_loop.close();
                event_loop.queue_task(task(5));
                pump.await;
            });
            assert_eq!(*seen.borrow(), [1, 2, 3, 4]);
            assert_eq!(
                (event_loop.queued(), event_loop.run(), event_loop.pending()),
                (5, 4, 0)
            );
        }
    }
}
