//! Storage that fails: the right failure reason, no panic, no hang, and nothing handed out that is not stored.

use background_fetch::api::RequestObject;
use background_fetch::embedder::{
    Clock, FetchState, FunctionalEventName, Storage, StorageErrorKind, StoredFetch,
};
use background_fetch::fetch::Request;
use background_fetch::{
    BackgroundFetchFailureReason, BackgroundFetchResult, ControlError, Engine, ExceptionName,
};
use background_fetch_sim::{Ending, Resource, StorageOperation, pattern};
use http::Method;
use spec_tests::{QUOTA, SITE, SUCCESS, Site, body_of, failure, get, tell, tell_once};
use std::sync::Arc;
use std::time::Duration;

const BAD_STATUS: BackgroundFetchFailureReason = BackgroundFetchFailureReason::BadStatus;
const FETCH_ERROR: BackgroundFetchFailureReason = BackgroundFetchFailureReason::FetchError;
const QUOTA_EXCEEDED: BackgroundFetchFailureReason = BackgroundFetchFailureReason::QuotaExceeded;

const KINDS: [StorageErrorKind; 4] = [
    StorageErrorKind::QuotaExceeded,
    StorageErrorKind::NotFound,
    StorageErrorKind::Damaged,
    StorageErrorKind::Io,
];

/// The failure reason of a storage error.
fn reason(kind: StorageErrorKind) -> BackgroundFetchFailureReason {
    match kind {
        StorageErrorKind::QuotaExceeded => QUOTA_EXCEEDED,
        _ => FETCH_ERROR,
    }
}

#[test]
fn a_full_storage_cancels_the_stream_and_ends_the_fetch_with_quota_exceeded() {
    tell(async |site| {
        site.world
            .storage
            .fail_from(StorageOperation::Append, 4, StorageErrorKind::QuotaExceeded);
        let slow = Resource::endless(1)
            .chunks(100)
            .chunk_delay(Duration::from_secs(1));
        site.serve("a", slow);
        site.serve("b", Resource::pattern(2, 1000).latency(Duration::from_secs(3600)));
        let worker = site.reading_worker();
        let registration = site.fetch("id", &["a", "b"]).await.unwrap();
        assert_eq!(site.outcome(&registration).await, failure(QUOTA_EXCEEDED));
        assert_eq!(registration.downloaded(), 300, "what was stored before");
        let endings: Vec<_> = site.world.network.log().iter().map(|line| line.ending).collect();
        assert_eq!(endings, [Some(Ending::Terminated), Some(Ending::Terminated)]);
        let expected = [Err(ExceptionName::TypeError), Err(ExceptionName::AbortError)];
        assert_eq!(worker.bodies(), expected);
    });
}

#[test]
fn bytes_that_cannot_be_stored_fail_their_record_alone() {
    tell(async |site| {
        for kind in [
            StorageErrorKind::Io,
            StorageErrorKind::Damaged,
            StorageErrorKind::NotFound,
        ] {
            site.serve("a", Resource::pattern(1, 1000).etag("v1").chunks(100));
            site.serve("b", Resource::pattern(2, 1000).latency(Duration::from_secs(60)));
            site.world.storage.fail_next(StorageOperation::Append, kind);
            let worker = site.reading_worker();
            let registration = site.fetch("id", &["a", "b"]).await.unwrap();
            assert_eq!(
                site.outcome(&registration).await,
                failure(FETCH_ERROR),
                "{kind:?}"
            );
            let bodies = worker.bodies();
            assert_eq!(bodies[0], Err(ExceptionName::TypeError));
            assert_eq!(bodies[1], Ok(pattern(2, 0, 1000).to_vec()));
        }
    });
}

#[test]
fn a_response_that_cannot_be_stored_fails_its_record() {
    tell(async |site| {
        for kind in KINDS {
            site.serve("a", Resource::pattern(1, 1000));
            site.world.storage.fail_next(StorageOperation::SetResponse, kind);
            assert_eq!(site.outcome_of("a").await, failure(reason(kind)), "{kind:?}");
        }
    });
}

