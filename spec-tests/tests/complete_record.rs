//! Complete a record. `resume.rs` has what continues a response, `retry.rs` what is tried again.

use background_fetch::api::RequestObject;
use background_fetch::fetch::Request;
use background_fetch::{BackgroundFetchFailureReason, BackgroundFetchOptions, ControlError, ExceptionName};
use background_fetch_sim::{Ending, Ranges, Resource, Response, StorageOperation, pattern};
use http::{HeaderValue, Method};
use spec_tests::{SITE, SUCCESS, body_of, failure, get, progress, tell, tell_with_quota};
use std::time::Duration;

const ABORTED: BackgroundFetchFailureReason = BackgroundFetchFailureReason::Aborted;
const BAD_STATUS: BackgroundFetchFailureReason = BackgroundFetchFailureReason::BadStatus;
const FETCH_ERROR: BackgroundFetchFailureReason = BackgroundFetchFailureReason::FetchError;
const QUOTA_EXCEEDED: BackgroundFetchFailureReason = BackgroundFetchFailureReason::QuotaExceeded;
const TOTAL_EXCEEDED: BackgroundFetchFailureReason = BackgroundFetchFailureReason::DownloadTotalExceeded;

fn endings(site: &spec_tests::Site, path: &str) -> Vec<Ending> {
    let requests = site.requests(path);
    requests.iter().filter_map(|request| request.ending).collect()
}

fn total(download_total: u64) -> BackgroundFetchOptions {
    BackgroundFetchOptions {
        download_total,
        ..Default::default()
    }
}

// 3. Wait for the paused flag to be unset.

#[test]
fn a_paused_fetch_can_be_aborted() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 1000).etag("v1").hold_at(500));
        let worker = site.reading_worker();
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.until_held("a").await;
        site.engine().pause(registration.key()).await.unwrap();
        site.world.stalled().await;
        assert_eq!(site.world.network.in_flight(), 0, "the pause ended the request");

        assert!(registration.abort().await.unwrap());
        assert_eq!(site.outcome(&registration).await, failure(ABORTED));
        assert_eq!(worker.bodies(), [Err(ExceptionName::AbortError)]);
        assert_eq!(endings(site, "a"), [Ending::Terminated]);
    });
}

#[test]
fn a_fetch_that_starts_paused_sends_nothing_until_it_may() {
    tell(async |site| {
        site.world
            .permissions
            .set(background_fetch::embedder::PermissionState::Prompt);
        site.serve("a", Resource::pattern(1, 1000));
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.sleep(Duration::from_secs(3600)).await;
        assert_eq!(site.requests("a").len(), 0);
        site.engine().allow(registration.key()).await.unwrap();
        assert_eq!(site.outcome(&registration).await, SUCCESS);
    });
}

// 5. Keepalive.

#[test]
fn a_large_body_is_sent_with_keepalive() {
    tell(async |site| {
        let body = pattern(7, 0, 1 << 20);
        site.serve("a", Resource::bytes("thanks"));
        site.world.network.respond_once(format!("{SITE}a"), |request| {
            assert!(request.request.keepalive, "the network is told");
            Response::new(200).body("thanks")
        });
        let registration = site.post("a", body.clone()).await.unwrap();
        assert_eq!(site.outcome(&registration).await, SUCCESS);
        assert_eq!(site.requests("a")[0].body, body, "over 64 KiB too");
        assert_eq!(registration.uploaded(), 1 << 20);
    });
}

// 11. Process request body.

#[test]
fn uploaded_counts_the_bytes_of_the_body_as_they_are_transmitted() {
    tell(async |site| {
        let slow = Resource::bytes("thanks").upload_steps(100, Duration::from_secs(1));
        site.serve("a", slow);
        let registration = site.post("a", pattern(1, 0, 500)).await.unwrap();
        assert_eq!((registration.uploaded(), registration.upload_total()), (0, 500));
        let mut seen = Vec::new();
        while registration.uploaded() < 500 {
            progress(&registration).await;
            seen.push(registration.uploaded());
        }
        assert_eq!(seen, [100, 200, 300, 400, 500]);
        assert_eq!(site.outcome(&registration).await, SUCCESS);
        assert_eq!(registration.uploaded(), 500);
    });
}

