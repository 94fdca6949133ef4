//! `BackgroundFetchManager`: `fetch()`, `get()` and `getIds()`. What bad requests get is in `arguments.rs`, request
//! bodies in `request_bodies.rs`.

use std::sync::{Arc, Mutex};

use background_fetch::ExceptionName::{
    AbortError, NotAllowedError, QuotaExceededError, TypeError, UnknownError,
};
use background_fetch::embedder::{EventLoop, Limits, PermissionState, Policies, Storage, StorageErrorKind};
use background_fetch::fetch::{Client, Referrer, ReferrerPolicy, Request};
use background_fetch::seam::{Call, CallId, EnginePort, RealmTask, Reply};
use background_fetch::{BackgroundFetchOptions, BackgroundFetchResult, DomString};
use background_fetch_sim::{Resource, Response, StorageOperation};
use background_fetch_storage::MemoryStorage;
use futures::channel::oneshot;
use spec_tests::{QUOTA, SITE, SUCCESS, Site, assert_rejected, failure, get, tell, tell_with};
use url::Url;

fn download_total(bytes: u64) -> BackgroundFetchOptions {
    BackgroundFetchOptions {
        download_total: bytes,
        ..Default::default()
    }
}

#[test]
fn the_promise_resolves_when_the_fetch_is_stored_before_any_byte_moves() {
    tell(async |site| {
        site.serve_pattern("a", 1000);
        site.world.network.hold("https://site.example/a");
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let stored = site.storage.clone();
        let stored = Storage::load(&stored).await.unwrap();
        assert_eq!(stored.len(), 1);
        assert_eq!(stored[0].id, "id");
        assert_eq!((registration.downloaded(), registration.uploaded()), (0, 0));
        site.world.network.release("https://site.example/a");
        assert_eq!(site.settled(&registration).await, SUCCESS);
    });
}

/// Keeps the tasks that the engine queues.
#[derive(Default)]
struct Tasks(Mutex<Vec<RealmTask>>);

impl EventLoop for Tasks {
    fn queue_task(&self, task: RealmTask) {
        self.0.lock().unwrap().push(task);
    }
}

#[test]
fn a_fetch_begins_after_the_task_that_resolves_its_promise_is_queued() {
    tell(async |site| {
        site.serve("a", Resource::bytes("small"));
        let (engine, tasks) = (site.engine(), Arc::new(Tasks::default()));
        let realm = engine.connect(site.registration.storage_key.clone(), tasks.clone());
        let call = Call::Fetch {
            registration: site.registration.clone(),
            client: Arc::new(Client::page(Url::parse(SITE).unwrap())),
            id: "id".into(),
            requests: vec![get("https://site.example/a")],
            options: Default::default(),
        };
        engine.call(realm, CallId(1), call, vec![None]);
        site.until(|| !tasks.0.lock().unwrap().is_empty()).await;
        site.all_over().await;
        engine.disconnect(realm);
        // Whoever waits for progress from there on sees all of it.
        let tasks = tasks.0.lock().unwrap();
        let Some(RealmTask::Settle {
            outcome: Ok(Reply::Registration(Some(first))),
            ..
        }) = tasks.first()
        else {
            panic!("{tasks:?}");
        };
        assert_eq!(
            (first.result, first.downloaded),
            (BackgroundFetchResult::Empty, 0)
        );
    });
}

#[test]
fn a_denied_permission_rejects_with_not_allowed_error() {
    tell(async |site| {
        site.world.permissions.set(PermissionState::Denied);
        // Denied comes first, whatever else is wrong.
        site.world.service_workers.set_active(&site.registration, false);
        let refused = site.fetch("id", &["a"]).await;
        assert_rejected(
            refused,
            NotAllowedError,
            &["does not allow", "https://site.example"],
        );
        site.assert_nothing_stored().await;
        assert_eq!(site.world.network.log(), []);
    });
}

#[test]
fn a_permission_to_be_asked_for_lets_the_fetch_start_paused() {
    tell(async |site| {
        site.serve_pattern("a", 1000);
        site.world.permissions.set(PermissionState::Prompt);
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.world.stalled().await;
        assert_eq!(
            site.world.network.log(),
            [],
            "nothing is sent until the user decides"
        );
        site.engine().allow(registration.key()).await.unwrap();
        assert_eq!(site.settled(&registration).await, SUCCESS);
    });
}

