//! Complete a record: continuing a response from its stored bytes, where that is safe, and starting again where it
//! is not (errata 6 and 19).

use background_fetch::{BackgroundFetchFailureReason, BackgroundFetchOptions, ExceptionName};
use background_fetch_sim::{Ranges, Resource, Response, pattern};
use http::HeaderValue;
use spec_tests::{SITE, SUCCESS, Site, body_of, failure, get, tell, tell_with_quota};
use std::time::Duration;

const FETCH_ERROR: BackgroundFetchFailureReason = BackgroundFetchFailureReason::FetchError;
const OLD: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

/// Fetches `a`; gives the only body of its event.
async fn body_of_success(site: &Site) -> Vec<u8> {
    let worker = site.reading_worker();
    assert_eq!(site.outcome_of("a").await, SUCCESS);
    worker.bodies().remove(0).expect("a body")
}

#[test]
fn the_rest_is_asked_for_with_the_validator_and_without_codings() {
    tell(async |site| {
        for (resource, validator) in [
            (Resource::pattern(1, 1000).etag("v1"), "\"v1\""),
            (Resource::pattern(1, 1000).last_modified(OLD), OLD),
        ] {
            let before = site.requests("a").len();
            site.serve("a", resource.drop_after(400));
            assert_eq!(body_of_success(site).await, pattern(1, 0, 1000));
            let requests = site.requests("a").split_off(before);
            assert_eq!(requests.len(), 2);
            assert!(!requests[0].headers.contains_key("range"), "all of it at first");
            let header = |name| requests[1].headers[name].to_str().unwrap().to_owned();
            assert_eq!(header("range"), "bytes=400-");
            assert_eq!(header("if-range"), validator);
            assert_eq!(header("accept-encoding"), "identity");
            assert_eq!(requests[1].sent, 600, "no byte is sent twice");
        }
    });
}

#[test]
fn a_changed_etag_on_resume_starts_the_record_again_and_never_splices() {
    tell(async |site| {
        let new = || Resource::pattern(2, 800).etag("v2");
        let careless = || new().ranges(Ranges::IgnoresValidator);
        let silent = || new().ranges(Ranges::NotSatisfiable);
        // By the rules it answers with all of the new version; or with a part of it; or with none.
        for (next, starts) in [
            (new(), vec![0, 400]),
            (careless(), vec![0, 400, 0]),
            (silent(), vec![0, 400]),
        ] {
            let before = site.requests("a").len();
            let old = Resource::pattern(1, 1000).etag("v1").drop_after(400);
            site.serve("a", old.after_requests(1, next));
            assert_eq!(body_of_success(site).await, pattern(2, 0, 800));
            assert_eq!(site.starts("a")[before..], starts);
        }
    });
}

#[test]
fn a_changed_last_modified_starts_the_record_again() {
    tell(async |site| {
        let new = Resource::pattern(2, 1000).last_modified("Mon, 07 Nov 1994 08:49:37 GMT");
        let old = Resource::pattern(1, 1000).last_modified(OLD).drop_after(400);
        site.serve("a", old.after_requests(1, new.ranges(Ranges::IgnoresValidator)));
        assert_eq!(body_of_success(site).await, pattern(2, 0, 1000));
    });
}

#[test]
fn without_a_strong_validator_the_record_starts_again() {
    tell(async |site| {
        for resource in [
            Resource::pattern(1, 1000),
            Resource::pattern(1, 1000).weak_etag("v1"),
            Resource::pattern(1, 1000).weak_last_modified(OLD),
            Resource::pattern(1, 1000).header("last-modified", OLD),
            Resource::pattern(1, 1000).header("etag", "v1"),
            // A date does not help a weak entity tag.
            Resource::pattern(1, 1000).weak_etag("v1").last_modified(OLD),
        ] {
            let before = site.requests("a").len();
            site.serve("a", resource.drop_after(400));
            assert_eq!(body_of_success(site).await, pattern(1, 0, 1000));
            assert_eq!(site.starts("a")[before..], [0, 0]);
        }
    });
}

