//! `BackgroundFetchEvent` and `BackgroundFetchUpdateUIEvent`.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use background_fetch::BackgroundFetchFailureReason::{Aborted, BadStatus};
use background_fetch::ExceptionName::{InvalidStateError, TypeError};
use background_fetch::api::BackgroundFetchEvent;
use background_fetch::embedder::FunctionalEventName::{self, Abort, Click, Fail, Success};
use background_fetch::embedder::{FunctionalEvent, Policies};
use background_fetch::{BackgroundFetchUIOptions, ImageResource};
use background_fetch_sim::Resource;
use spec_tests::{SUCCESS, Site, assert_rejected, body_of, failure, tell, tell_with};

fn titled(title: &str) -> BackgroundFetchUIOptions {
    BackgroundFetchUIOptions {
        title: Some(title.into()),
        icons: None,
    }
}

/// Counts what runs to its end, so that no story passes because nothing ran.
fn counter() -> (Rc<Cell<usize>>, impl Fn() + Clone) {
    let count = Rc::new(Cell::new(0));
    let counted = Rc::clone(&count);
    (count, move || counted.set(counted.get() + 1))
}

/// The first event, once it was dispatched.
async fn fired(site: &Site) -> FunctionalEvent {
    while site.world.service_workers.fired().is_empty() {
        site.pass(Duration::from_millis(1)).await;
    }
    site.world.service_workers.fired()[0].event.clone()
}

/// Fetches a file that is there, and waits until its event is over.
async fn succeed(site: &Site) {
    site.serve_pattern("a", 10);
    let registration = site.fetch("id", &["a"]).await.unwrap();
    assert_eq!(site.settled(&registration).await, SUCCESS);
    site.over(&registration).await;
    site.pass(Duration::from_secs(1)).await;
}

#[test]
fn each_outcome_has_its_event() {
    tell(async |site| {
        site.serve_pattern("good", 10);
        site.serve("bad", Resource::status(404));
        site.serve_hanging("hanging");
        let seen = Rc::new(RefCell::new(Vec::new()));
        let list = Rc::clone(&seen);
        site.on_event(move |event| {
            let registration = event.registration();
            let outcome = (registration.result(), registration.failure_reason());
            list.borrow_mut()
                .push((event.name(), registration.id().to_string(), outcome));
            std::future::ready(())
        });
        let good = site.fetch("good", &["good"]).await.unwrap();
        site.over(&good).await;
        let bad = site.fetch("bad", &["bad"]).await.unwrap();
        site.over(&bad).await;
        let hanging = site.fetch("hanging", &["hanging"]).await.unwrap();
        hanging.abort().await.unwrap();
        site.over(&hanging).await;
        assert_eq!(
            *seen.borrow(),
            [
                (Success, "good".to_owned(), SUCCESS),
                (Fail, "bad".to_owned(), failure(BadStatus)),
                (Abort, "hanging".to_owned(), failure(Aborted)),
            ]
        );
        let interfaces = FunctionalEventName::ALL
            .iter()
            .map(|name| (*name, name.has_update_ui()));
        assert!(interfaces.eq([(Success, true), (Fail, true), (Abort, false), (Click, false)]));
    });
}

#[test]
fn the_event_is_trusted_active_and_has_available_records() {
    tell(async |site| {
        let (ran, done) = counter();
        site.on_event(move |event| {
            let done = done.clone();
            async move {
                assert!(event.is_trusted() && event.is_active());
                assert!(event.registration().records_available());
                let records = event
                    .registration()
                    .match_all(None, Default::default())
                    .await
                    .unwrap();
                assert_eq!(body_of(&records[0]).await.unwrap().len(), 10);
                done();
            }
        });
        succeed(site).await;
        assert_eq!(ran.get(), 1);
    });
}

#[test]
fn the_registration_belongs_to_the_worker_and_is_not_active_any_more() {
    tell(async |site| {
        let (ran, done) = counter();
        let engine = site.engine();
        site.on_event(move |event| {
            let (done, engine) = (done.clone(), engine.clone());
            async move {
                assert_eq!(event.registration().abort().await, Ok(false));
                assert_eq!(engine.inspect().len(), 1);
                done();
            }
        });
        succeed(site).await;
        assert_eq!(ran.get(), 1);
    });
}