#[test]
fn the_bytes_of_a_response_count_until_storage_has_taken_the_one_in_its_place() {
    tell(async |site| {
        for kind in KINDS {
            // Given 400 bytes of a file that changes, and a storage that does not take its new version
            let old = Resource::pattern(1, 1000).drop_after(400);
            site.serve("a", old.after_requests(1, Resource::pattern(2, 800)));
            let second = site.world.storage.calls(StorageOperation::SetResponse) + 2;
            site.world
                .storage
                .fail(StorageOperation::SetResponse, second, kind);
            site.world.service_workers.hold();
            let registration = site.fetch("id", &["a"]).await.unwrap();
            assert_eq!(site.settled(&registration).await, failure(reason(kind)));
            // then the bytes are there and count.
            let inspected = site.engine().inspect_one(registration.key()).unwrap();
            assert_eq!((inspected.downloaded, site.usage().await), (400, 400), "{kind:?}");
            site.world.service_workers.release();
            site.over(&registration).await;
        }
    });
}

#[test]
fn a_record_whose_success_cannot_be_stored_is_none() {
    tell(async |site| {
        for kind in KINDS {
            site.serve("a", Resource::pattern(1, 1000));
            site.world.storage.fail_next(StorageOperation::SettleRecord, kind);
            let worker = site.reading_worker();
            assert_eq!(site.outcome_of("a").await, failure(reason(kind)), "{kind:?}");
            assert_eq!(worker.bodies(), [Err(ExceptionName::TypeError)]);
        }
    });
}

#[test]
fn a_record_whose_failure_cannot_be_stored_keeps_its_reason() {
    tell(async |site| {
        for kind in KINDS {
            site.serve("a", Resource::bytes("sorry").with_status(404));
            site.world.storage.fail_next(StorageOperation::SettleRecord, kind);
            let worker = site.reading_worker();
            assert_eq!(site.outcome_of("a").await, failure(BAD_STATUS), "{kind:?}");
            assert_eq!(worker.bodies(), [Ok(b"sorry".to_vec())]);
        }
    });
}

#[test]
fn a_success_that_cannot_be_made_durable_is_not_handed_out_as_success() {
    tell(async |site| {
        // Once may be bad luck, and nothing is lost by it; again and again is not.
        for (kind, times) in KINDS
            .into_iter()
            .flat_map(|kind| [1, 2, 3].map(|times| (kind, times)))
        {
            site.serve("a", Resource::pattern(1, 1000));
            let next = site.world.storage.calls(StorageOperation::SetState) + 1;
            for nth in next..next + times {
                site.world.storage.fail(StorageOperation::SetState, nth, kind);
            }
            let worker = site.reading_worker();
            let may_get_well = matches!(kind, StorageErrorKind::Io | StorageErrorKind::QuotaExceeded);
            let (outcome, name) = match times {
                ..2 if may_get_well => (SUCCESS, FunctionalEventName::Success),
                _ => (failure(reason(kind)), FunctionalEventName::Fail),
            };
            assert_eq!(site.outcome_of("a").await, outcome, "{kind:?}, {times} times");
            assert_eq!(worker.deliveries()[0].name, name);
        }
    });
}

#[test]
fn a_fetch_that_cannot_be_created_rejects_and_leaves_nothing() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 1000));
        let operations = [
            StorageOperation::Stage,
            StorageOperation::Append,
            StorageOperation::Create,
        ];
        for (operation, kind) in operations
            .into_iter()
            .flat_map(|operation| KINDS.map(|kind| (operation, kind)))
        {
            site.world.storage.fail_next(operation, kind);
            let error = site.post("a", "a payment").await.unwrap_err();
            let name = match kind {
                StorageErrorKind::QuotaExceeded => ExceptionName::QuotaExceededError,
                _ => ExceptionName::UnknownError,
            };
            assert_eq!(error.name, name, "{operation}");
            assert!(site.manager().get_ids().await.unwrap().is_empty());
            let usage = site
                .storage
                .estimate(&site.registration.storage_key)
                .await
                .unwrap()
                .usage;
            assert_eq!(usage, 0, "{operation}");
        }
        assert_eq!(site.requests("a").len(), 0);
        assert_eq!(
            site.post("a", "a payment").await.unwrap().upload_total(),
            9,
            "the id is free"
        );
    });
}

#[test]
fn a_request_that_cannot_be_marked_is_not_sent() {
    tell(async |site| {
        site.serve("a", Resource::bytes("thanks"));
        site.world
            .storage
            .fail_next(StorageOperation::MarkSent, StorageErrorKind::Io);
        let registration = site.post("a", "a payment").await.unwrap();
        assert_eq!(site.outcome(&registration).await, failure(FETCH_ERROR));
        assert_eq!(site.requests("a").len(), 0, "it might be sent twice otherwise");
    });
}

