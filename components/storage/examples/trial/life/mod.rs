//! One life of the process under trial: it opens the profile, goes on with what it finds, begins more, and says what it
//! promised, until it is killed or everything is over.

mod network;
mod scripts;
mod worker;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use background_fetch::Engine;
use background_fetch::api::Realm;
use background_fetch::embedder::{Embedder, Limits, PermissionState, Policies, RetryPolicy, Storage, Timing};
use background_fetch::fetch::Client;
use background_fetch::inspect::EventKind;
use background_fetch_net::TokioRuntime;
use background_fetch_sim::Random;
use background_fetch_storage::write_points::{self, Point};
use background_fetch_storage::{Options, ProfileStorage, Quota};
use futures::StreamExt;
use futures::channel::mpsc;
use tokio::task::LocalSet;

use super::Trouble;
use super::arguments::Arguments;
use super::process::{kill_this_process, say};
use super::story::{self, Story};
use network::Network;

/// What everything in a life shares.
pub(super) struct Life {
    /// Lets everything end: what is paused goes on.
    pub(super) drain: bool,
    pub(super) engine: Engine,
    pub(super) realm: Realm,
    pub(super) storage: Arc<ProfileStorage>,
    network: Network,
    /// Where bodies are exported to.
    pub(super) exports: PathBuf,
}

/// The `life` command.
pub(super) fn main(arguments: &Arguments) -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        say(format!("wrong {panic}"));
        std::process::exit(101);
    }));
    let lived = kill_at(arguments).and_then(|hits| {
        run(arguments)?;
        say(format!("hits {}", hits.load(Ordering::Relaxed)));
        say("end");
        Ok(())
    });
    match lived {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            say(format!("failed {trouble}"));
            ExitCode::FAILURE
        }
    }
}

/// Sees to it that the process kills itself where it is to. Gives how often it passed there.
fn kill_at(arguments: &Arguments) -> Result<Arc<AtomicU64>, Trouble> {
    let hits = Arc::new(AtomicU64::new(0));
    if let Some(name) = arguments.text("--point") {
        let point = Point::all()
            .find(|point| point.to_string() == name)
            .ok_or_else(|| format!("there is no point {name}"))?;
        let (hits, nth) = (Arc::clone(&hits), arguments.value("--nth", 1)?);
        write_points::set_hook(move |reached| {
            if reached == point && hits.fetch_add(1, Ordering::Relaxed) + 1 == nth {
                kill_this_process();
            }
        });
    }
    Ok(hits)
}