#[test]
fn a_post_is_sent_once() {
    tell(async |site| {
        let troubles = [
            ("unreachable", Resource::bytes("ok").unreachable()),
            ("upload", Resource::bytes("ok").drop_upload_after(3)),
            ("body", Resource::pattern(1, 1000).etag("v1").drop_after(10)),
            (
                "part",
                Resource::status(206).header("content-range", "bytes 0-4/10"),
            ),
        ];
        for (path, trouble) in troubles {
            site.serve(path, trouble);
            let registration = site.post(path, "a payment").await.unwrap();
            assert_eq!(site.outcome(&registration).await, failure(FETCH_ERROR), "{path}");
            assert_eq!(site.requests(path).len(), 1, "{path}");
        }
    });
}

#[test]
fn a_post_is_not_paused() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 1000).hold_at(500));
        let registration = site.post("a", "a payment").await.unwrap();
        site.until_held("a").await;
        let paused = site.engine().pause(registration.key()).await;
        assert_eq!(paused, Err(ControlError::NotPausable));
        site.release("a");
        assert_eq!(site.outcome(&registration).await, SUCCESS);
        assert_eq!(site.requests("a").len(), 1);
    });
}

// Process response, 1: a network error.

// Process response, 2: a partial response.

#[test]
fn a_partial_response_to_the_authors_own_range_is_the_response() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 1000).etag("v1"));
        let worker = site.reading_worker();
        let mut request = get(&format!("{SITE}a"));
        request
            .headers
            .insert("range", HeaderValue::from_static("bytes=100-199"));
        let fetched = site.manager().fetch("id", [request], total(100)).await;
        assert_eq!(site.outcome(&fetched.unwrap()).await, SUCCESS);
        assert_eq!(worker.bodies(), [Ok(pattern(1, 100, 100).to_vec())]);
        assert_eq!(site.requests("a").len(), 1);
    });
}

#[test]
fn a_416_to_a_whole_request_is_a_bad_status() {
    tell(async |site| {
        site.serve("a", Resource::status(416).header("content-range", "bytes */0"));
        assert_eq!(site.outcome_of("a").await, failure(BAD_STATUS));
    });
}

// Process response, 2.2 and 3: the response data.

#[test]
fn the_first_response_reaches_record_objects_made_before_it() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 1000).latency(Duration::from_secs(1)));
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let records = registration.match_all(None, Default::default()).await.unwrap();
        assert_eq!(
            site.world
                .network
                .log()
                .iter()
                .filter_map(|line| line.status)
                .count(),
            0
        );
        let response = records[0].response_ready().await.unwrap();
        assert_eq!(response.head().status, 200);
        let body = response.take_body().unwrap().bytes().await;
        assert_eq!(body.unwrap(), pattern(1, 0, 1000));
        drop((response, records));
        assert_eq!(site.outcome(&registration).await, SUCCESS);
    });
}

// Process response, 5: bytes.

#[test]
fn the_download_total_may_be_reached_and_not_passed_by_a_byte() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 600).chunks(7));
        site.serve("b", Resource::pattern(2, 400).chunks(9));
        for (download_total, outcome) in [
            (1001, SUCCESS),
            (1000, SUCCESS),
            (999, failure(TOTAL_EXCEEDED)),
            (1, failure(TOTAL_EXCEEDED)),
        ] {
            let fetched = site
                .manager()
                .fetch("id", ["a", "b"], total(download_total))
                .await
                .unwrap();
            assert_eq!(site.outcome(&fetched).await, outcome, "{download_total}");
            assert!(fetched.downloaded() <= download_total);
        }
    });
}