#[test]
fn a_decoded_or_encoded_answer_is_not_continued() {
    tell(async |site| {
        for resource in [
            Resource::pattern(1, 1000).etag("v1").content_decoded(),
            Resource::pattern(1, 1000)
                .etag("v1")
                .header("content-encoding", "br"),
        ] {
            let before = site.requests("a").len();
            site.serve("a", resource.drop_after(400));
            assert_eq!(body_of_success(site).await, pattern(1, 0, 1000));
            assert_eq!(site.starts("a")[before..], [0, 0]);
        }
    });
}

#[test]
fn an_encoded_part_is_not_appended_to_identity_bytes() {
    tell(async |site| {
        let plain = Resource::pattern(1, 1000).etag("v1").drop_after(400);
        site.serve(
            "a",
            plain.after_requests(1, Resource::pattern(1, 1000).etag("v1")),
        );
        let url = format!("{SITE}a");
        let worker = site.reading_worker();
        let registration = site.fetch("id", &["a"]).await.unwrap();
        // The second answer to come is the one to the range.
        site.until(|| site.requests("a").iter().any(|request| request.status.is_some()))
            .await;
        site.world.network.respond_once(url, |_| {
            let part = Response::new(206)
                .header("etag", "\"v1\"")
                .header("content-encoding", "gzip");
            part.header("content-range", "bytes 400-999/1000")
                .body(vec![0; 600])
        });
        assert_eq!(site.outcome(&registration).await, SUCCESS);
        assert_eq!(worker.bodies(), [Ok(pattern(1, 0, 1000).to_vec())]);
        assert_eq!(site.starts("a"), [0, 400, 0]);
    });
}

#[test]
fn a_server_that_ignores_ranges_sends_all_of_it_again() {
    tell(async |site| {
        let resource = Resource::pattern(1, 1000).etag("v1").ranges(Ranges::Ignored);
        site.serve("a", resource.drop_after(400).drop_after(700));
        let options = BackgroundFetchOptions {
            download_total: 1000,
            ..Default::default()
        };
        let worker = site.reading_worker();
        let registration = site.manager().fetch("id", ["a"], options).await.unwrap();
        assert_eq!(site.outcome(&registration).await, SUCCESS);
        assert_eq!(
            registration.downloaded(),
            1000,
            "what was replaced does not count"
        );
        assert_eq!(worker.bodies(), [Ok(pattern(1, 0, 1000).to_vec())]);
        assert_eq!(site.starts("a"), [0, 400, 700]);
    });
}

#[test]
fn what_is_replaced_gives_its_space_back() {
    tell_with_quota(1000, async |site| {
        site.serve("a", Resource::pattern(1, 1000).drop_after(900).times(4));
        assert_eq!(body_of_success(site).await, pattern(1, 0, 1000));
    });
}

#[test]
fn a_server_that_splices_each_time_ends_with_a_fetch_error() {
    tell(async |site| {
        let version = |tag: u64| {
            let resource = Resource::pattern(tag, 1000)
                .etag(&tag.to_string())
                .drop_after(500);
            resource.ranges(Ranges::IgnoresValidator)
        };
        let mut resource = version(0);
        for tag in 1..100 {
            resource = version(tag).after_requests(1, resource);
        }
        site.serve("a", resource);
        let worker = site.reading_worker();
        assert_eq!(site.outcome_of("a").await, failure(FETCH_ERROR));
        assert_eq!(worker.bodies(), [Err(ExceptionName::TypeError)]);
        assert!(site.requests("a").len() < 20);
    });
}

