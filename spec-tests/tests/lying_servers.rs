//! Servers that lie: the right failure reason, or a clean restart of the record, and never a spliced body.
//!
//! `validate_partial_response.rs` has wrong ranges, `resume.rs` what changes in the middle.

use background_fetch::embedder::NetworkError;
use background_fetch::{BackgroundFetchFailureReason, BackgroundFetchOptions, ExceptionName};
use background_fetch_sim::{Ending, Ranges, Resource, Response, pattern};
use spec_tests::{SITE, SUCCESS, failure, tell};

const FETCH_ERROR: BackgroundFetchFailureReason = BackgroundFetchFailureReason::FetchError;
const TOTAL_EXCEEDED: BackgroundFetchFailureReason = BackgroundFetchFailureReason::DownloadTotalExceeded;

// A wrong Content-Range.

#[test]
fn a_partial_response_that_nobody_asked_for_starts_at_the_first_byte_or_fails() {
    let answer =
        |range: &'static str| move |_: &_| Response::new(206).header("content-range", range).body("hello");
    tell(async |site| {
        for (range, outcome) in [
            ("bytes 0-4/5", SUCCESS),
            ("bytes 5-9/10", failure(FETCH_ERROR)),
            ("bytes */5", failure(FETCH_ERROR)),
            ("hello", failure(FETCH_ERROR)),
        ] {
            site.world.network.respond_once(format!("{SITE}a"), answer(range));
            assert_eq!(site.outcome_of("a").await, outcome, "{range}");
        }
    });
}

#[test]
fn parts_that_cannot_be_continued_end_with_a_fetch_error() {
    tell(async |site| {
        // Without a validator each part has to be asked for from byte 0, and is the same again.
        let part = Resource::pattern(1, 300).with_status(206);
        site.serve("a", part.header("content-range", "bytes 0-299/1000"));
        assert_eq!(site.outcome_of("a").await, failure(FETCH_ERROR));
        // The first time is not the server's fault; after that it is left alone for longer and longer.
        let requests = site.requests("a");
        let waits = requests
            .windows(2)
            .map(|pair| (pair[1].at - pair[0].at).as_secs());
        assert_eq!(waits.collect::<Vec<_>>(), [0, 2, 4, 8, 16]);
    });
}

#[test]
fn a_wrong_range_is_a_fetch_error_and_never_a_wrong_body() {
    tell(async |site| {
        for ranges in [
            Ranges::WrongFirst(0),
            Ranges::WrongFirst(300),
            Ranges::WrongFirst(401),
            Ranges::WrongTotal(999),
            Ranges::NoContentRange,
            Ranges::ContentRange("bytes 400-999/1000, bytes 0-1/1000".to_owned()),
        ] {
            let lying = Resource::pattern(1, 1000)
                .etag("v1")
                .drop_after(400)
                .ranges(ranges.clone());
            site.serve("a", lying);
            let worker = site.reading_worker();
            assert_eq!(site.outcome_of("a").await, failure(FETCH_ERROR), "{ranges:?}");
            assert_eq!(worker.bodies(), [Err(ExceptionName::TypeError)]);
        }
    });
}

#[test]
fn a_range_of_fewer_bytes_than_it_says_is_asked_for_again() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 1000).etag("v1").drop_after(400));
        let worker = site.reading_worker();
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.until(|| !site.requests("a").is_empty()).await;
        let short = Response::new(206).header("etag", "\"v1\"");
        let short = short
            .header("content-range", "bytes 400-999/1000")
            .body(pattern(1, 400, 100));
        site.world.network.respond_once(format!("{SITE}a"), |_| short);
        assert_eq!(site.outcome(&registration).await, SUCCESS);
        assert_eq!(site.starts("a"), [0, 400, 500]);
        assert_eq!(worker.bodies(), [Ok(pattern(1, 0, 1000).to_vec())]);
    });
}

// A longer or shorter body than said.

