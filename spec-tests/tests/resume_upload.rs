//! Uploads that survive: the note in "complete a record" about a standard method to resume requests.

use std::time::Duration;

use background_fetch::BackgroundFetchFailureReason;
use background_fetch::api::RequestObject;
use background_fetch::embedder::{
    FetchEvent, MeteredPolicy, NetworkError, Policies, StorageErrorKind, UploadPolicy,
};
use background_fetch::fetch::{Client, ResponseHead};
use background_fetch::inspect::EventKind;
use background_fetch_sim::UploadTrouble::{self, Drop, DropAndLose, LoseAnswer, Refuse, Stall};
use background_fetch_sim::{Resource, Response, StorageOperation, UploadServer, pattern};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use spec_tests::{Outcome, SITE, SUCCESS, Site, failure, tell, tell_once, tell_with};

const FETCH_ERROR: BackgroundFetchFailureReason = BackgroundFetchFailureReason::FetchError;

/// The bytes that are uploaded.
const LENGTH: usize = 1000;

fn resumable() -> Policies {
    Policies {
        uploads: UploadPolicy { resumable: true },
        ..Policies::default()
    }
}

/// A server at `up`, whose uploads are at `uploads/1`.
fn server(site: &Site, troubles: impl IntoIterator<Item = UploadTrouble>) -> UploadServer {
    let server = UploadServer::new(&format!("{SITE}uploads/1"));
    server.troubles(troubles);
    site.world.network.serve_upload(format!("{SITE}up"), &server);
    server
}

fn representation() -> Vec<u8> {
    pattern(7, 0, LENGTH).to_vec()
}

async fn upload(site: &Site) -> Outcome {
    let registration = site.post("up", representation()).await.unwrap();
    let outcome = site.outcome(&registration).await;
    if outcome == SUCCESS {
        assert_eq!(registration.uploaded(), LENGTH as u64, "nothing counts twice");
    }
    assert!(registration.uploaded() <= LENGTH as u64);
    outcome
}

/// The methods of the requests for a path.
fn methods(site: &Site, path: &str) -> Vec<Method> {
    let requests = site.requests(path);
    requests.into_iter().map(|request| request.method).collect()
}

/// What the first record said when it ended.
fn detail(site: &Site) -> String {
    let settled = site.events().into_iter().find_map(|event| match event {
        EventKind::RecordSettled { detail, .. } => Some(detail),
        _ => None,
    });
    settled.expect("the record is settled")
}

#[test]
fn an_upload_that_nothing_interrupts_is_one_request() {
    tell_with(&resumable(), async |site| {
        let server = server(site, []);
        let worker = site.reading_worker();
        assert_eq!(upload(site).await, SUCCESS);
        assert_eq!(worker.bodies(), [Ok(b"stored 1000".to_vec())]);
        assert_eq!((server.bytes(), server.received()), (representation(), 1000));
        let requests = site.requests("up");
        assert_eq!(requests.len(), 1);
        let headers = &requests[0].headers;
        assert_eq!(headers["upload-complete"], "?1");
        assert_eq!(headers["upload-length"], "1000");
        assert_eq!(headers["upload-draft-interop-version"], "9");
        assert_eq!(site.requests("uploads/1"), []);
    });
}

#[test]
fn a_connection_that_drops_at_any_byte_is_no_end() {
    for after in (0..=LENGTH as u64).step_by(37) {
        tell_once(after, &resumable(), spec_tests::QUOTA, async |site| {
            let server = server(site, [Drop(after)]);
            let worker = site.reading_worker();
            assert_eq!(upload(site).await, SUCCESS);
            assert_eq!(worker.bodies(), [Ok(b"stored 1000".to_vec())]);
            assert_eq!((server.bytes(), server.received()), (representation(), 1000));
            assert_eq!(server.creations(), 1);
            assert_eq!(methods(site, "uploads/1"), [Method::HEAD, Method::PATCH]);
            let append = &site.requests("uploads/1")[1].headers;
            assert_eq!(append["content-type"], "application/partial-upload");
            assert_eq!(append["upload-offset"], after.to_string().as_str());
            assert_eq!(append["upload-complete"], "?1");
        });
    }
}

