//! Perform a background fetch.

use background_fetch::embedder::{Clock, FunctionalEventName, NetworkError};
use background_fetch::{
    BackgroundFetchFailureReason, BackgroundFetchOptions, BackgroundFetchResult, ExceptionName,
};
use background_fetch_sim::{Resource, StorageOperation, pattern};
use spec_tests::{SUCCESS, Site, body_of, failure, tell};
use std::time::Duration;

const ABORTED: BackgroundFetchFailureReason = BackgroundFetchFailureReason::Aborted;
const BAD_STATUS: BackgroundFetchFailureReason = BackgroundFetchFailureReason::BadStatus;
const FETCH_ERROR: BackgroundFetchFailureReason = BackgroundFetchFailureReason::FetchError;
const TOTAL_EXCEEDED: BackgroundFetchFailureReason = BackgroundFetchFailureReason::DownloadTotalExceeded;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn every_record_succeeds_and_the_worker_reads_the_bodies() {
    tell(async |site| {
        for name in ["a", "b", "c"] {
            let length = 3000 + name.len() as u64;
            site.world.network.serve(
                format!("https://site.example/{name}"),
                Resource::pattern(1, length),
            );
        }
        site.on_event(async |event| {
            let records = event
                .registration()
                .match_all(None, Default::default())
                .await
                .unwrap();
            assert_eq!(records.len(), 3);
            for record in records {
                assert_eq!(body_of(&record).await.unwrap(), pattern(1, 0, 3001));
            }
        });
        let registration = site.fetch("id", &["a", "b", "c"]).await.unwrap();
        let settled = site.settled(&registration).await;
        assert_eq!(
            settled,
            (
                BackgroundFetchResult::Success,
                BackgroundFetchFailureReason::Empty
            )
        );
        assert_eq!(registration.downloaded(), 9003);
        site.over(&registration).await;
        assert_eq!(site.world.service_workers.names(), [FunctionalEventName::Success]);
    });
}

// 5.3. The failure reason.

#[test]
fn the_first_record_to_fail_gives_the_failure_reason() {
    let missing = |after| Resource::status(404).latency(seconds(after));
    let broken = |after| {
        let error = NetworkError::fatal("garbage");
        Resource::bytes("").fails(error).latency(seconds(after))
    };
    tell(async |site| {
        // The first in time, whatever its place; and a later success takes nothing back.
        site.serve("c", Resource::bytes("done").latency(seconds(3)));
        for (a, b, reason) in [
            (missing(1), broken(2), BAD_STATUS),
            (missing(2), broken(1), FETCH_ERROR),
        ] {
            site.serve("a", a);
            site.serve("b", b);
            let worker = site.reading_worker();
            let registration = site.fetch("id", &["a", "b", "c"]).await.unwrap();
            assert_eq!(site.outcome(&registration).await, failure(reason));
            let bodies = worker.bodies();
            assert_eq!(bodies[0], Ok(Vec::new()), "the page of the bad status is there");
            assert_eq!(bodies[1], Err(ExceptionName::TypeError));
            assert_eq!(bodies[2], Ok(b"done".to_vec()), "the others were completed");
        }
    });
}

#[test]
fn an_exceeded_download_total_is_the_reason_although_it_aborts_the_other_records() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 1000).hold_at(100));
        site.serve("b", Resource::pattern(2, 1000).latency(seconds(1)));
        site.serve("c", Resource::bytes("").unreachable().always());
        site.serve("d", Resource::bytes("done"));
        let worker = site.reading_worker();
        let options = BackgroundFetchOptions {
            download_total: 500,
            ..Default::default()
        };
        let registration = site
            .manager()
            .fetch("id", ["a", "b", "c", "d"], options)
            .await
            .unwrap();
        assert_eq!(site.outcome(&registration).await, failure(TOTAL_EXCEEDED));
        assert_eq!(site.world.service_workers.names(), [FunctionalEventName::Fail]);
        let aborted = || Err(ExceptionName::AbortError);
        assert_eq!(
            worker.bodies(),
            [
                aborted(),
                Err(ExceptionName::TypeError),
                aborted(),
                Ok(b"done".to_vec())
            ]
        );
        assert!(registration.downloaded() <= 500);
    });
}

