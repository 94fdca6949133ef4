//! `BackgroundFetchRecord`: its request, its response promise, and how long it keeps the bytes.

use std::time::Duration;

use background_fetch::ExceptionName::InvalidStateError;
use background_fetch::api::{BackgroundFetchRecord, BackgroundFetchRegistration, RequestObject};
use background_fetch::fetch::{CacheMode, CredentialsMode, RedirectMode, Request, RequestBody, RequestMode};
use background_fetch_sim::pattern;
use bytes::Bytes;
use futures::StreamExt;
use http::{HeaderValue, Method};
use spec_tests::{SITE, SUCCESS, Site, assert_rejected, body_of, get, post, tell};

async fn only_record(registration: &BackgroundFetchRegistration) -> BackgroundFetchRecord {
    let mut records = registration.match_all(None, Default::default()).await.unwrap();
    assert_eq!(records.len(), 1);
    records.remove(0)
}

/// A background fetch of 1000 bytes that is complete; its event goes on.
async fn complete(site: &Site) -> BackgroundFetchRegistration {
    site.serve_pattern("a", 1000);
    site.world.service_workers.hold();
    let registration = site.fetch("id", &["a"]).await.unwrap();
    assert_eq!(site.settled(&registration).await, SUCCESS);
    registration
}

/// Lets the event end, and whatever comes after it.
async fn end_event(site: &Site, registration: &BackgroundFetchRegistration) {
    site.world.service_workers.release();
    site.over(registration).await;
    site.pass(Duration::from_secs(1)).await;
}

async fn stored(site: &Site) -> usize {
    let stored = background_fetch::embedder::Storage::load(&site.storage).await;
    stored.unwrap().len()
}

#[test]
fn the_request_is_what_was_asked_for() {
    tell(async |site| {
        site.world.service_workers.hold();
        let mut asked = Request {
            method: "REPORT".parse().unwrap(),
            mode: RequestMode::SameOrigin,
            credentials: CredentialsMode::Include,
            cache: CacheMode::NoStore,
            redirect: RedirectMode::Error,
            integrity: "sha256-abc".to_owned(),
            keepalive: true,
            ..get("https://site.example/a?q#fragment")
        };
        asked.headers.append("x-author", HeaderValue::from_static("one"));
        asked
            .headers
            .append("x-author", HeaderValue::from_bytes(b"tw\xF6").unwrap());
        let registration = site
            .manager()
            .fetch("id", [asked.clone()], Default::default())
            .await;
        let registration = registration.unwrap();
        let record = only_record(&registration).await;
        assert_eq!(*record.request().request(), asked);
        assert!(record.request().body().is_none());
        drop(record);
        site.world.service_workers.release();
    });
}

#[test]
fn the_body_of_the_request_can_be_read_whatever_it_was_made_of() {
    tell(async |site| {
        site.serve_pattern("a", 10);
        site.world.service_workers.hold();
        let chunks = [b"in ".as_slice(), b"", b"chunks"].map(|chunk| Ok(Bytes::copy_from_slice(chunk)));
        let bodies: [(RequestBody, &[u8]); 6] = [
            ("text".into(), b"text"),
            (vec![0, 255, 0].into(), b"\0\xFF\0"),
            (Bytes::new().into(), b""),
            (pattern(3, 0, 300_000).into(), &pattern(3, 0, 300_000)),
            (
                RequestBody::Stream(futures::stream::iter(chunks).boxed()),
                b"in chunks",
            ),
            (RequestBody::Stream(futures::stream::empty().boxed()), b""),
        ];
        let (bodies, expected): (Vec<_>, Vec<_>) = bodies.into_iter().unzip();
        let requests: Vec<_> = bodies
            .into_iter()
            .map(|body| RequestObject {
                body: Some(body),
                ..RequestObject::new(post("https://site.example/a"))
            })
            .collect();
        let registration = site
            .manager()
            .fetch("id", requests, Default::default())
            .await
            .unwrap();
        assert_eq!(site.settled(&registration).await, SUCCESS);
        let records = registration.match_all(None, Default::default()).await.unwrap();
        for (record, expected) in records.iter().zip(expected) {
            assert_eq!(
                record.request().request().body_length,
                Some(expected.len() as u64)
            );
            for _ in 0..2 {
                let body = record.request().body().expect("also an empty body is one");
                assert_eq!(body.bytes().await.unwrap(), expected, "each time from the start");
            }
        }
        drop(records);
        site.world.service_workers.release();
    });
}

#[test]
fn response_ready_is_one_promise() {
    tell(async |site| {
        let registration = complete(site).await;
        let record = only_record(&registration).await;
        let first = record.response_ready().await.unwrap();
        let second = record.response_ready().await.unwrap();
        assert!(first.take_body().is_some());
        assert!(
            second.take_body().is_none(),
            "its response is one object, whose body is taken once"
        );
        let other = only_record(&registration).await;
        assert_eq!(
            body_of(&other).await.unwrap(),
            pattern(1, 0, 1000),
            "another object has its own"
        );
        drop((record, other, first, second));
        end_event(site, &registration).await;
    });
}