#[test]
fn many_drops_are_survived_as_long_as_bytes_arrive() {
    tell_with(&resumable(), async |site| {
        // More than the budget of five failures in a row.
        let server = server(site, [Drop(90); 11]);
        assert_eq!(upload(site).await, SUCCESS);
        assert_eq!((server.bytes(), server.received()), (representation(), 1000));
    });
}

#[test]
fn what_the_server_lost_on_the_way_is_sent_again_and_counted_once() {
    tell_with(&resumable(), async |site| {
        let server = server(
            site,
            [
                DropAndLose {
                    after: 600,
                    lost: 150,
                },
                DropAndLose { after: 200, lost: 40 },
            ],
        );
        assert_eq!(upload(site).await, SUCCESS);
        assert_eq!((server.bytes(), server.received()), (representation(), 1190));
    });
}

#[test]
fn without_progress_the_budget_ends() {
    tell_with(&resumable(), async |site| {
        let server = server(site, [Drop(100); 1].into_iter().chain([Drop(0); 50]));
        assert_eq!(upload(site).await, failure(FETCH_ERROR));
        assert_eq!(server.received(), 100);
        let detail = detail(site);
        assert!(detail.contains("without progress"), "{detail}");
        site.pass(Duration::from_secs(1)).await;
        assert!(server.was_cancelled(), "nobody goes on with it");
    });
}

#[test]
fn a_crash_at_any_byte_goes_on_where_the_server_is() {
    for after in (0..=LENGTH as u64).step_by(100) {
        tell_with(&resumable(), async |site| {
            let server = server(site, [Stall(after)]);
            site.post("up", representation()).await.unwrap();
            site.until(|| server.received() == after && server.creations() == 1)
                .await;
            site.crash();
            site.open_dormant().await;
            let worker = site.reading_worker();
            site.engine().start();
            site.all_over().await;
            assert_eq!(worker.bodies(), [Ok(b"stored 1000".to_vec())]);
            assert_eq!((server.bytes(), server.received()), (representation(), 1000));
            assert_eq!(server.creations(), 1);
        });
    }
}

#[test]
fn many_crashes_in_a_row_send_no_byte_twice() {
    tell_with(&resumable(), async |site| {
        let server = server(site, [Stall(300), Stall(1), Stall(0), Stall(400)]);
        site.post("up", representation()).await.unwrap();
        for received in [300, 301, 301, 701] {
            site.pass(Duration::from_millis(10)).await;
            assert_eq!(server.received(), received);
            site.crash_and_restart().await;
        }
        site.all_over().await;
        assert_eq!((server.bytes(), server.received()), (representation(), 1000));
    });
}

#[test]
fn a_policy_that_changes_does_not_lose_what_the_server_has() {
    tell_with(&resumable(), async |site| {
        let server = server(site, [Stall(300)]);
        site.post("up", representation()).await.unwrap();
        site.until(|| server.received() == 300).await;
        site.crash();
        // The same profile, opened by somebody who allows no new resumable uploads.
        let other = Site::new(1, Policies::default(), site.storage.clone());
        other.world.network.serve_upload(format!("{SITE}up"), &server);
        other.world.run(async {
            other.open().await;
            other.all_over().await;
            other.close().await;
        });
        assert_eq!((server.bytes(), server.received()), (representation(), 1000));
        site.open().await;
    });
}

#[test]
fn a_server_that_says_nothing_gets_it_once() {
    tell_with(&resumable(), async |site| {
        let server = server(site, [Drop(400)]);
        server.silent();
        assert_eq!(upload(site).await, failure(FETCH_ERROR));
        assert_eq!((server.creations(), server.received()), (1, 400));
        assert_eq!(site.requests("uploads/1"), []);
    });
}