// 7. The abort all flag.

#[test]
fn after_a_failure_of_the_whole_no_further_request_is_sent() {
    tell(async |site| {
        let names: Vec<_> = (0..40).map(|number| format!("file{number}")).collect();
        for name in &names {
            site.serve(name, Resource::pattern(1, 1000).latency(seconds(1)));
        }
        let urls = names.iter().map(String::as_str);
        let options = BackgroundFetchOptions {
            download_total: 10,
            ..Default::default()
        };
        let registration = site.manager().fetch("id", urls, options).await.unwrap();
        assert_eq!(site.outcome(&registration).await, failure(TOTAL_EXCEEDED));
        assert_eq!(
            site.world.network.log().len(),
            6,
            "those that were in flight at once"
        );
    });
}

// 8.3 and 8.4. The id.

#[test]
fn an_abort_wins_over_a_record_that_failed_before_it() {
    tell(async |site| {
        site.serve("a", Resource::status(404));
        site.serve("b", Resource::pattern(1, 1000).hold_at(500));
        let registration = site.fetch("id", &["a", "b"]).await.unwrap();
        site.until_held("b").await;
        assert!(registration.abort().await.unwrap());
        assert_eq!(site.outcome(&registration).await, failure(ABORTED));
        assert_eq!(site.world.service_workers.names(), [FunctionalEventName::Abort]);
    });
}

#[test]
fn an_abort_that_comes_too_late_resolves_with_false_and_changes_nothing() {
    tell(async |site| {
        site.serve("a", Resource::bytes("done"));
        site.world.service_workers.hold();
        let registration = site.fetch("id", &["a"]).await.unwrap();
        assert_eq!(site.settled(&registration).await, SUCCESS);
        assert!(!registration.abort().await.unwrap());
        site.world.service_workers.release();
        assert_eq!(site.outcome(&registration).await, SUCCESS);
        assert_eq!(site.world.service_workers.names(), [FunctionalEventName::Success]);
    });
}

#[test]
fn an_abort_and_the_end_of_the_last_record_agree_on_one_result() {
    tell(async |site| {
        for wait in 0..20 {
            let worker = site.reading_worker();
            site.serve("a", Resource::pattern(1, 100).chunks(10));
            let registration = site.fetch("id", &["a"]).await.unwrap();
            for _ in 0..wait * 3 {
                background_fetch_sim::yield_now().await;
            }
            let outcome = match registration.abort().await.unwrap() {
                true => failure(ABORTED),
                false => SUCCESS,
            };
            assert_eq!(site.outcome(&registration).await, outcome);
            let deliveries = worker.deliveries();
            assert_eq!(deliveries.len(), 1);
            assert_eq!(deliveries[0].outcome, outcome);
        }
    });
}

#[test]
fn the_id_is_free_before_the_event_is_fired() {
    tell(async |site| {
        site.serve("a", Resource::bytes("done"));
        site.world.service_workers.hold();
        let first = site.fetch("id", &["a"]).await.unwrap();
        site.settled(&first).await;
        assert_eq!(site.manager().get("id").await.unwrap(), None);
        let second = site.fetch("id", &["a"]).await.unwrap();
        assert_ne!(first, second);
        site.world.service_workers.release();
        assert_eq!(site.outcome(&first).await, SUCCESS);
        assert_eq!(site.outcome(&second).await, SUCCESS);
    });
}

// 8.8 to 8.13. The event.

#[test]
fn each_result_has_its_event_and_each_fetch_one() {
    tell(async |site| {
        site.serve("good", Resource::bytes("done"));
        site.serve("bad", Resource::status(500));
        site.serve("long", Resource::pattern(1, 1000).hold_at(10));
        assert_eq!(site.outcome_of("good").await, SUCCESS);
        assert_eq!(site.outcome_of("bad").await, failure(BAD_STATUS));
        let long = site.fetch("long", &["long"]).await.unwrap();
        site.until_held("long").await;
        assert!(long.abort().await.unwrap());
        assert_eq!(site.outcome(&long).await, failure(ABORTED));
        site.sleep(seconds(3600)).await;
        let names = site.world.service_workers.names();
        assert_eq!(
            names,
            [
                FunctionalEventName::Success,
                FunctionalEventName::Fail,
                FunctionalEventName::Abort
            ]
        );
    });
}

