//! One round: everything goes wild for a time, then goes well, comes to its end, and is counted.

mod board;
mod figures;
mod ledger;
mod machine;
mod pages;
mod realm;
mod screen;
mod sites;
mod store;
mod users;
mod workers;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use background_fetch::embedder::{Embedder, EventLoop, Limits, MeteredPolicy, Policies, Timing};
use background_fetch::inspect::FetchInspection;
use background_fetch::{BackgroundFetchResult, Engine};
use background_fetch_sim::{Random, ScriptedNetwork, TestPermissions, VirtualClock};
use futures::StreamExt;
use futures::executor::block_on;
use parking_lot::Mutex;

use board::Board;
pub(crate) use figures::Figures;
use ledger::Ledger;
use machine::{Pool, Ticker};
use screen::Screen;
use sites::Sites;
pub(crate) use store::Kind;
use store::Store;
use workers::Workers;

/// How much there is of everything.
pub(crate) struct Scale {
    sites: usize,
    files: usize,
    pages: usize,
    users: usize,
    /// The threads that the component runs on.
    threads: usize,
}

// The short test and the long program each use one of them.
#[allow(dead_code)]
impl Scale {
    pub(crate) const LARGE: Self = Self {
        sites: 3,
        files: 36,
        pages: 8,
        users: 3,
        threads: 4,
    };
    pub(crate) const SMALL: Self = Self {
        sites: 2,
        files: 24,
        pages: 3,
        users: 1,
        threads: 3,
    };
}

/// What all threads of a round share.
struct Shared {
    sites: Sites,
    ledger: Ledger,
    board: Board,
    clock: VirtualClock,
    /// Whether all is to come to its end.
    calm: AtomicBool,
    realms: AtomicU64,
    read: AtomicU64,
    event_loops: Mutex<Vec<Weak<dyn EventLoop>>>,
}

fn policies() -> Policies {
    Policies {
        limits: Limits {
            active_per_storage_key: 70,
            requests: 60,
            requests_per_storage_key: 25,
            requests_per_host: 50,
            requests_per_fetch: 3,
            ..Limits::default()
        },
        metered: MeteredPolicy::Pause,
        timing: Timing {
            longest_event_retry: Duration::from_secs(2),
            ..Timing::default()
        },
        ..Policies::default()
    }
}

