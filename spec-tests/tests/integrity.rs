//! Integrity metadata: Fetch hands a response over once its body matches (errata 37).

use background_fetch::api::{BackgroundFetchRecord, BackgroundFetchRegistration};
use background_fetch::embedder::NetworkError;
use background_fetch::fetch::Request;
use background_fetch::{
    BackgroundFetchFailureReason, BackgroundFetchOptions, BackgroundFetchResult, ExceptionName,
};
use background_fetch_sim::{Resource, pattern};
use spec_tests::{Site, body_of, get, tell};

const A: &str = "https://site.example/a";

/// A request whose digest the scripted network takes on trust.
fn checked(url: &str) -> Request {
    Request {
        integrity: "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=".to_owned(),
        ..get(url)
    }
}

async fn fetch(site: &Site) -> BackgroundFetchRegistration {
    let options = BackgroundFetchOptions::default();
    site.manager().fetch("id", [checked(A)], options).await.unwrap()
}

async fn record(registration: &BackgroundFetchRegistration) -> BackgroundFetchRecord {
    let found = registration.r#match(get(A), Default::default()).await.unwrap();
    found.expect("the record is there")
}

#[test]
fn nothing_is_handed_out_before_all_of_it_is_checked() {
    tell(async |site| {
        site.world
            .network
            .serve(A, Resource::pattern(1, 1000).chunks(100).hold_at(300));
        site.on_event(async |event| {
            let records = event.registration().match_all(None, Default::default()).await;
            assert_eq!(body_of(&records.unwrap()[0]).await.unwrap(), pattern(1, 0, 1000));
        });
        let registration = fetch(site).await;
        let record = record(&registration).await;
        let mut ready = record.response_ready();
        site.world.network.until_held(A).await;
        assert!(
            futures::poll!(&mut ready).is_pending(),
            "a part is not handed out"
        );
        site.world.network.release(A);
        let body = ready.await.unwrap().take_body().unwrap();
        assert_eq!(body.bytes().await.unwrap(), pattern(1, 0, 1000));
        assert_eq!(
            site.settled(&registration).await.0,
            BackgroundFetchResult::Success
        );
    });
}

#[test]
fn a_wrong_digest_fails_the_record_and_hands_nothing_out() {
    tell(async |site| {
        let mismatch = NetworkError::fatal("its body does not match the integrity metadata");
        site.world.network.serve(
            A,
            Resource::pattern(1, 1000)
                .chunks(100)
                .hold_at(300)
                .break_after(1000, mismatch),
        );
        let registration = fetch(site).await;
        let record = record(&registration).await;
        let mut ready = record.response_ready();
        site.world.network.until_held(A).await;
        assert!(futures::poll!(&mut ready).is_pending());
        site.world.network.release(A);
        let refused = ready.await.unwrap_err();
        assert_eq!(refused.name, ExceptionName::TypeError);
        assert!(
            refused.message.contains("does not match the integrity metadata"),
            "{refused}"
        );
        assert_eq!(
            site.settled(&registration).await,
            (
                BackgroundFetchResult::Failure,
                BackgroundFetchFailureReason::FetchError
            )
        );
        assert_eq!(site.world.network.log_of(A).len(), 1, "it is not tried again");
    });
}

#[test]
fn a_record_with_integrity_metadata_starts_again_where_another_resumes() {
    tell(async |site| {
        let dropping = || Resource::pattern(1, 1000).etag("v1").chunks(100).drop_after(500);
        site.world.network.serve(A, dropping());
        site.world.network.serve("https://site.example/b", dropping());
        let requests = [checked(A), get("https://site.example/b")];
        let registration = site
            .manager()
            .fetch("id", requests, BackgroundFetchOptions::default())
            .await
            .unwrap();
        assert_eq!(
            site.settled(&registration).await.0,
            BackgroundFetchResult::Success
        );
        assert_eq!(registration.downloaded(), 2000);
        let starts = |url| {
            let log = site.world.network.log_of(url);
            log.iter()
                .map(|request| request.range.as_ref().map_or(0, |range| range.start))
                .collect::<Vec<_>>()
        };
        assert_eq!(starts(A), [0, 0]);
        assert_eq!(starts("https://site.example/b"), [0, 500]);
    });
}

#[test]
fn what_was_stored_before_a_crash_is_fetched_and_checked_anew() {
    tell(async |site| {
        let resource = || Resource::pattern(1, 1000).etag("v1").chunks(100);
        site.world.network.serve(A, resource().hold_at(300));
        fetch(site).await;
        site.world.network.until_held(A).await;
        site.crash();
        site.world.network.serve(A, resource());
        site.world.network.hold(A);
        site.open().await;
        let registration = site.manager().get("id").await.unwrap().expect("it goes on");
        site.world.network.release_all(A);
        assert_eq!(
            site.settled(&registration).await.0,
            BackgroundFetchResult::Success
        );
        let log = site.world.network.log_of(A);
        assert!(log.iter().all(|request| request.range.is_none()), "{log:?}");
        assert_eq!(registration.downloaded(), 1000);
    });
}
