//! Uploads that survive: the note in "complete a record" about a standard method to resume requests.

use std::time::Duration;

use background_fetch::BackgroundFetchFailureReason;
use background_fetch::api::RequestObject;
use background_fetch::embedder::{MeteredPolicy, Policies, StorageErrorKind, UploadPolicy};
use background_fetch::fetch::Client;
use background_fetch::inspect::EventKind;
use background_fetch_sim::UploadTrouble::{self, Drop, DropAndLose, LoseAnswer, Refuse, Stall};
use background_fetch_sim::{Resource, StorageOperation, UploadServer, pattern};
use http::Method;
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
