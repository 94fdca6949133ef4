//! Create record objects: `responseReady`, and the stream of the response's bytes.

use std::time::Duration;

use background_fetch::BackgroundFetchFailureReason::{BadStatus, FetchError};
use background_fetch::ExceptionName::{AbortError, TypeError};
use background_fetch::api::{BackgroundFetchRecord, BackgroundFetchRegistration};
use background_fetch::embedder::NetworkError;
use background_fetch::fetch::ResponseType;
use background_fetch_sim::{Ranges, Resource, StorageOperation, pattern};
use futures::StreamExt;
use spec_tests::{SUCCESS, assert_rejected, body_of, failure, progress, tell};

const A: &str = "https://site.example/a";

async fn record(registration: &BackgroundFetchRegistration, url: &str) -> BackgroundFetchRecord {
    let found = registration.r#match(url, Default::default()).await.unwrap();
    found.expect("the record is there")
}

#[test]
fn response_ready_resolves_with_the_head_while_the_body_still_arrives() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 1000).chunks(100).hold_at(300));
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let record = record(&registration, "a").await;
        let response = record.response_ready().await.unwrap();
        assert_eq!(response.head().status, 200);
        site.world.network.until_held(A).await;
        let mut body = response.take_body().unwrap();
        let mut read = Vec::new();
        while read.len() < 300 {
            read.extend_from_slice(&body.next().await.unwrap().unwrap());
        }
        assert_eq!(read, pattern(1, 0, 300), "what is here is streamed");
        assert!(
            futures::poll!(body.next()).is_pending(),
            "and the rest is waited for"
        );
        site.world.network.release(A);
        while let Some(bytes) = body.next().await {
            read.extend_from_slice(&bytes.unwrap());
        }
        assert_eq!(read, pattern(1, 0, 1000));
    });
}

#[test]
fn a_record_object_made_before_the_response_gets_it() {
    tell(async |site| {
        site.world.service_workers.hold();
        site.serve_pattern("a", 1000);
        site.world.network.hold(A);
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let record = record(&registration, "a").await;
        let mut ready = record.response_ready();
        site.world.stalled().await;
        assert!(futures::poll!(&mut ready).is_pending());
        site.world.network.release(A);
        let response = ready.await.unwrap();
        assert_eq!(
            response.take_body().unwrap().bytes().await.unwrap(),
            pattern(1, 0, 1000)
        );
        site.world.service_workers.release();
    });
}

#[test]
fn response_ready_rejects_when_no_response_will_come() {
    tell(async |site| {
        site.serve_pattern("slow", 10);
        site.world.network.hold("https://site.example/slow");
        let registration = site.fetch("id", &["none", "slow"]).await.unwrap();
        let none = record(&registration, "none").await;
        let slow = record(&registration, "slow").await;
        let refused = none.response_ready().await;
        assert_rejected(
            refused,
            TypeError,
            &["https://site.example/none", "fetch-error", "no server"],
        );
        let pending = slow.response_ready();
        registration.abort().await.unwrap();
        assert_rejected(
            pending.await,
            AbortError,
            &["aborted", "https://site.example/slow"],
        );
        assert_rejected(slow.response_ready().await, AbortError, &[]);
    });
}

#[test]
fn an_abort_errors_the_stream_that_is_being_read() {
    tell(async |site| {
        site.serve_hanging("a");
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let record = record(&registration, "a").await;
        let response = record.response_ready().await.unwrap();
        let mut body = response.take_body().unwrap();
        assert_eq!(body.next().await.unwrap().unwrap(), pattern(1, 0, 100));
        registration.abort().await.unwrap();
        assert_rejected(body.next().await.unwrap(), AbortError, &["aborted"]);
        assert_eq!(body.next().await, None);
    });
}

#[test]
fn a_failure_errors_the_stream_that_is_being_read() {
    tell(async |site| {
        let broken = Resource::pattern(1, 1000)
            .chunks(100)
            .break_after(500, NetworkError::fatal("garbage in the chunked coding"))
            .hold_at(300);
        site.serve("a", broken);
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let record = record(&registration, "a").await;
        let mut body = record.response_ready().await.unwrap().take_body().unwrap();
        let mut read = body.next().await.unwrap().unwrap().len();
        site.world.network.release(A);
        let exception = loop {
            match body.next().await.unwrap() {
                Ok(bytes) => read += bytes.len(),
                Err(exception) => break exception,
            }
        };
        assert!(read <= 500);
        assert_rejected::<()>(Err(exception), TypeError, &[A, "fetch-error", "garbage"]);
        assert_eq!(site.settled(&registration).await, failure(FetchError));
    });
}