#[test]
fn update_ui_changes_title_and_icons_of_what_is_shown() {
    tell(async |site| {
        let (ran, done) = counter();
        let icon = ImageResource {
            src: "done.png".to_owned(),
            ..ImageResource::default()
        };
        let icons = vec![icon];
        let given = icons.clone();
        site.on_event(move |event| {
            let (done, icons) = (done.clone(), given.clone());
            async move {
                let options = BackgroundFetchUIOptions {
                    icons: Some(icons),
                    title: Some("done".into()),
                };
                event.update_ui(options).await.unwrap();
                done();
            }
        });
        site.serve_pattern("a", 10);
        let options = titled("loading").into();
        let registration = site.manager().fetch("id", ["a"], options).await.unwrap();
        let shown = || site.world.display.latest(registration.key()).unwrap();
        site.over(&registration).await;
        site.pass(Duration::from_secs(1)).await;
        assert_eq!(ran.get(), 1);
        assert_eq!(site.world.display.states(registration.key())[0].title, "loading");
        assert_eq!((shown().title, shown().icons), ("done".into(), icons));
    });
}

#[test]
fn update_ui_leaves_what_is_not_given() {
    tell(async |site| {
        site.on_event(async |event| event.update_ui(Default::default()).await.unwrap());
        site.serve_pattern("a", 10);
        let registration = site
            .manager()
            .fetch("id", ["a"], titled("title").into())
            .await
            .unwrap();
        site.over(&registration).await;
        site.pass(Duration::from_secs(1)).await;
        assert_eq!(
            site.world.display.latest(registration.key()).unwrap().title,
            "title"
        );
    });
}

#[test]
fn a_second_update_ui_rejects_at_once() {
    tell(async |site| {
        let (ran, done) = counter();
        site.on_event(move |event| {
            let done = done.clone();
            async move {
                let first = event.update_ui(titled("first"));
                let second = event.update_ui(titled("second"));
                assert_rejected(second.await, InvalidStateError, &["once"]);
                first.await.unwrap();
                let third = event.update_ui(Default::default()).await;
                assert_rejected(third, InvalidStateError, &["once"]);
                done();
            }
        });
        succeed(site).await;
        assert_eq!(ran.get(), 1);
        let found = &site.engine().inspect()[0];
        assert_eq!(found.title, "first");
    });
}

#[test]
fn update_ui_works_in_the_fail_event_and_not_in_the_abort_and_click_events() {
    tell(async |site| {
        let (ran, done) = counter();
        site.on_event(move |event| {
            let done = done.clone();
            async move {
                let updated = event.update_ui(titled("updated")).await;
                match event.name() {
                    Success | Fail => updated.unwrap(),
                    Abort | Click => assert_rejected(updated, InvalidStateError, &["no user interface"]),
                }
                done();
            }
        });
        site.serve_hanging("hanging");
        let failing = site.fetch("failing", &["nowhere"]).await.unwrap();
        let hanging = site.fetch("hanging", &["hanging"]).await.unwrap();
        site.over(&failing).await;
        site.engine().click(hanging.key());
        site.pass(Duration::from_secs(1)).await;
        hanging.abort().await.unwrap();
        site.over(&hanging).await;
        assert_eq!(ran.get(), 3);
    });
}

#[test]
fn update_ui_of_an_event_that_a_script_made_rejects() {
    tell(async |site| {
        site.serve_pattern("a", 10);
        site.world.service_workers.hold();
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.settled(&registration).await;
        let event = BackgroundFetchEvent::new(Success, registration.clone());
        assert!(!event.is_trusted() && !event.is_active());
        assert!(*event.registration() == registration);
        assert_rejected(
            event.update_ui(titled("x")).await,
            InvalidStateError,
            &["not trusted"],
        );
        assert!(event.extend().is_err());
        site.world.service_workers.release();
    });
}

