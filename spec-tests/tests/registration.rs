//! `BackgroundFetchRegistration`: its attributes, `abort()`, `match()` and `matchAll()`.

use std::time::Duration;

use background_fetch::BackgroundFetchFailureReason::{self, Aborted, BadStatus, FetchError};
use background_fetch::ExceptionName::{AbortError, InvalidStateError, TypeError};
use background_fetch::api::{BackgroundFetchRecord, BackgroundFetchRegistration, RequestInfo, RequestObject};
use background_fetch::embedder::{FunctionalEventName, PermissionState};
use background_fetch::fetch::Request;
use background_fetch::{BackgroundFetchOptions, BackgroundFetchResult, CacheQueryOptions, DomString};
use background_fetch_sim::{Ending, Resource};
use http::{HeaderValue, Method};
use spec_tests::{SUCCESS, Site, assert_rejected, body_of, failure, get, post, progress, request, tell};

const EXACT: CacheQueryOptions = CacheQueryOptions {
    ignore_search: false,
    ignore_method: false,
    ignore_vary: false,
};

#[test]
fn the_attributes_are_those_of_the_fetch() {
    tell(async |site| {
        site.serve_hanging("a");
        let options = BackgroundFetchOptions {
            download_total: 5000,
            ..Default::default()
        };
        site.world.permissions.set(PermissionState::Prompt);
        let upload = RequestObject::with_body(post("https://site.example/a"), "body");
        let registration = site.manager().fetch("id", [upload], options).await.unwrap();
        assert_eq!(*registration.id(), "id");
        assert_eq!(
            (registration.upload_total(), registration.download_total()),
            (4, 5000)
        );
        assert_eq!((registration.uploaded(), registration.downloaded()), (0, 0));
        assert_eq!(registration.result(), BackgroundFetchResult::Empty);
        assert_eq!(registration.failure_reason(), BackgroundFetchFailureReason::Empty);
        assert!(registration.records_available());
        site.engine().allow(registration.key()).await.unwrap();
        while registration.downloaded() < 100 {
            progress(&registration).await;
        }
        assert_eq!((registration.uploaded(), registration.downloaded()), (4, 100));
        registration.abort().await.unwrap();
        assert_eq!(site.settled(&registration).await, failure(Aborted));
    });
}

#[test]
fn an_id_comes_back_code_unit_for_code_unit() {
    tell(async |site| {
        site.serve_pattern("a", 10);
        for units in [&[0xD800][..], &[0xDC00, 0xD800], &[0x61, 0, 0x62], &[]] {
            let id = DomString::from_code_units(units);
            let registration = site
                .manager()
                .fetch(id.clone(), ["a"], Default::default())
                .await
                .unwrap();
            assert_eq!(registration.id().code_units(), units);
            assert_eq!(site.settled(&registration).await, SUCCESS);
            site.over(&registration).await;
        }
        let fired = site.world.service_workers.fired();
        assert_eq!(fired[0].event.id.code_units(), [0xD800]);
    });
}

#[test]
fn without_a_download_total_there_is_no_limit() {
    tell(async |site| {
        site.serve_pattern("a", 100_000);
        let registration = site.fetch("id", &["a"]).await.unwrap();
        assert_eq!(site.settled(&registration).await, SUCCESS);
        assert_eq!(
            (registration.download_total(), registration.downloaded()),
            (0, 100_000)
        );
    });
}

#[test]
fn records_are_available_until_the_event_has_ended() {
    tell(async |site| {
        site.serve_pattern("a", 10);
        site.world.service_workers.hold();
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.settled(&registration).await;
        site.pass(Duration::from_secs(100)).await;
        assert!(registration.records_available());
        assert_eq!(registration.match_all(None, EXACT).await.unwrap().len(), 1);
        site.world.service_workers.release();
        site.over(&registration).await;
        for refused in [
            registration.match_all(None, EXACT).await.map(|_| ()),
            registration.r#match("a", EXACT).await.map(|_| ()),
            registration.r#match("http://", EXACT).await.map(|_| ()),
        ] {
            assert_rejected(refused, InvalidStateError, &["no longer available"]);
        }
        assert_eq!(
            (registration.result(), registration.failure_reason()),
            SUCCESS,
            "a settled result stays"
        );
        assert_eq!(registration.downloaded(), 10);
    });
}

