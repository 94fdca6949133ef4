//! Fire a background fetch click event.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use background_fetch::FetchKey;
use background_fetch::embedder::FunctionalEventName::{Click, Success};
use background_fetch::inspect::EventKind;
use spec_tests::{SUCCESS, tell};

#[test]
fn a_click_fires_the_event_with_the_registration() {
    tell(async |site| {
        site.serve_hanging("a");
        let seen = Rc::new(RefCell::new(Vec::new()));
        let list = Rc::clone(&seen);
        site.on_event(move |event| {
            let id = event.registration().id().to_string();
            list.borrow_mut().push((event.name(), id, event.is_trusted()));
            std::future::ready(())
        });
        let registration = site.fetch("id", &["a"]).await.unwrap();
        assert!(site.engine().click(registration.key()));
        site.pass(Duration::from_secs(1)).await;
        assert_eq!(*seen.borrow(), [(Click, "id".to_owned(), true)]);
        registration.abort().await.unwrap();
    });
}

#[test]
fn a_click_changes_nothing_of_the_fetch() {
    tell(async |site| {
        site.serve_pattern("a", 10);
        site.world.network.hold("https://site.example/a");
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.engine().click(registration.key());
        site.pass(Duration::from_secs(1)).await;
        assert!(registration.records_available());
        assert_eq!(
            site.manager().get("id").await.unwrap(),
            Some(registration.clone())
        );
        site.world.network.release("https://site.example/a");
        assert_eq!(site.settled(&registration).await, SUCCESS);
        site.over(&registration).await;
        assert_eq!(site.world.service_workers.names(), [Click, Success]);
    });
}

#[test]
fn each_click_is_an_event() {
    tell(async |site| {
        site.serve_hanging("a");
        site.world.service_workers.hold();
        let registration = site.fetch("id", &["a"]).await.unwrap();
        for _ in 0..3 {
            assert!(site.engine().click(registration.key()));
        }
        site.world.stalled().await;
        assert_eq!(
            site.world.service_workers.names(),
            [Click; 3],
            "none waits for another"
        );
        site.world.service_workers.release();
        registration.abort().await.unwrap();
    });
}

#[test]
fn a_worker_that_does_not_start_misses_the_click() {
    tell(async |site| {
        site.serve_hanging("a");
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.world.service_workers.fail_to_start(1);
        site.engine().click(registration.key());
        site.pass(Duration::from_secs(3600)).await;
        assert_eq!(site.world.service_workers.names(), []);
        let failed = |kind: &EventKind| matches!(kind, EventKind::EventFailed { name: Click, .. });
        assert_eq!(site.events().iter().filter(|kind| failed(kind)).count(), 1);
        registration.abort().await.unwrap();
    });
}

#[test]
fn a_click_on_what_is_not_there_does_nothing() {
    tell(async |site| {
        assert!(!site.engine().click(FetchKey(7)));
        site.world.stalled().await;
        assert_eq!(site.world.service_workers.names(), []);
    });
}