#[test]
fn an_error_page_in_place_of_the_rest_takes_the_place_of_all() {
    tell(async |site| {
        let resource = Resource::pattern(1, 1000).etag("v1").drop_after(400);
        let gone = Resource::bytes("gone").with_status(410);
        site.serve("a", resource.after_requests(1, gone));
        let worker = site.reading_worker();
        let bad_status = failure(BackgroundFetchFailureReason::BadStatus);
        assert_eq!(site.outcome_of("a").await, bad_status);
        assert_eq!(worker.bodies(), [Ok(b"gone".to_vec())]);
    });
}

#[test]
fn a_416_of_another_length_starts_the_record_again() {
    tell(async |site| {
        let old = Resource::pattern(1, 1000)
            .etag("v1")
            .without_length()
            .drop_after(800);
        site.serve("a", old.after_requests(1, Resource::pattern(2, 500).etag("v1")));
        assert_eq!(body_of_success(site).await, pattern(2, 0, 500));
        assert_eq!(site.starts("a"), [0, 800, 0]);
    });
}

#[test]
fn a_416_never_cuts_a_body_short() {
    tell(async |site| {
        // 1000 bytes were said, 500 came; now the server says that 500 are all.
        let old = Resource::pattern(1, 1000).etag("v1").drop_after(500);
        site.serve("a", old.after_requests(1, Resource::pattern(1, 500).etag("v1")));
        assert_eq!(body_of_success(site).await, pattern(1, 0, 500));
        assert_eq!(site.starts("a"), [0, 500, 0], "it is read again, as a whole");
    });
}

#[test]
fn a_416_that_says_no_length_is_the_end_only_of_parts_that_said_none() {
    tell(async |site| {
        // 400 bytes came of nobody knows how many, and the connection broke.
        let resource = Resource::pattern(1, 1000).etag("v1").without_length();
        site.serve("a", resource.drop_after(400));
        let worker = site.reading_worker();
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.until(|| !site.requests("a").is_empty()).await;
        let refusal = Response::new(416).header("etag", "\"v1\"");
        site.world.network.respond_once(format!("{SITE}a"), |_| refusal);
        assert_eq!(site.outcome(&registration).await, SUCCESS);
        assert_eq!(site.starts("a"), [0, 400, 0], "it starts again");
        assert_eq!(worker.bodies(), [Ok(pattern(1, 0, 1000).to_vec())]);
    });
}

#[test]
fn a_416_that_names_no_version_is_no_end_where_no_length_was_said() {
    tell(async |site| {
        // By chance the other version ends where the connection broke; its server does not heed `If-Range`.
        let old = Resource::pattern(1, 1000).etag("v1").without_length();
        let new = Resource::pattern(2, 400).ranges(Ranges::IgnoresValidator);
        site.serve("a", old.drop_after(400).after_requests(1, new));
        assert_eq!(body_of_success(site).await, pattern(2, 0, 400));
        assert_eq!(site.starts("a"), [0, 400, 0]);
        // The same version may say so.
        let resource = Resource::pattern(3, 500).etag("v1").without_length();
        site.serve("b", resource.drop_after(500));
        assert_eq!(site.outcome_of("b").await, SUCCESS);
        assert_eq!(site.starts("b"), [0, 500]);
    });
}

#[test]
fn a_416_of_another_version_starts_the_record_again() {
    tell(async |site| {
        let old = Resource::pattern(1, 500).etag("v1").drop_after(500);
        site.serve("a", old.after_requests(1, Resource::pattern(2, 500).etag("v2")));
        let url = format!("{SITE}a");
        let worker = site.reading_worker();
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.until(|| !site.requests("a").is_empty()).await;
        site.world.network.respond_once(url, |_| {
            Response::new(416)
                .header("etag", "\"v2\"")
                .header("content-range", "bytes */500")
        });
        assert_eq!(site.outcome(&registration).await, SUCCESS);
        assert_eq!(worker.bodies(), [Ok(pattern(2, 0, 500).to_vec())]);
    });
}