#[test]
fn abort_resolves_with_true_once() {
    tell(async |site| {
        site.serve_hanging("a");
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let (first, second) = (registration.abort(), registration.abort());
        assert_eq!(second.await, Ok(false));
        assert_eq!(first.await, Ok(true));
        assert_eq!(site.settled(&registration).await, failure(Aborted));
        assert_eq!(registration.abort().await, Ok(false));
        site.over(&registration).await;
        assert_eq!(registration.abort().await, Ok(false));
        assert_eq!(site.world.service_workers.names(), [FunctionalEventName::Abort]);
    });
}

#[test]
fn after_abort_no_byte_arrives_and_the_connection_is_cut() {
    tell(async |site| {
        let slow = Resource::pattern(1, 1000)
            .chunks(10)
            .chunk_delay(Duration::from_millis(300));
        site.serve("a", slow);
        let registration = site.fetch("id", &["a"]).await.unwrap();
        while registration.downloaded() < 100 {
            progress(&registration).await;
        }
        site.world.service_workers.hold();
        assert!(registration.abort().await.unwrap());
        let downloaded = site.engine().inspect_one(registration.key()).unwrap().downloaded;
        assert_eq!(site.settled(&registration).await, failure(Aborted));
        site.pass(Duration::from_secs(60)).await;
        assert_eq!(registration.downloaded(), downloaded);
        assert_eq!(site.usage().await, downloaded);
        let log = site.world.network.log();
        assert_eq!((log.len(), log[0].ending), (1, Some(Ending::Terminated)));
        site.world.service_workers.release();
    });
}

#[test]
fn a_fetch_that_waits_for_permission_can_be_aborted_and_sends_nothing() {
    tell(async |site| {
        site.serve_pattern("a", 10);
        site.world.permissions.set(PermissionState::Prompt);
        let registration = site.fetch("id", &["a"]).await.unwrap();
        assert!(registration.abort().await.unwrap());
        assert_eq!(site.settled(&registration).await, failure(Aborted));
        assert_eq!(site.world.network.log(), []);
    });
}

#[test]
fn records_that_were_complete_before_the_abort_stay_readable_in_the_event() {
    tell(async |site| {
        site.serve_pattern("done", 10);
        site.serve_hanging("loading");
        site.on_event(async |event| {
            assert_eq!(event.name(), FunctionalEventName::Abort);
            let done = event
                .registration()
                .r#match("done", EXACT)
                .await
                .unwrap()
                .unwrap();
            assert_eq!(body_of(&done).await.unwrap().len(), 10);
            let loading = event
                .registration()
                .r#match("loading", EXACT)
                .await
                .unwrap()
                .unwrap();
            assert_rejected(body_of(&loading).await, AbortError, &["/loading"]);
        });
        let registration = site.fetch("id", &["done", "loading"]).await.unwrap();
        while registration.downloaded() < 110 {
            progress(&registration).await;
        }
        registration.abort().await.unwrap();
        site.over(&registration).await;
        assert_eq!(site.world.service_workers.fired().len(), 1);
    });
}

/// A fetch of many kinds of requests, all of them complete; its event goes on.
async fn many(site: &Site) -> BackgroundFetchRegistration {
    for path in ["a", "a?q", "b", "put"] {
        site.serve_pattern(path, 10);
    }
    let vary = Resource::bytes("in colour").header("vary", "x-colour");
    site.serve("vary", vary);
    site.serve("star", Resource::bytes("any").header("vary", "*"));
    site.world.service_workers.hold();
    let mut red = get("https://site.example/vary");
    red.headers.insert("x-colour", HeaderValue::from_static("red"));
    let requests = [
        RequestInfo::from("a#fragment"),
        "a?q".into(),
        "b".into(),
        request(Method::PUT, "https://site.example/put").into(),
        red.into(),
        "star".into(),
    ];
    let registration = site
        .manager()
        .fetch("id", requests, Default::default())
        .await
        .unwrap();
    assert_eq!(site.settled(&registration).await, SUCCESS);
    registration
}

