//! Complete a record: what is tried again, when, and how often (errata 28).

use background_fetch::embedder::{NetworkError, Policies, RetryPolicy};
use background_fetch::inspect::EventKind;
use background_fetch::{BackgroundFetchFailureReason, ExceptionName};
use background_fetch_sim::{Resource, pattern};
use spec_tests::{SUCCESS, Site, failure, tell, tell_with};
use std::time::Duration;

const FETCH_ERROR: BackgroundFetchFailureReason = BackgroundFetchFailureReason::FetchError;

/// The seconds between the requests for a path.
fn waits(site: &Site, path: &str) -> Vec<u64> {
    let requests = site.requests(path);
    let pairs = requests.windows(2);
    pairs.map(|pair| (pair[1].at - pair[0].at).as_secs()).collect()
}

#[test]
fn retries_back_off_and_end() {
    tell(async |site| {
        site.serve("a", Resource::bytes("").unreachable().always());
        let worker = site.reading_worker();
        let registration = site.fetch("id", &["a"]).await.unwrap();
        assert_eq!(site.outcome(&registration).await, failure(FETCH_ERROR));
        assert_eq!(
            waits(site, "a"),
            [1, 2, 4, 8, 16],
            "five retries, each wait twice the last"
        );
        assert_eq!(worker.bodies(), [Err(ExceptionName::TypeError)]);
        let why = site.events().into_iter().find_map(|event| match event {
            EventKind::RecordSettled { detail, .. } => Some(detail),
            _ => None,
        });
        let why = why.unwrap();
        assert!(
            why.contains("https://site.example/a") && why.contains("6 times"),
            "{why}"
        );
    });
}

#[test]
fn waits_are_no_longer_than_the_longest() {
    let retry = RetryPolicy {
        retries: 6,
        first_backoff: Duration::from_secs(3),
        longest_backoff: Duration::from_secs(10),
        jitter_percent: 0,
        ..RetryPolicy::default()
    };
    tell_with(
        &Policies {
            retry,
            ..Policies::default()
        },
        async |site| {
            site.serve("a", Resource::bytes("").unreachable().always());
            assert_eq!(site.outcome_of("a").await, failure(FETCH_ERROR));
            assert_eq!(waits(site, "a"), [3, 6, 10, 10, 10, 10]);
        },
    );
}

#[test]
fn no_retries_means_one_request() {
    let retry = RetryPolicy {
        retries: 0,
        ..RetryPolicy::default()
    };
    tell_with(
        &Policies {
            retry,
            ..Policies::default()
        },
        async |site| {
            site.serve("a", Resource::bytes("").unreachable());
            assert_eq!(site.outcome_of("a").await, failure(FETCH_ERROR));
            assert_eq!(site.requests("a").len(), 1);
        },
    );
}

#[test]
fn progress_renews_the_budget() {
    tell(async |site| {
        // Forty broken connections, each of which brought something.
        let resource = Resource::pattern(1, 4100).etag("v1").drop_after(100).times(40);
        site.serve("a", resource);
        let worker = site.reading_worker();
        assert_eq!(site.outcome_of("a").await, SUCCESS);
        assert_eq!(waits(site, "a"), [1; 40]);
        assert_eq!(worker.bodies(), [Ok(pattern(1, 0, 4100).to_vec())]);
    });
}

#[test]
fn bytes_that_came_before_are_no_progress() {
    tell(async |site| {
        // Without a validator each try starts at byte 0, and breaks at the same place.
        site.serve("a", Resource::pattern(1, 1000).drop_after(999).always());
        assert_eq!(site.outcome_of("a").await, failure(FETCH_ERROR));
        assert_eq!(site.starts("a"), [0; 6]);
        // Further than before is progress, even so.
        let mut resource = Resource::pattern(1, 1000);
        for bytes in (1..=20).map(|times| times * 10) {
            resource = resource.drop_after(bytes);
        }
        site.serve("b", resource);
        assert_eq!(site.outcome_of("b").await, SUCCESS);
        assert_eq!(site.requests("b").len(), 21);
    });
}

