//! Get a BackgroundFetchRegistration instance.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use background_fetch::api::BackgroundFetchRegistration;
use background_fetch::embedder::FunctionalEventName;
use spec_tests::{SITE, SUCCESS, Site, tell};

/// Keeps the registration of each event that a worker gets.
fn keep_registrations(site: &Site) -> Rc<RefCell<Vec<BackgroundFetchRegistration>>> {
    let kept = Rc::new(RefCell::new(Vec::new()));
    let keep = Rc::clone(&kept);
    site.on_event(move |event| {
        keep.borrow_mut().push(event.registration().clone());
        std::future::ready(())
    });
    kept
}

#[test]
fn fetch_and_every_get_give_one_object() {
    tell(async |site| {
        site.serve_hanging("a");
        let manager = site.manager();
        let early = manager.fetch("id", ["a"], Default::default());
        let found = manager.get("id");
        let registration = early.await.unwrap();
        assert_eq!(found.await.unwrap(), Some(registration.clone()));
        assert_eq!(manager.get("id").await.unwrap(), Some(registration.clone()));
        registration.abort().await.unwrap();
    });
}

#[test]
fn an_object_that_nobody_held_looks_the_same_when_it_is_got_again() {
    tell(async |site| {
        site.serve_hanging("a");
        let first = site.fetch("id", &["a"]).await.unwrap();
        // A listener stays with the object, as what a script adds to it does.
        let heard = Rc::new(RefCell::new(0));
        let count = Rc::clone(&heard);
        first.on_progress(move |_| *count.borrow_mut() += 1);
        drop(first);
        let again = site.manager().get("id").await.unwrap().unwrap();
        again.abort().await.unwrap();
        site.settled(&again).await;
        assert!(*heard.borrow() > 0);
    });
}

#[test]
fn each_realm_has_an_object_of_its_own() {
    tell(async |site| {
        site.serve_hanging("a");
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let other = site.open_page(&format!("{SITE}other"));
        let manager = other.realm.background_fetch(&site.registration);
        let found = manager.get("id").await.unwrap().unwrap();
        assert_ne!(found, registration);
        assert_eq!(found.key(), registration.key());
        registration.abort().await.unwrap();
        other.event_loop.close();
    });
}

#[test]
fn another_fetch_of_the_id_is_another_object() {
    tell(async |site| {
        site.serve_hanging("a");
        let first = site.fetch("id", &["a"]).await.unwrap();
        first.abort().await.unwrap();
        let second = site.fetch("id", &["a"]).await.unwrap();
        assert_ne!(first, second);
        second.abort().await.unwrap();
    });
}

#[test]
fn the_events_of_a_fetch_have_one_object_in_their_worker() {
    tell(async |site| {
        site.serve_pattern("a", 10);
        site.world.network.hold("https://site.example/a");
        let kept = keep_registrations(site);
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.engine().click(registration.key());
        while kept.borrow().is_empty() {
            site.pass(Duration::from_millis(1)).await;
        }
        site.world.network.release("https://site.example/a");
        assert_eq!(site.settled(&registration).await, SUCCESS);
        site.over(&registration).await;
        site.pass(Duration::from_secs(1)).await;
        // A finished one can still be clicked, while the script still holds its object.
        site.engine().click(registration.key());
        while kept.borrow().len() < 3 {
            site.pass(Duration::from_millis(1)).await;
        }
        use FunctionalEventName::{Click, Success};
        assert_eq!(site.world.service_workers.names(), [Click, Success, Click]);
        let kept = kept.borrow();
        assert_eq!(kept[0], kept[1]);
        assert_eq!(kept[1], kept[2]);
        assert!(!kept[2].records_available());
        assert_eq!((kept[2].result(), kept[2].failure_reason()), SUCCESS);
    });
}

#[test]
fn a_new_object_has_the_state_of_now_and_misses_no_progress() {
    tell(async |site| {
        site.serve_hanging("a");
        let first = site.fetch("id", &["a"]).await.unwrap();
        while first.downloaded() < 100 {
            spec_tests::progress(&first).await;
        }
        let other = site.open_page(SITE);
        let manager = other.realm.background_fetch(&site.registration);
        let found = manager.get("id").await.unwrap().unwrap();
        assert_eq!(found.downloaded(), 100);
        first.abort().await.unwrap();
        site.settled(&first).await;
        site.settled(&found).await;
        assert_eq!(found.result(), first.result());
        other.event_loop.close();
    });
}