#[test]
fn without_the_policy_scripts_send_once() {
    tell(async |site| {
        let server = server(site, [Drop(400)]);
        assert_eq!(upload(site).await, failure(FETCH_ERROR));
        assert_eq!(server.received(), 400);
        assert!(!site.requests("up")[0].headers.contains_key("upload-complete"));
    });
}

#[test]
fn an_upload_that_is_gone_is_an_error_and_never_created_again() {
    for status in [404, 410] {
        tell_with(&resumable(), async |site| {
            let server = server(site, [Drop(400)]);
            server.refuse(status);
            assert_eq!(upload(site).await, failure(FETCH_ERROR));
            assert_eq!((server.creations(), server.received()), (1, 400));
            let detail = detail(site);
            assert!(detail.contains("no longer has the upload"), "{detail}");
            assert!(detail.contains("may not be sent twice"), "{detail}");
        });
    }
}

#[test]
fn an_offset_that_cannot_be_is_an_error() {
    let table: [(&[UploadTrouble], &[u64], &str); 3] = [
        (
            &[Drop(400)],
            &[1001],
            "the server has 1001 bytes, and the body has 1000",
        ),
        (
            &[Drop(400), Drop(100)],
            &[400, 399],
            "the server had 400 bytes, and now has 399",
        ),
        (&[Drop(400)], &[u64::MAX], "does not say how many bytes"),
    ];
    for (troubles, offsets, why) in table {
        tell_with(&resumable(), async |site| {
            let server = server(site, troubles.iter().copied());
            server.lie(offsets.iter().copied());
            assert_eq!(upload(site).await, failure(FETCH_ERROR));
            let detail = detail(site);
            assert!(detail.contains(why), "{detail}");
            assert_eq!(server.creations(), 1);
        });
    }
}

#[test]
fn a_mismatching_offset_is_asked_for_again() {
    tell_with(&resumable(), async |site| {
        let server = server(site, [Drop(400)]);
        server.lie([300]);
        assert_eq!(upload(site).await, SUCCESS);
        assert_eq!((server.bytes(), server.received()), (representation(), 1000));
        assert_eq!(
            methods(site, "uploads/1"),
            [Method::HEAD, Method::PATCH, Method::HEAD, Method::PATCH]
        );
    });
}

#[test]
fn a_lost_answer_is_given_again() {
    tell_with(&resumable(), async |site| {
        let server = server(site, [LoseAnswer, LoseAnswer]);
        let worker = site.reading_worker();
        assert_eq!(upload(site).await, SUCCESS);
        assert_eq!(worker.bodies(), [Ok(b"stored 1000".to_vec())]);
        assert_eq!((server.bytes(), server.received()), (representation(), 1000));
    });
}

#[test]
fn an_answer_that_is_lost_for_good_is_an_error_at_once() {
    tell_with(&resumable(), async |site| {
        let server = server(site, [LoseAnswer, Refuse(400)]);
        assert_eq!(upload(site).await, failure(FETCH_ERROR));
        let detail = detail(site);
        assert!(detail.contains("its response is lost"), "{detail}");
        assert_eq!(server.received(), 1000);
    });
}

#[test]
fn a_busy_server_is_asked_again() {
    tell_with(&resumable(), async |site| {
        let server = server(
            site,
            [Refuse(503), Refuse(429), Drop(100), Refuse(500), Refuse(413)],
        );
        assert_eq!(upload(site).await, SUCCESS);
        assert_eq!((server.bytes(), server.received()), (representation(), 1000));
    });
}

#[test]
fn an_error_of_the_target_is_the_response() {
    tell_with(&resumable(), async |site| {
        let server = server(site, [Refuse(422)]);
        assert_eq!(
            upload(site).await,
            failure(BackgroundFetchFailureReason::BadStatus)
        );
        assert_eq!((server.creations(), server.received()), (1, 0));
        assert_eq!(site.requests("uploads/1"), []);
    });
}