#[test]
fn a_server_that_changes_its_resource_each_time_is_not_asked_for_ever() {
    tell(async |site| {
        let version = |tag: u64| {
            Resource::pattern(tag, 1000)
                .etag(&tag.to_string())
                .drop_after(500)
        };
        let mut resource = version(0);
        for tag in 1..100 {
            resource = version(tag).after_requests(1, resource);
        }
        site.serve("a", resource);
        assert_eq!(site.outcome_of("a").await, failure(FETCH_ERROR));
        assert!(site.requests("a").len() < 20, "{}", site.requests("a").len());
    });
}

#[test]
fn the_server_may_ask_for_a_longer_wait() {
    let busy = |seconds| NetworkError {
        retry_after: Some(Duration::from_secs(seconds)),
        ..NetworkError::temporary("busy")
    };
    tell(async |site| {
        let resource = Resource::bytes("done").fails(busy(90)).fails(busy(0));
        site.serve("a", resource);
        assert_eq!(site.outcome_of("a").await, SUCCESS);
        assert_eq!(waits(site, "a"), [90, 2]);
    });
}

#[test]
fn while_offline_nothing_is_tried() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 1000).etag("v1").hold_at(400));
        let worker = site.reading_worker();
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.until_held("a").await;
        site.world.network.offline();
        site.sleep(Duration::from_secs(24 * 60 * 60)).await;
        assert_eq!(site.requests("a").len(), 1);
        site.world.network.online();
        site.release("a");
        assert_eq!(site.outcome(&registration).await, SUCCESS);
        assert_eq!(site.starts("a"), [0, 400]);
        assert_eq!(worker.bodies(), [Ok(pattern(1, 0, 1000).to_vec())]);
    });
}

#[test]
fn a_fetch_that_waits_to_be_tried_again_can_be_aborted() {
    tell(async |site| {
        for offline in [true, false] {
            site.serve("a", Resource::bytes("").unreachable().always());
            let registration = site.fetch("id", &["a"]).await.unwrap();
            site.until(|| !site.requests("a").is_empty()).await;
            if offline {
                site.world.network.offline();
            }
            let before = site.world.executor.clock();
            let before = background_fetch::embedder::Clock::now(&before);
            assert!(registration.abort().await.unwrap());
            let aborted = failure(BackgroundFetchFailureReason::Aborted);
            assert_eq!(site.settled(&registration).await, aborted);
            let took = background_fetch::embedder::Clock::now(&site.world.clock) - before;
            assert!(took < Duration::from_secs(1), "{took:?}");
            site.over(&registration).await;
            site.world.network.online();
        }
    });
}

#[test]
fn a_fetch_that_waits_to_be_tried_again_can_be_paused() {
    tell(async |site| {
        site.serve("a", Resource::bytes("done").unreachable());
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.until(|| site.requests("a").iter().any(|request| request.ending.is_some()))
            .await;
        site.engine().pause(registration.key()).await.unwrap();
        site.sleep(Duration::from_secs(3600)).await;
        assert_eq!(site.requests("a").len(), 1, "nothing is sent while it is paused");
        site.engine().resume(registration.key()).await.unwrap();
        assert_eq!(site.outcome(&registration).await, SUCCESS);
    });
}

#[test]
fn a_record_that_waits_does_not_hold_up_the_others() {
    tell(async |site| {
        // More of them than may be in flight at once.
        let names: Vec<_> = (0..12).map(|number| format!("bad{number}")).collect();
        for name in &names {
            site.serve(name, Resource::bytes("").unreachable().times(5));
        }
        site.serve("good", Resource::bytes("done"));
        let mut urls: Vec<_> = names.iter().map(String::as_str).collect();
        urls.push("good");
        let registration = site.fetch("id", &urls).await.unwrap();
        site.until(|| !site.requests("good").is_empty()).await;
        assert!(background_fetch::embedder::Clock::now(&site.world.clock) < Duration::from_secs(1));
        assert_eq!(site.outcome(&registration).await, SUCCESS);
    });
}

#[test]
fn each_record_has_a_budget_of_its_own() {
    tell(async |site| {
        for name in ["a", "b", "c"] {
            site.serve(name, Resource::bytes("done").unreachable().times(5));
        }
        let registration = site.fetch("id", &["a", "b", "c"]).await.unwrap();
        assert_eq!(site.outcome(&registration).await, SUCCESS);
        assert_eq!(site.requests("b").len(), 6);
    });
}
