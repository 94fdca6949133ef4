//! The same component on a pool of threads, with a user who does everything at once: it comes to its end, and every
//! byte is right.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use background_fetch::api::Realm;
use background_fetch::embedder::{
    Embedder, FunctionalEvent, FunctionalEventName, Limits, PermissionState, Policies,
};
use background_fetch::fetch::Client;
use background_fetch::{BackgroundFetchOptions, Engine, RegistrationKey};
use background_fetch_net::TokioRuntime;
use background_fetch_storage::MemoryStorage;
use futures::channel::{mpsc, oneshot};
use futures::future;
use futures::{FutureExt, StreamExt};
use url::Url;

use crate::story::Worker;
use crate::support;
use crate::support::server::{Reply, Server};

const FETCHES: usize = 40;
const RECORDS: usize = 8;

#[test]
fn on_a_pool_of_threads_everything_comes_to_its_end() {
    let body = "0123456789".repeat(2000);
    let expected = body.clone();
    let server = Server::http(move |_| Reply::new(200, &[("ETag", "\"v1\"")], &body));
    let url = server.url("/file");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime");
    let network = support::options().build().expect("a network");
    let (worker, events) = mpsc::unbounded();
    let tokio = Arc::new(TokioRuntime::new(runtime.handle().clone()));
    let embedder = Embedder {
        network: Arc::new(network),
        storage: Arc::new(MemoryStorage::new(1 << 30)),
        service_workers: Arc::new(Worker(worker)),
        permissions: Arc::new(PermissionState::Granted),
        display: Arc::new(()),
        spawner: tokio.clone(),
        clock: tokio,
    };
    let limits = Limits {
        active_per_storage_key: FETCHES,
        ..Limits::default()
    };
    let policies = Policies {
        limits,
        ..Policies::default()
    };
    let engine = futures::executor::block_on(Engine::open(embedder, policies)).expect("an engine");
    engine.start();

    // Others look, pause and resume from threads of their own.
    let over = Arc::new(AtomicBool::new(false));
    let users: Vec<_> = (0..3)
        .map(|_| {
            let (engine, over) = (engine.clone(), over.clone());
            std::thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    for fetch in engine.inspect() {
                        let _ = futures::executor::block_on(engine.pause(fetch.key));
                        let _ = futures::executor::block_on(engine.resume(fetch.key));
                    }
                    std::thread::yield_now();
                }
            })
        })
        .collect();

    let (success, aborted) = runtime.block_on(async {
        let story = script(&engine, url, &expected, events);
        tokio::time::timeout(support::PATIENCE, story)
            .await
            .expect("the story ends")
    });
    over.store(true, Ordering::Relaxed);
    for user in users {
        user.join().expect("nobody panics");
    }
    assert_eq!((success, aborted), (FETCHES - FETCHES / 4, FETCHES / 4));
    runtime.block_on(engine.shutdown()).expect("it shuts down");
    assert!(engine.idle().now_or_never().is_some());
}

/// The page: starts everything, aborts every fourth, and is the worker too, which reads what arrived.
async fn script(
    engine: &Engine,
    url: Url,
    expected: &str,
    mut events: mpsc::UnboundedReceiver<(FunctionalEvent, oneshot::Sender<()>)>,
) -> (usize, usize) {
    let (event_loop, tasks) = mpsc::unbounded();
    let client = Client::user(url.clone());
    let registration = RegistrationKey::of(client.base_url.clone());
    let realm = Realm::new(Arc::new(engine.clone()), client, Arc::new(event_loop));
    let manager = realm.background_fetch(&registration);
    let script = async {
        let started = (0..FETCHES).map(|id| {
            let urls = vec![url.clone(); RECORDS];
            manager.fetch(id.to_string(), urls, BackgroundFetchOptions::default())
        });
        let started = future::join_all(started).await;
        let aborted = started
            .iter()
            .step_by(4)
            .map(|fetch| fetch.as_ref().expect("it starts").abort());
        let aborted: Vec<bool> = future::join_all(aborted)
            .await
            .into_iter()
            .map(Result::unwrap)
            .collect();
        let aborted = aborted.into_iter().filter(|aborted| *aborted).count();
        let mut names = Vec::new();
        while names.len() < FETCHES {
            let (event, done) = events.next().await.expect("an event");
            let event = realm.create_event(&event).await.expect("the event object");
            names.push(event.name());
            if event.name() == FunctionalEventName::Success {
                let records = event.registration().match_all(None, Default::default()).await;
                for record in records.expect("the records are available") {
                    let response = record.response_ready().await.expect("a response");
                    let bytes = response
                        .take_body()
                        .expect("a body")
                        .bytes()
                        .await
                        .expect("its bytes");
                    assert!(bytes == expected.as_bytes());
                }
            }
            let _ = done.send(());
        }
        let successes = names
            .iter()
            .filter(|name| **name == FunctionalEventName::Success)
            .count();
        let aborts = names
            .iter()
            .filter(|name| **name == FunctionalEventName::Abort)
            .count();
        assert_eq!(aborts, aborted);
        // One that was done before its abort is a success.
        (
            successes - (FETCHES / 4 - aborted),
            aborts + (FETCHES / 4 - aborted),
        )
    };
    let event_loop = tasks.for_each(|task| {
        realm.run_task(task);
        future::ready(())
    });
    match future::select(Box::pin(script), Box::pin(event_loop)).await {
        future::Either::Left((counts, _)) => counts,
        future::Either::Right(_) => unreachable!("the realm is connected"),
    }
}
