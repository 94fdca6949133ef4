//! What outlives what: realms and their calls, engines and executors, whoever waits and what is done. And whose it is.

use std::sync::{Arc, Weak};
use std::time::Duration;

use background_fetch::ExceptionName::{AbortError, InvalidStateError};
use background_fetch::api::RequestObject;
use background_fetch::embedder::{MeteredPolicy, Policies, Spawner, Storage, StorageErrorKind};
use background_fetch::fetch::{Client, RequestBody, StorageKey};
use background_fetch::{BackgroundFetchResult, BackgroundFetchUIOptions, Engine};
use background_fetch_sim::{Resource, StorageOperation};
use background_fetch_storage::MemoryStorage;
use futures::StreamExt;
use spec_tests::{QUOTA, SITE, SUCCESS, Site, assert_rejected, body_of, post, tell, tell_with};
use url::Url;

/// A body that never ends.
fn endless(path: &str) -> RequestObject {
    RequestObject::with_body(
        post(&format!("{SITE}{path}")),
        RequestBody::Stream(futures::stream::pending().boxed()),
    )
}

#[test]
fn a_realm_reaches_only_what_belongs_to_its_storage_key() {
    tell(async |site| {
        site.serve_hanging("a");
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let client = Client::page(Url::parse("https://evil.example/").unwrap());
        let evil = site.open_realm(client);
        let manager = evil.realm.background_fetch(&site.registration);
        assert_rejected(manager.get("id").await, InvalidStateError, &[]);
        assert_rejected(manager.get_ids().await, InvalidStateError, &[]);
        let started = manager.fetch("evil", ["https://evil.example/"], Default::default());
        assert_rejected(started.await, InvalidStateError, &[]);
        // Nor by the name of the background fetch, which can be guessed.
        site.world.service_workers.hold();
        assert!(site.engine().click(registration.key()));
        site.world.stalled().await;
        let event = site.world.service_workers.fired().pop().unwrap().event;
        let made = evil.realm.create_event(&event).await.map(|event| event.name());
        assert_rejected(made, InvalidStateError, &[]);
        site.world.service_workers.release();
        evil.event_loop.close();
    });
}

#[test]
fn the_calls_of_a_page_end_with_it() {
    tell(async |site| {
        site.serve_hanging("a");
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.engine().pause(registration.key()).await.unwrap();
        site.world.stalled().await;
        let tasks = site.world.executor.live_spawned_tasks();
        for _ in 0..10 {
            let page = site.open_page(SITE);
            let manager = page.realm.background_fetch(&site.registration);
            let found = manager.get("id").await.unwrap().unwrap();
            let records = found.match_all(None, Default::default()).await.unwrap();
            let mut reading = Box::pin(body_of(&records[0]));
            assert!(futures::poll!(&mut reading).is_pending());
            drop(reading);
            drop((records, found, manager));
            page.event_loop.close();
            drop(page);
            site.world.stalled().await;
        }
        assert_eq!(site.world.executor.live_spawned_tasks(), tasks);
    });
}

#[test]
fn a_stream_that_a_page_was_feeding_ends_with_it() {
    tell(async |site| {
        for round in 0..8 {
            let page = site.open_page(SITE);
            let manager = page.realm.background_fetch(&site.registration);
            drop(manager.fetch("id", [endless("a")], Default::default()));
            site.world.stalled().await;
            drop(manager);
            page.event_loop.close();
            drop(page);
            site.world.stalled().await;
            assert_eq!(site.usage().await, 0, "round {round}");
        }
        // Its id and its place are free.
        site.serve("a", Resource::bytes("a"));
        let registration = site.fetch("id", &["a"]).await.unwrap();
        assert_eq!(site.outcome(&registration).await, SUCCESS);
    });
}

#[test]
fn a_clear_that_nobody_waits_for_is_done_all_the_same() {
    tell(async |site| {
        site.serve_hanging("a");
        for _ in 0..6 {
            site.fetch("id", &["a"]).await.unwrap();
            let engine = site.engine();
            let mut clearing = Box::pin(engine.clear_registration(&site.registration));
            assert!(futures::poll!(&mut clearing).is_pending());
            drop(clearing);
            site.world.stalled().await;
            assert_eq!(site.engine().inspect(), []);
            assert!(site.world.display.on_screen().is_empty());
            assert_eq!(site.storage.load().await.unwrap(), []);
        }
    });
}

#[test]
fn a_clear_goes_on_through_a_shutdown() {
    tell(async |site| {
        site.serve_hanging("a");
        site.fetch("id", &["a"]).await.unwrap();
        let engine = site.engine();
        site.world.storage.hold(StorageOperation::Clear);
        let mut clearing = Box::pin(engine.clear_registration(&site.registration));
        assert!(futures::poll!(&mut clearing).is_pending());
        let mut shutdown = Box::pin(engine.shutdown());
        assert!(futures::poll!(&mut shutdown).is_pending());
        site.world.storage.release(StorageOperation::Clear);
        shutdown.await.unwrap();
        clearing.await.unwrap();
        assert_eq!(site.storage.load().await.unwrap(), []);
        // And one that comes after it is done too.
        engine.clear_registration(&site.registration).await.unwrap();
    });
}