/// No record matches.
const NONE: [usize; 0] = [];

fn places(records: &[BackgroundFetchRecord]) -> Vec<usize> {
    records.iter().map(|record| record.key().index).collect()
}

async fn matching(
    registration: &BackgroundFetchRegistration,
    request: impl Into<RequestInfo>,
    options: CacheQueryOptions,
) -> Vec<usize> {
    places(
        &registration
            .match_all(Some(request.into()), options)
            .await
            .unwrap(),
    )
}

#[test]
fn match_all_without_a_request_gives_every_record() {
    tell(async |site| {
        let registration = many(site).await;
        let records = registration.match_all(None, EXACT).await.unwrap();
        assert_eq!(
            places(&records),
            [0, 1, 2, 3, 4, 5],
            "in the order of the requests"
        );
        drop(records);
        site.world.service_workers.release();
    });
}

#[test]
fn match_all_of_an_unparsable_url_rejects() {
    tell(async |site| {
        let registration = many(site).await;
        for url in ["http://", "https://user@site.example/a"] {
            let refused = registration.match_all(Some(url.into()), EXACT).await;
            assert_rejected(refused, TypeError, &["the request to match"]);
        }
        site.world.service_workers.release();
    });
}

#[test]
fn a_string_and_a_request_match_by_url_without_the_fragment() {
    tell(async |site| {
        let registration = many(site).await;
        assert_eq!(matching(&registration, "a", EXACT).await, [0]);
        assert_eq!(
            matching(&registration, "https://site.example/a#other", EXACT).await,
            [0]
        );
        assert_eq!(
            matching(&registration, get("https://site.example/a?q"), EXACT).await,
            [1]
        );
        assert_eq!(matching(&registration, "a?other", EXACT).await, NONE);
        assert_eq!(matching(&registration, "ftp://site.example/a", EXACT).await, NONE);
        site.world.service_workers.release();
    });
}

#[test]
fn ignore_search_leaves_the_query_out() {
    tell(async |site| {
        let registration = many(site).await;
        let ignore_search = CacheQueryOptions {
            ignore_search: true,
            ..EXACT
        };
        assert_eq!(matching(&registration, "a?other", ignore_search).await, [0, 1]);
        assert_eq!(matching(&registration, "b?other", ignore_search).await, [2]);
        site.world.service_workers.release();
    });
}

#[test]
fn a_put_matches_only_when_the_method_is_ignored() {
    tell(async |site| {
        let registration = many(site).await;
        let put = |url: &str| request(Method::PUT, url);
        let ignore_method = CacheQueryOptions {
            ignore_method: true,
            ..EXACT
        };
        assert_eq!(matching(&registration, "put", EXACT).await, NONE);
        assert_eq!(matching(&registration, "put", ignore_method).await, [3]);
        assert_eq!(
            matching(&registration, put("https://site.example/put"), EXACT).await,
            NONE
        );
        assert_eq!(
            matching(&registration, put("https://site.example/a"), EXACT).await,
            NONE
        );
        assert_eq!(
            matching(&registration, put("https://site.example/a"), ignore_method).await,
            [0]
        );
        site.world.service_workers.release();
    });
}

#[test]
fn vary_compares_the_headers_that_it_names_unless_it_is_ignored() {
    tell(async |site| {
        let registration = many(site).await;
        let coloured = |colour: &'static str| {
            let mut asked = get("https://site.example/vary");
            asked.headers.insert("x-colour", HeaderValue::from_static(colour));
            asked
        };
        let ignore_vary = CacheQueryOptions {
            ignore_vary: true,
            ..EXACT
        };
        assert_eq!(matching(&registration, coloured("red"), EXACT).await, [4]);
        assert_eq!(matching(&registration, coloured("blue"), EXACT).await, NONE);
        assert_eq!(matching(&registration, "vary", EXACT).await, NONE);
        assert_eq!(matching(&registration, coloured("blue"), ignore_vary).await, [4]);
        assert_eq!(matching(&registration, "star", EXACT).await, NONE);
        assert_eq!(matching(&registration, "star", ignore_vary).await, [5]);
        site.world.service_workers.release();
    });
}