#[test]
fn a_response_that_took_the_place_of_another_makes_record_objects_redundant() {
    tell(async |site| {
        let changing = Resource::pattern(1, 1000)
            .etag("v1")
            .chunks(100)
            .hold_at(300)
            .after_requests(1, Resource::pattern(2, 1000).etag("v2"));
        site.serve("a", changing);
        site.world.service_workers.hold();
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let old = record(&registration, "a").await;
        let mut body = old.response_ready().await.unwrap().take_body().unwrap();
        site.world.network.until_held(A).await;
        let first = body.next().await.unwrap().unwrap();
        assert_eq!(first, pattern(1, 0, first.len()));
        site.world.network.drop_connections();
        assert_eq!(site.settled(&registration).await, SUCCESS);
        let exception = loop {
            match body.next().await.unwrap() {
                Ok(_) => {}
                Err(exception) => break exception,
            }
        };
        assert_rejected::<()>(Err(exception), TypeError, &[A, "changed"]);
        let new = record(&registration, "a").await;
        assert_eq!(body_of(&new).await.unwrap(), pattern(2, 0, 1000));
        drop((old, new));
        site.world.service_workers.release();
    });
}

#[test]
fn a_resumed_body_is_one_stream() {
    tell(async |site| {
        site.world.service_workers.hold();
        site.serve(
            "a",
            Resource::pattern(1, 1000).etag("v1").chunks(100).drop_after(300),
        );
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let record = record(&registration, "a").await;
        assert_eq!(body_of(&record).await.unwrap(), pattern(1, 0, 1000));
        assert_eq!(site.world.network.log().len(), 2);
        assert_eq!(
            record.response_ready().await.unwrap().head().status,
            200,
            "the first response's head"
        );
        site.world.service_workers.release();
    });
}

#[test]
fn headers_that_tell_of_a_part_or_a_length_are_removed() {
    tell(async |site| {
        site.world.service_workers.hold();
        let whole = Resource::bytes("0123456789")
            .header("x-kept", "yes")
            .header("set-cookie", "a=b");
        site.serve("a", whole);
        let mut part = spec_tests::get("https://site.example/part");
        part.headers
            .insert("range", http::HeaderValue::from_static("bytes=2-4"));
        site.world.network.respond_once("https://site.example/part", |_| {
            background_fetch_sim::Response::new(206)
                .header("content-range", "bytes 2-4/10")
                .header("content-length", "3")
                .header("etag", "\"v1\"")
                .body("234")
        });
        let requests = [spec_tests::get(A), part];
        let registration = site
            .manager()
            .fetch("id", requests, Default::default())
            .await
            .unwrap();
        let whole = record(&registration, "a").await.response_ready().await.unwrap();
        assert_eq!(whole.headers()["x-kept"], "yes");
        for removed in ["content-length", "content-range", "set-cookie"] {
            assert!(!whole.headers().contains_key(removed), "{removed}");
        }
        let part = record(&registration, "part").await;
        let response = part.response_ready().await.unwrap();
        assert_eq!(response.head().status, 206);
        assert_eq!(response.headers().len(), 1);
        assert!(response.headers().contains_key("etag"));
        assert_eq!(
            body_of(&part).await.unwrap(),
            b"234",
            "the author asked for a part"
        );
        site.world.service_workers.release();
    });
}

#[test]
fn a_null_body_status_has_no_body() {
    tell(async |site| {
        site.world.service_workers.hold();
        for status in [204, 205] {
            site.serve("a", Resource::status(status));
            let registration = site.fetch("id", &["a"]).await.unwrap();
            let record = record(&registration, "a").await;
            let response = record.response_ready().await.unwrap();
            assert_eq!(response.head().status.as_u16(), status);
            assert!(response.take_body().is_none());
            assert_eq!(site.settled(&registration).await, SUCCESS);
        }
        for status in [200, 404] {
            site.serve("a", Resource::status(status));
            let registration = site.fetch("id", &["a"]).await.unwrap();
            let record = record(&registration, "a").await;
            let body = record.response_ready().await.unwrap().take_body();
            assert_eq!(body.expect("an empty one").bytes().await.unwrap(), b"");
        }
        site.world.service_workers.release();
    });
}

#[test]
fn a_response_with_a_bad_status_can_be_read() {
    tell(async |site| {
        site.serve("a", Resource::bytes("not found, sorry").with_status(404));
        site.world.service_workers.hold();
        let registration = site.fetch("id", &["a"]).await.unwrap();
        assert_eq!(site.settled(&registration).await, failure(BadStatus));
        let record = record(&registration, "a").await;
        assert_eq!(record.response_ready().await.unwrap().head().status, 404);
        assert_eq!(body_of(&record).await.unwrap(), b"not found, sorry");
        site.world.service_workers.release();
    });
}

#[test]
fn a_response_over_the_download_total_cannot_be_read() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 1000).chunks(100));
        site.world.service_workers.hold();
        let options = background_fetch::BackgroundFetchOptions {
            download_total: 999,
            ..Default::default()
        };
        let registration = site.manager().fetch("id", ["a"], options).await.unwrap();
        site.settled(&registration).await;
        let record = record(&registration, "a").await;
        let refused = record.response_ready().await;
        assert_rejected(refused, TypeError, &["download-total-exceeded", "999 bytes"]);
        site.world.service_workers.release();
    });
}