#[test]
fn a_body_that_is_always_shorter_than_said_is_a_fetch_error() {
    tell(async |site| {
        for etag in [Some("v1"), None] {
            let mut resource = Resource::pattern(1, 900).header("content-length", "1000");
            if let Some(etag) = etag {
                resource = resource.etag(etag);
            }
            // The network finds the end too early, each time.
            site.serve("a", resource.drop_after(900).always());
            let worker = site.reading_worker();
            assert_eq!(site.outcome_of("a").await, failure(FETCH_ERROR), "{etag:?}");
            assert_eq!(worker.bodies(), [Err(ExceptionName::TypeError)]);
        }
    });
}

#[test]
fn a_resource_that_says_another_length_each_time_ends_with_a_fetch_error() {
    tell(async |site| {
        let saying = |length: u64| {
            let resource = Resource::pattern(1, 1000).etag("v1").drop_after(400);
            resource.ranges(Ranges::WrongTotal(length))
        };
        let mut resource = saying(2000);
        for length in 2001..2050 {
            resource = saying(length).after_requests(1, resource);
        }
        site.serve("a", resource);
        assert_eq!(site.outcome_of("a").await, failure(FETCH_ERROR));
        assert!(site.requests("a").len() < 20, "{}", site.requests("a").len());
    });
}

// Garbage.

#[test]
fn a_network_error_is_a_fetch_error() {
    tell(async |site| {
        let elsewhere = "https://other.example/a";
        site.world
            .network
            .serve(elsewhere, Resource::pattern(1, 1000).cors_failure());
        let garbage = NetworkError::fatal("this is not HTTP");
        site.serve("b", Resource::bytes("").fails(garbage).always());
        for url in [elsewhere, "b"] {
            let worker = site.reading_worker();
            let registration = site.fetch("id", &[url]).await.unwrap();
            assert_eq!(site.outcome(&registration).await, failure(FETCH_ERROR));
            assert_eq!(registration.downloaded(), 0);
            assert_eq!(worker.bodies(), [Err(ExceptionName::TypeError)]);
        }
        assert_eq!(
            site.world.network.log().len(),
            2,
            "what is final is not tried again"
        );
    });
}

#[test]
fn a_final_error_in_the_body_is_a_fetch_error_and_its_bytes_are_not_exposed() {
    tell(async |site| {
        let broken = NetworkError::fatal("a chunk without a length");
        site.serve(
            "a",
            Resource::pattern(1, 1000).etag("v1").break_after(400, broken),
        );
        let worker = site.reading_worker();
        assert_eq!(site.outcome_of("a").await, failure(FETCH_ERROR));
        assert_eq!(worker.bodies(), [Err(ExceptionName::TypeError)]);
        assert_eq!(site.requests("a").len(), 1);
    });
}

#[test]
fn garbage_in_headers_is_ignored_or_costs_a_restart() {
    tell(async |site| {
        for (name, value) in [
            ("content-length", "-1"),
            ("content-length", "99999999999999999999999"),
            ("content-length", "ten"),
            ("etag", "\""),
            ("etag", "\"a\"b"),
            ("etag", "\"v1\", \"v2\""),
            ("last-modified", "yesterday"),
            ("date", "99:99:99"),
            ("content-range", "bytes 0-0/1"),
            ("accept-ranges", "none"),
            ("content-encoding", ""),
        ] {
            let resource = Resource::pattern(1, 1000).without_length().header(name, value);
            site.serve("a", resource.drop_after(400));
            let worker = site.reading_worker();
            assert_eq!(site.outcome_of("a").await, SUCCESS, "{name}: {value}");
            assert_eq!(
                worker.bodies(),
                [Ok(pattern(1, 0, 1000).to_vec())],
                "{name}: {value}"
            );
        }
    });
}

// An endless body.

#[test]
fn a_download_total_that_is_exceeded_cancels_the_stream() {
    tell(async |site| {
        site.serve("a", Resource::endless(1).chunks(300));
        let worker = site.reading_worker();
        let options = BackgroundFetchOptions {
            download_total: 1000,
            ..Default::default()
        };
        let fetched = site.manager().fetch("id", ["a"], options).await.unwrap();
        assert_eq!(site.outcome(&fetched).await, failure(TOTAL_EXCEEDED));
        assert!(fetched.downloaded() <= 1000);
        assert_eq!(site.requests("a")[0].ending, Some(Ending::Terminated));
        assert_eq!(worker.bodies(), [Err(ExceptionName::TypeError)]);
    });
}
