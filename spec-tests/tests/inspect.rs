//! `inspect`: a snapshot of every background fetch, and the stream of events.

use std::time::Duration;

use background_fetch::BackgroundFetchFailureReason::{Aborted, BadStatus};
use background_fetch::api::RequestObject;
use background_fetch::embedder::FunctionalEventName::{Abort, Click, Fail, Success};
use background_fetch::embedder::{PauseReasons, StorageErrorKind};
use background_fetch::inspect::{EventKind, EventStream, InspectEvent};
use background_fetch::{
    BackgroundFetchFailureReason, BackgroundFetchOptions, BackgroundFetchResult, BackgroundFetchUIOptions,
    FetchKey, ResponseResult,
};
use background_fetch_sim::{Resource, StorageOperation};
use futures::{FutureExt, StreamExt};
use spec_tests::{SUCCESS, failure, post, progress, tell};

/// What a stream has now.
fn drain(events: &mut EventStream) -> Vec<InspectEvent> {
    std::iter::from_fn(|| events.next().now_or_never().flatten()).collect()
}

/// The kinds of events, without what depends on the schedule.
fn told(kinds: &[EventKind]) -> Vec<String> {
    kinds
        .iter()
        .map(|kind| match kind {
            EventKind::RequestSent {
                record,
                attempt,
                range_start,
            } => format!("{record}: request {attempt} from {range_start}"),
            EventKind::ResponseReceived { record, status } => format!("{record}: status {status}"),
            EventKind::Retry { record, reason, wait } => {
                assert!(reason.contains("https://site.example/"), "{reason}");
                format!("{record}: retry in {wait:?}")
            }
            EventKind::Restarted { record, reason } => {
                assert!(reason.contains("starting again"), "{reason}");
                format!("{record}: restart")
            }
            EventKind::RecordSettled { record, result, .. } => format!("{record}: {result}"),
            EventKind::Settled {
                result,
                failure_reason,
            } => format!("{result} {failure_reason}"),
            EventKind::EventFired { name } => format!("fired {name}"),
            EventKind::EventEnded { name } => format!("ended {name}"),
            EventKind::EventFailed { name, .. } => format!("failed {name}"),
            EventKind::Paused { reasons } => format!("paused {}", reasons.any()),
            EventKind::StorageTrouble { .. } => "storage trouble".to_owned(),
            EventKind::Created => "created".to_owned(),
            EventKind::Aborted => "aborted".to_owned(),
            EventKind::Removed => "removed".to_owned(),
            EventKind::Cleared => "cleared".to_owned(),
        })
        .collect()
}

