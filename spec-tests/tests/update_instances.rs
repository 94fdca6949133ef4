//! Update background fetch instances: the `progress` event, in the order of what happened.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use background_fetch::BackgroundFetchFailureReason::{Aborted, BadStatus};
use background_fetch::BackgroundFetchResult::{Empty, Failure, Success};
use background_fetch::ExceptionName::InvalidStateError;
use background_fetch::api::BackgroundFetchRegistration;
use background_fetch::embedder::{Clock, Policies};
use background_fetch::fetch::{Client, StorageKey};
use background_fetch::{BackgroundFetchFailureReason, BackgroundFetchResult};
use background_fetch_sim::{Resource, VirtualClock};
use spec_tests::{SITE, SUCCESS, assert_rejected, failure, tell, tell_with};
use url::Url;

/// What a `progress` event showed.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    at: Duration,
    downloaded: u64,
    result: BackgroundFetchResult,
    failure_reason: BackgroundFetchFailureReason,
    records_available: bool,
}

/// Notes every `progress` event of an instance.
fn watch(clock: &VirtualClock, registration: &BackgroundFetchRegistration) -> Rc<RefCell<Vec<Seen>>> {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let (list, clock) = (Rc::clone(&seen), clock.clone());
    registration.on_progress(move |registration| {
        list.borrow_mut().push(Seen {
            at: clock.now(),
            downloaded: registration.downloaded(),
            result: registration.result(),
            failure_reason: registration.failure_reason(),
            records_available: registration.records_available(),
        });
    });
    seen
}

/// A file of a hundred chunks, one every 10 ms.
fn slow() -> Resource {
    Resource::pattern(1, 10_000)
        .chunks(100)
        .chunk_delay(Duration::from_millis(10))
}

#[test]
fn progress_is_limited_and_the_last_state_is_delivered() {
    let mut policies = Policies::default();
    policies.timing.progress_interval = Duration::from_millis(200);
    tell_with(&policies, async |site| {
        site.serve("a", slow());
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let seen = watch(&site.world.clock, &registration);
        assert_eq!(site.settled(&registration).await, SUCCESS);
        let seen = seen.borrow();
        // A second of download: an event in each interval, and those of the result.
        assert!((4..=8).contains(&seen.len()), "{} events", seen.len());
        for pair in seen.windows(2) {
            assert!(pair[1].downloaded >= pair[0].downloaded);
            let settled = pair[1].result != Empty;
            assert!(
                settled || pair[1].at - pair[0].at >= Duration::from_millis(200),
                "{pair:?}"
            );
        }
        let last = seen.last().unwrap();
        assert_eq!((last.downloaded, last.result), (10_000, Success));
        assert!(last.records_available, "the event is still to come");
    });
}

#[test]
fn what_the_user_sees_is_limited_from_the_beginning() {
    tell(async |site| {
        site.serve("a", slow());
        let registration = site.fetch("id", &["a"]).await.unwrap();
        assert_eq!(site.settled(&registration).await, SUCCESS);
        let mut shown = site.world.display.history();
        shown.retain(|call| call.shown.as_ref().is_some_and(|state| state.result == Empty));
        assert!((4..=6).contains(&shown.len()), "{shown:?}");
        for pair in shown.windows(2) {
            assert!(pair[1].at - pair[0].at >= Duration::from_millis(200), "{pair:?}");
        }
    });
}

#[test]
fn the_interval_is_the_embedders() {
    let mut policies = Policies::default();
    policies.timing.progress_interval = Duration::ZERO;
    tell_with(&policies, async |site| {
        site.serve("a", slow());
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let seen = watch(&site.world.clock, &registration);
        assert_eq!(site.settled(&registration).await, SUCCESS);
        assert!(
            seen.borrow().len() >= 90,
            "{} events for 100 chunks",
            seen.borrow().len()
        );
    });
}

#[test]
fn the_last_bytes_before_a_stall_are_reported_within_the_interval() {
    tell(async |site| {
        site.serve_hanging("a");
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let seen = watch(&site.world.clock, &registration);
        site.pass(Duration::from_millis(201)).await;
        assert_eq!(registration.downloaded(), 100);
        assert!(seen.borrow().len() <= 1);
        site.pass(Duration::from_secs(1000)).await;
        assert!(seen.borrow().len() <= 1, "nothing changed, nothing is fired");
        registration.abort().await.unwrap();
        site.settled(&registration).await;
    });
}

#[test]
fn a_result_does_not_wait_for_the_interval() {
    let mut policies = Policies::default();
    policies.timing.progress_interval = Duration::from_secs(3600);
    tell_with(&policies, async |site| {
        site.serve("a", slow());
        let registration = site.fetch("id", &["a"]).await.unwrap();
        assert_eq!(site.settled(&registration).await, SUCCESS);
        assert!(site.world.clock.now() < Duration::from_secs(10));
        site.over(&registration).await;
        assert!(
            site.world.clock.now() < Duration::from_secs(10),
            "nor does the end of the event"
        );
    });
}