#[test]
fn a_record_that_is_held_keeps_its_bytes_after_the_event() {
    tell(async |site| {
        let registration = complete(site).await;
        let record = only_record(&registration).await;
        end_event(site, &registration).await;
        assert!(!registration.records_available());
        assert_eq!((stored(site).await, site.usage().await), (1, 1000));
        assert_eq!(body_of(&record).await.unwrap(), pattern(1, 0, 1000));
        drop(record);
        site.world.stalled().await;
        assert_eq!((stored(site).await, site.usage().await), (0, 0));
    });
}

#[test]
fn a_body_that_is_held_keeps_its_bytes_without_its_record() {
    tell(async |site| {
        let registration = complete(site).await;
        let record = only_record(&registration).await;
        let body = record.response_ready().await.unwrap().take_body().unwrap();
        drop(record);
        end_event(site, &registration).await;
        assert_eq!(body.bytes().await.unwrap(), pattern(1, 0, 1000));
        site.world.stalled().await;
        assert_eq!(site.usage().await, 0);
    });
}

#[test]
fn a_request_that_is_held_keeps_its_body_too() {
    tell(async |site| {
        site.serve_pattern("a", 10);
        site.world.service_workers.hold();
        let upload = RequestObject::with_body(post("https://site.example/a"), "body");
        let registration = site
            .manager()
            .fetch("id", [upload], Default::default())
            .await
            .unwrap();
        site.settled(&registration).await;
        let request = only_record(&registration).await.request();
        end_event(site, &registration).await;
        assert_eq!(request.body().unwrap().bytes().await.unwrap(), b"body");
        drop(request);
        site.world.stalled().await;
        assert_eq!(site.usage().await, 0);
    });
}

#[test]
fn every_record_has_to_go_before_the_bytes_do() {
    tell(async |site| {
        let registration = complete(site).await;
        let other = site.open_page(SITE);
        let there = other.realm.background_fetch(&site.registration);
        let [first, second] = [only_record(&registration).await, only_record(&registration).await];
        assert!(there.get("id").await.unwrap().is_none());
        end_event(site, &registration).await;
        drop(first);
        site.world.stalled().await;
        assert_eq!(site.usage().await, 1000);
        drop(second);
        site.world.stalled().await;
        assert_eq!(site.usage().await, 0);
        other.event_loop.close();
    });
}

#[test]
fn records_of_a_realm_that_is_gone_are_released() {
    tell(async |site| {
        site.serve_pattern("a", 1000);
        site.world.network.hold("https://site.example/a");
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let other = site.open_page(SITE);
        let there = other.realm.background_fetch(&site.registration);
        let found = there.get("id").await.unwrap().unwrap();
        let records = found.match_all(None, Default::default()).await.unwrap();
        site.world.network.release("https://site.example/a");
        site.over(&registration).await;
        site.pass(Duration::from_secs(1)).await;
        assert_eq!(site.usage().await, 1000, "the other page may still read them");
        // Its tab is closed: nothing of the realm runs any more.
        other.event_loop.close();
        drop((other, records));
        site.pass(Duration::from_secs(1)).await;
        assert_eq!(site.usage().await, 0);
    });
}

#[test]
fn records_that_nobody_waited_for_are_released() {
    tell(async |site| {
        let registration = complete(site).await;
        drop(registration.match_all(None, Default::default()));
        let unpolled = registration.match_all(None, Default::default());
        end_event(site, &registration).await;
        drop(unpolled);
        site.world.stalled().await;
        assert_eq!((stored(site).await, site.usage().await), (0, 0));
    });
}

#[test]
fn records_that_are_held_do_not_keep_the_event_or_the_id() {
    tell(async |site| {
        let registration = complete(site).await;
        let record = only_record(&registration).await;
        end_event(site, &registration).await;
        let again = site.fetch("id", &["a"]).await.unwrap();
        assert_eq!(site.settled(&again).await, SUCCESS);
        site.over(&again).await;
        assert_eq!(site.world.service_workers.fired().len(), 2);
        drop(record);
    });
}

#[test]
fn after_a_crash_held_records_are_gone() {
    tell(async |site| {
        let registration = complete(site).await;
        let record = only_record(&registration).await;
        end_event(site, &registration).await;
        assert_eq!(site.usage().await, 1000);
        site.crash_and_restart().await;
        site.pass(Duration::from_secs(1)).await;
        assert_eq!((stored(site).await, site.usage().await), (0, 0));
        drop(record);
    });
}

#[test]
fn a_cleared_registration_takes_the_bytes_of_held_records() {
    tell(async |site| {
        let registration = complete(site).await;
        let record = only_record(&registration).await;
        let unread = record.response_ready().await.unwrap();
        site.engine()
            .clear_registration(&site.registration)
            .await
            .unwrap();
        assert_eq!(site.usage().await, 0);
        let refused = unread.take_body().unwrap().bytes().await;
        assert_rejected(refused, InvalidStateError, &["no longer available"]);
        site.world.service_workers.release();
    });
}

#[test]
fn a_put_is_kept_with_its_method() {
    tell(async |site| {
        site.serve_hanging("a");
        let put = RequestObject::with_body(
            Request {
                method: Method::PUT,
                ..get("https://site.example/a")
            },
            "body",
        );
        let registration = site
            .manager()
            .fetch("id", [put], Default::default())
            .await
            .unwrap();
        let record = only_record(&registration).await;
        assert_eq!(record.request().request().method, Method::PUT);
        drop(record);
        registration.abort().await.unwrap();
    });
}