#[test]
fn an_exceeded_quota_cancels_the_stream_and_ends_the_fetch() {
    tell_with_quota(10_000, async |site| {
        let slow = Duration::from_millis(10);
        site.serve("a", Resource::endless(1).chunks(300).chunk_delay(slow));
        site.serve("b", Resource::pattern(2, 1000).hold_at(0));
        let registration = site.fetch("id", &["a", "b"]).await.unwrap();
        assert_eq!(site.settled(&registration).await, failure(QUOTA_EXCEEDED));
        assert_eq!(endings(site, "a"), [Ending::Terminated]);
        assert_eq!(endings(site, "b"), [Ending::Terminated], "the whole fetch ends");
        assert!(registration.downloaded() <= 10_000);
        site.all_over().await;
        assert_eq!(
            site.outcome_of("c").await,
            failure(FETCH_ERROR),
            "and the space is free again"
        );
    });
}

#[test]
fn bytes_past_the_complete_length_are_a_fetch_error() {
    tell(async |site| {
        let resource = Resource::pattern(1, 1000).etag("v1").drop_after(400);
        site.serve("a", resource.ranges(Ranges::Overshoot(10)));
        let worker = site.reading_worker();
        assert_eq!(site.outcome_of("a").await, failure(FETCH_ERROR));
        assert_eq!(worker.bodies(), [Err(ExceptionName::TypeError)]);
        assert_eq!(site.starts("a"), [0, 400]);
    });
}

// Process response, 6: the end of the body.

#[test]
fn an_ok_status_is_success_and_any_other_is_a_bad_status_whose_body_is_kept() {
    tell(async |site| {
        for status in [200, 201, 204, 299] {
            site.serve("a", Resource::bytes("body").with_status(status));
            assert_eq!(site.outcome_of("a").await, SUCCESS, "{status}");
        }
        for status in [300, 400, 404, 412, 500, 503, 599] {
            site.serve("a", Resource::bytes("sorry").with_status(status));
            let worker = site.reading_worker();
            assert_eq!(site.outcome_of("a").await, failure(BAD_STATUS), "{status}");
            assert_eq!(worker.bodies(), [Ok(b"sorry".to_vec())], "{status}");
        }
    });
}

#[test]
fn an_empty_body_is_a_body() {
    tell(async |site| {
        site.serve("a", Resource::bytes(""));
        let worker = site.reading_worker();
        assert_eq!(site.outcome_of("a").await, SUCCESS);
        assert_eq!(worker.bodies(), [Ok(Vec::new())]);
    });
}

#[test]
fn parts_are_put_together() {
    tell(async |site| {
        // A server that never gives more than 300 bytes, not even to a request for all of it.
        let resource = Resource::pattern(1, 1000).etag("v1").range_cap(300);
        site.world.network.respond_once(format!("{SITE}a"), |_| {
            let response = Response::new(206).header("etag", "\"v1\"");
            response
                .header("content-range", "bytes 0-299/1000")
                .body(pattern(1, 0, 300))
        });
        site.serve("a", resource);
        let worker = site.reading_worker();
        assert_eq!(site.outcome_of("a").await, SUCCESS);
        assert_eq!(worker.bodies(), [Ok(pattern(1, 0, 1000).to_vec())]);
        assert_eq!(site.starts("a"), [0, 300, 600, 900]);
    });
}

#[test]
fn a_206_without_progress_is_a_fetch_error() {
    tell(async |site| {
        let resource = Resource::pattern(1, 1000).etag("v1").drop_after(400);
        site.serve("a", resource.ranges(Ranges::NoProgress));
        assert_eq!(site.outcome_of("a").await, failure(FETCH_ERROR));
        assert_eq!(site.starts("a"), [0, 400]);
    });
}

#[test]
fn an_unknown_complete_length_ends_when_there_is_no_further_byte() {
    let part = |first: usize, text: &'static str| {
        move |_: &_| {
            let last = first + text.len().max(1) - 1;
            let response = Response::new(206).header("etag", "\"v1\"");
            response
                .header("content-range", &format!("bytes {first}-{last}/*"))
                .body(text)
        }
    };
    let nothing = |_: &_| Response::new(416).header("etag", "\"v1\"");
    tell(async |site| {
        for ends_with_a_part in [true, false] {
            let url = format!("{SITE}a");
            site.world.network.respond_once(&url, part(0, "hello"));
            site.world.network.respond_once(&url, part(5, "world"));
            if ends_with_a_part {
                site.world.network.respond_once(&url, part(10, ""));
            } else {
                site.world.network.respond_once(&url, nothing);
            }
            let worker = site.reading_worker();
            assert_eq!(site.outcome_of("a").await, SUCCESS);
            assert_eq!(worker.bodies(), [Ok(b"helloworld".to_vec())]);
        }
        assert_eq!(site.starts("a"), [0, 5, 10].repeat(2));
    });
}

