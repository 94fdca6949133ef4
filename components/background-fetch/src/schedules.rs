//! The small cores that threads share, under many schedules of them: shuttle switches at every lock. A schedule in
//! which somebody waits for ever, a lost wake-up as well as a deadlock, is a failure, and prints how to replay it.
//!
//! ```text
//! RUSTFLAGS="--cfg background_fetch_shuttle" cargo test -p background-fetch --lib --target-dir target/shuttle schedules
//! ```

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use futures::FutureExt;
use futures::future::{self, BoxFuture, Either};
use shuttle::future::block_on;
use shuttle::{check_random, thread};

use crate::concepts::{BackgroundFetchResult, FetchKey};
use crate::embedder::{EventLoop, Limits, Spawner};
use crate::fetch::StorageKey;
use crate::realms::Realms;
use crate::scheduler::{Claim, Scheduler};
use crate::seam::{CallId, FetchSnapshot, RealmTask, Reply};
use crate::sync::{Mutex, ParallelQueue, Tasks, Watched};

/// How many schedules of each.
const SCHEDULES: usize = 3_000;

struct Tests;

impl Spawner for Tests {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        drop(shuttle::future::spawn(task));
    }
}

/// Lets others go first, once.
async fn give_way() {
    let mut gave = false;
    poll_fn(|context| {
        if std::mem::replace(&mut gave, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn join<const N: usize>(threads: [thread::JoinHandle<()>; N]) {
    for thread in threads {
        thread.join().expect("the thread comes to its end");
    }
}

#[test]
fn no_waiter_misses_the_last_change_of_a_watched_value() {
    check_random(
        || {
            let watched = Arc::new(Watched::new(0));
            let waiters = [1, 2, 2].map(|wanted| {
                let watched = Arc::clone(&watched);
                thread::spawn(move || {
                    let enough = move |value: &i32| (*value >= wanted).then_some(*value);
                    // Asked for, given up, and asked for again.
                    block_on(future::select(watched.when(enough), give_way().boxed()));
                    assert!(block_on(watched.when(enough)) >= wanted);
                })
            });
            let changes = [1, 1].map(|step| {
                let watched = Arc::clone(&watched);
                thread::spawn(move || watched.update(|value| *value += step))
            });
            join(changes);
            join(waiters);
        },
        SCHEDULES,
    );
}

#[test]
fn a_parallel_queue_runs_all_steps_one_at_a_time_and_those_of_a_caller_in_their_order() {
    check_random(
        || {
            let queue = ParallelQueue::new(Arc::new(Tests));
            let done = Arc::new(Watched::new(Vec::<(i32, i32)>::new()));
            let at_once = Arc::new(AtomicUsize::new(0));
            let callers = [0, 1].map(|caller| {
                let (queue, done, at_once) = (queue.clone(), Arc::clone(&done), Arc::clone(&at_once));
                thread::spawn(move || {
                    for step in 0..2 {
                        let (noted, at_once) = (Arc::clone(&done), Arc::clone(&at_once));
                        queue.enqueue(async move {
                            assert_eq!(at_once.fetch_add(1, Ordering::SeqCst), 0);
                            give_way().await;
                            at_once.fetch_sub(1, Ordering::SeqCst);
                            noted.update(|done| done.push((caller, step)));
                        });
                        // One comes back when the queue runs out of steps.
                        if caller == 0 {
                            block_on(done.when(|done| done.contains(&(0, step)).then_some(())));
                        }
                    }
                })
            });
            join(callers);
            let all = block_on(done.when(|done: &Vec<_>| (done.len() == 4).then(|| done.clone())));
            for caller in [0, 1] {
                let steps = all.iter().filter(|(of, _)| *of == caller);
                assert!(steps.eq(&[(caller, 0), (caller, 1)]));
            }
        },
        SCHEDULES,
    );
}

#[test]
fn the_scheduler_lets_everybody_go_who_stays_and_nobody_over_the_limit() {
    check_random(
        || {
            let scheduler = Scheduler::new(Limits {
                requests: 1,
                ..Limits::default()
            });
            let in_flight = Arc::new(AtomicUsize::new(0));
            let askers = [(0, "a", false), (1, "a", true), (2, "b", false)].map(|(fetch, key, leaves)| {
                let (scheduler, in_flight) = (scheduler.clone(), Arc::clone(&in_flight));
                thread::spawn(move || {
                    let claim = Claim {
                        storage_key: StorageKey::new(key),
                        fetch: FetchKey(fetch),
                        host: "host".to_owned(),
                    };
                    let granted = scheduler.acquire(claim).boxed();
                    let gives_up = async {
                        match leaves {
                            true => give_way().await,
                            false => future::pending().await,
                        }
                    };
                    let permit = match block_on(future::select(granted, gives_up.boxed())) {
                        Either::Left((permit, _)) => permit,
                        Either::Right(_) => return,
                    };
                    assert_eq!(in_flight.fetch_add(1, Ordering::SeqCst), 0);
                    thread::yield_now();
                    in_flight.fetch_sub(1, Ordering::SeqCst);
                    drop(permit);
                })
            });
            join(askers);
            assert!(scheduler.is_unused());
        },
        SCHEDULES,
    );
}

#[test]
fn who_waits_for_no_task_hears_of_the_last_end() {
    check_random(
        || {
            let tasks = Tasks::new();
            let running = [tasks.begin(), tasks.begin()];
            let waits = [(), ()].map(|()| {
                let tasks = tasks.clone();
                thread::spawn(move || block_on(tasks.idle()))
            });
            let ends = running.map(|task| {
                let tasks = tasks.clone();
                thread::spawn(move || {
                    // A task that starts another.
                    let next = tasks.begin();
                    drop(task);
                    thread::yield_now();
                    drop(next);
                })
            });
            join(ends);
            join(waits);
        },
        SCHEDULES,
    );
}

/// A realm's event loop.
struct Tasklist(Mutex<shuttle::sync::mpsc::Sender<RealmTask>>);

impl EventLoop for Tasklist {
    fn queue_task(&self, task: RealmTask) {
        thread::yield_now();
        // The realm is gone where nobody receives.
        let _ = self.0.lock().send(task);
    }
}

fn snapshot(downloaded: u64) -> FetchSnapshot {
    FetchSnapshot {
        key: FetchKey(1),
        id: "id".into(),
        upload_total: 0,
        uploaded: 0,
        download_total: 0,
        downloaded,
        result: BackgroundFetchResult::Empty,
        failure_reason: Default::default(),
        records_available: true,
    }
}

/// What `deliver` and `settle` do with the realms, and what a realm does with its tasks.
#[test]
fn a_realm_gets_the_last_update_and_never_an_older_one_after_a_newer() {
    const LAST: u64 = 3;
    check_random(
        || {
            let realms = Arc::new(Realms::default());
            let (sender, tasks) = shuttle::sync::mpsc::channel();
            let event_loop = Arc::new(Tasklist(Mutex::new(sender)));
            let storage_key = StorageKey::new("a");
            let realm = realms.connect(storage_key.clone(), event_loop);
            // One that the realm has not run, and one that waits for that.
            realms.queue_updates(&storage_key, &snapshot(1));
            realms.queue_updates(&storage_key, &snapshot(2));
            let engine = {
                let realms = Arc::clone(&realms);
                thread::spawn(move || {
                    let last = snapshot(LAST);
                    realms.queue_updates(&storage_key, &last);
                    realms.supersede(realm, &last);
                    let (call, outcome) = (CallId(1), Ok(Reply::Registration(Some(last))));
                    realms.queue_task(realm, RealmTask::Settle { call, outcome });
                })
            };
            // The realm runs what is queued, until it has seen the last; and what comes late.
            let (mut seen, mut answered) = (0, false);
            let mut run = |task| {
                let (newer, is_update) = match task {
                    RealmTask::Update(snapshot) => (snapshot, true),
                    RealmTask::Settle {
                        outcome: Ok(Reply::Registration(Some(snapshot))),
                        ..
                    } => (snapshot, false),
                    other => panic!("{other:?}"),
                };
                assert!(newer.downloaded >= seen, "{} after {seen}", newer.downloaded);
                seen = newer.downloaded;
                match is_update {
                    true => realms.updated(realm, newer.key),
                    false => answered = true,
                }
                seen == LAST && answered
            };
            while !run(tasks.recv().unwrap()) {}
            join([engine]);
            while let Ok(task) = tasks.try_recv() {
                run(task);
            }
        },
        SCHEDULES,
    );
}
