//! Complete a record: statuses and outages after which a `GET` is tried again, and the waits between (errata 28).

use std::time::Duration;

use background_fetch::embedder::{Clock, Policies};
use background_fetch::fetch::Request;
use background_fetch::inspect::EventKind;
use background_fetch::{BackgroundFetchFailureReason, BackgroundFetchOptions, BackgroundFetchResult};
use background_fetch_sim::{Resource, Response, pattern};
use http::{HeaderValue, Method};
use spec_tests::{SITE, Site, body_of, exact, get, tell_with};

const FILE: &str = "https://site.example/file";

/// The waits between the requests for the file, in milliseconds.
fn waits(site: &Site) -> Vec<u128> {
    let requests = site.world.network.log_of(FILE);
    let pairs = requests.windows(2);
    pairs.map(|pair| (pair[1].at - pair[0].at).as_millis()).collect()
}

/// Fetches the file; gives how that ended, and the record's status and bytes while its event was active.
async fn outcome(
    site: &Site,
    request: Request,
) -> (
    (BackgroundFetchResult, BackgroundFetchFailureReason),
    Option<(u16, Vec<u8>)>,
) {
    let (sender, receiver) = futures::channel::oneshot::channel();
    let sender = std::rc::Rc::new(std::cell::RefCell::new(Some(sender)));
    site.on_event(move |event| {
        let sender = sender.clone();
        async move {
            let records = event.registration().match_all(None, Default::default()).await;
            let record = records.expect("its records are available").remove(0);
            let seen = match record.response_ready().await {
                Ok(response) => {
                    let body = body_of(&record).await.expect("its body is whole");
                    Some((response.head().status.as_u16(), body))
                }
                Err(_) => None,
            };
            if let Some(sender) = sender.borrow_mut().take() {
                let _ = sender.send(seen);
            }
        }
    });
    let options = BackgroundFetchOptions::default();
    let registration = site.manager().fetch("id", [request], options).await;
    let registration = registration.expect("it starts");
    let settled = site.settled(&registration).await;
    let seen = receiver.await.expect("its event is fired");
    site.over(&registration).await;
    (settled, seen)
}

const SUCCESS: (BackgroundFetchResult, BackgroundFetchFailureReason) = (
    BackgroundFetchResult::Success,
    BackgroundFetchFailureReason::Empty,
);
const BAD_STATUS: (BackgroundFetchResult, BackgroundFetchFailureReason) = (
    BackgroundFetchResult::Failure,
    BackgroundFetchFailureReason::BadStatus,
);

#[test]
fn a_temporary_status_is_tried_again_with_back_off() {
    for status in [408, 425, 429, 500, 502, 503, 504] {
        tell_with(&exact(), async |site| {
            site.world
                .network
                .serve(FILE, Resource::bytes("done").answers(status).times(3));
            let found = outcome(site, get(FILE)).await;
            assert_eq!(found, (SUCCESS, Some((200, b"done".to_vec()))));
            assert_eq!(waits(site), [1000, 2000, 4000]);
            let whys: Vec<_> = site
                .events()
                .into_iter()
                .filter_map(|event| match event {
                    EventKind::Retry { reason, .. } => Some(reason),
                    _ => None,
                })
                .collect();
            assert_eq!(whys.len(), 3);
            let why = format!("cannot fetch {FILE}: the server answered with status {status}");
            assert!(whys[0].starts_with(&why), "{}", whys[0]);
        });
    }
}

#[test]
fn any_other_status_is_a_bad_status_at_once() {
    for status in [300, 400, 401, 403, 404, 410, 416, 418, 501, 505, 599] {
        tell_with(&exact(), async |site| {
            let resource = Resource::bytes("").with_status(status);
            site.world.network.serve(FILE, resource);
            let (settled, seen) = outcome(site, get(FILE)).await;
            assert_eq!((settled, seen.unwrap().0), (BAD_STATUS, status));
            assert_eq!(waits(site), [0; 0]);
        });
    }
}

#[test]
fn the_last_temporary_status_is_the_response() {
    tell_with(&exact(), async |site| {
        let resource = Resource::bytes("come back tomorrow").with_status(503);
        site.world.network.serve(FILE, resource);
        let found = outcome(site, get(FILE)).await;
        assert_eq!(found, (BAD_STATUS, Some((503, b"come back tomorrow".to_vec()))));
        assert_eq!(waits(site), [1000, 2000, 4000, 8000, 16000]);
    });
}