#[test]
fn a_request_body_that_cannot_be_read_fails_its_record() {
    tell(async |site| {
        site.serve("a", Resource::bytes("thanks"));
        site.world
            .storage
            .fail_next(StorageOperation::Read, StorageErrorKind::Io);
        let registration = site.post("a", "a payment").await.unwrap();
        assert_eq!(site.outcome(&registration).await, failure(FETCH_ERROR));
    });
}

#[test]
fn a_request_body_of_which_the_end_is_lost_is_not_sent_as_if_it_were_all() {
    for byte in [0, 4] {
        tell(async |site| {
            site.serve("a", Resource::bytes("thanks"));
            site.world.storage.lose_from(byte);
            let registration = site.post("a", "a payment").await.unwrap();
            assert_eq!(site.outcome(&registration).await, failure(FETCH_ERROR));
            let request = site.requests("a").remove(0);
            assert_eq!(
                (&request.body[..], request.status),
                (&b"a payment"[..byte as usize], None)
            );
            assert!(matches!(request.ending, Some(Ending::Failed(_))), "{request:?}");
        });
    }
}

#[test]
fn a_body_of_which_the_end_is_lost_errs_and_is_not_handed_out_as_if_it_were_all() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 1000));
        site.world.service_workers.hold();
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.settled(&registration).await;
        site.world.storage.lose_from(400);
        let record = registration.r#match("a", Default::default()).await.unwrap();
        spec_tests::assert_rejected(
            body_of(&record.unwrap()).await,
            ExceptionName::TypeError,
            &["https://site.example/a", "ends at byte 400", "1000 bytes"],
        );
        site.world.service_workers.release();
        assert_eq!(site.outcome(&registration).await, SUCCESS);
    });
}

#[test]
fn a_body_that_cannot_be_read_errs_and_can_be_read_again() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 1000));
        site.world.service_workers.hold();
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.settled(&registration).await;
        site.world
            .storage
            .fail_next(StorageOperation::Read, StorageErrorKind::Io);
        let record = async || {
            registration
                .r#match("a", Default::default())
                .await
                .unwrap()
                .unwrap()
        };
        let error = body_of(&record().await).await.unwrap_err();
        assert_eq!(error.name, ExceptionName::TypeError);
        assert_eq!(body_of(&record().await).await.unwrap(), pattern(1, 0, 1000));
        site.world.service_workers.release();
        assert_eq!(site.outcome(&registration).await, SUCCESS);
    });
}

#[test]
fn an_abort_that_cannot_be_stored_is_an_abort() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 1000).hold_at(400));
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.until_held("a").await;
        site.world
            .storage
            .fail_next(StorageOperation::SetState, StorageErrorKind::Io);
        assert!(registration.abort().await.unwrap());
        let aborted = failure(BackgroundFetchFailureReason::Aborted);
        assert_eq!(site.outcome(&registration).await, aborted);
        assert_eq!(site.world.service_workers.names(), [FunctionalEventName::Abort]);
    });
}

#[test]
fn an_abort_that_cannot_be_stored_resolves_when_its_result_is() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 1000).hold_at(400));
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.until_held("a").await;
        let next = site.world.storage.calls(StorageOperation::SetState) + 1;
        for nth in next..next + 3 {
            site.world
                .storage
                .fail(StorageOperation::SetState, nth, StorageErrorKind::Io);
        }
        assert!(registration.abort().await.unwrap());
        let stored = site.storage.load().await.unwrap();
        let aborted = BackgroundFetchFailureReason::Aborted;
        let is_stored = |fetch: &StoredFetch| matches!(fetch.state, FetchState::Settled { failure_reason, .. } if failure_reason == aborted);
        assert!(
            stored
                .iter()
                .all(|fetch| is_stored(fetch) || fetch.state == FetchState::Delivered),
            "{stored:?}"
        );
    });
}

#[test]
fn an_abort_that_is_not_stored_yet_keeps_its_id_and_happens_once() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 1000).hold_at(400));
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.until_held("a").await;
        site.world
            .storage
            .fail_from(StorageOperation::SetState, 1, StorageErrorKind::Io);
        let aborting = site.world.executor.spawn_local(registration.abort());
        site.sleep(Duration::from_secs(5)).await;
        assert_eq!(registration.abort().await, Ok(false));
        let again = site.fetch("id", &["a"]).await.unwrap_err();
        assert_eq!(again.name, ExceptionName::TypeError);
        site.world.storage.mend();
        assert_eq!(aborting.await, Ok(true));
        assert_eq!(
            site.outcome(&registration).await,
            failure(BackgroundFetchFailureReason::Aborted)
        );
    });
}