#[test]
fn a_416_that_confirms_the_stored_length_is_success() {
    tell(async |site| {
        // All bytes came, and then the connection broke instead of ending.
        site.serve("a", Resource::pattern(1, 1000).etag("v1").drop_after(1000));
        let worker = site.reading_worker();
        assert_eq!(site.outcome_of("a").await, SUCCESS);
        assert_eq!(worker.bodies(), [Ok(pattern(1, 0, 1000).to_vec())]);
        assert_eq!(site.starts("a"), [0, 1000]);
    });
}

// Process response, 7: an error in the body.

// 13 to 15. The paused flag and the abort all flag.

#[test]
fn a_late_event_of_a_paused_attempt_changes_nothing() {
    tell(async |site| {
        let slow = Resource::pattern(1, 1000).etag("v1").chunks(50);
        site.serve("a", slow.chunk_delay(Duration::from_secs(1)));
        let worker = site.reading_worker();
        let registration = site.fetch("id", &["a"]).await.unwrap();
        for moment in [500, 3000, 3, 7000, 1] {
            site.sleep(Duration::from_millis(moment)).await;
            site.engine().pause(registration.key()).await.unwrap();
            if moment > 1000 {
                site.sleep(Duration::from_secs(60)).await;
            }
            site.engine().resume(registration.key()).await.unwrap();
        }
        assert_eq!(site.outcome(&registration).await, SUCCESS);
        assert_eq!(registration.downloaded(), 1000);
        assert_eq!(worker.bodies(), [Ok(pattern(1, 0, 1000).to_vec())]);
        let endings = endings(site, "a");
        let (last, earlier) = endings.split_last().unwrap();
        assert_eq!(*last, Ending::Complete);
        assert!(
            earlier.iter().all(|ending| *ending == Ending::Terminated),
            "{endings:?}"
        );
    });
}

#[test]
fn an_abort_terminates_what_is_in_flight_and_what_waits() {
    tell(async |site| {
        site.serve(
            "a",
            Resource::endless(1)
                .chunks(100)
                .chunk_delay(Duration::from_millis(10)),
        );
        site.serve("b", Resource::bytes("").unreachable().always());
        site.serve("c", Resource::bytes("done"));
        let worker = site.reading_worker();
        let registration = site.fetch("id", &["a", "b", "c"]).await.unwrap();
        site.sleep(Duration::from_secs(2)).await;
        assert!(registration.abort().await.unwrap());
        let stored = site.engine().inspect_one(registration.key()).unwrap().downloaded;
        assert_eq!(site.outcome(&registration).await, failure(ABORTED));
        assert_eq!(registration.downloaded(), stored, "no byte came after the abort");
        assert_eq!(endings(site, "a"), [Ending::Terminated]);
        let aborted = || Err(ExceptionName::AbortError);
        assert_eq!(worker.bodies(), [aborted(), aborted(), Ok(b"done".to_vec())]);
        assert!(!registration.abort().await.unwrap(), "it is over");
    });
}

#[test]
fn an_abort_waits_for_the_bytes_that_are_being_stored() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 1000).chunks(100).hold_at(300));
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.until_held("a").await;
        site.world.storage.hold(StorageOperation::Append);
        site.release("a");
        site.world.storage.until_held(StorageOperation::Append).await;
        site.world.service_workers.hold();
        let aborting = site.world.executor.spawn_local(registration.abort());
        site.sleep(Duration::from_secs(1)).await;
        site.world.storage.release(StorageOperation::Append);
        assert!(aborting.await.unwrap());
        // What arrived counts, and nothing comes after it.
        let downloaded = site.engine().inspect_one(registration.key()).unwrap().downloaded;
        assert_eq!((downloaded, site.usage().await), (400, 400));
        site.world.service_workers.release();
        assert_eq!(site.outcome(&registration).await, failure(ABORTED));
        assert_eq!(registration.downloaded(), 400);
    });
}