#[test]
fn a_policy_without_statuses_takes_each_as_it_is() {
    let mut policies = exact();
    policies.retry.statuses.clear();
    tell_with(&policies, async |site| {
        site.world
            .network
            .serve(FILE, Resource::bytes("").with_status(503));
        let (settled, seen) = outcome(site, get(FILE)).await;
        assert_eq!((settled, seen.unwrap().0), (BAD_STATUS, 503));
        assert_eq!(waits(site), [0; 0]);
    });
}

#[test]
fn the_server_says_when_to_come_back() {
    let busy = |value: &'static str| {
        move |_: &_| {
            Response::new(429)
                .header("retry-after", value)
                .header("date", "Wed, 28 Feb 2024 23:59:00 GMT")
        }
    };
    tell_with(&exact(), async |site| {
        let network = &site.world.network;
        network.serve(FILE, Resource::bytes("done"));
        // Shorter than the back-off, longer, a date over a leap day, nonsense, and longer than any wait may be.
        for value in [
            "0",
            "90",
            "Fri, 01 Mar 2024 00:00:00 GMT",
            "never",
            "99999999999999999999",
        ] {
            network.respond_once(FILE, busy(value));
        }
        assert_eq!(outcome(site, get(FILE)).await.0, SUCCESS);
        assert_eq!(waits(site), [1000, 90_000, 3_600_000, 8000, 3_600_000]);
    });
    let mut policies = exact();
    policies.retry.longest_retry_after = Duration::from_secs(7 * 24 * 60 * 60);
    tell_with(&policies, async |site| {
        let network = &site.world.network;
        network.serve(FILE, Resource::bytes("done"));
        network.respond_once(FILE, busy("Fri, 01 Mar 2024 00:00:00 GMT"));
        assert_eq!(outcome(site, get(FILE)).await.0, SUCCESS);
        assert_eq!(waits(site), [(24 * 60 * 60 + 60) * 1000]);
    });
}

#[test]
fn a_temporary_status_throws_no_stored_byte_away() {
    tell_with(&exact(), async |site| {
        let resource = Resource::pattern(1, 1000).etag("v1");
        let network = &site.world.network;
        network.serve(FILE, resource.drop_after(400).answers(503).times(2));
        let found = outcome(site, get(FILE)).await;
        assert_eq!(found, (SUCCESS, Some((200, pattern(1, 0, 1000).to_vec()))));
        let starts: Vec<_> = site
            .events()
            .into_iter()
            .filter_map(|event| match event {
                EventKind::RequestSent { range_start, .. } => Some(range_start),
                _ => None,
            })
            .collect();
        assert_eq!(starts, [0, 400, 400, 400]);
    });
}

#[test]
fn a_temporary_status_is_not_seen_as_the_records_response() {
    tell_with(&exact(), async |site| {
        site.world
            .network
            .serve(FILE, Resource::bytes("done").answers(503));
        let registration = site.fetch("id", &[FILE]).await.unwrap();
        while site.world.network.log_of(FILE).is_empty() {
            site.world.clock.sleep(Duration::from_millis(1)).await;
        }
        site.world.clock.sleep(Duration::from_millis(500)).await;
        let record = site.engine().inspect()[0].records[0].clone();
        assert_eq!((record.status, record.downloaded), (None, 0));
        assert!(record.detail.contains("status 503"), "{}", record.detail);
        assert_eq!(site.settled(&registration).await, SUCCESS);
        site.over(&registration).await;
    });
}

#[test]
fn progress_between_temporary_statuses_renews_the_budget() {
    tell_with(&exact(), async |site| {
        let mut resource = Resource::pattern(1, 1000).etag("v1");
        for _ in 0..5 {
            resource = resource.answers(503).times(4).drop_after(100);
        }
        site.world.network.serve(FILE, resource);
        let found = outcome(site, get(FILE)).await;
        assert_eq!(found, (SUCCESS, Some((200, pattern(1, 0, 1000).to_vec()))));
        assert_eq!(site.world.network.log_of(FILE).len(), 26);
    });
}

#[test]
fn what_is_no_get_is_sent_once_whatever_the_status() {
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::HEAD] {
        tell_with(&exact(), async |site| {
            let resource = Resource::bytes("").with_status(503);
            site.world.network.serve(FILE, resource);
            let request = Request {
                method: method.clone(),
                ..get(FILE)
            };
            let (settled, seen) = outcome(site, request).await;
            assert_eq!((settled, seen.unwrap().0), (BAD_STATUS, 503));
            assert_eq!(site.world.network.log_of(FILE).len(), 1);
        });
    }
}