#[test]
fn without_an_active_worker_fetch_rejects_and_get_and_get_ids_answer() {
    tell(async |site| {
        site.world.service_workers.set_active(&site.registration, false);
        let refused = site.fetch("id", &["a"]).await;
        assert_rejected(refused, TypeError, &["no active worker", SITE]);
        site.assert_nothing_stored().await;
        assert_eq!(site.manager().get("id").await.unwrap(), None);
        assert_eq!(site.manager().get_ids().await.unwrap(), Vec::<DomString>::new());
    });
}

#[test]
fn an_id_that_is_active_rejects() {
    tell(async |site| {
        site.serve_pattern("a", 1000);
        site.world.network.hold("https://site.example/a");
        let first = site.fetch("id", &["a"]).await.unwrap();
        let refused = site.fetch("id", &["a"]).await;
        assert_rejected(refused, TypeError, &["id \"id\"", "active already"]);
        assert_eq!(site.engine().inspect().len(), 1, "the second left nothing");
        site.world.network.release("https://site.example/a");
        assert_eq!(site.settled(&first).await, SUCCESS);
    });
}

#[test]
fn of_two_calls_with_one_id_in_a_tick_the_second_rejects() {
    tell(async |site| {
        site.serve_pattern("a", 1000);
        let manager = site.manager();
        let first = manager.fetch("id", ["a"], Default::default());
        let second = manager.fetch("id", ["a"], Default::default());
        assert_rejected(second.await, TypeError, &["active already"]);
        assert_eq!(site.settled(&first.await.unwrap()).await, SUCCESS);
    });
}

#[test]
fn an_id_is_free_again_as_soon_as_abort_was_called() {
    tell(async |site| {
        site.serve_hanging("a");
        site.serve_pattern("b", 10);
        let first = site.fetch("id", &["a"]).await.unwrap();
        let aborted = first.abort();
        let second = site.manager().fetch("id", ["b"], Default::default());
        assert!(aborted.await.unwrap());
        let second = second.await.unwrap();
        assert_ne!(first, second);
        assert_eq!(site.settled(&second).await, SUCCESS);
        assert_eq!(second.downloaded(), 10);
    });
}

#[test]
fn an_id_is_free_again_while_the_success_handler_runs() {
    tell(async |site| {
        site.serve_pattern("a", 10);
        site.world.service_workers.hold();
        let first = site.fetch("id", &["a"]).await.unwrap();
        assert_eq!(site.settled(&first).await, SUCCESS);
        assert_eq!(site.manager().get("id").await.unwrap(), None);
        assert_eq!(site.manager().get_ids().await.unwrap(), Vec::<DomString>::new());
        assert!(
            !first.abort().await.unwrap(),
            "there is nothing to abort any more"
        );
        let second = site.fetch("id", &["a"]).await.unwrap();
        assert_eq!(site.settled(&second).await, SUCCESS);
        assert!(first.records_available(), "its event is still active");
        site.world.service_workers.release();
        site.over(&first).await;
        site.over(&second).await;
        assert_eq!(site.world.service_workers.fired().len(), 2);
    });
}

#[test]
fn one_id_in_two_registrations_is_two_background_fetches() {
    tell(async |site| {
        site.serve_pattern("a", 10);
        site.serve_pattern("b", 20);
        let other = site.world.service_workers.register("https://site.example/app/");
        let other = site.page().realm.background_fetch(&other);
        let first = site.manager().fetch("id", ["a"], Default::default());
        let second = other.fetch("id", ["b"], Default::default());
        let (first, second) = (first.await.unwrap(), second.await.unwrap());
        assert_ne!(first.key(), second.key());
        site.settled(&first).await;
        site.settled(&second).await;
        assert_eq!((first.downloaded(), second.downloaded()), (10, 20));
    });
}

