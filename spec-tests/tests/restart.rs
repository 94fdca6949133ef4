//! What a crash, a shutdown and a restart leave: nothing is lost, nothing is done twice that may be done once.

use background_fetch::embedder::{
    BodyKey, FetchState, FunctionalEventName, MeteredPolicy, NetworkError, PermissionState, Policies,
    Storage, StorageErrorKind,
};
use background_fetch::{
    BackgroundFetchFailureReason, BackgroundFetchOptions, BackgroundFetchResult, DomString, ExceptionName,
    FetchKey, RecordKey,
};
use background_fetch_sim::{Ending, Resource, StorageOperation, pattern, yield_now};
use spec_tests::{Delivery, ReadingWorker, SUCCESS, Site, failure, tell, tell_with};
use std::time::Duration;

const ABORTED: BackgroundFetchFailureReason = BackgroundFetchFailureReason::Aborted;
const BAD_STATUS: BackgroundFetchFailureReason = BackgroundFetchFailureReason::BadStatus;
const FETCH_ERROR: BackgroundFetchFailureReason = BackgroundFetchFailureReason::FetchError;

/// Opens the engine on what is stored, with a worker that is there before anything happens.
async fn restart(site: &Site) -> ReadingWorker {
    site.open_dormant().await;
    let worker = site.reading_worker();
    site.engine().start();
    worker
}

/// Waits until everything is over; gives the only event that the worker got.
async fn only_delivery(site: &Site, worker: &ReadingWorker) -> Delivery {
    site.all_over().await;
    let deliveries = worker.deliveries();
    assert_eq!(deliveries.len(), 1, "{:?}", site.world.service_workers.names());
    deliveries.into_iter().next().unwrap()
}

#[test]
fn a_crash_at_any_moment_loses_nothing() {
    for moment in 0..40 {
        tell(async |site| {
            site.serve("a", Resource::pattern(1, 1000).etag("v1").chunks(90));
            site.serve("b", Resource::pattern(2, 300).chunks(100));
            site.serve("c", Resource::bytes(""));
            let fetched = site.fetch("id", &["a", "b", "c"]);
            let accepted = {
                let lives_for = async {
                    for _ in 0..moment * 4 {
                        yield_now().await;
                    }
                };
                futures::pin_mut!(fetched, lives_for);
                let first = futures::future::select(fetched, lives_for).await;
                if let futures::future::Either::Left((fetched, lives_for)) = first {
                    fetched.unwrap();
                    lives_for.await;
                    true
                } else {
                    false
                }
            };
            site.crash();
            let stored = site.storage.load().await.unwrap();
            let delivered = site.world.service_workers.names().len();
            let worker = restart(site).await;
            site.all_over().await;
            // What was accepted ends; what was not may have been stored or not.
            assert!(
                !accepted || delivered > 0 || !stored.is_empty(),
                "it was accepted and is gone"
            );
            let deliveries = worker.deliveries();
            assert_eq!(
                deliveries.len(),
                stored
                    .iter()
                    .filter(|fetch| fetch.state != FetchState::Delivered)
                    .count()
            );
            for delivery in deliveries {
                assert_eq!((delivery.outcome, delivery.downloaded), (SUCCESS, 1300));
                let bodies = [pattern(1, 0, 1000), pattern(2, 0, 300), "".into()];
                assert_eq!(delivery.bodies, bodies.map(|body| Ok(body.to_vec())));
            }
            let usage = site
                .storage
                .estimate(&site.registration.storage_key)
                .await
                .unwrap()
                .usage;
            assert_eq!(usage, 0, "nothing is left behind");
        });
    }
}

#[test]
fn many_crashes_in_a_row_go_on_from_the_stored_bytes() {
    tell(async |site| {
        let slow = Resource::pattern(1, 1000).etag("v1").chunks(50);
        site.serve("a", slow.chunk_delay(Duration::from_secs(1)));
        site.fetch("id", &["a"]).await.unwrap();
        let mut worker = ReadingWorker::default();
        for _ in 0..5 {
            site.sleep(Duration::from_millis(3500)).await;
            site.crash();
            worker = restart(site).await;
        }
        let delivery = only_delivery(site, &worker).await;
        assert_eq!(delivery.bodies, [Ok(pattern(1, 0, 1000).to_vec())]);
        let requests = site.requests("a");
        assert_eq!(site.starts("a"), [0, 150, 300, 450, 600, 750]);
        assert_eq!(
            requests.iter().map(|request| request.sent).sum::<u64>(),
            1000,
            "no byte twice"
        );
    });
}