#[test]
fn the_last_event_has_the_result_and_none_comes_after_it() {
    tell(async |site| {
        let late = Resource::bytes("no")
            .with_status(503)
            .latency(Duration::from_secs(1));
        site.serve("a", late);
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let seen = watch(&site.world.clock, &registration);
        assert_eq!(site.settled(&registration).await, failure(BadStatus));
        let count = seen.borrow().len();
        {
            let seen = seen.borrow();
            let last = seen.last().unwrap();
            assert_eq!((last.result, last.failure_reason), failure(BadStatus));
            assert!(last.records_available);
            assert!(seen[..count - 1].iter().all(|seen| seen.result == Empty));
        }
        site.over(&registration).await;
        site.pass(Duration::from_secs(10)).await;
        assert_eq!(seen.borrow().len(), count, "an unset flag fires nothing");
    });
}

#[test]
fn after_an_abort_one_event_says_so_and_no_more_come() {
    tell(async |site| {
        site.serve("a", slow());
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let seen = watch(&site.world.clock, &registration);
        site.pass(Duration::from_millis(500)).await;
        registration.abort().await.unwrap();
        assert_eq!(site.settled(&registration).await, failure(Aborted));
        site.pass(Duration::from_secs(10)).await;
        let seen = seen.borrow();
        let settled: Vec<_> = seen.iter().filter(|seen| seen.result == Failure).collect();
        assert_eq!(settled.len(), 1);
        assert_eq!(seen.last(), settled.last().copied());
    });
}

#[test]
fn every_realm_of_the_storage_key_is_updated() {
    tell(async |site| {
        site.serve("a", slow());
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let other = site.open_page(&format!("{SITE}other"));
        let manager = other.realm.background_fetch(&site.registration);
        let found = manager.get("id").await.unwrap().unwrap();
        assert_eq!(site.settled(&found).await, SUCCESS);
        assert_eq!(site.settled(&registration).await, SUCCESS);
        assert_eq!(found.downloaded(), registration.downloaded());
        site.over(&found).await;
        other.event_loop.close();
    });
}

#[test]
fn a_realm_of_another_partition_is_not_updated() {
    tell(async |site| {
        site.serve("a", slow());
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let url = Url::parse(SITE).unwrap();
        let partitioned = site.open_realm(Client {
            storage_key: StorageKey::new("https://site.example^https://top.example"),
            ..Client::page(url)
        });
        let queued = || partitioned.event_loop.queued();
        assert_eq!(queued(), 0);
        // Nor can it reach what is another party's.
        let manager = partitioned.realm.background_fetch(&site.registration);
        assert_rejected(
            manager.get("id").await,
            InvalidStateError,
            &["no longer available"],
        );
        assert_eq!(queued(), 1, "the answer");
        assert_eq!(site.settled(&registration).await, SUCCESS);
        site.over(&registration).await;
        assert_eq!(queued(), 1);
        partitioned.event_loop.close();
    });
}

#[test]
fn a_realm_that_blocks_catches_up_with_what_happened() {
    tell(async |site| {
        site.serve("a", slow());
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let seen = watch(&site.world.clock, &registration);
        site.page().event_loop.block();
        site.pass(Duration::from_secs(60)).await;
        assert_eq!(registration.result(), Empty, "attributes change in tasks only");
        assert!(registration.records_available());
        site.page().event_loop.unblock();
        site.over(&registration).await;
        assert_eq!(registration.result(), Success);
        let seen = seen.borrow();
        assert!(
            seen.windows(2)
                .all(|pair| pair[0].downloaded <= pair[1].downloaded)
        );
        assert_eq!(seen.last().unwrap().result, Success);
    });
}

#[test]
fn listeners_run_in_their_order_until_they_are_removed() {
    tell(async |site| {
        site.serve("a", slow());
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let calls = Rc::new(RefCell::new(Vec::new()));
        let note = |name: &'static str| {
            let calls = Rc::clone(&calls);
            move |_: &BackgroundFetchRegistration| calls.borrow_mut().push(name)
        };
        registration.on_progress(note("first"));
        let second = registration.on_progress(note("second"));
        registration.on_progress(note("third"));
        spec_tests::progress(&registration).await;
        assert_eq!(*calls.borrow(), ["first", "second", "third"]);
        registration.remove_listener(second);
        calls.borrow_mut().clear();
        spec_tests::progress(&registration).await;
        assert_eq!(*calls.borrow(), ["first", "third"]);
        registration.abort().await.unwrap();
    });
}

#[test]
fn a_listener_that_another_one_removes_is_not_called() {
    tell(async |site| {
        site.serve("a", slow());
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let name = Rc::new(Cell::new(None));
        let to_remove = Rc::clone(&name);
        registration.on_progress(move |registration| {
            if let Some(name) = to_remove.take() {
                registration.remove_listener(name);
            }
        });
        let called = Rc::new(Cell::new(false));
        let call = Rc::clone(&called);
        name.set(Some(registration.on_progress(move |_| call.set(true))));
        spec_tests::progress(&registration).await;
        assert!(!called.get());
        registration.abort().await.unwrap();
    });
}