fn run(arguments: &Arguments) -> Result<(), Trouble> {
    let mut runtime = match arguments.text("--stories") {
        // What is to be the same each time has one thread, beside the storage's own.
        Some(_) => tokio::runtime::Builder::new_current_thread(),
        None => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = runtime.worker_threads(2).enable_time().build()?;
    LocalSet::new().block_on(&runtime, live(arguments))?;
    // The storage's last owners, and with them the storage.
    drop(runtime);
    Ok(())
}

async fn live(arguments: &Arguments) -> Result<(), Trouble> {
    let number = arguments.value("--life", 0)?;
    let mut random = Random::new(arguments.value("--seed", 0)?);
    let profile = PathBuf::from(arguments.text("--profile").ok_or("say which --profile")?);
    let exports = profile.with_extension("exports");
    std::fs::create_dir_all(&exports).map_err(|error| format!("{}: {error}", exports.display()))?;
    let options = options(arguments, &mut random);
    let storage = Arc::new(ProfileStorage::open(&profile, options).map_err(|error| error.message)?);
    let (service_workers, dispatches) = worker::service_workers();
    let network = Network::new(number);
    let tokio = Arc::new(TokioRuntime::current());
    let embedder = Embedder {
        network: Arc::new(network.clone()),
        storage: storage.clone(),
        service_workers: Arc::new(service_workers),
        permissions: Arc::new(PermissionState::Granted),
        display: Arc::new(()),
        spawner: tokio.clone(),
        clock: tokio,
    };
    let engine = Engine::open(embedder, policies())
        .await
        .map_err(|error| error.message)?;
    tell_events(&engine);
    let (event_loop, mut tasks) = mpsc::unbounded();
    let realm = Realm::new(
        Arc::new(engine.clone()),
        Client::page(story::page()),
        Arc::new(event_loop),
    );
    let running = realm.clone();
    tokio::task::spawn_local(async move {
        while let Some(task) = tasks.next().await {
            running.run_task(task);
        }
    });
    let life = std::rc::Rc::new(Life {
        drain: arguments.text("--drain").is_some(),
        engine,
        realm,
        storage,
        network,
        exports,
    });
    let found = found(&life);
    worker::work(&life, dispatches);
    life.engine.start();
    let stories = match arguments.text("--stories") {
        Some(ids) => ids.split(',').filter_map(Story::named).collect(),
        None => scripts::new_stories(number, arguments.value("--new", 0)?, &mut random),
    };
    scripts::play(&life, found, stories, &mut random).await?;
    until_over(&life).await;
    life.engine.shutdown().await.map_err(|error| error.message)?;
    let key = story::registration(false).storage_key;
    let estimate = life.storage.estimate(&key).await.map_err(|error| error.message)?;
    say(format!("used {}", estimate.usage));
    say("over");
    Ok(())
}

/// Says what was found, and puts up its servers.
fn found(life: &Life) -> BTreeMap<String, Story> {
    let mut stories = BTreeMap::new();
    for fetch in life.engine.inspect() {
        let id = fetch.id.to_string();
        let (owed, paused) = (fetch.event_owed, fetch.paused.user);
        let available = fetch.records_available;
        say(format!(
            "found {id} owed={owed} paused={paused} available={available} title={}",
            fetch.title
        ));
        if let Some(story) = Story::named(&id) {
            life.network.serve(&story);
            stories.insert(id, story);
        }
    }
    say("ready");
    stories
}

/// Says what is removed, and what storage complains about.
fn tell_events(engine: &Engine) {
    let mut events = engine.events(1 << 16);
    tokio::spawn(async move {
        while let Some(event) = events.next().await {
            match event.kind {
                EventKind::Removed => say(format!("removed {}", event.id)),
                EventKind::StorageTrouble { message } => say(format!("trouble {} {message}", event.id)),
                EventKind::RecordSettled { record, detail, .. } if !detail.is_empty() => {
                    say(format!("detail {}/{record} {detail}", event.id));
                }
                _ => {}
            }
        }
    });
}

/// Waits until nothing is left to do.
async fn until_over(life: &Life) {
    let is_over = || {
        life.engine
            .inspect()
            .iter()
            .all(|fetch| fetch.paused.user && !fetch.event_owed)
    };
    while !is_over() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn policies() -> Policies {
    Policies {
        limits: Limits {
            active_per_storage_key: usize::MAX,
            finished_shown: 0,
            ..Limits::default()
        },
        retry: RetryPolicy {
            first_backoff: Duration::from_millis(1),
            ..RetryPolicy::default()
        },
        timing: Timing {
            progress_interval: Duration::from_millis(1),
            first_event_retry: Duration::from_millis(1),
            ..Timing::default()
        },
        ..Policies::default()
    }
}

/// Sizes at which everything happens with few bytes; another mixture in each life.
fn options(arguments: &Arguments, random: &mut Random) -> Options {
    if arguments.text("--stories").is_some() {
        return Options {
            quota: Quota::Bytes(1 << 30),
            inline_bytes: 1000,
            checkpoint_bytes: 20_000,
            pack_bytes: 1000,
            boot_id: arguments.text("--boot").map(str::to_owned),
            ..Options::default()
        };
    }
    let mut one_of = |choices: [u64; 3]| choices[random.below(3) as usize];
    Options {
        quota: Quota::Bytes(1 << 30),
        inline_bytes: one_of([0, 700, 64 << 10]) as usize,
        checkpoint_bytes: one_of([1000, 20_000, 4 << 20]),
        pack_bytes: one_of([1, 2000, 64 << 10]),
        buffer_bytes: one_of([2000, 50_000, 16 << 20]),
        boot_id: arguments.text("--boot").map(str::to_owned),
    }
}