#[test]
fn a_worker_that_does_not_start_is_started_again_until_it_does() {
    tell(async |site| {
        site.serve("a", Resource::bytes("done"));
        site.world.service_workers.fail_to_start(4);
        let worker = site.reading_worker();
        let registration = site.fetch("id", &["a"]).await.unwrap();
        assert_eq!(site.outcome(&registration).await, SUCCESS);
        assert_eq!(site.world.service_workers.failed(), 4);
        assert_eq!(
            worker.bodies(),
            [Ok(b"done".to_vec())],
            "the records were kept for it"
        );
        // 1, 2, 4 and 8 seconds.
        let fired = site.world.service_workers.fired();
        assert_eq!(fired[0].at.as_secs(), 15);
    });
}

// 8.14. The end of the event.

#[test]
fn records_are_available_until_the_event_is_over_and_then_removed() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 1000));
        site.world.service_workers.hold();
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.settled(&registration).await;
        site.sleep(seconds(3600)).await;
        assert!(registration.records_available());
        let record = registration
            .r#match("a", Default::default())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(body_of(&record).await.unwrap(), pattern(1, 0, 1000));
        drop(record);
        site.world.service_workers.release();
        site.over(&registration).await;
        let error = registration
            .match_all(None, Default::default())
            .await
            .unwrap_err();
        assert_eq!(error.name, ExceptionName::InvalidStateError);
        site.all_over().await;
    });
}

#[test]
fn an_event_owed_at_a_crash_is_fired_after_the_restart() {
    async fn story(site: &Site, crash: impl AsyncFn(&Site)) {
        site.serve("a", Resource::pattern(1, 1000).latency(seconds(1)));
        site.fetch("id", &["a"]).await.unwrap();
        crash(site).await;
        site.crash();
        site.world.storage.release(StorageOperation::SetState);
        site.world.service_workers.release();
        site.world.service_workers.fail_to_start(0);
        let worker = restart(site).await;
        site.all_over().await;
        let deliveries = worker.deliveries();
        assert_eq!(deliveries.len(), 1, "the new worker gets it once");
        assert_eq!(deliveries[0].name, FunctionalEventName::Success);
        assert_eq!(deliveries[0].outcome, SUCCESS);
        assert_eq!(deliveries[0].downloaded, 1000);
        assert_eq!(deliveries[0].bodies, [Ok(pattern(1, 0, 1000).to_vec())]);
        assert_eq!(site.requests("a").len(), 1, "nothing is fetched again");
    }
    tell(async |site| {
        // Every record is settled, the whole is not.
        story(site, async |site| {
            site.world.storage.hold(StorageOperation::SetState);
            site.world.storage.until_held(StorageOperation::SetState).await;
        })
        .await;
    });
    tell(async |site| {
        // The worker does not start.
        story(site, async |site| {
            site.world.service_workers.fail_to_start(u32::MAX);
            site.until(|| site.world.service_workers.failed() > 2).await;
        })
        .await;
    });
    tell(async |site| {
        // The worker is handling the event.
        story(site, async |site| {
            site.world.service_workers.hold();
            site.until(|| site.world.service_workers.active_events() > 0)
                .await;
        })
        .await;
    });
}

/// Opens the engine again, with a worker that is there before anything is fired.
async fn restart(site: &Site) -> spec_tests::ReadingWorker {
    site.open_dormant().await;
    let worker = site.reading_worker();
    site.engine().start();
    worker
}

#[test]
fn the_result_is_durable_before_anybody_sees_it() {
    tell(async |site| {
        site.serve("a", Resource::bytes("done"));
        site.world.storage.hold(StorageOperation::SetState);
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.world.storage.until_held(StorageOperation::SetState).await;
        site.sleep(seconds(60)).await;
        assert_eq!(registration.result(), BackgroundFetchResult::Empty);
        assert!(site.world.service_workers.fired().is_empty());
        site.world.storage.release(StorageOperation::SetState);
        assert_eq!(site.outcome(&registration).await, SUCCESS);
        assert!(site.world.clock.now() >= seconds(60));
    });
}