/// Runs a round: what was done, and what is wrong.
pub(crate) fn run(seed: u64, kind: Kind, wild: Duration, scale: &Scale) -> (Figures, Vec<String>) {
    let mut random = Random::new(seed);
    let clock = VirtualClock::new();
    let shared = Arc::new(Shared {
        sites: Sites::new(scale.sites, scale.files, &mut random),
        ledger: Ledger::default(),
        board: Board::default(),
        clock: clock.clone(),
        calm: AtomicBool::new(false),
        realms: AtomicU64::new(0),
        read: AtomicU64::new(0),
        event_loops: Mutex::default(),
    });
    let network = ScriptedNetwork::new(clock.clone());
    shared.sites.serve(&network, &mut random, true);
    let permissions = TestPermissions::new();
    let workers = Arc::new(Workers::new(Arc::clone(&shared), random.fork()));
    let store = Store::open(kind);
    let screen = Screen::default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(scale.threads)
        .enable_all()
        .build()
        .expect("a runtime");
    let pool = Pool::new(&runtime);
    let tasks = pool.tasks();
    let embedder = Embedder {
        network: Arc::new(network.clone()),
        storage: store.storage(),
        service_workers: workers.clone(),
        permissions: Arc::new(permissions.clone()),
        display: Arc::new(screen.clone()),
        spawner: Arc::new(pool),
        clock: Arc::new(clock.clone()),
    };
    let ticker = Ticker::start(clock.clone());
    let engine = block_on(Engine::open(embedder, policies())).expect("the storage opens");
    engine.start();
    let name = format!("seed {seed}, {kind:?}");
    let watchdog = {
        let (engine, tasks) = (engine.clone(), Arc::clone(&tasks));
        shared.board.watch(name.clone(), move || {
            let mut unsettled = engine.inspect();
            unsettled.retain(|fetch| fetch.records_available);
            format!("{} tasks live; not over are {unsettled:#?}", tasks.live())
        })
    };
    let observer = observe(&engine, &shared);
    let mut work = Vec::new();
    for registration in shared.sites.registrations.clone() {
        let (events, random) = (workers.events(&registration), random.fork());
        let (engine, shared) = (engine.clone(), Arc::clone(&shared));
        work.push(std::thread::spawn(move || {
            workers::work(registration, events, engine, shared, random);
        }));
    }
    let pages = threads(scale.pages, &engine, &shared, &mut random, pages::browse);
    let mut others = threads(
        scale.users,
        &engine,
        &shared,
        &mut random,
        |number, engine, shared, random| users::click_around(number, engine, shared, random),
    );
    others.push({
        let (network, permissions, shared) = (network.clone(), permissions.clone(), Arc::clone(&shared));
        let mut random = random.fork();
        std::thread::spawn(move || users::weather(&network, &permissions, &shared, &mut random))
    });

    std::thread::sleep(wild);
    shared.calm.store(true, Ordering::Relaxed);
    shared.board.ends();
    let phase = |what: &str| shared.board.wait(format!("the end: {what}"));
    {
        let _wait = phase("users and weather");
        join(others, &shared);
    }
    {
        let _wait = phase("every background fetch");
        block_on(engine.set_metered(false));
        while !all_over(&engine) || pages.iter().any(|page| !page.is_finished()) {
            std::thread::sleep(Duration::from_millis(5));
        }
        join(pages, &shared);
    }
    {
        let _wait = phase("no task");
        block_on(engine.idle());
        // The task that was counted last is on its way out of the pool.
        while tasks.live() > 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    {
        let _wait = phase("the workers");
        workers.close();
        join(work, &shared);
    }
    let left_over = |what: &str, count: usize| {
        if count > 0 {
            shared.ledger.fault(format!("left over: {count} {what}"));
        }
    };
    let live = |event_loop: &&Weak<dyn EventLoop>| event_loop.strong_count() > 0;
    left_over("realms", shared.event_loops.lock().iter().filter(live).count());
    left_over("requests in flight", network.in_flight());
    left_over("timers", clock.pending_timers());
    screen.check(&engine, &shared.ledger);
    let mut figures = Figures {
        read: shared.read.load(Ordering::Relaxed),
        requests: network.log().len() as u64,
        realms: shared.realms.load(Ordering::Relaxed),
        calls: shared.board.waits(),
        tasks: tasks.spawned() as u64,
        ..Figures::default()
    };
    {
        let _wait = phase("the shutdown");
        block_on(engine.shutdown()).expect("the storage flushes");
    }
    // The watchdog knows the engine too: another takes over.
    drop((watchdog, engine));
    let _watchdog = shared
        .board
        .watch(name, || "somebody still holds the engine".to_owned());
    {
        let _wait = phase("the engine's events");
        figures.at_once = observer.join().unwrap_or_default();
    }
    drop(ticker);
    runtime.shutdown_timeout(Duration::from_secs(60));
    store.check(&shared.sites.registrations, &shared.ledger);
    shared.ledger.count(&mut figures);
    (figures, shared.ledger.faults())
}

/// Starts so many threads.
fn threads(
    count: usize,
    engine: &Engine,
    shared: &Arc<Shared>,
    random: &mut Random,
    run: fn(usize, &Engine, &Arc<Shared>, &mut Random),
) -> Vec<JoinHandle<()>> {
    (0..count)
        .map(|number| {
            let (engine, shared, mut random) = (engine.clone(), Arc::clone(shared), random.fork());
            std::thread::spawn(move || run(number, &engine, &shared, &mut random))
        })
        .collect()
}

fn join(threads: Vec<JoinHandle<()>>, shared: &Shared) {
    for thread in threads {
        if thread.join().is_err() {
            shared.ledger.fault("a thread panicked: see above".to_owned());
        }
    }
}

/// Writes down what the engine tells, for as long as it lives; gives the most background fetches at once.
fn observe(engine: &Engine, shared: &Arc<Shared>) -> JoinHandle<u64> {
    let (mut events, shared) = (engine.events(1 << 20), Arc::clone(shared));
    std::thread::spawn(move || {
        let (mut live, mut most) = (0_u64, 0);
        while let Some(event) = block_on(events.next()) {
            use background_fetch::inspect::EventKind::{Created, Settled};
            match event.kind {
                Created => live += 1,
                Settled { .. } => live = live.saturating_sub(1),
                _ => {}
            }
            most = most.max(live);
            shared.board.sign();
            shared.ledger.note(event);
        }
        if events.lost() > 0 {
            shared.ledger.fault(format!("{} events were lost", events.lost()));
        }
        most
    })
}

/// Whether every background fetch is over; lets those go on that are paused.
fn all_over(engine: &Engine) -> bool {
    let shown = engine.inspect();
    let paused =
        |fetch: &&FetchInspection| fetch.paused.any() && fetch.result == BackgroundFetchResult::Empty;
    for fetch in shown.iter().filter(paused) {
        // One that ended meanwhile needs neither.
        let _ = block_on(engine.resume(fetch.key));
        let _ = block_on(engine.allow(fetch.key));
    }
    !shown.iter().any(|fetch| fetch.records_available)
}
