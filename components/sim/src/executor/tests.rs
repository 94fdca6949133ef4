//! The executor, driven from outside.

use super::*;
use parking_lot::Mutex;

/// Eight tasks of three steps each; gives the order of the steps.
fn trace(executor: &Executor) -> Vec<(u32, u32)> {
    let steps = Arc::new(Mutex::new(Vec::new()));
    for task in 0..8 {
        let steps = steps.clone();
        executor.spawner().spawn(Box::pin(async move {
            for step in 0..3 {
                steps.lock().push((task, step));
                yield_now().await;
            }
        }));
    }
    executor.run_until_stalled();
    Arc::into_inner(steps).unwrap().into_inner()
}

#[test]
fn the_same_seed_gives_the_same_trace_and_another_seed_another() {
    let (first, second) = (Executor::new(11), Executor::new(11));
    assert_eq!(trace(&first), trace(&second));
    assert_eq!(first.fingerprint(), second.fingerprint());
    let other = Executor::new(12);
    assert_ne!(trace(&Executor::new(11)), trace(&other));
    assert_ne!(first.fingerprint(), other.fingerprint());
}

#[test]
fn fifo_runs_in_order() {
    let expected: Vec<_> = (0..3)
        .flat_map(|step| (0..8).map(move |task| (task, step)))
        .collect();
    assert_eq!(trace(&Executor::fifo()), expected);
    assert_eq!(trace(&Executor::new(0)), expected);
}

#[test]
fn run_until_moves_the_time_and_takes_futures_that_borrow_and_do_not_send() {
    let executor = Executor::new(3);
    let clock = executor.clock();
    let seen = RefCell::new(Vec::new());
    let output = executor.run_until(async {
        clock.sleep(Duration::from_secs(60)).await;
        seen.borrow_mut().push(clock.now());
        let shared = Rc::new(5);
        let local = executor.spawn_local({
            let shared = shared.clone();
            async move { *shared + 1 }
        });
        local.await
    });
    assert_eq!((output, &seen.borrow()[..]), (6, &[Duration::from_secs(60)][..]));
    assert_eq!(executor.live_tasks(), 0);
}

#[test]
#[should_panic(
    expected = "deadlock: nothing is ready and no timer is pending; 2 live tasks: 1 spawned and 1"
)]
fn a_deadlock_says_how_many_tasks_are_left() {
    let executor = Executor::new(1);
    executor.spawner().spawn(Box::pin(std::future::pending()));
    executor.spawn_local(std::future::pending::<()>());
    executor.run_until(std::future::pending::<()>());
}

#[test]
#[should_panic(expected = "no end in sight")]
fn a_task_that_ticks_for_ever_does_not_hang_the_test() {
    let executor = Executor::new(1);
    let clock = executor.clock();
    executor.spawn_local(async move {
        loop {
            clock.sleep(Duration::from_secs(3600)).await;
        }
    });
    executor.run_until(std::future::pending::<()>());
}

#[test]
#[should_panic(expected = "no end in sight: still waiting after 101 polls")]
fn a_future_that_spins_does_not_hang_the_test_either() {
    let executor = Executor::new(1);
    let time = Duration::MAX;
    executor.set_bounds(Bounds { polls: 100, time });
    executor.run_until(async {
        loop {
            yield_now().await;
        }
    })
}

#[test]
fn stalled_resolves_before_the_time_moves_and_after_everything_else() {
    for seed in 0..50 {
        let executor = Executor::new(seed);
        let clock = executor.clock();
        executor.run_until(async {
            let busy = executor.spawn_local(async {
                for _ in 0..20 {
                    yield_now().await;
                }
            });
            executor.spawn_local(clock.sleep(Duration::from_secs(1)));
            executor.stalled().await;
            assert_eq!(clock.now(), Duration::ZERO);
            assert_eq!(executor.live_tasks(), 1, "the sleeper alone");
            busy.await;
        });
    }
}

#[test]
fn a_task_is_woken_from_another_thread() {
    let executor = Executor::new(9);
    let (sender, receiver) = oneshot::channel();
    let task = executor.spawn_local(receiver);
    executor.run_until_stalled();
    std::thread::spawn(move || sender.send(4).unwrap())
        .join()
        .unwrap();
    assert_eq!(executor.run_until(task), Ok(4));
}

#[test]
fn dropping_the_tasks_drops_those_that_are_spawned_meanwhile_too() {
    struct SpawnsWhenDropped(Arc<dyn Spawner>);
    impl Drop for SpawnsWhenDropped {
        fn drop(&mut self) {
            self.0.spawn(Box::pin(std::future::pending()));
        }
    }
    let executor = Executor::new(1);
    let guard = SpawnsWhenDropped(executor.spawner());
    executor.spawner().spawn(Box::pin(async move {
        let _guard = guard;
        std::future::pending::<()>().await;
    }));
    executor.run_until_stalled();
    assert_eq!(executor.live_spawned_tasks(), 1);
    executor.drop_tasks();
    assert_eq!(executor.live_tasks(), 0);
    executor.run_until_stalled();
}