#[test]
fn update_ui_after_the_event_rejects() {
    tell(async |site| {
        let kept = Rc::new(RefCell::new(None));
        let keep = Rc::clone(&kept);
        site.on_event(move |event| {
            *keep.borrow_mut() = Some(event);
            std::future::ready(())
        });
        succeed(site).await;
        let event = kept.borrow_mut().take().unwrap();
        assert!(!event.is_active());
        let late = event.update_ui(titled("late")).await;
        assert_rejected(late, InvalidStateError, &["no longer active"]);
        let extended = event.extend().map(drop);
        assert_rejected(extended, InvalidStateError, &["no longer active"]);
    });
}

#[test]
fn update_ui_called_last_takes_effect_although_nobody_waits_for_it() {
    tell(async |site| {
        let kept = Rc::new(RefCell::new(None));
        let keep = Rc::clone(&kept);
        site.on_event(move |event| {
            *keep.borrow_mut() = Some(event.update_ui(titled("last")));
            std::future::ready(())
        });
        succeed(site).await;
        let promise = kept.borrow_mut().take().unwrap();
        promise.await.unwrap();
        assert_eq!(site.engine().inspect()[0].title, "last");
        assert_eq!(site.world.display.on_screen()[0].title, "last");
    });
}

#[test]
fn update_ui_keeps_the_limits() {
    let mut policies = Policies::default();
    (policies.limits.text_length, policies.limits.icons) = (5, 1);
    tell_with(&policies, async |site| {
        let (ran, done) = counter();
        site.on_event(move |event| {
            let done = done.clone();
            async move {
                let refused = match event.registration().id() == "id" {
                    true => titled("123456"),
                    false => BackgroundFetchUIOptions {
                        icons: Some(vec![ImageResource::default(); 2]),
                        title: None,
                    },
                };
                assert_rejected(event.update_ui(refused).await, TypeError, &["at most"]);
                done();
            }
        });
        succeed(site).await;
        let registration = site.fetch("icons", &["a"]).await.unwrap();
        site.over(&registration).await;
        assert_eq!(ran.get(), 2);
    });
}

#[test]
fn the_event_is_active_while_something_extends_it() {
    tell(async |site| {
        site.serve_pattern("a", 10);
        let worker = site.open_page("https://site.example/worker.js");
        site.world.service_workers.hold();
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.settled(&registration).await;
        let fired = fired(site).await;
        let event = worker.realm.create_event(&fired).await.unwrap();
        let first = event.extend().unwrap();
        event.end_dispatch();
        let second = event.extend().expect("it is extended by another promise");
        drop(first);
        let mut ended = Box::pin(event.ended());
        assert!(futures::poll!(&mut ended).is_pending() && event.is_active());
        drop(second);
        ended.await;
        assert!(!event.is_active());
        site.world.service_workers.release();
        worker.event_loop.close();
    });
}

#[test]
fn an_event_that_takes_too_long_is_not_active() {
    tell(async |site| {
        site.serve_pattern("a", 10);
        let worker = site.open_page("https://site.example/worker.js");
        site.world.service_workers.hold();
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.settled(&registration).await;
        let fired = fired(site).await;
        let event = worker.realm.create_event(&fired).await.unwrap();
        let lifetime = event.extend().unwrap();
        event.time_out();
        event.ended().await;
        assert_rejected(
            event.update_ui(titled("x")).await,
            InvalidStateError,
            &["no longer active"],
        );
        drop(lifetime);
        site.world.service_workers.release();
        worker.event_loop.close();
    });
}

#[test]
fn the_event_of_a_fetch_that_is_gone_cannot_be_made() {
    tell(async |site| {
        site.serve_hanging("a");
        let worker = site.open_page("https://site.example/worker.js");
        let registration = site.fetch("id", &["a"]).await.unwrap();
        registration.abort().await.unwrap();
        site.over(&registration).await;
        let fired = site.world.service_workers.fired()[0].event.clone();
        site.engine()
            .clear_registration(&site.registration)
            .await
            .unwrap();
        let refused = worker.realm.create_event(&fired).await.map(drop);
        assert_rejected(refused, InvalidStateError, &["no longer available"]);
        worker.event_loop.close();
    });
}