#[test]
fn what_was_delivered_before_a_crash_is_removed_and_not_shown() {
    tell(async |site| {
        site.serve("a", Resource::bytes("a"));
        site.world.service_workers.hold();
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let held = registration.match_all(None, Default::default()).await.unwrap();
        site.world.service_workers.release();
        site.until(|| !registration.records_available()).await;
        site.world.stalled().await;
        assert_eq!(
            site.storage.load().await.unwrap().len(),
            1,
            "a page may still read it"
        );
        site.crash_and_restart().await;
        site.world.stalled().await;
        assert_eq!(site.storage.load().await.unwrap(), []);
        assert_eq!(site.engine().inspect(), []);
        drop(held);
    });
}

#[test]
fn an_executor_that_drops_its_tasks_leaves_an_engine_that_can_be_shut_down() {
    let site = Site::new(0, Policies::default(), MemoryStorage::new(QUOTA));
    site.serve("a", Resource::bytes("a"));
    let engine = site.world.run(async {
        site.open().await;
        let pending = (
            site.fetch("a", &["a"]),
            site.manager().get("a"),
            site.manager().get_ids(),
        );
        let engine = site.engine();
        site.world.executor.drop_tasks();
        engine.idle().await;
        drop(pending);
        // A queue starts anew.
        assert_eq!(engine.clear_registration(&site.registration).await, Ok(()));
        engine.shutdown().await.unwrap();
        site.crash();
        engine
    });
    let embedder = site.world.embedder();
    let storage: Weak<dyn Storage> = Arc::downgrade(&embedder.storage);
    drop((engine, embedder));
    drop(site);
    assert!(
        storage.upgrade().is_none(),
        "the storage, with its lock, is still held"
    );
}

/// A spawner that nobody else holds.
struct Own(Arc<dyn Spawner>);

impl Spawner for Own {
    fn spawn(&self, task: futures::future::BoxFuture<'static, ()>) {
        self.0.spawn(task);
    }
}

#[test]
fn an_engine_that_is_dropped_lets_the_embedders_parts_go() {
    let site = Site::new(0, Policies::default(), MemoryStorage::new(QUOTA));
    site.serve_hanging("a");
    let spawner: Weak<dyn Spawner> = site.world.run(async {
        let mut embedder = site.world.embedder();
        let own: Arc<dyn Spawner> = Arc::new(Own(embedder.spawner));
        let spawner = Arc::downgrade(&own);
        embedder.spawner = own;
        let engine = Engine::open(embedder, Policies::default()).await.unwrap();
        let page = site.connect(&engine, SITE);
        let manager = page.realm.background_fetch(&site.registration);
        manager.fetch("id", ["a"], Default::default()).await.unwrap();
        engine.shutdown().await.unwrap();
        page.event_loop.close();
        drop((engine, page, manager));
        site.world.stalled().await;
        spawner
    });
    assert!(spawner.upgrade().is_none());
}

#[test]
fn the_last_reasons_for_a_pause_are_stored_last() {
    tell(async |site| {
        site.serve_hanging("a");
        let key = site.fetch("id", &["a"]).await.unwrap().key();
        let engine = site.engine();
        let stored = async || site.storage.load().await.unwrap()[0].paused.user;
        // However the storage takes its time.
        site.world
            .storage
            .delay(StorageOperation::SetPaused, Duration::from_secs(1));
        let mut pause = Box::pin(engine.pause(key));
        assert!(futures::poll!(&mut pause).is_pending());
        site.world
            .storage
            .delay(StorageOperation::SetPaused, Duration::ZERO);
        engine.resume(key).await.unwrap();
        pause.await.unwrap();
        assert!(!stored().await);
        // And where it failed before.
        site.world
            .storage
            .fail_next(StorageOperation::SetPaused, StorageErrorKind::Io);
        assert!(engine.pause(key).await.is_err());
        engine.pause(key).await.unwrap();
        assert!(stored().await);
    });
}

#[test]
fn a_connection_that_becomes_metered_pauses_what_is_being_created() {
    let policies = Policies {
        metered: MeteredPolicy::Pause,
        ..Policies::default()
    };
    tell_with(&policies, async |site| {
        site.serve("a", Resource::bytes("a").latency(Duration::from_secs(1)));
        site.world.storage.hold(StorageOperation::Create);
        let started = site.manager().fetch("id", ["a"], Default::default());
        site.world.stalled().await;
        site.engine().set_metered(true).await;
        site.world.storage.release(StorageOperation::Create);
        let registration = started.await.unwrap();
        site.pass(Duration::from_secs(5)).await;
        assert!(
            site.engine()
                .inspect_one(registration.key())
                .unwrap()
                .paused
                .metered
        );
        assert_eq!(registration.downloaded(), 0);
        site.engine().set_metered(false).await;
        assert_eq!(site.outcome(&registration).await, SUCCESS);
    });
}