#[test]
fn a_snapshot_shows_the_fetch_and_its_records() {
    tell(async |site| {
        site.serve_pattern("done", 300);
        site.serve_hanging("loading");
        site.serve("missing", Resource::bytes("not here").with_status(404));
        let upload = RequestObject::with_body(post("https://site.example/loading"), "some bytes");
        let requests = ["done", "loading", "missing", "nowhere"]
            .map(Into::into)
            .into_iter();
        let options = BackgroundFetchOptions {
            ui: BackgroundFetchUIOptions {
                title: Some("Title".into()),
                icons: None,
            },
            download_total: 5000,
        };
        let requests = requests.chain([upload.into()]);
        let registration = site
            .manager()
            .fetch(
                "id",
                requests.collect::<Vec<background_fetch::api::RequestInfo>>(),
                options,
            )
            .await
            .unwrap();
        while registration.downloaded() < 300 + 100 + 8 + 100 {
            progress(&registration).await;
        }
        site.pass(Duration::from_secs(1)).await;
        let found = site.engine().inspect_one(registration.key()).unwrap();
        assert_eq!(site.engine().inspect(), vec![found.clone()]);
        assert_eq!(
            (found.key, &found.registration),
            (registration.key(), &site.registration)
        );
        assert_eq!((found.id, found.title), ("id".into(), "Title".into()));
        assert_eq!((found.paused, found.aborted), (PauseReasons::default(), false));
        assert_eq!((found.download_total, found.downloaded), (5000, 508));
        assert_eq!((found.upload_total, found.uploaded), (10, 10));
        assert_eq!(found.result, BackgroundFetchResult::Empty);
        assert_eq!(found.failure_reason, BackgroundFetchFailureReason::Empty);
        assert!(!found.event_owed && found.records_available);
        let records = &found.records;
        let results: Vec<_> = records.iter().map(|record| record.result).collect();
        use ResponseResult::{BadStatus, Empty, FetchError, Success};
        assert_eq!(results, [Success, Empty, BadStatus, FetchError, Empty]);
        let statuses: Vec<_> = records.iter().map(|record| record.status).collect();
        assert_eq!(statuses, [Some(200), Some(200), Some(404), None, Some(200)]);
        let in_flight: Vec<_> = records.iter().map(|record| record.in_flight).collect();
        assert_eq!(in_flight, [false, true, false, false, true]);
        assert!(records.iter().all(|record| record.attempts == 1));
        assert_eq!(
            (records[1].content_length, records[1].downloaded),
            (Some(1000), 100)
        );
        assert_eq!(
            (
                &records[4].method[..],
                records[4].upload_total,
                records[4].uploaded
            ),
            ("POST", 10, 10)
        );
        assert_eq!(records[0].url.as_str(), "https://site.example/done");
        assert_eq!(records[0].detail, "");
        assert!(records[2].detail.contains("404"), "{}", records[2].detail);
        assert!(
            records[3].detail.contains("https://site.example/nowhere"),
            "{}",
            records[3].detail
        );
        registration.abort().await.unwrap();
        assert_eq!(site.settled(&registration).await, failure(Aborted));
    });
}

#[test]
fn a_finished_fetch_has_no_records_any_more() {
    tell(async |site| {
        site.serve_pattern("a", 300);
        site.world.service_workers.hold();
        let registration = site.fetch("id", &["a"]).await.unwrap();
        assert_eq!(site.settled(&registration).await, SUCCESS);
        site.world.stalled().await;
        let found = || site.engine().inspect_one(registration.key()).unwrap();
        assert!(found().event_owed && found().records_available);
        site.world.service_workers.release();
        site.over(&registration).await;
        site.pass(Duration::from_secs(1)).await;
        assert!(!found().event_owed && !found().records_available);
        assert_eq!((found().records, found().downloaded), (vec![], 300));
        assert_eq!((found().result, found().failure_reason), SUCCESS);
        assert_eq!(site.engine().inspect_one(FetchKey(99)), None);
    });
}

#[test]
fn snapshots_are_the_oldest_first() {
    tell(async |site| {
        site.serve_hanging("a");
        let mut started = Vec::new();
        for id in ["b", "a", "c"] {
            started.push(site.fetch(id, &["a"]).await.unwrap());
        }
        let ids: Vec<_> = site
            .engine()
            .inspect()
            .iter()
            .map(|found| found.id.to_string())
            .collect();
        assert_eq!(ids, ["b", "a", "c"]);
        for registration in started {
            registration.abort().await.unwrap();
        }
    });
}

#[test]
fn the_events_tell_the_story_of_a_fetch() {
    tell(async |site| {
        let resource = Resource::pattern(1, 1000)
            .etag("v1")
            .chunks(100)
            .unreachable()
            .drop_after(500);
        site.serve("a", resource);
        site.world.service_workers.fail_to_start(1);
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.over(&registration).await;
        site.pass(Duration::from_secs(1)).await;
        assert_eq!(
            told(&site.events()),
            [
                "created",
                "0: request 1 from 0",
                "0: retry in 1s",
                "0: request 2 from 0",
                "0: status 200",
                "0: retry in 1s",
                "0: request 3 from 500",
                "0: status 206",
                "0: success",
                "success ",
                "fired backgroundfetchsuccess",
                "failed backgroundfetchsuccess",
                "fired backgroundfetchsuccess",
                "ended backgroundfetchsuccess",
                "removed",
            ]
        );
        assert_eq!(site.world.service_workers.names(), [Success]);
    });
}