#[test]
fn a_get_with_the_authors_range_is_tried_again_as_it_was() {
    tell_with(&exact(), async |site| {
        let resource = Resource::pattern(1, 1000).etag("v1").answers(503);
        site.world.network.serve(FILE, resource);
        let mut request = get(FILE);
        let range = HeaderValue::from_static("bytes=100-199");
        request.headers.insert(http::header::RANGE, range);
        let found = outcome(site, request).await;
        assert_eq!(found, (SUCCESS, Some((206, pattern(1, 100, 100).to_vec()))));
    });
}

#[test]
fn being_offline_is_not_counted() {
    tell_with(&exact(), async |site| {
        // More outages than the budget has failures, without a byte of progress between.
        let network = &site.world.network;
        network.serve(FILE, Resource::bytes("done").hold_at(0));
        let registration = site.fetch("id", &[FILE]).await.unwrap();
        for _ in 0..20 {
            network.until_held(FILE).await;
            network.offline();
            site.world.clock.sleep(Duration::from_secs(24 * 60 * 60)).await;
            network.online();
        }
        network.until_held(FILE).await;
        network.release_all(FILE);
        assert_eq!(site.settled(&registration).await, SUCCESS);
        assert_eq!(site.world.network.log_of(FILE).len(), 21);
        // Each came back a first back-off after the device did.
        assert!(
            waits(site).iter().all(|wait| *wait >= 86_401_000),
            "{:?}",
            waits(site)
        );
        site.over(&registration).await;
    });
}

#[test]
fn an_outage_counts_as_one_of_the_connection_before_a_tenth_of_a_second() {
    // An embedder may take a moment to say that the device is online.
    for (outage, counts) in [(1, true), (99, true), (100, false), (101, false)] {
        tell_with(&exact(), async |site| {
            let network = &site.world.network;
            network.serve(FILE, Resource::bytes("done").hold_at(0));
            // Some way from where the clock begins.
            site.world.clock.sleep(Duration::from_secs(60)).await;
            let registration = site.fetch("id", &[FILE]).await.unwrap();
            for _ in 0..6 {
                network.until_held(FILE).await;
                network.offline();
                site.world.clock.sleep(Duration::from_millis(outage)).await;
                network.online();
            }
            network.release_all(FILE);
            let failed = spec_tests::failure(BackgroundFetchFailureReason::FetchError);
            let expected = if counts { failed } else { SUCCESS };
            assert_eq!(site.settled(&registration).await, expected, "{outage}");
            site.over(&registration).await;
        });
    }
}

#[test]
fn a_connection_that_is_lost_online_is_counted() {
    tell_with(&exact(), async |site| {
        let network = &site.world.network;
        network.serve(FILE, Resource::bytes("done").hold_at(0));
        let registration = site.fetch("id", &[FILE]).await.unwrap();
        for _ in 0..6 {
            network.until_held(FILE).await;
            network.drop_connections();
            site.world.clock.sleep(Duration::from_millis(10)).await;
        }
        let failed = (
            BackgroundFetchResult::Failure,
            BackgroundFetchFailureReason::FetchError,
        );
        assert_eq!(site.settled(&registration).await, failed);
        site.over(&registration).await;
    });
}

#[test]
fn waits_are_spread_and_the_same_when_the_story_is_told_again() {
    let told = std::cell::RefCell::new(Vec::new());
    tell_with(&Policies::default(), async |site| {
        let urls: Vec<_> = (0..6).map(|number| format!("{SITE}{number}")).collect();
        for url in &urls {
            site.world
                .network
                .serve(url, Resource::bytes("done").answers(503));
        }
        let names: Vec<_> = urls.iter().map(String::as_str).collect();
        let registration = site.fetch("id", &names).await.unwrap();
        assert_eq!(site.settled(&registration).await, SUCCESS);
        let mut waits = Vec::new();
        for url in &urls {
            let requests = site.world.network.log_of(url);
            waits.push((requests[1].at - requests[0].at).as_micros());
        }
        assert!(
            waits.iter().all(|wait| (750_000..=1_000_000).contains(wait)),
            "{waits:?}"
        );
        let mut different = waits.clone();
        different.sort_unstable();
        different.dedup();
        assert!(different.len() > 3, "{waits:?}");
        told.borrow_mut().push(waits);
        site.over(&registration).await;
    });
    let told = told.into_inner();
    assert!(told.iter().all(|waits| *waits == told[0]), "{told:?}");
}