#[test]
fn parts_of_unknown_complete_length_are_put_together() {
    tell(async |site| {
        for says_length in [true, false] {
            let mut resource = Resource::pattern(1, 1000).etag("v1").ranges(Ranges::UnknownTotal);
            if !says_length {
                resource = resource.without_length();
            }
            site.serve("a", resource.range_cap(300).drop_after(400).drop_after(100));
            let before = site.requests("a").len();
            assert_eq!(body_of_success(site).await, pattern(1, 0, 1000));
            let mut starts = vec![0, 400, 500, 800];
            if !says_length {
                // Only one more request tells that it was all.
                starts.push(1000);
            }
            assert_eq!(site.starts("a")[before..], starts);
        }
    });
}

#[test]
fn a_part_that_broke_off_is_not_taken_for_the_end() {
    let part = |first: usize, text: &'static str| {
        move |_: &_| {
            let last = first + text.len().max(1) - 1;
            let range = format!("bytes {first}-{last}/*");
            Response::new(206)
                .header("etag", "\"v1\"")
                .header("content-range", &range)
                .body(text)
        }
    };
    tell(async |site| {
        let url = format!("{SITE}a");
        site.world.network.respond_once(&url, part(0, "hello"));
        let broken = background_fetch::embedder::NetworkError::temporary("it broke off");
        site.world
            .network
            .respond_once(&url, move |request| part(5, "wor")(request).ends_with(broken));
        site.world.network.respond_once(&url, part(8, ""));
        assert_eq!(
            site.outcome_of("a").await,
            failure(FETCH_ERROR),
            "a part without progress"
        );
    });
}

#[test]
fn the_authors_own_range_is_never_continued() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 1000).etag("v1").drop_after(50));
        let worker = site.reading_worker();
        let mut request = get(&format!("{SITE}a"));
        request
            .headers
            .insert("range", HeaderValue::from_static("bytes=100-199"));
        let registration = site
            .manager()
            .fetch("id", [request], Default::default())
            .await
            .unwrap();
        assert_eq!(site.outcome(&registration).await, SUCCESS);
        assert_eq!(worker.bodies(), [Ok(pattern(1, 100, 100).to_vec())]);
        assert_eq!(site.starts("a"), [0, 0]);
        assert_eq!(site.requests("a")[1].headers["range"], "bytes=100-199");
    });
}

#[test]
fn a_pause_goes_on_at_the_last_stored_byte() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 1000).etag("v1").hold_at(400));
        let worker = site.reading_worker();
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.until_held("a").await;
        site.engine().pause(registration.key()).await.unwrap();
        site.sleep(Duration::from_secs(60)).await;
        assert_eq!(registration.downloaded(), 400);
        site.release("a");
        site.engine().resume(registration.key()).await.unwrap();
        assert_eq!(site.outcome(&registration).await, SUCCESS);
        assert_eq!(site.starts("a"), [0, 400]);
        assert_eq!(worker.bodies(), [Ok(pattern(1, 0, 1000).to_vec())]);
    });
}

#[test]
fn a_record_object_of_a_replaced_response_is_redundant_and_a_new_one_reads_the_new() {
    tell(async |site| {
        let old = Resource::pattern(1, 1000).etag("v1").hold_at(400).drop_after(400);
        site.serve(
            "a",
            old.after_requests(1, Resource::pattern(2, 800).etag("v2").hold_at(700)),
        );
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let find = || registration.r#match("a", Default::default());
        site.until_held("a").await;
        let record = find().await.unwrap().unwrap();
        let body = record.response_ready().await.unwrap().take_body().unwrap();
        site.release("a");
        site.until(|| site.requests("a").len() == 2).await;
        site.until_held("a").await;
        let error = body.bytes().await.unwrap_err();
        assert_eq!(error.name, ExceptionName::TypeError);
        assert!(error.message.contains("again"), "{error}");
        let again = find().await.unwrap().unwrap();
        site.release("a");
        assert_eq!(body_of(&again).await.unwrap(), pattern(2, 0, 800));
        drop((record, again));
        assert_eq!(site.outcome(&registration).await, SUCCESS);
    });
}
