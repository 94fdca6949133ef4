//! Service worker registrations: matching, and clearing them.

use std::time::Duration;

use background_fetch::ExceptionName::{AbortError, InvalidStateError};
use background_fetch::embedder::{FunctionalEventName, Storage, StorageErrorKind};
use background_fetch::inspect::EventKind;
use background_fetch::{
    BackgroundFetchResult, DomString, RegistrationKey, match_service_worker_registration,
};
use background_fetch_sim::{Ending, Resource, StorageOperation};
use futures::FutureExt;
use spec_tests::{SITE, SUCCESS, Site, assert_rejected, body_of, get, post, progress, tell};
use url::Url;

/// Unregisters the site's registration, as the embedder of an engine does.
async fn unregister(site: &Site) {
    site.world.service_workers.unregister(&site.registration);
    site.engine()
        .clear_registration(&site.registration)
        .await
        .unwrap();
}

/// Checks that the registration left nothing behind: no row, no byte, no request, no fetch, no timer, nothing on the
/// screen.
async fn assert_nothing_left(site: &Site) {
    site.world.stalled().await;
    assert_eq!(site.usage().await, 0, "bytes are left");
    assert_eq!(site.storage.load().await.unwrap(), []);
    assert_eq!(site.engine().inspect(), []);
    assert_eq!(site.world.network.in_flight(), 0);
    assert_eq!(site.world.display.on_screen(), []);
    assert_eq!(site.world.executor.live_spawned_tasks(), 0, "a task is left");
    assert_eq!(site.world.clock.pending_timers(), 0, "a timer is left");
}

#[test]
fn clearing_leaves_nothing_behind_and_fires_nothing() {
    tell(async |site| {
        site.serve_hanging("a");
        site.serve_pattern("b", 10);
        let upload = post("https://site.example/a");
        let registration = site.fetch("id", &["a", "b", "a"]).await.unwrap();
        let other = site
            .manager()
            .fetch("other", [upload], Default::default())
            .await
            .unwrap();
        for (registration, downloaded) in [(&registration, 210), (&other, 100)] {
            while registration.downloaded() < downloaded {
                progress(registration).await;
            }
        }
        unregister(site).await;
        assert_nothing_left(site).await;
        let log = site.world.network.log();
        let terminated = log
            .iter()
            .filter(|request| request.ending == Some(Ending::Terminated));
        assert_eq!(terminated.count(), 3, "the connections were cut");
        site.pass(Duration::from_secs(3600)).await;
        assert_eq!(site.world.service_workers.names(), []);
        for registration in [&registration, &other] {
            assert_eq!(
                registration.result(),
                BackgroundFetchResult::Empty,
                "pages are told nothing"
            );
        }
        let cleared = site
            .events()
            .into_iter()
            .filter(|kind| *kind == EventKind::Cleared);
        assert_eq!(cleared.count(), 2);
    });
}

#[test]
fn clearing_rejects_what_is_pending() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 1000).hold_at(0));
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let records = registration.match_all(None, Default::default()).await.unwrap();
        let mut body = Box::pin(body_of(&records[0]));
        site.world.network.until_held("https://site.example/a").await;
        assert!(futures::poll!(&mut body).is_pending());
        // The queue is busy: these wait for their turn.
        site.world.storage.hold(StorageOperation::Create);
        let manager = site.manager();
        let fetched = manager.fetch("new", ["a"], Default::default());
        site.world.storage.until_held(StorageOperation::Create).await;
        let (found, ids, aborted) = (manager.get("id"), manager.get_ids(), registration.abort());
        let engine = site.engine();
        let cleared = async {
            engine.clear_registration(&site.registration).await.unwrap();
        };
        let released = async {
            site.world.stalled().await;
            site.world.storage.release(StorageOperation::Create);
        };
        let outcomes = futures::join!(fetched, found, ids, aborted, body, cleared, released);
        assert_rejected(outcomes.0, AbortError, &["cleared"]);
        assert_rejected(outcomes.1, AbortError, &["cleared"]);
        assert_rejected(outcomes.2, AbortError, &["cleared"]);
        assert_rejected(outcomes.3, AbortError, &["cleared"]);
        assert_rejected(outcomes.4, AbortError, &["cleared"]);
        assert_nothing_left(site).await;
    });
}