#[test]
fn after_a_crash_a_changed_resource_starts_again() {
    tell(async |site| {
        let old = Resource::pattern(1, 1000).etag("v1").hold_at(400);
        site.serve("a", old.after_requests(1, Resource::pattern(2, 800).etag("v2")));
        site.fetch("id", &["a"]).await.unwrap();
        site.until_held("a").await;
        site.crash();
        let worker = restart(site).await;
        let delivery = only_delivery(site, &worker).await;
        assert_eq!(delivery.bodies, [Ok(pattern(2, 0, 800).to_vec())]);
        assert_eq!(delivery.downloaded, 800);
    });
}

#[test]
fn a_shutdown_is_a_crash_with_manners() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 1000).etag("v1").hold_at(400));
        site.fetch("id", &["a"]).await.unwrap();
        site.until_held("a").await;
        site.close().await;
        assert_eq!(site.world.executor.live_spawned_tasks(), 0);
        assert_eq!(site.requests("a")[0].ending, Some(Ending::Terminated));
        assert_eq!(site.world.storage.calls(StorageOperation::Flush), 1);
        site.release("a");
        let worker = restart(site).await;
        let delivery = only_delivery(site, &worker).await;
        assert_eq!(delivery.bodies, [Ok(pattern(1, 0, 1000).to_vec())]);
        assert_eq!(site.starts("a"), [0, 400]);
    });
}

#[test]
fn settled_records_are_not_fetched_again_and_the_first_failure_stays_the_reason() {
    tell(async |site| {
        site.serve("missing", Resource::bytes("sorry").with_status(404));
        site.serve("good", Resource::pattern(1, 10));
        site.serve("late", Resource::pattern(2, 1000).etag("v1").hold_at(100));
        let registration = site.fetch("id", &["missing", "good", "late"]).await.unwrap();
        site.until_held("late").await;
        site.until(|| registration.downloaded() == 115).await;
        let settled = |site: &Site| site.world.storage.calls(StorageOperation::SettleRecord);
        site.until(|| settled(site) == 2).await;
        site.crash();
        let garbage = NetworkError::fatal("garbage");
        site.serve("late", Resource::bytes("").fails(garbage));
        let worker = restart(site).await;
        let delivery = only_delivery(site, &worker).await;
        assert_eq!(
            delivery.outcome,
            failure(BAD_STATUS),
            "the first failure, before the crash"
        );
        assert_eq!(delivery.bodies[0], Ok(b"sorry".to_vec()));
        assert_eq!(delivery.bodies[1], Ok(pattern(1, 0, 10).to_vec()));
        assert_eq!(delivery.bodies[2], Err(ExceptionName::TypeError));
        assert_eq!(
            (site.requests("missing").len(), site.requests("good").len()),
            (1, 1)
        );
    });
}

#[test]
fn a_failure_of_the_whole_before_a_crash_still_ends_the_whole() {
    tell(async |site| {
        site.serve("missing", Resource::status(404));
        site.serve(
            "large",
            Resource::pattern(1, 1000).latency(Duration::from_secs(1)),
        );
        site.serve("late", Resource::pattern(2, 1000).hold_at(10));
        let options = BackgroundFetchOptions {
            download_total: 500,
            ..Default::default()
        };
        site.world.storage.hold(StorageOperation::SetState);
        let urls = ["missing", "large", "late"];
        site.manager().fetch("id", urls, options).await.unwrap();
        site.world.storage.until_held(StorageOperation::SetState).await;
        site.crash();
        site.world.storage.release(StorageOperation::SetState);
        let worker = restart(site).await;
        let delivery = only_delivery(site, &worker).await;
        assert_eq!(delivery.outcome, failure(BAD_STATUS), "the first reason in time");
        assert_eq!(delivery.bodies[2], Err(ExceptionName::AbortError));
        assert_eq!(site.world.network.log().len(), 3, "no further request is sent");
    });
}