#[test]
fn no_event_goes_before_its_result_is_stored() {
    tell(async |site| {
        site.serve("a", Resource::status(404).latency(Duration::from_secs(1)));
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.world
            .storage
            .fail_from(StorageOperation::SetState, 1, StorageErrorKind::Io);
        site.sleep(Duration::from_secs(5)).await;
        assert_eq!(registration.result(), BackgroundFetchResult::Empty);
        assert_eq!(site.world.service_workers.names(), []);
        // Until then it is active: its id is taken, and it can be aborted.
        let again = site.fetch("id", &["a"]).await.unwrap_err();
        assert_eq!(again.name, ExceptionName::TypeError);
        site.world.storage.mend();
        assert_eq!(site.outcome(&registration).await, failure(BAD_STATUS));
        assert_eq!(site.world.service_workers.names(), [FunctionalEventName::Fail]);
    });
}

#[test]
fn a_result_that_is_refused_four_times_goes_to_its_event_without_being_stored() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 1000).etag("v1").hold_at(400));
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let key = registration.key();
        site.until_held("a").await;
        let first = site.world.storage.calls(StorageOperation::SetState) + 1;
        // The abort, and the result four times: now, and after 1, 3 and 7 seconds.
        let storage = &site.world.storage;
        storage.fail_from(StorageOperation::SetState, first, StorageErrorKind::Io);
        site.world.service_workers.never_settle();
        let aborting = site.world.executor.spawn_local(registration.abort());
        site.sleep(Duration::from_millis(6900)).await;
        assert_eq!(site.world.service_workers.names(), []);
        site.sleep(Duration::from_millis(200)).await;
        assert_eq!(site.world.service_workers.names(), [FunctionalEventName::Abort]);
        assert_eq!(aborting.await, Ok(true));
        assert_eq!(site.world.storage.calls(StorageOperation::SetState), first + 4);
        // What is stored is what there is after a crash: it goes on, and ends in another way.
        site.world.storage.mend();
        site.release("a");
        site.world.service_workers.end_at_once();
        site.crash_and_restart().await;
        let stored = site.storage.load().await.unwrap();
        assert_eq!((stored[0].key, stored[0].state), (key, FetchState::Active));
        site.sleep(Duration::from_secs(60)).await;
        let names = [FunctionalEventName::Abort, FunctionalEventName::Success];
        assert_eq!(site.world.service_workers.names(), names);
        site.all_over().await;
    });
}

#[test]
fn a_result_that_waits_to_be_stored_can_be_aborted() {
    tell(async |site| {
        site.serve("a", Resource::status(404));
        site.world
            .storage
            .fail_from(StorageOperation::SetState, 1, StorageErrorKind::Io);
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.sleep(Duration::from_secs(5)).await;
        let aborting = site.world.executor.spawn_local(registration.abort());
        site.world.stalled().await;
        site.world.storage.mend();
        assert!(aborting.await.unwrap());
        assert_eq!(
            site.outcome(&registration).await,
            failure(BackgroundFetchFailureReason::Aborted)
        );
    });
}

#[test]
fn a_pause_that_cannot_be_stored_says_so() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 1000).etag("v1").hold_at(400));
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.until_held("a").await;
        site.world
            .storage
            .fail_next(StorageOperation::SetPaused, StorageErrorKind::Io);
        let error = site.engine().pause(registration.key()).await.unwrap_err();
        assert!(matches!(error, ControlError::Storage(_)), "{error}");
        site.release("a");
        site.engine().resume(registration.key()).await.unwrap();
        assert_eq!(site.outcome(&registration).await, SUCCESS);
    });
}

#[test]
fn an_event_that_cannot_be_marked_delivered_is_delivered() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 1000).latency(Duration::from_secs(1)));
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let next = site.world.storage.calls(StorageOperation::SetState) + 2;
        site.world
            .storage
            .fail(StorageOperation::SetState, next, StorageErrorKind::Io);
        assert_eq!(site.outcome(&registration).await, SUCCESS);
        site.all_over().await;
    });
}

#[test]
fn what_cannot_be_removed_is_removed_after_the_next_start() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 1000));
        site.world
            .storage
            .fail_next(StorageOperation::Remove, StorageErrorKind::Io);
        assert_eq!(site.outcome_of("a").await, SUCCESS);
        site.world.stalled().await;
        assert_eq!(site.storage.load().await.unwrap().len(), 1);
        site.crash_and_restart().await;
        site.all_over().await;
        assert_eq!(
            site.world.service_workers.names().len(),
            1,
            "its event was delivered"
        );
    });
}