#[test]
fn a_permission_that_is_not_answered_does_not_hold_up_clearing() {
    tell(async |site| {
        site.serve_hanging("a");
        site.fetch("a", &["a"]).await.unwrap();
        site.world.permissions.never_answer();
        let asked = site.manager().fetch("b", ["a"], Default::default());
        site.world.stalled().await;
        site.engine()
            .clear_registration(&site.registration)
            .await
            .unwrap();
        assert_rejected(asked.await, AbortError, &["cleared"]);
        site.assert_nothing_stored().await;
    });
}

#[test]
fn a_call_wakes_nobody_elses_task() {
    let polls = |pending: usize| {
        let site = Site::new(0, Policies::default(), MemoryStorage::new(QUOTA));
        site.serve(
            "a",
            Resource::bytes("a").hold_at(0).latency(Duration::from_secs(3600)),
        );
        site.world.run(async {
            site.open().await;
            let urls = vec!["a"; 5];
            let registration = site.fetch("id", &urls).await.unwrap();
            let mut waiting = Vec::new();
            for _ in 0..pending / urls.len() {
                let records = registration.match_all(None, Default::default()).await.unwrap();
                for record in &records {
                    let mut ready = record.response_ready();
                    assert!(futures::poll!(&mut ready).is_pending());
                    waiting.push(ready);
                }
            }
            site.world.stalled().await;
            let before = site.world.executor.polls();
            for _ in 0..10 {
                registration.match_all(None, Default::default()).await.unwrap();
            }
            site.world.stalled().await;
            let polls = site.world.executor.polls() - before;
            site.close().await;
            polls
        })
    };
    assert_eq!(polls(50), polls(500));
}

#[test]
fn a_frozen_page_costs_a_few_tasks_for_each_fetch() {
    tell(async |site| {
        let slow = Resource::pattern(1, 10_000)
            .chunks(10)
            .chunk_delay(Duration::from_millis(100));
        site.serve("a", slow);
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let frozen = site.page().event_loop;
        frozen.block();
        let before = frozen.queued();
        site.pass(Duration::from_secs(600)).await;
        assert!(
            frozen.queued() - before <= 4,
            "{} tasks",
            frozen.queued() - before
        );
        frozen.unblock();
        assert_eq!(
            site.settled(&registration).await.0,
            BackgroundFetchResult::Success
        );
        assert_eq!(registration.downloaded(), 10_000);
        site.over(&registration).await;
    });
}

#[test]
fn a_response_that_was_here_when_the_record_object_was_made_stays_its_response() {
    tell(async |site| {
        site.serve("a", Resource::bytes("0123456789").hold_at(4));
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.until_held("a").await;
        site.world.stalled().await;
        let records = registration.match_all(None, Default::default()).await.unwrap();
        assert_eq!(registration.abort().await, Ok(true));
        site.world.stalled().await;
        let response = records[0].response_ready().await.unwrap();
        assert_eq!(response.head().status, 200);
        assert_rejected(response.take_body().unwrap().bytes().await, AbortError, &[]);
    });
}

#[test]
fn get_ids_after_a_fetch_with_a_body_at_hand_has_it() {
    tell(async |site| {
        site.serve_hanging("a");
        let started = site.manager().fetch(
            "id",
            [RequestObject::with_body(post(&format!("{SITE}a")), "body")],
            Default::default(),
        );
        assert_eq!(site.manager().get_ids().await.unwrap(), ["id"]);
        started.await.unwrap();
    });
}

#[test]
fn title_and_icons_of_another_party_stay_as_they_are() {
    tell(async |site| {
        site.serve("a", Resource::bytes("a"));
        site.on_event(async |event| {
            let ui = BackgroundFetchUIOptions {
                title: Some("mine".into()),
                icons: None,
            };
            event.update_ui(ui).await.unwrap();
        });
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let partition = Client {
            storage_key: StorageKey::new("https://site.example^https://top.example"),
            ..Client::page(Url::parse(SITE).unwrap())
        };
        let other = site.open_realm(partition);
        let manager = other.realm.background_fetch(&site.registration);
        assert_rejected(manager.get("id").await, InvalidStateError, &[]);
        assert_eq!(site.outcome(&registration).await, SUCCESS);
        site.over(&registration).await;
        assert_eq!(
            site.world.display.latest(registration.key()).unwrap().title,
            "mine"
        );
        other.event_loop.close();
    });
}