#[test]
fn a_cross_origin_response_shows_exposed_headers_only() {
    tell(async |site| {
        site.world.service_workers.hold();
        let shared = Resource::bytes("shared")
            .header("content-type", "text/plain")
            .header("x-shown", "1")
            .header("x-hidden", "1")
            .expose(["x-shown"]);
        site.world.network.serve("https://other.example/a", shared);
        let registration = site.fetch("id", &["https://other.example/a"]).await.unwrap();
        let record = record(&registration, "https://other.example/a").await;
        let response = record.response_ready().await.unwrap();
        assert_eq!(response.head().response_type, ResponseType::Cors);
        let mut names: Vec<_> = response.headers().keys().map(ToString::to_string).collect();
        names.sort();
        assert_eq!(names, ["content-type", "x-shown"]);
        assert_eq!(body_of(&record).await.unwrap(), b"shared");
        site.world.service_workers.release();
    });
}

#[test]
fn a_redirected_response_has_its_last_url() {
    tell(async |site| {
        site.world.service_workers.hold();
        let moved = Resource::bytes("moved").redirects(["https://site.example/b"]);
        site.serve("a", moved);
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let record = record(&registration, "a").await;
        let response = record.response_ready().await.unwrap();
        assert!(response.head().redirected());
        assert_eq!(response.head().url().unwrap().as_str(), "https://site.example/b");
        site.world.service_workers.release();
    });
}

#[test]
fn a_body_that_comes_in_ranges_is_one_body() {
    tell(async |site| {
        site.world.service_workers.hold();
        let capped = Resource::pattern(1, 1000)
            .etag("v1")
            .chunks(100)
            .drop_after(100)
            .range_cap(250);
        site.serve("a", capped.ranges(Ranges::Honoured));
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let record = record(&registration, "a").await;
        assert_eq!(body_of(&record).await.unwrap(), pattern(1, 0, 1000));
        site.pass(Duration::from_secs(1)).await;
        site.world.service_workers.release();
    });
}

#[test]
fn slices_of_a_large_body_are_bounded() {
    tell(async |site| {
        site.world.service_workers.hold();
        site.serve_pattern("a", 600_000);
        let registration = site.fetch("id", &["a"]).await.unwrap();
        while registration.downloaded() < 600_000 {
            progress(&registration).await;
        }
        let record = record(&registration, "a").await;
        let body = record.response_ready().await.unwrap().take_body().unwrap();
        let lengths: Vec<_> = body.map(|bytes| bytes.unwrap().len()).collect().await;
        assert_eq!(lengths.iter().sum::<usize>(), 600_000);
        assert!(lengths.iter().all(|length| *length <= 256 * 1024));
        drop(record);
        site.world.service_workers.release();
    });
}

#[test]
fn a_response_that_was_replaced_before_its_first_byte_makes_record_objects_redundant() {
    tell(async |site| {
        let changing = Resource::pattern(1, 1000).hold_at(0);
        site.serve("a", changing.after_requests(1, Resource::pattern(2, 1000)));
        site.world.service_workers.hold();
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let old = record(&registration, "a").await;
        let mut body = old.response_ready().await.unwrap().take_body().unwrap();
        site.world.network.drop_connections();
        assert_eq!(site.settled(&registration).await, SUCCESS);
        assert_rejected(body.next().await.unwrap(), TypeError, &[A, "changed"]);
        let new = record(&registration, "a").await;
        assert_eq!(body_of(&new).await.unwrap(), pattern(2, 0, 1000));
        site.world.service_workers.release();
    });
}

#[test]
fn bytes_that_are_stored_while_a_slice_is_read_are_in_the_next() {
    tell(async |site| {
        let resource = Resource::pattern(1, 1000).chunks(100);
        site.serve("a", resource.hold_at(100).hold_at(200).hold_at(300));
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let record = record(&registration, "a").await;
        let mut body = record.response_ready().await.unwrap().take_body().unwrap();
        assert_eq!(body.next().await.unwrap().unwrap(), pattern(1, 0, 100));
        site.world.storage.hold(StorageOperation::Read);
        site.world.network.release(A);
        let (second, ()) = futures::future::join(body.next(), async {
            site.world.storage.until_held(StorageOperation::Read).await;
            site.world.network.until_held(A).await;
            site.world.network.release(A);
            site.world.stalled().await;
            site.world.storage.release(StorageOperation::Read);
        })
        .await;
        assert_eq!(second.unwrap().unwrap(), pattern(1, 100, 100));
        assert_eq!(body.next().await.unwrap().unwrap(), pattern(1, 200, 100));
        assert!(registration.abort().await.unwrap());
        assert_rejected(body.next().await.unwrap(), AbortError, &["aborted"]);
    });
}