#[test]
fn a_storage_that_cannot_be_loaded_opens_no_engine_and_loses_nothing() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 1000).etag("v1").hold_at(400));
        site.fetch("id", &["a"]).await.unwrap();
        site.until_held("a").await;
        site.crash();
        for kind in KINDS {
            site.world.storage.fail_next(StorageOperation::Load, kind);
            let opened = Engine::open(site.world.embedder(), Default::default()).await;
            assert_eq!(opened.err().expect("no engine").kind, kind);
        }
        site.release("a");
        site.open().await;
        site.all_over().await;
        assert_eq!(site.starts("a"), [0, 400]);
    });
}

#[test]
fn slow_storage_is_waited_for_and_the_network_with_it() {
    tell(async |site| {
        site.world
            .storage
            .delay(StorageOperation::Append, Duration::from_secs(1));
        site.serve("a", Resource::pattern(1, 1000).chunks(100));
        let registration = site.fetch("id", &["a"]).await.unwrap();
        for _ in 0..9 {
            site.sleep(Duration::from_secs(1)).await;
            let sent = site.requests("a").first().map_or(0, |request| request.sent);
            assert!(
                sent <= registration.downloaded() + 300,
                "one chunk at a time: {sent}"
            );
        }
        assert_eq!(site.outcome(&registration).await, SUCCESS);
    });
}

/// A story with everything in it; whatever fails, it ends.
async fn eventful(site: &Site) {
    site.serve(
        "a",
        Resource::pattern(1, 500).etag("v1").chunks(100).drop_after(200),
    );
    site.serve("b", Resource::pattern(2, 300).drop_after(100));
    site.serve("c", Resource::bytes("thanks"));
    let worker = site.reading_worker();
    let post = Request {
        method: Method::POST,
        ..get(&format!("{SITE}c"))
    };
    let requests = [
        RequestObject::new(get(&format!("{SITE}a"))),
        RequestObject::new(get(&format!("{SITE}b"))),
        RequestObject::with_body(post, "a payment"),
    ];
    let fetched = site.manager().fetch("id", requests, Default::default()).await;
    let Ok(registration) = fetched else {
        assert!(site.manager().get_ids().await.unwrap().is_empty());
        return;
    };
    let _ = site.engine().pause(registration.key()).await;
    let outcome = site.outcome(&registration).await;
    let deliveries = worker.deliveries();
    assert_eq!(deliveries.len(), 1);
    assert_eq!(deliveries[0].outcome, outcome);
    if outcome == SUCCESS {
        let expected = [pattern(1, 0, 500), pattern(2, 0, 300), "thanks".into()];
        for (body, expected) in deliveries[0].bodies.iter().zip(expected) {
            // Reading may have met the fault.
            assert!(
                body.as_ref().is_err_and(|name| *name == ExceptionName::TypeError)
                    || *body == Ok(expected.to_vec())
            );
        }
    }
    site.world.stalled().await;
    site.world.storage.mend();
    site.crash_and_restart().await;
    site.all_over().await;
    assert!(site.requests("c").len() <= 1);
}

#[test]
fn whatever_fails_the_story_ends() {
    for operation in StorageOperation::ALL {
        for kind in [StorageErrorKind::QuotaExceeded, StorageErrorKind::Io] {
            for seed in 0..3 {
                for nth in 1..=8 {
                    tell_once(seed, &Default::default(), QUOTA, async |site| {
                        if nth % 2 == 0 || *operation == StorageOperation::Load {
                            site.world.storage.fail_after_effect(*operation, nth, kind);
                        } else {
                            site.world.storage.fail(*operation, nth, kind);
                        }
                        eventful(site).await;
                    });
                }
                tell_once(seed, &Default::default(), QUOTA, async |site| {
                    let next = site.world.storage.calls(*operation) + 1;
                    site.world.storage.fail_from(*operation, next, kind);
                    // It gets well after an hour.
                    let (storage, clock) = (Arc::clone(&site.world.storage), site.world.clock.clone());
                    site.world.executor.spawn_local(async move {
                        clock.sleep(Duration::from_secs(3600)).await;
                        storage.mend();
                    });
                    eventful(site).await;
                });
            }
        }
    }
}