#[test]
fn more_active_fetches_than_the_limit_reject_and_an_abort_frees_a_place_at_once() {
    tell(async |site| {
        site.serve_hanging("a");
        let other = site.world.service_workers.register("https://site.example/app/");
        let other = site.page().realm.background_fetch(&other);
        let mut active = Vec::new();
        for id in ["1", "2", "3", "4"] {
            active.push(site.fetch(id, &["a"]).await.unwrap());
        }
        // The registrations of a storage key share its places.
        active.push(other.fetch("5", ["a"], Default::default()).await.unwrap());
        let refused = site.fetch("6", &["a"]).await;
        assert_rejected(refused, TypeError, &["https://site.example", "5 active"]);
        let aborted = active[0].abort();
        let sixth = site.fetch("6", &["a"]).await;
        assert!(aborted.await.unwrap());
        active.push(sixth.unwrap());
        active[4].abort().await.unwrap();
        active.push(site.fetch("7", &["a"]).await.unwrap());
        for registration in active {
            registration.abort().await.unwrap();
        }
    });
}

#[test]
fn a_refused_call_takes_no_place() {
    let policies = Policies {
        limits: Limits {
            active_per_storage_key: 1,
            ..Limits::default()
        },
        ..Policies::default()
    };
    tell_with(&policies, async |site| {
        site.serve_pattern("a", 10);
        for total in [QUOTA + 1, u64::MAX] {
            let refused = site.manager().fetch("id", ["a"], download_total(total)).await;
            assert_rejected(refused, QuotaExceededError, &[]);
        }
        let registration = site.fetch("id", &["a"]).await.unwrap();
        assert_eq!(site.settled(&registration).await, SUCCESS);
    });
}

#[test]
fn a_download_total_over_the_quota_rejects() {
    tell(async |site| {
        site.serve_pattern("a", 10);
        for total in [QUOTA + 1, (1 << 53) - 1, u64::MAX] {
            let refused = site.manager().fetch("id", ["a"], download_total(total)).await;
            let (total, free) = (
                format!("downloadTotal is {total} bytes"),
                format!("{QUOTA} bytes"),
            );
            assert_rejected(refused, QuotaExceededError, &[&total, &free]);
        }
        site.assert_nothing_stored().await;
        let registration = site.manager().fetch("id", ["a"], download_total(QUOTA)).await;
        assert_eq!(
            site.settled(&registration.unwrap()).await,
            SUCCESS,
            "all of it is not over it"
        );
    });
}

#[test]
fn a_download_total_counts_what_the_quota_has_left() {
    tell(async |site| {
        site.serve_pattern("a", 1000);
        site.world.service_workers.hold();
        let first = site.fetch("first", &["a"]).await.unwrap();
        site.settled(&first).await;
        let total = download_total(QUOTA - 999);
        let refused = site.manager().fetch("second", ["a"], total).await;
        assert_rejected(
            refused,
            QuotaExceededError,
            &[&format!("{} bytes of its quota left", QUOTA - 1000)],
        );
        site.world.service_workers.release();
        site.over(&first).await;
    });
}

#[test]
fn a_storage_that_cannot_create_it_rejects() {
    tell(async |site| {
        site.serve_pattern("a", 10);
        let storage = &site.world.storage;
        storage.fail_next(StorageOperation::Create, StorageErrorKind::QuotaExceeded);
        assert_rejected(site.fetch("id", &["a"]).await, QuotaExceededError, &[]);
        storage.fail_next(StorageOperation::Create, StorageErrorKind::Io);
        assert_rejected(site.fetch("id", &["a"]).await, UnknownError, &[]);
        storage.fail_next(StorageOperation::Estimate, StorageErrorKind::Io);
        let refused = site.manager().fetch("id", ["a"], download_total(10)).await;
        assert_rejected(refused, UnknownError, &[]);
        site.assert_nothing_stored().await;
        assert_eq!(site.engine().inspect(), []);
        let registration = site.fetch("id", &["a"]).await.unwrap();
        assert_eq!(site.settled(&registration).await, SUCCESS);
    });
}

/// What the page's environment says, and is to be kept.
fn client() -> Client {
    Client {
        referrer_policy: ReferrerPolicy::Origin,
        content_security_policies: vec!["connect-src 'self' https://cdn.example".to_owned()],
        ..Client::page(Url::parse("https://site.example/deep/page?q").unwrap())
    }
}

