//! Validate a partial response: told by servers that send the rest of a body, or pretend to.
//!
//! Each story begins with 400 of 1000 bytes stored. What the server has when it is asked for all of it again is
//! another version, so that the body tells what became of the first.

use background_fetch::BackgroundFetchFailureReason;
use background_fetch::embedder::NetworkError;
use background_fetch_sim::{Resource, Response, pattern};
use spec_tests::{Outcome, SITE, SUCCESS, Site, failure, tell};

/// A response in words: its status, its header fields and the bytes of its body.
type Told<'a> = (u16, &'a [(&'a str, &'a str)]);

fn response((status, fields): Told<'_>) -> Response {
    let fields = fields.iter();
    fields.fold(Response::new(status), |response, (name, value)| {
        response.header(name, value)
    })
}

/// What became of 400 stored bytes when a server sent `part` as their rest.
#[derive(Debug, PartialEq, Eq)]
enum Became {
    /// They were continued.
    Continued,
    /// The record started again from byte 0.
    StartedAgain,
    /// It failed.
    Failed(Outcome),
}

async fn became(site: &Site, first: Told<'_>, part: Told<'_>) -> Became {
    let url = format!("{SITE}a");
    let lost = NetworkError::temporary("the connection was lost");
    let first = response(first).body(pattern(1, 0, 400)).ends_with(lost);
    let part = response(part).body(pattern(1, 400, 600));
    site.world.network.respond_once(&url, |_| first);
    site.world.network.respond_once(&url, |_| part);
    site.serve("a", Resource::pattern(2, 700));
    let before = site.requests("a").len();
    let worker = site.reading_worker();
    let outcome = site.outcome_of("a").await;
    let starts = site.starts("a").split_off(before);
    match (outcome, &starts[..]) {
        (SUCCESS, [0, 400]) => {
            assert_eq!(worker.bodies(), [Ok(pattern(1, 0, 1000).to_vec())]);
            Became::Continued
        }
        (SUCCESS, [0, 400, 0]) => {
            assert_eq!(worker.bodies(), [Ok(pattern(2, 0, 700).to_vec())]);
            Became::StartedAgain
        }
        (outcome, [0, 400]) => {
            assert!(worker.bodies()[0].is_err(), "no byte is exposed");
            Became::Failed(outcome)
        }
        other => panic!("{other:?}"),
    }
}

const V1: (&str, &str) = ("etag", "\"v1\"");
const REST: (&str, &str) = ("content-range", "bytes 400-999/1000");

#[test]
fn a_part_that_fits_is_valid() {
    tell(async |site| {
        let parts: [&[_]; 3] = [
            &[V1, REST],
            &[REST, V1, ("content-type", "image/png")],
            &[V1, ("Content-Range", "Bytes 400-999/1000")],
        ];
        for part in parts {
            assert_eq!(
                became(site, (200, &[V1]), (206, part)).await,
                Became::Continued,
                "{part:?}"
            );
        }
    });
}

#[test]
fn without_content_range_values_it_is_invalid() {
    tell(async |site| {
        let failed = || Became::Failed(failure(BackgroundFetchFailureReason::FetchError));
        assert_eq!(became(site, (200, &[V1]), (206, &[V1])).await, failed());
        for range in [
            "",
            "bytes",
            "bytes=400-999/1000",
            "bytes 400-999",
            "bytes */1000",
            "bytes 999-400/1000",
            "bytes 400-999/999",
            "bytes 400-99999999999999999999/*",
            "multipart/byteranges",
        ] {
            let part = [V1, ("content-range", range)];
            assert_eq!(
                became(site, (200, &[V1]), (206, &part)).await,
                failed(),
                "{range:?}"
            );
        }
    });
}

#[test]
fn several_parts_in_one_are_no_part_whatever_their_content_range_says() {
    tell(async |site| {
        for (content_type, expected) in [
            ("multipart/byteranges", Became::StartedAgain),
            ("multipart/byteranges; boundary=x", Became::StartedAgain),
            ("Multipart/ByteRanges ;boundary=x", Became::StartedAgain),
            ("multipart/form-data; boundary=x", Became::Continued),
            ("image/png; like=multipart/byteranges", Became::Continued),
        ] {
            let part = [V1, REST, ("content-type", content_type)];
            let became = became(site, (200, &[V1]), (206, &part)).await;
            assert_eq!(became, expected, "{content_type}");
        }
        // With nothing stored there is nothing to start again.
        let several = [
            ("content-range", "bytes 0-399/400"),
            ("content-type", "multipart/byteranges; boundary=x"),
        ];
        let answer = response((206, &several)).body(pattern(1, 0, 400));
        site.world.network.respond_once(format!("{SITE}a"), |_| answer);
        let failed = failure(BackgroundFetchFailureReason::FetchError);
        assert_eq!(site.outcome_of("a").await, failed);
    });
}