#[test]
fn the_events_tell_of_pauses_aborts_clicks_and_clearing() {
    tell(async |site| {
        site.serve_hanging("a");
        let engine = site.engine();
        let first = site.fetch("first", &["a"]).await.unwrap();
        site.pass(Duration::from_secs(1)).await;
        site.events();
        engine.pause(first.key()).await.unwrap();
        engine.pause(first.key()).await.unwrap();
        site.pass(Duration::from_secs(1)).await;
        engine.click(first.key());
        site.pass(Duration::from_secs(1)).await;
        first.abort().await.unwrap();
        site.over(&first).await;
        site.pass(Duration::from_secs(1)).await;
        let told_first = told(&site.events());
        let paused = told_first.iter().filter(|line| line.starts_with("paused"));
        assert_eq!(paused.count(), 1, "what changes nothing is no event");
        for line in [
            "paused true",
            "ended backgroundfetchclick",
            "aborted",
            "failure aborted",
            "removed",
        ] {
            assert!(
                told_first.iter().any(|told| told == line),
                "{line} in {told_first:?}"
            );
        }
        assert_eq!(site.world.service_workers.names(), [Click, Abort]);
        site.fetch("second", &["a"]).await.unwrap();
        engine.clear_registration(&site.registration).await.unwrap();
        let told = told(&site.events());
        assert_eq!(
            told.iter().filter(|line| *line == "cleared").count(),
            2,
            "{told:?}"
        );
    });
}

#[test]
fn the_events_tell_of_failures_in_a_sentence() {
    tell(async |site| {
        site.serve("a", Resource::bytes("no").with_status(500));
        site.world
            .storage
            .fail_next(StorageOperation::Remove, StorageErrorKind::Io);
        let registration = site.fetch("id", &["a"]).await.unwrap();
        assert_eq!(site.settled(&registration).await, failure(BadStatus));
        site.over(&registration).await;
        site.pass(Duration::from_secs(1)).await;
        let events = site.events();
        let settled = events.iter().find_map(|kind| match kind {
            EventKind::RecordSettled { detail, .. } => Some(detail.clone()),
            _ => None,
        });
        assert_eq!(
            settled.unwrap(),
            "the server answered with status 500 Internal Server Error"
        );
        let trouble =
            |kind: &EventKind| matches!(kind, EventKind::StorageTrouble { message } if !message.is_empty());
        assert!(events.iter().any(trouble));
        assert_eq!(site.world.service_workers.names(), [Fail]);
    });
}

#[test]
fn events_are_dated_in_order_and_name_their_fetch() {
    tell(async |site| {
        site.serve_pattern("a", 10);
        let mut events = site.engine().events(100);
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.over(&registration).await;
        let events = drain(&mut events);
        assert!(events.windows(2).all(|pair| pair[0].at <= pair[1].at));
        assert!(
            events
                .iter()
                .all(|event| event.fetch == registration.key() && event.id == "id")
        );
    });
}

#[test]
fn a_reader_that_is_too_slow_loses_events_and_is_told_how_many() {
    tell(async |site| {
        site.serve_pattern("a", 10);
        let engine = site.engine();
        let (mut quick, mut slow) = (engine.events(1000), engine.events(3));
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.over(&registration).await;
        site.pass(Duration::from_secs(1)).await;
        let (all, kept) = (drain(&mut quick), drain(&mut slow));
        assert_eq!(kept, all[..3], "the first ones are kept");
        assert_eq!((quick.lost(), slow.lost()), (0, all.len() as u64 - 3));
        // It reads on with what comes from now on.
        engine.click(registration.key());
        site.pass(Duration::from_secs(1)).await;
        assert_eq!(drain(&mut slow), drain(&mut quick));
        assert_eq!(slow.lost(), all.len() as u64 - 3);
    });
}

#[test]
fn a_reader_that_left_costs_nothing_and_the_others_read_on() {
    tell(async |site| {
        site.serve_pattern("a", 10);
        drop(site.engine().events(usize::MAX));
        drop(site.engine().events(0));
        let registration = site.fetch("id", &["a"]).await.unwrap();
        assert_eq!(site.settled(&registration).await, SUCCESS);
        assert!(site.events().contains(&EventKind::Created));
    });
}