#[test]
fn a_fetch_is_under_the_policies_of_the_moment_of_its_call() {
    tell(async |site| {
        site.world.network.offline();
        let realm = site.open_realm(Client::page(Url::parse("https://site.example/").unwrap()));
        let manager = realm.realm.background_fetch(&site.registration);
        let stored = async |id: &str| {
            manager.fetch(id, ["/a"], Default::default()).await.unwrap();
            let stored = site.storage.load().await.unwrap();
            let fetch = stored.iter().find(|fetch| fetch.id == *id);
            fetch.unwrap().client.content_security_policies.clone()
        };
        assert!(stored("before").await.is_empty());
        realm.realm.set_client(client());
        assert_eq!(stored("after").await, client().content_security_policies);
    });
}

#[test]
fn the_callers_environment_is_stored_with_the_fetch() {
    tell(async |site| {
        let realm = site.open_realm(client());
        let manager = realm.realm.background_fetch(&site.registration);
        site.world.network.offline();
        let asked = Request {
            referrer: Referrer::Url(Url::parse("https://site.example/from").unwrap()),
            ..get("https://site.example/deep/a")
        };
        manager
            .fetch("id", [asked.clone()], Default::default())
            .await
            .unwrap();
        // The page and the process go; the request is made by another process.
        realm.event_loop.close();
        drop((realm, manager));
        site.crash();
        site.world.network.online();
        let (sender, receiver) = oneshot::channel();
        site.world
            .network
            .respond_once("https://site.example/deep/a", move |sent| {
                sender.send((sent.request.clone(), sent.client.clone())).unwrap();
                Response::new(200)
            });
        site.open().await;
        let (sent, by) = receiver.await.unwrap();
        let asked = Request {
            keepalive: true, // set by "complete a record", 5
            ..asked
        };
        assert_eq!((sent, &*by), (asked, &client()));
    });
}

#[test]
fn get_gives_the_same_object_as_fetch() {
    tell(async |site| {
        site.serve_hanging("a");
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let first = site.manager().get("id").await.unwrap();
        assert_eq!(first, Some(registration.clone()));
        assert!(site.manager() == site.manager(), "the manager is one object, too");
        registration.abort().await.unwrap();
        assert_eq!(site.manager().get("id").await.unwrap(), None);
    });
}

#[test]
fn get_of_an_unknown_id_is_none() {
    tell(async |site| {
        assert_eq!(site.manager().get("unknown").await.unwrap(), None);
    });
}

#[test]
fn get_of_the_empty_id_rejects() {
    tell(async |site| {
        assert_rejected(site.manager().get("").await, TypeError, &["empty string"]);
    });
}

#[test]
fn get_after_fetch_finds_it_without_waiting_for_the_promise() {
    tell(async |site| {
        site.serve_hanging("a");
        let manager = site.manager();
        let fetched = manager.fetch("id", ["a"], Default::default());
        let found = manager.get("id");
        let ids = manager.get_ids();
        let refused = manager.fetch("id", ["a"], Default::default());
        let found = found.await.unwrap().expect("get() waits its turn");
        assert_eq!(ids.await.unwrap(), [DomString::from("id")]);
        let fetched = fetched.await.unwrap();
        assert_eq!(fetched, found);
        assert_rejected(refused.await, TypeError, &[]);
        fetched.abort().await.unwrap();
    });
}

#[test]
fn get_ids_are_those_of_the_active_fetches_the_oldest_first() {
    tell(async |site| {
        site.serve_hanging("endless");
        site.serve_pattern("short", 10);
        let ids = async || site.manager().get_ids().await.unwrap();
        let mut started = Vec::new();
        for id in ["9", "b", "10", "a"] {
            started.push(site.fetch(id, &["endless"]).await.unwrap());
        }
        let short = site.fetch("short", &["short"]).await.unwrap();
        site.settled(&short).await;
        assert_eq!(ids().await, ["9", "b", "10", "a"].map(DomString::from));
        started[1].abort().await.unwrap();
        assert_eq!(ids().await, ["9", "10", "a"].map(DomString::from));
        for registration in started {
            registration.abort().await.unwrap();
        }
        assert_eq!(ids().await, Vec::<DomString>::new());
    });
}