#[test]
fn no_request_leaves_after_an_abort_that_came_while_it_was_marked_as_sent() {
    tell(async |site| {
        site.serve("a", Resource::bytes("ok"));
        site.world.storage.hold(StorageOperation::MarkSent);
        let registration = site.post("a", "a payment").await.unwrap();
        site.world.storage.until_held(StorageOperation::MarkSent).await;
        assert!(registration.abort().await.unwrap());
        site.world.storage.release(StorageOperation::MarkSent);
        assert_eq!(site.outcome(&registration).await, failure(ABORTED));
        assert_eq!(site.requests("a").len(), 0);
    });
}

#[test]
fn an_abort_waits_for_the_response_that_is_being_stored() {
    tell(async |site| {
        // What replaces 400 bytes is on its way into storage.
        let old = Resource::pattern(1, 1000).drop_after(400);
        site.serve("a", old.after_requests(1, Resource::pattern(2, 800).hold_at(0)));
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.until(|| registration.downloaded() == 400).await;
        site.world.storage.hold(StorageOperation::SetResponse);
        site.world.storage.until_held(StorageOperation::SetResponse).await;
        site.world.service_workers.hold();
        let aborting = site.world.executor.spawn_local(registration.abort());
        site.sleep(Duration::from_secs(1)).await;
        site.world.storage.release(StorageOperation::SetResponse);
        assert!(aborting.await.unwrap());
        let downloaded = || site.engine().inspect_one(registration.key()).unwrap().downloaded;
        let at_the_abort = downloaded();
        site.sleep(Duration::from_secs(10)).await;
        assert_eq!((downloaded(), site.usage().await), (at_the_abort, at_the_abort));
        site.world.service_workers.release();
        assert_eq!(site.outcome(&registration).await, failure(ABORTED));
    });
}

#[test]
fn an_abort_waits_for_no_byte_of_a_registration_that_is_cleared() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 1000).chunks(100));
        site.world.storage.hold(StorageOperation::Append);
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.world.storage.until_held(StorageOperation::Append).await;
        let aborting = site.world.executor.spawn_local(registration.abort());
        site.world.stalled().await;
        assert_eq!(site.engine().clear_registration(&site.registration).await, Ok(()));
        assert_eq!(aborting.await.unwrap_err().name, ExceptionName::AbortError);
        site.world.storage.release(StorageOperation::Append);
        site.assert_nothing_stored().await;
    });
}

#[test]
fn every_method_but_get_has_one_chance() {
    tell(async |site| {
        site.serve("a", Resource::bytes("ok").unreachable());
        for method in [
            Method::HEAD,
            Method::PUT,
            Method::DELETE,
            Method::from_bytes(b"CHICKEN").unwrap(),
        ] {
            let before = site.requests("a").len();
            let request = Request {
                method,
                ..get(&format!("{SITE}a"))
            };
            site.serve("a", Resource::bytes("ok").unreachable());
            let object = RequestObject::new(request);
            let registration = site.manager().fetch("id", [object], total(0)).await.unwrap();
            assert_eq!(site.outcome(&registration).await, failure(FETCH_ERROR));
            assert_eq!(site.requests("a").len(), before + 1);
        }
    });
}

#[test]
fn a_record_object_streams_while_its_bytes_arrive() {
    tell(async |site| {
        site.serve(
            "a",
            Resource::pattern(1, 1000).etag("v1").hold_at(400).drop_after(700),
        );
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let record = registration
            .r#match("a", Default::default())
            .await
            .unwrap()
            .unwrap();
        let reading = site
            .world
            .executor
            .spawn_local(async move { body_of(&record).await });
        site.until_held("a").await;
        site.release("a");
        assert_eq!(reading.await.unwrap(), pattern(1, 0, 1000), "across a resumption");
        assert_eq!(site.outcome(&registration).await, SUCCESS);
    });
}