#[test]
fn paused_stays_paused() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 1000).etag("v1").hold_at(400));
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.until_held("a").await;
        site.engine().pause(registration.key()).await.unwrap();
        site.release("a");
        site.crash();
        let worker = restart(site).await;
        site.sleep(Duration::from_secs(3600)).await;
        assert_eq!(site.requests("a").len(), 1);
        let again = site.manager().get("id").await.unwrap().unwrap();
        assert_eq!(again.downloaded(), 400);
        assert!(site.engine().inspect()[0].paused.user);
        site.engine().resume(again.key()).await.unwrap();
        let delivery = only_delivery(site, &worker).await;
        assert_eq!(delivery.bodies, [Ok(pattern(1, 0, 1000).to_vec())]);
    });
}

#[test]
fn a_pause_for_a_metered_connection_is_not_that_of_the_next_start() {
    let policies = Policies {
        metered: MeteredPolicy::Pause,
        ..Policies::default()
    };
    tell_with(&policies, async |site| {
        site.serve("a", Resource::bytes("a"));
        site.engine().set_metered(true).await;
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.world.stalled().await;
        assert!(site.requests("a").is_empty() && registration.records_available());

        // The connection is another one now, or the embedder says anew what it is.
        site.crash();
        let worker = restart(site).await;
        assert_eq!(only_delivery(site, &worker).await.outcome, SUCCESS);
    });
}

#[test]
fn what_waits_for_permission_still_waits() {
    tell(async |site| {
        site.world.permissions.set(PermissionState::Prompt);
        site.serve("a", Resource::bytes("done"));
        site.fetch("id", &["a"]).await.unwrap();
        site.crash();
        let worker = restart(site).await;
        site.sleep(Duration::from_secs(3600)).await;
        assert_eq!(site.requests("a").len(), 0);
        let again = site.manager().get("id").await.unwrap().unwrap();
        site.engine().allow(again.key()).await.unwrap();
        assert_eq!(only_delivery(site, &worker).await.outcome, SUCCESS);
    });
}

#[test]
fn aborted_stays_aborted() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 1000).etag("v1").hold_at(400));
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.until_held("a").await;
        site.world.service_workers.hold();
        assert!(registration.abort().await.unwrap());
        site.crash();
        site.world.service_workers.release();
        site.release("a");
        let worker = restart(site).await;
        assert_eq!(site.manager().get("id").await.unwrap(), None, "the id is free");
        let delivery = only_delivery(site, &worker).await;
        assert_eq!(delivery.name, FunctionalEventName::Abort);
        assert_eq!(delivery.outcome, failure(ABORTED));
        assert_eq!(delivery.bodies, [Err(ExceptionName::AbortError)]);
        assert_eq!(site.requests("a").len(), 1, "no byte is fetched any more");
    });
}

#[test]
fn a_post_that_was_sent_before_a_crash_is_not_sent_again() {
    tell(async |site| {
        site.serve("a", Resource::bytes("thanks").latency(Duration::from_secs(1)));
        site.post("a", "a payment").await.unwrap();
        site.until(|| site.requests("a").len() == 1).await;
        site.crash();
        let worker = restart(site).await;
        let delivery = only_delivery(site, &worker).await;
        assert_eq!(delivery.outcome, failure(FETCH_ERROR));
        assert_eq!(site.requests("a").len(), 1);
    });
}

#[test]
fn a_post_that_was_not_sent_before_a_crash_is_sent_once_with_its_body() {
    tell(async |site| {
        site.world.permissions.set(PermissionState::Prompt);
        site.serve("a", Resource::bytes("thanks"));
        let body = pattern(5, 0, 300_000);
        site.post("a", body.clone()).await.unwrap();
        site.crash();
        let worker = restart(site).await;
        let again = site.manager().get("a").await.unwrap().unwrap();
        assert_eq!((again.uploaded(), again.upload_total()), (0, 300_000));
        site.engine().allow(again.key()).await.unwrap();
        let delivery = only_delivery(site, &worker).await;
        assert_eq!(
            (delivery.outcome, &delivery.bodies[0]),
            (SUCCESS, &Ok(b"thanks".to_vec()))
        );
        assert_eq!(site.requests("a").len(), 1);
        assert_eq!(site.requests("a")[0].body, body);
    });
}