#[test]
fn parts_are_as_large_as_the_server_allows() {
    tell_with(&resumable(), async |site| {
        let server = server(site, [Drop(150)]);
        server.limit(300);
        assert_eq!(upload(site).await, SUCCESS);
        assert_eq!((server.bytes(), server.received()), (representation(), 1000));
        let appends: Vec<_> = site.requests("uploads/1");
        let appends = appends.iter().filter(|request| request.method == Method::PATCH);
        let sent: Vec<_> = appends
            .map(|request| {
                let field = |name: &str| request.headers[name].to_str().unwrap().to_owned();
                (field("upload-offset"), field("upload-complete"))
            })
            .collect();
        let expected = [("150", "?0"), ("450", "?0"), ("750", "?1")];
        assert_eq!(sent, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    });
}

#[test]
fn an_abort_cancels_the_upload() {
    tell_with(&resumable(), async |site| {
        let server = server(site, [Stall(400)]);
        let registration = site.post("up", representation()).await.unwrap();
        site.until(|| server.received() == 400).await;
        assert!(registration.abort().await.unwrap());
        site.over(&registration).await;
        site.pass(Duration::from_secs(1)).await;
        assert!(server.was_cancelled());
        assert_eq!(methods(site, "uploads/1"), [Method::DELETE]);
    });
}

#[test]
fn a_page_shows_no_other_origin_more_than_it_asked_for() {
    tell_with(&resumable(), async |site| {
        let other = UploadServer::new("https://other.example/uploads/1");
        site.world
            .network
            .serve_upload("https://other.example/up", &other);
        let request = spec_tests::post("https://other.example/up");
        let request = RequestObject::with_body(request, representation());
        let manager = site.manager();
        let registration = manager.fetch("id", [request], Default::default()).await.unwrap();
        assert_eq!(site.outcome(&registration).await, SUCCESS);
        let headers = &site.world.network.log_of("https://other.example/up")[0].headers;
        assert!(!headers.contains_key("upload-complete"));

        // Nor does its own server send it elsewhere.
        let server = UploadServer::new("https://other.example/uploads/2");
        server.troubles([Drop(400)]);
        site.world.network.serve_upload(format!("{SITE}up"), &server);
        assert_eq!(upload(site).await, failure(FETCH_ERROR));
        assert_eq!(site.world.network.log_of("https://other.example/uploads/2"), []);
    });
}

#[test]
fn the_users_uploads_go_anywhere_but_their_secrets_stay() {
    tell_with(&resumable(), async |site| {
        let server = UploadServer::new("https://uploads.example/1");
        server.troubles([Drop(400)]);
        site.world.network.serve_upload(format!("{SITE}up"), &server);
        let mut client = Client::user(SITE.parse().unwrap());
        client.storage_key = site.registration.storage_key.clone();
        let user = site.open_realm(client);
        let mut request = spec_tests::request(Method::PUT, &format!("{SITE}up"));
        request.headers.insert("authorization", "secret".parse().unwrap());
        request
            .headers
            .insert("content-type", "text/plain".parse().unwrap());
        request.headers.insert("x-mine", "1".parse().unwrap());
        let request = RequestObject::with_body(request, representation());
        let manager = user.realm.background_fetch(&site.registration);
        let registration = manager.fetch("id", [request], Default::default()).await.unwrap();
        assert_eq!(site.outcome(&registration).await, SUCCESS);
        for request in site.world.network.log_of("https://uploads.example/1") {
            assert!(!request.headers.contains_key("authorization"));
            assert_eq!(request.headers["x-mine"], "1");
            assert_ne!(
                request.headers.get("content-type"),
                Some(&"text/plain".parse().unwrap())
            );
        }
        assert_eq!(server.bytes(), representation());
    });
}

#[test]
fn a_storage_that_cannot_keep_the_upload_resource_loses_it_with_a_crash_only() {
    tell_with(&resumable(), async |site| {
        let server = server(site, [Drop(400)]);
        site.world
            .storage
            .fail_next(StorageOperation::SetUpload, StorageErrorKind::Io);
        assert_eq!(upload(site).await, SUCCESS);
        assert_eq!(server.bytes(), representation());
    });
}

#[test]
fn being_offline_is_waited_for() {
    tell_with(&resumable(), async |site| {
        let server = server(site, [Stall(400)]);
        let registration = site.post("up", representation()).await.unwrap();
        site.until(|| server.received() == 400).await;
        site.world.network.offline();
        site.pass(Duration::from_secs(3600)).await;
        site.world.network.online();
        assert_eq!(site.outcome(&registration).await, SUCCESS);
        assert_eq!((server.bytes(), server.received()), (representation(), 1000));
    });
}

#[test]
fn a_metered_connection_interrupts_what_can_be_continued() {
    let policies = Policies {
        metered: MeteredPolicy::Pause,
        ..resumable()
    };
    tell_with(&policies, async |site| {
        let server = server(site, [Stall(400)]);
        let registration = site.post("up", representation()).await.unwrap();
        site.until(|| server.received() == 400).await;
        site.engine().set_metered(true).await;
        site.pass(Duration::from_secs(1)).await;
        assert_eq!(site.world.network.in_flight(), 0);
        site.engine().set_metered(false).await;
        assert_eq!(site.outcome(&registration).await, SUCCESS);
        assert_eq!((server.bytes(), server.received()), (representation(), 1000));
    });
}

#[test]
fn other_requests_are_what_they_were() {
    tell_with(&resumable(), async |site| {
        site.serve("a", Resource::pattern(1, 300).etag("v1").drop_after(100));
        assert_eq!(site.outcome_of("a").await, SUCCESS);
        let registration = site.post("a", "").await.unwrap();
        assert_eq!(site.outcome(&registration).await, SUCCESS);
        for request in site.requests("a") {
            assert!(!request.headers.contains_key("upload-complete"));
        }
    });
}

// What answers mean, told by a server whose every answer is written down.

/// A response in words: its status and its header fields.
type Told = (u16, &'static [(&'static str, &'static str)]);

const COMPLETE: (&str, &str) = ("upload-complete", "?1");
const INCOMPLETE: (&str, &str) = ("upload-complete", "?0");
const LIMIT: (&str, &str) = ("upload-limit", "max-append-size=600");
const AT_400: (&str, &str) = ("upload-offset", "400");
const AT_1000: (&str, &str) = ("upload-offset", "1000");

/// Names the upload resource at `uploads/1`, and then gives this response, or breaks the connection.
fn creation(site: &Site, url: &str, response: Option<Told>) {
    let upload = format!("{SITE}uploads/1").parse().unwrap();
    let url: url::Url = url.parse().unwrap();
    let last = match response {
        Some((status, fields)) => {
            let fields = fields
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            let status = StatusCode::from_u16(status).unwrap();
            let head = ResponseHead::new(url.clone(), status, HeaderMap::from_iter(fields));
            Ok(FetchEvent::Response(Box::new(head)))
        }
        None => Err(NetworkError::temporary("the connection broke")),
    };
    let events = [Ok(FetchEvent::UploadResumable { upload }), last];
    let stream = Box::pin(futures::stream::iter(events));
    site.world.network.respond_once(url, |_| Response::stream(stream));
}

/// Gives these responses at the upload resource, one after the other.
fn then(site: &Site, responses: &[Told]) {
    for &(status, fields) in responses {
        let response = fields
            .iter()
            .fold(Response::new(status), |response, (name, value)| {
                response.header(name, value)
            });
        let upload = format!("{SITE}uploads/1");
        site.world.network.respond_once(upload, |_| response);
    }
    // An upload that is given up is cancelled.
    site.serve("uploads/1", Resource::status(204));
}

/// The methods of the requests for the upload resource that go on with the upload.
fn appends(site: &Site) -> Vec<Method> {
    let mut methods = methods(site, "uploads/1");
    methods.retain(|method| *method != Method::DELETE);
    methods
}

#[test]
fn the_response_to_a_creation_is_the_targets_unless_it_says_otherwise_or_the_server_failed() {
    const BAD_STATUS: Outcome = failure(BackgroundFetchFailureReason::BadStatus);
    let table: [(Told, Option<Outcome>); 13] = [
        ((200, &[]), Some(SUCCESS)),
        ((200, &[COMPLETE]), Some(SUCCESS)),
        ((200, &[INCOMPLETE]), None),
        ((404, &[]), Some(BAD_STATUS)),
        ((404, &[COMPLETE]), Some(BAD_STATUS)),
        ((404, &[INCOMPLETE, LIMIT]), Some(BAD_STATUS)),
        // Too large for one request, as it says; or for good.
        ((413, &[INCOMPLETE, LIMIT]), None),
        ((413, &[INCOMPLETE]), Some(BAD_STATUS)),
        ((413, &[LIMIT]), Some(BAD_STATUS)),
        ((413, &[COMPLETE, LIMIT]), Some(BAD_STATUS)),
        ((500, &[]), None),
        ((500, &[INCOMPLETE]), None),
        ((500, &[COMPLETE]), Some(BAD_STATUS)),
    ];
    for (response, its_own) in table {
        tell_with(&resumable(), async |site| {
            creation(site, &format!("{SITE}up"), Some(response));
            then(site, &[(204, &[AT_400, INCOMPLETE]), (200, &[COMPLETE])]);
            let registration = site.post("up", representation()).await.unwrap();
            let expected = its_own.unwrap_or(SUCCESS);
            assert_eq!(site.outcome(&registration).await, expected, "{response:?}");
            let goes_on = [Method::HEAD, Method::PATCH];
            let asked: &[_] = if its_own.is_none() { &goes_on } else { &[] };
            assert_eq!(appends(site), asked, "{response:?}");
        });
    }
}

/// What an append that begins at an offset may be answered with, and what follows.
#[test]
fn the_response_to_an_append_is_the_targets_only_where_it_says_so() {
    use Method as M;
    /// How it ends, what the record says then, and the requests after the append.
    type Expected = (Outcome, &'static str, &'static [Method]);
    const AGAIN: &[M] = &[M::HEAD, M::PATCH];
    const LOST: Expected = (failure(FETCH_ERROR), "its response is lost", &[]);
    const BAD_STATUS: Outcome = failure(BackgroundFetchFailureReason::BadStatus);
    // The offset, the answer, and what follows; in the end the upload is complete.
    let table: [(Told, Told, Expected); 16] = [
        ((204, &[AT_400]), (200, &[COMPLETE]), (SUCCESS, "", &[])),
        (
            (204, &[AT_400]),
            (422, &[COMPLETE]),
            (BAD_STATUS, "status 422", &[]),
        ),
        (
            (204, &[AT_400]),
            (206, &[COMPLETE, ("content-range", "bytes 0-1/2")]),
            (failure(FETCH_ERROR), "a part of its response", &[]),
        ),
        // The bytes were taken.
        ((204, &[AT_400]), (204, &[]), (SUCCESS, "", AGAIN)),
        ((204, &[AT_400]), (201, &[INCOMPLETE]), (SUCCESS, "", AGAIN)),
        // They were not, and asking again helps or does not.
        ((204, &[AT_400]), (409, &[]), (SUCCESS, "", AGAIN)),
        ((204, &[AT_400]), (503, &[]), (SUCCESS, "", AGAIN)),
        (
            (204, &[AT_400]),
            (400, &[]),
            (failure(FETCH_ERROR), "answered with status 400", &[]),
        ),
        (
            (204, &[AT_400]),
            (301, &[]),
            (failure(FETCH_ERROR), "answered with status 301", &[]),
        ),
        // The server had all bytes before.
        ((204, &[AT_1000]), (200, &[COMPLETE]), (SUCCESS, "", &[])),
        ((204, &[AT_1000]), (204, &[]), LOST),
        ((204, &[AT_1000, COMPLETE]), (400, &[]), LOST),
        ((204, &[AT_1000, COMPLETE]), (409, &[]), LOST),
        ((204, &[AT_1000, INCOMPLETE]), (409, &[]), (SUCCESS, "", AGAIN)),
        ((204, &[AT_1000, COMPLETE]), (503, &[]), (SUCCESS, "", AGAIN)),
        (
            (204, &[AT_1000]),
            (400, &[]),
            (failure(FETCH_ERROR), "answered with status 400", &[]),
        ),
    ];
    for (offset, answer, (outcome, why, follows)) in table {
        tell_with(&resumable(), async |site| {
            creation(site, &format!("{SITE}up"), None);
            then(
                site,
                &[offset, answer, (204, &[AT_1000, COMPLETE]), (200, &[COMPLETE])],
            );
            let registration = site.post("up", representation()).await.unwrap();
            assert_eq!(
                site.outcome(&registration).await,
                outcome,
                "{offset:?}, {answer:?}"
            );
            let expected = [&[M::HEAD, M::PATCH], follows].concat();
            assert_eq!(appends(site), expected, "{offset:?}, {answer:?}");
            let detail = detail(site);
            assert!(detail.contains(why), "{detail}");
        });
    }
}

#[test]
fn a_server_that_expects_another_length_is_not_sent_this_body() {
    for (length, outcome) in [("1000", SUCCESS), ("999", failure(FETCH_ERROR))] {
        tell_with(&resumable(), async |site| {
            creation(site, &format!("{SITE}up"), None);
            let url = format!("{SITE}uploads/1");
            let offset = Response::new(204).header(AT_400.0, AT_400.1);
            let offset = offset.header("upload-length", length);
            site.world.network.respond_once(url, |_| offset);
            then(site, &[(200, &[COMPLETE])]);
            let registration = site.post("up", representation()).await.unwrap();
            assert_eq!(site.outcome(&registration).await, outcome, "{length}");
            if outcome != SUCCESS {
                let detail = detail(site);
                let why = "the server expects 999 bytes, and the body has 1000";
                assert!(detail.contains(why), "{detail}");
            }
        });
    }
}

#[test]
fn a_server_that_takes_bytes_and_does_not_keep_them_is_not_sent_them_for_ever() {
    tell_with(&resumable(), async |site| {
        creation(site, &format!("{SITE}up"), None);
        let same: [Told; 2] = [(204, &[AT_400]), (204, &[])];
        then(site, &[same, same].concat());
        let registration = site.post("up", representation()).await.unwrap();
        assert_eq!(site.outcome(&registration).await, failure(FETCH_ERROR));
        let detail = detail(site);
        assert!(detail.contains("does not keep them"), "{detail}");
        assert_eq!(appends(site), [Method::HEAD, Method::PATCH, Method::HEAD]);
    });
}

#[test]
fn a_limit_of_nothing_is_no_limit() {
    tell_with(&resumable(), async |site| {
        let server = server(site, [Drop(400)]);
        server.limit(0);
        assert_eq!(upload(site).await, SUCCESS);
        assert_eq!((server.bytes(), server.received()), (representation(), 1000));
        assert_eq!(methods(site, "uploads/1"), [Method::HEAD, Method::PATCH]);
    });
}

#[test]
fn a_busy_upload_resource_says_when_to_come_back() {
    tell_with(&resumable(), async |site| {
        creation(site, &format!("{SITE}up"), Some((503, &[("retry-after", "90")])));
        then(site, &[(204, &[AT_400]), (200, &[COMPLETE])]);
        let registration = site.post("up", representation()).await.unwrap();
        assert_eq!(site.outcome(&registration).await, SUCCESS);
        let waited = site.requests("uploads/1")[0].at - site.requests("up")[0].at;
        assert_eq!(waited.as_secs(), 90);
    });
}

#[test]
fn an_author_who_speaks_the_protocol_is_left_alone() {
    for field in ["upload-complete", "upload-draft-interop-version"] {
        tell_with(&resumable(), async |site| {
            let server = server(site, [Drop(400)]);
            server.silent();
            let mut request = spec_tests::post(&format!("{SITE}up"));
            let value = HeaderValue::from_static("?0");
            request.headers.insert(field, value.clone());
            let request = RequestObject::with_body(request, representation());
            let manager = site.manager();
            let registration = manager.fetch("id", [request], Default::default()).await.unwrap();
            assert_eq!(site.outcome(&registration).await, failure(FETCH_ERROR));
            let headers = &site.requests("up")[0].headers;
            assert_eq!(headers[field], value);
            let ours = headers.keys().filter(|name| name.as_str().starts_with("upload-"));
            assert_eq!(ours.count(), 1, "{headers:?}");
        });
    }
}

#[test]
fn what_asks_for_the_offset_has_no_body_and_what_appends_has_the_rest() {
    tell_with(&resumable(), async |site| {
        creation(site, &format!("{SITE}up"), None);
        let upload = format!("{SITE}uploads/1");
        let network = &site.world.network;
        const INTEGRITY: &str = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        network.respond_once(&upload, |head| {
            let request = &head.request;
            assert_eq!((request.body_length, head.body.is_none()), (None, true));
            assert_eq!((request.keepalive, request.integrity.as_str()), (true, ""));
            Response::new(204).header(AT_400.0, AT_400.1)
        });
        network.respond_once(&upload, |append| {
            let request = &append.request;
            assert_eq!(request.body_length, Some(600));
            assert_eq!((request.keepalive, request.integrity.as_str()), (true, INTEGRITY));
            Response::new(200).header(COMPLETE.0, COMPLETE.1)
        });
        let mut request = spec_tests::post(&format!("{SITE}up"));
        request.integrity = INTEGRITY.to_owned();
        let request = RequestObject::with_body(request, representation());
        let manager = site.manager();
        let registration = manager.fetch("id", [request], Default::default()).await.unwrap();
        assert_eq!(site.outcome(&registration).await, SUCCESS);
        let requests = site.requests("uploads/1");
        assert_eq!(requests[1].body, &representation()[400..]);
    });
}

#[test]
fn an_upload_never_goes_on_over_a_weaker_scheme() {
    let table = [
        ("https://site.example/up", "http://uploads.example/1", false),
        ("https://site.example/up", "https://uploads.example/1", true),
        ("http://site.example/up", "http://uploads.example/1", true),
        ("http://site.example/up", "https://uploads.example/1", true),
        ("http://site.example/up", "ftp://uploads.example/1", false),
    ];
    for (target, upload, goes_on) in table {
        tell_with(&resumable(), async |site| {
            let server = UploadServer::new(upload);
            server.troubles([Drop(400)]);
            site.world.network.serve_upload(target, &server);
            let mut client = Client::user(SITE.parse().unwrap());
            client.storage_key = site.registration.storage_key.clone();
            let user = site.open_realm(client).realm.background_fetch(&site.registration);
            let request = RequestObject::with_body(spec_tests::post(target), representation());
            let registration = user.fetch("id", [request], Default::default()).await.unwrap();
            let expected = if goes_on { SUCCESS } else { failure(FETCH_ERROR) };
            assert_eq!(site.outcome(&registration).await, expected, "{target}, {upload}");
            let asked = !site.world.network.log_of(upload).is_empty();
            assert_eq!(asked, goes_on, "{target}, {upload}");
        });
    }
}