#[test]
fn objects_of_a_cleared_registration_answer_at_once() {
    tell(async |site| {
        site.serve_hanging("a");
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let record = registration
            .r#match("a", Default::default())
            .await
            .unwrap()
            .unwrap();
        unregister(site).await;
        assert_eq!(registration.abort().await, Ok(false));
        let refused = registration.match_all(None, Default::default()).await;
        assert_rejected(refused, InvalidStateError, &["no longer available"]);
        // The response was here when the object was made; its bytes are gone.
        assert_rejected(
            body_of(&record).await,
            InvalidStateError,
            &["no longer available"],
        );
        assert!(!registration.records_available());
        assert_eq!(site.manager().get("id").await.unwrap(), None);
        assert_eq!(site.manager().get_ids().await.unwrap(), Vec::<DomString>::new());
        let refused = site.fetch("id", &["a"]).await;
        assert_rejected(
            refused,
            background_fetch::ExceptionName::TypeError,
            &["no active worker"],
        );
        drop(record);
        assert_nothing_left(site).await;
    });
}

#[test]
fn a_registration_that_is_made_again_starts_empty_with_every_id_free() {
    tell(async |site| {
        site.serve_hanging("a");
        site.serve_pattern("b", 10);
        let old = site.fetch("id", &["a"]).await.unwrap();
        // Registered again under way: what is asked for now belongs to the new one.
        let engine = site.engine();
        let cleared = engine.clear_registration(&site.registration);
        let manager = site.manager();
        let story = async {
            site.world.stalled().await;
            let new = manager.fetch("id", ["b"], Default::default());
            let ids = manager.get_ids();
            (new.await.unwrap(), ids.await.unwrap())
        };
        let (cleared, (new, ids)) = futures::join!(cleared, story);
        cleared.unwrap();
        assert_ne!(old, new);
        assert_eq!(ids, ["id"].map(DomString::from));
        assert_eq!(site.settled(&new).await, SUCCESS);
        site.over(&new).await;
        assert_eq!(old.result(), BackgroundFetchResult::Empty);
        let fired = site.world.service_workers.fired();
        assert_eq!(fired.len(), 1);
        assert_eq!(fired[0].event.fetch, new.key());
    });
}

#[test]
fn clearing_ends_an_event_that_is_owed_or_active() {
    tell(async |site| {
        site.serve_pattern("a", 10);
        site.world.service_workers.hold();
        let active = site.fetch("active", &["a"]).await.unwrap();
        assert_eq!(site.settled(&active).await, SUCCESS);
        site.world.stalled().await;
        site.world.service_workers.fail_to_start(1000);
        let owed = site.fetch("owed", &["a"]).await.unwrap();
        assert_eq!(site.settled(&owed).await, SUCCESS);
        unregister(site).await;
        site.pass(Duration::from_secs(3600)).await;
        assert_eq!(site.world.service_workers.names(), [FunctionalEventName::Success]);
        assert_nothing_left(site).await;
    });
}

#[test]
fn clearing_takes_finished_ones_off_the_screen() {
    tell(async |site| {
        site.serve_pattern("a", 10);
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.over(&registration).await;
        site.pass(Duration::from_secs(1)).await;
        assert_eq!(site.world.display.on_screen().len(), 1);
        unregister(site).await;
        assert_eq!(site.world.display.on_screen(), []);
        assert!(!site.engine().click(registration.key()));
    });
}

#[test]
fn what_is_over_at_the_moment_of_clearing_leaves_the_screen_too() {
    tell(async |site| {
        site.serve_pattern("a", 10);
        // Given a background fetch that is removed, and no longer than that is known beside the finished ones
        let (engine, key) = (site.engine(), site.registration.clone());
        site.world.storage.meanwhile(StorageOperation::Remove, move || {
            // when its registration is cleared in between, by whoever does not wait for it,
            let _ = engine.clear_registration(&key).now_or_never();
        });
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.pass(Duration::from_secs(10)).await;
        // then it leaves the screen.
        assert_eq!(site.world.display.on_screen(), []);
        assert!(!site.engine().click(registration.key()));
        assert_nothing_left(site).await;
    });
}