#[test]
fn a_post_is_sent_once_whenever_the_crash_comes() {
    for moment in 0..30 {
        tell(async |site| {
            let slow = Resource::bytes("thanks").upload_steps(3, Duration::from_millis(20));
            site.serve("a", slow.latency(Duration::from_millis(20)));
            site.post("a", "a payment").await.unwrap();
            site.sleep(Duration::from_millis(moment * 4)).await;
            site.crash();
            restart(site).await;
            site.all_over().await;
            let sent = site
                .requests("a")
                .iter()
                .filter(|request| !request.body.is_empty())
                .count();
            assert!(sent <= 1, "it was sent {sent} times");
        });
    }
}

#[test]
fn what_is_loaded_and_not_started_waits_and_its_id_is_taken() {
    tell(async |site| {
        site.serve("a", Resource::bytes("done").latency(Duration::from_secs(1)));
        site.world.permissions.set(PermissionState::Prompt);
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.engine().pause(registration.key()).await.unwrap();
        site.engine().allow(registration.key()).await.unwrap();
        site.engine().resume(registration.key()).await.unwrap();
        site.crash();
        site.open_dormant().await;
        site.world.permissions.set(PermissionState::Granted);
        let worker = site.reading_worker();
        site.sleep(Duration::from_secs(3600)).await;
        let before = site.requests("a").len();
        assert_eq!(site.manager().get_ids().await.unwrap(), [DomString::from("id")]);
        let error = site.fetch("id", &["a"]).await.unwrap_err();
        assert_eq!(error.name, ExceptionName::TypeError);
        assert_eq!(site.requests("a").len(), before);
        site.engine().start();
        assert_eq!(only_delivery(site, &worker).await.outcome, SUCCESS);
    });
}

#[test]
fn one_of_those_that_were_loaded_is_started_alone_and_once() {
    tell(async |site| {
        for path in ["a", "b"] {
            site.serve(path, Resource::pattern(1, 1000).etag("v1").hold_at(400));
            site.fetch(path, &[path]).await.unwrap();
            site.until_held(path).await;
        }
        site.crash();
        site.open_dormant().await;
        let worker = site.reading_worker();
        site.release("a");
        site.release("b");
        let a = site.manager().get("a").await.unwrap().unwrap();
        assert!(site.engine().start_one(a.key()));
        assert!(!site.engine().start_one(a.key()), "it was started already");
        assert_eq!(site.outcome(&a).await, SUCCESS);
        site.sleep(Duration::from_secs(3600)).await;
        assert_eq!((site.starts("a"), site.starts("b")), (vec![0, 400], vec![0]));
        site.engine().start();
        site.all_over().await;
        assert_eq!((site.starts("a"), site.starts("b")), (vec![0, 400], vec![0, 400]));
        assert_eq!(worker.deliveries().len(), 2);
    });
}

#[test]
fn what_was_loaded_and_not_started_can_be_paused_and_aborted() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 1000).etag("v1").hold_at(400));
        site.fetch("id", &["a"]).await.unwrap();
        site.until_held("a").await;
        site.crash();
        site.open_dormant().await;
        let worker = site.reading_worker();
        let registration = site.manager().get("id").await.unwrap().unwrap();
        site.engine().pause(registration.key()).await.unwrap();
        assert!(registration.abort().await.unwrap());
        assert_eq!(only_delivery(site, &worker).await.outcome, failure(ABORTED));
        assert_eq!(site.requests("a").len(), 1);
    });
}