#[test]
fn a_request_object_matches_whatever_became_of_its_body() {
    tell(async |site| {
        let registration = many(site).await;
        let used = RequestObject {
            body_used: true,
            ..RequestObject::with_body(get("https://site.example/a"), "")
        };
        assert_eq!(matching(&registration, used, EXACT).await, [0]);
        let navigation = Request {
            mode: background_fetch::fetch::RequestMode::Navigate,
            ..get("https://site.example/a")
        };
        assert_eq!(matching(&registration, navigation, EXACT).await, [0]);
        site.world.service_workers.release();
    });
}

#[test]
fn match_gives_the_first_of_match_all() {
    tell(async |site| {
        let registration = many(site).await;
        let ignore_search = CacheQueryOptions {
            ignore_search: true,
            ..EXACT
        };
        let record = registration.r#match("a?q", ignore_search).await.unwrap().unwrap();
        assert_eq!(record.key().index, 0);
        let again = registration.r#match("a?q", ignore_search).await.unwrap().unwrap();
        assert_ne!(record, again, "each call makes an object of its own");
        drop((record, again));
        site.world.service_workers.release();
    });
}

#[test]
fn match_without_a_matching_record_is_none() {
    tell(async |site| {
        let registration = many(site).await;
        assert_eq!(registration.r#match("unknown", EXACT).await.unwrap(), None);
        site.world.service_workers.release();
    });
}

#[test]
fn records_that_failed_and_those_without_a_response_match_too() {
    tell(async |site| {
        site.serve_hanging("loading");
        site.serve("missing", Resource::bytes("not here").with_status(404));
        site.serve("elsewhere", Resource::bytes("").cors_failure());
        site.world.network.hold("https://site.example/loading");
        let requests = ["loading", "missing", "https://other.example/none"];
        let registration = site.fetch("id", &requests).await.unwrap();
        site.world.stalled().await;
        let records = registration.match_all(None, EXACT).await.unwrap();
        assert_eq!(places(&records), [0, 1, 2]);
        assert_eq!(body_of(&records[1]).await.unwrap(), b"not here");
        assert_rejected(body_of(&records[2]).await, TypeError, &["other.example/none"]);
        drop(records);
        registration.abort().await.unwrap();
        assert_eq!(site.settled(&registration).await, failure(Aborted));
    });
}

#[test]
fn a_missing_file_fails_with_bad_status_and_a_refused_one_with_fetch_error() {
    tell(async |site| {
        site.serve("missing", Resource::bytes("not here").with_status(404));
        let missing = site.fetch("missing", &["missing"]).await.unwrap();
        assert_eq!(site.settled(&missing).await, failure(BadStatus));
        assert_eq!(missing.downloaded(), 8, "its body is stored, too");
        let shared = Resource::bytes("not shared").cors_failure();
        site.world.network.serve("https://other.example/a", shared);
        let refused = site.fetch("refused", &["https://other.example/a"]).await.unwrap();
        assert_eq!(site.settled(&refused).await, failure(FetchError));
        assert_eq!(refused.downloaded(), 0);
        site.over(&refused).await;
        assert_eq!(site.world.service_workers.names(), [FunctionalEventName::Fail; 2]);
    });
}

#[test]
fn a_realm_that_is_gone_rejects() {
    tell(async |site| {
        site.serve_pattern("a", 10);
        let page = site.open_page(spec_tests::SITE);
        let manager = page.realm.background_fetch(&site.registration);
        let registration = manager.fetch("id", ["a"], Default::default()).await.unwrap();
        page.event_loop.close();
        drop(page);
        site.world.stalled().await;
        let gone = "the realm of this object is gone";
        assert_rejected(manager.get("id").await, InvalidStateError, &[gone]);
        assert_rejected(manager.get_ids().await, InvalidStateError, &[gone]);
        let refused = manager.fetch("id", ["a"], Default::default()).await;
        assert_rejected(refused, InvalidStateError, &[gone]);
        assert_rejected(registration.abort().await, InvalidStateError, &[gone]);
        assert_rejected(
            registration.match_all(None, EXACT).await,
            InvalidStateError,
            &[gone],
        );
    });
}