#[test]
fn clearing_one_registration_leaves_the_others_alone() {
    tell(async |site| {
        site.serve_pattern("a", 1000);
        site.world.network.hold("https://site.example/a");
        let app = site.world.service_workers.register("https://site.example/app/");
        let there = site.page().realm.background_fetch(&app);
        let gone = site.fetch("id", &["a"]).await.unwrap();
        let stays = there.fetch("id", ["/a"], Default::default()).await.unwrap();
        unregister(site).await;
        site.world.network.release("https://site.example/a");
        assert_eq!(site.settled(&stays).await, SUCCESS);
        assert_eq!(gone.downloaded(), 0);
    });
}

#[test]
fn clearing_frees_the_places_of_the_storage_key() {
    tell(async |site| {
        site.serve_hanging("a");
        for id in ["1", "2", "3", "4", "5"] {
            site.fetch(id, &["a"]).await.unwrap();
        }
        site.engine()
            .clear_registration(&site.registration)
            .await
            .unwrap();
        for id in ["1", "2", "3", "4", "5"] {
            site.fetch(id, &["a"]).await.unwrap();
        }
        unregister(site).await;
        assert_nothing_left(site).await;
    });
}

#[test]
fn what_was_loaded_and_not_started_can_be_cleared() {
    tell(async |site| {
        site.serve_hanging("a");
        site.fetch("id", &["a"]).await.unwrap();
        site.crash();
        site.open_dormant().await;
        unregister(site).await;
        site.engine().start();
        assert_nothing_left(site).await;
    });
}

#[test]
fn clearing_what_never_was_is_no_error() {
    tell(async |site| {
        let never = RegistrationKey::of(Url::parse("https://never.example/").unwrap());
        site.engine().clear_registration(&never).await.unwrap();
        unregister(site).await;
        unregister(site).await;
        assert_nothing_left(site).await;
    });
}

#[test]
fn a_storage_that_cannot_clear_says_so_and_nothing_runs_on() {
    tell(async |site| {
        site.serve_hanging("a");
        site.fetch("id", &["a"]).await.unwrap();
        site.world
            .storage
            .fail_next(StorageOperation::Clear, StorageErrorKind::Io);
        let failed = site.engine().clear_registration(&site.registration).await;
        assert_eq!(failed.unwrap_err().kind, StorageErrorKind::Io);
        site.world.stalled().await;
        assert_eq!(site.world.network.in_flight(), 0);
        unregister(site).await;
        assert_nothing_left(site).await;
    });
}

#[test]
fn an_update_of_the_worker_changes_nothing() {
    tell(async |site| {
        site.serve_pattern("a", 1000);
        site.world.network.hold("https://site.example/a");
        let registration = site.fetch("id", &["a"]).await.unwrap();
        // The old worker is gone and the new one not yet active when it settles: the event waits for it.
        site.world.service_workers.set_active(&site.registration, false);
        site.world.network.release("https://site.example/a");
        assert_eq!(site.settled(&registration).await, SUCCESS);
        site.pass(Duration::from_secs(10)).await;
        assert_eq!(site.world.service_workers.names(), []);
        assert!(registration.records_available());
        site.world.service_workers.set_active(&site.registration, true);
        site.over(&registration).await;
        assert_eq!(site.world.service_workers.names(), [FunctionalEventName::Success]);
    });
}

#[test]
fn the_longest_matching_scope_of_the_origin_matches() {
    let scopes: Vec<_> = [SITE, "https://site.example/app/", "https://site.example/apple"]
        .map(|scope| Url::parse(scope).unwrap())
        .into();
    let matching = |url: &str| match_service_worker_registration(&scopes, &get(url).url).map(Url::as_str);
    assert_eq!(
        matching("https://site.example/app/page?q#f"),
        Some("https://site.example/app/")
    );
    assert_eq!(matching("https://site.example/app"), Some(SITE));
    assert_eq!(
        matching("https://site.example/apples"),
        Some("https://site.example/apple")
    );
    assert_eq!(matching("https://site.example:444/app/"), None);
    assert_eq!(matching("http://site.example/app/"), None);
}