#[test]
fn a_part_that_starts_elsewhere_is_invalid() {
    tell(async |site| {
        for range in ["bytes 0-999/1000", "bytes 399-999/1000", "bytes 401-999/1000"] {
            let part = [V1, ("content-range", range)];
            let became = became(site, (200, &[V1]), (206, &part)).await;
            let failed = failure(BackgroundFetchFailureReason::FetchError);
            assert_eq!(became, Became::Failed(failed), "{range}");
        }
    });
}

#[test]
fn a_changed_or_missing_validator_is_invalid() {
    const MODIFIED: (&str, &str) = ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT");
    const LATER: (&str, &str) = ("last-modified", "Mon, 07 Nov 1994 08:49:37 GMT");
    const DATE: (&str, &str) = ("date", "Thu, 01 Jan 2026 00:00:00 GMT");
    tell(async |site| {
        let table: [(&[_], &[_], Became); 9] = [
            (&[V1], &[REST], Became::StartedAgain),
            (&[V1], &[REST, ("etag", "\"v2\"")], Became::StartedAgain),
            (&[V1], &[REST, ("etag", "W/\"v1\"")], Became::StartedAgain),
            (&[V1], &[REST, ("etag", "\"V1\"")], Became::StartedAgain),
            // What the first did not have does not matter.
            (&[V1], &[REST, V1, MODIFIED], Became::Continued),
            // Both have to be the same where there were both.
            (&[V1, MODIFIED], &[REST, V1], Became::StartedAgain),
            (&[V1, MODIFIED], &[REST, V1, LATER], Became::StartedAgain),
            (&[MODIFIED, DATE], &[REST, LATER, DATE], Became::StartedAgain),
            (&[MODIFIED, DATE], &[REST, MODIFIED, DATE], Became::Continued),
        ];
        for (first, part, expected) in table {
            let became = became(site, (200, first), (206, part)).await;
            assert_eq!(became, expected, "{first:?}, then {part:?}");
        }
    });
}

#[test]
fn another_complete_length_is_invalid() {
    let range = |range| [V1, ("content-range", range)];
    tell(async |site| {
        let known = range("bytes 0-399/1000");
        let unknown = range("bytes 0-399/*");
        let said = [V1, ("content-length", "1000")];
        // 4.2.2. A partial response said the complete length, or not.
        let rest = range("bytes 400-999/1000");
        assert_eq!(became(site, (206, &known), (206, &rest)).await, Became::Continued);
        assert_eq!(
            became(site, (206, &unknown), (206, &rest)).await,
            Became::Continued
        );
        for other in ["bytes 400-999/1001", "bytes 400-999/*"] {
            let became = became(site, (206, &known), (206, &range(other))).await;
            assert_eq!(became, Became::StartedAgain, "{other}");
        }
        // Errata 19: a whole response may have said it too.
        for (other, expected) in [
            ("bytes 400-999/1000", Became::Continued),
            ("bytes 400-999/*", Became::Continued),
            ("bytes 400-999/1001", Became::StartedAgain),
            ("bytes 400-1000/*", Became::StartedAgain),
        ] {
            let became = became(site, (200, &said), (206, &range(other))).await;
            assert_eq!(became, expected, "{other}");
        }
    });
}

#[test]
fn a_whole_response_in_place_of_a_part_is_taken_whole() {
    tell(async |site| {
        site.serve("a", Resource::pattern(1, 1000).etag("v1").drop_after(400));
        let worker = site.reading_worker();
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.until(|| !site.requests("a").is_empty()).await;
        // Its Content-Range means nothing in a 200.
        let whole = Response::new(200).header(V1.0, V1.1).header(REST.0, REST.1);
        site.world
            .network
            .respond_once(format!("{SITE}a"), |_| whole.body(pattern(3, 0, 50)));
        assert_eq!(site.outcome(&registration).await, SUCCESS);
        assert_eq!(worker.bodies(), [Ok(pattern(3, 0, 50).to_vec())]);
    });
}