#[test]
fn what_was_active_before_a_restart_is_found_again_by_its_id() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 1000).etag("v1"));
        site.world.network.offline();
        site.fetch("id", &["a"]).await.unwrap();
        site.crash_and_restart().await;
        assert_eq!(site.manager().get_ids().await.unwrap(), [DomString::from("id")]);
        let found = site.manager().get("id").await.unwrap().unwrap();
        assert_rejected(site.fetch("id", &["a"]).await, TypeError, &["active already"]);
        site.world.network.online();
        assert_eq!(site.settled(&found).await, SUCCESS);
    });
}

#[test]
fn fetch_while_the_registration_is_cleared_rejects_and_leaves_nothing() {
    tell(async |site| {
        site.world.storage.hold(StorageOperation::Create);
        let pending = site.manager().fetch("id", ["a"], Default::default());
        site.world.storage.until_held(StorageOperation::Create).await;
        let engine = site.engine();
        let clear = engine.clear_registration(&site.registration);
        let cleared = async {
            site.world.stalled().await;
            site.world.storage.release(StorageOperation::Create);
        };
        let (refused, clear, ()) = futures::join!(pending, clear, cleared);
        assert_rejected(refused, AbortError, &["cleared"]);
        clear.unwrap();
        assert_eq!((site.engine().inspect().len(), site.usage().await), (0, 0));
        let stored = Storage::load(&site.storage).await.unwrap();
        assert_eq!(stored, []);
    });
}

#[test]
fn a_page_that_closes_before_the_promise_resolves_still_has_its_fetch() {
    tell(async |site: &Site| {
        site.serve_pattern("a", 1000);
        let page = site.open_page(SITE);
        let manager = page.realm.background_fetch(&site.registration);
        drop(manager.fetch("id", ["a"], Default::default()));
        page.event_loop.close();
        drop((page, manager));
        while site.world.service_workers.fired().is_empty() {
            site.pass(std::time::Duration::from_secs(1)).await;
        }
    });
}

#[test]
fn a_small_quota_is_that_of_the_storage_key() {
    let site = Site::new(0, Policies::default(), MemoryStorage::new(100));
    site.world.run(async {
        site.open().await;
        let refused = site.manager().fetch("id", ["a"], download_total(101)).await;
        assert_rejected(refused, QuotaExceededError, &["100 bytes"]);
        site.close().await;
    });
}

#[test]
fn a_worker_can_start_a_background_fetch_too() {
    tell(async |site| {
        site.serve_pattern("first", 10);
        site.serve_pattern("second", 20);
        let worker = site.open_page("https://site.example/worker.js");
        let manager = worker.realm.background_fetch(&site.registration);
        site.on_event(move |event| {
            let (manager, worker) = (manager.clone(), worker.clone());
            async move {
                if *event.registration().id() == "first" {
                    let second = manager.fetch("second", ["second"], Default::default()).await;
                    assert_eq!(*second.unwrap().id(), "second");
                }
                drop(worker);
            }
        });
        let first = site.fetch("first", &["first"]).await.unwrap();
        site.over(&first).await;
        while site.world.service_workers.fired().len() < 2 {
            site.pass(std::time::Duration::from_secs(1)).await;
        }
        assert_eq!(site.world.service_workers.fired()[1].event.id, "second");
    });
}

#[test]
fn the_mode_same_origin_is_for_fetch_to_check() {
    tell(async |site| {
        site.world
            .network
            .serve("https://other.example/a", Resource::bytes("other"));
        let asked = Request {
            mode: background_fetch::fetch::RequestMode::SameOrigin,
            ..get("https://other.example/a")
        };
        let registration = site
            .manager()
            .fetch("id", [asked], Default::default())
            .await
            .unwrap();
        let reason = background_fetch::BackgroundFetchFailureReason::FetchError;
        assert_eq!(site.settled(&registration).await, failure(reason));
    });
}