#[test]
fn a_request_body_that_was_being_read_at_a_crash_leaves_nothing() {
    tell(async |site| {
        let (mut sender, body) = futures::channel::mpsc::channel(1);
        sender.try_send(Ok(pattern(1, 0, 1000))).unwrap();
        let stream = background_fetch::fetch::RequestBody::Stream(Box::pin(body));
        let promise = site.post("a", stream);
        {
            futures::pin_mut!(promise);
            let stored = site.until(|| site.world.storage.calls(StorageOperation::Append) == 1);
            futures::pin_mut!(stored);
            futures::future::select(promise, stored).await;
        }
        site.crash();
        drop(sender);
        restart(site).await;
        let usage = site
            .storage
            .estimate(&site.registration.storage_key)
            .await
            .unwrap()
            .usage;
        assert_eq!(usage, 0);
        assert!(site.manager().get_ids().await.unwrap().is_empty());
    });
}

#[test]
fn more_than_may_be_active_is_kept_and_counts() {
    tell(async |site| {
        for number in 0..5 {
            let path = format!("file{number}");
            site.serve(&path, Resource::pattern(1, 1000).hold_at(1));
            site.fetch(&path, &[&path]).await.unwrap();
        }
        site.crash();
        restart(site).await;
        assert_eq!(site.manager().get_ids().await.unwrap().len(), 5);
        let error = site.fetch("another", &["file0"]).await.unwrap_err();
        assert_eq!(error.name, ExceptionName::TypeError);
        let one = site.manager().get("file0").await.unwrap().unwrap();
        assert!(one.abort().await.unwrap());
        site.fetch("another", &["file0"]).await.unwrap();
    });
}

/// Stops a background fetch of two files with as many bytes as it may have, and puts more into its storage: as when one
/// file was replaced by a shorter one, the other went on, and a crash lost the replacement alone.
async fn stop_over_the_total(site: &Site) -> FetchKey {
    let changed = Resource::pattern(3, 300).etag("v2");
    let first = Resource::pattern(1, 1000).etag("v1").hold_at(400);
    site.serve("a", first.after_requests(1, changed));
    let other = Resource::pattern(2, 650).etag("v1").chunks(100);
    site.serve("b", other.hold_at(600));
    let options = BackgroundFetchOptions {
        download_total: 1000,
        ..Default::default()
    };
    let fetched = site.manager().fetch("id", ["a", "b"], options).await;
    let fetch = fetched.unwrap().key();
    site.until_held("a").await;
    site.until_held("b").await;
    site.crash();
    let body = BodyKey::Response {
        record: RecordKey { fetch, index: 1 },
        generation: 1,
    };
    site.storage.append(body, 600, pattern(2, 600, 50)).await.unwrap();
    fetch
}

#[test]
fn what_a_crash_left_over_the_download_total_is_given_up() {
    tell(async |site| {
        let fetch = stop_over_the_total(site).await;
        site.open_dormant().await;
        let downloaded = site.engine().inspect_one(fetch).unwrap().downloaded;
        assert_eq!((downloaded, site.usage().await), (650, 650));
        site.release("b");
        let worker = site.reading_worker();
        site.engine().start();
        let delivery = only_delivery(site, &worker).await;
        assert_eq!(delivery.outcome, SUCCESS);
        let bodies = [pattern(3, 0, 300), pattern(2, 0, 650)];
        assert_eq!(delivery.bodies, bodies.map(|body| Ok(body.to_vec())));
        assert_eq!(site.starts("b"), [0, 650]);
    });
}

#[test]
fn what_is_over_the_download_total_stays_where_it_is_all_over_or_cannot_be_given_up() {
    tell(async |site| {
        let fetch = stop_over_the_total(site).await;
        let storage = &site.world.storage;
        storage.fail_from(StorageOperation::SetResponse, 1, StorageErrorKind::Io);
        site.open_dormant().await;
        assert_eq!(site.usage().await, 1050);
        site.crash();
        storage.mend();
        let state = FetchState::Settled {
            result: BackgroundFetchResult::Failure,
            failure_reason: FETCH_ERROR,
        };
        site.storage.set_state(fetch, state).await.unwrap();
        site.open_dormant().await;
        assert_eq!(site.usage().await, 1050);
        site.engine().start();
        site.all_over().await;
    });
}
