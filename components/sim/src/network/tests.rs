//! The scripted network, driven through the trait.

use std::sync::Arc;
use std::time::Duration;

use background_fetch::embedder::{
    BodySource, Clock, FetchEvent, Network, NetworkError, NetworkErrorKind, NetworkRequest,
};
use background_fetch::fetch::{
    BodyStream, Client, RedirectMode, Request, ResponseHead, ResponseType, ResumeRange,
};
use bytes::Bytes;
use futures::StreamExt;
use http::{HeaderValue, Method};
use url::Url;

use super::{Ending, Ranges, Resource, Response, ScriptedNetwork, pattern};
use crate::Executor;

const URL: &str = "https://a.example/f";
const SECOND: Duration = Duration::from_secs(1);

/// What a request brought.
#[derive(Debug, Default)]
struct Outcome {
    uploads: Vec<u64>,
    head: Option<ResponseHead>,
    body: Vec<u8>,
    chunks: Vec<usize>,
    error: Option<NetworkError>,
}

impl Outcome {
    fn status(&self) -> u16 {
        self.head.as_ref().expect("a response").status.as_u16()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.as_ref()?.headers.get(name)?.to_str().ok()
    }

    fn error_kind(&self) -> Option<NetworkErrorKind> {
        self.error.as_ref().map(|error| error.kind)
    }
}

fn request(url: &str) -> NetworkRequest {
    NetworkRequest {
        request: Request::new(Url::parse(url).unwrap()),
        client: Arc::new(Client::page(Url::parse("https://a.example/page").unwrap())),
        range: None,
        body: None,
    }
}

fn resume(start: u64, validator: &'static str) -> NetworkRequest {
    NetworkRequest {
        range: Some(ResumeRange {
            start,
            validator: HeaderValue::from_static(validator),
        }),
        ..request(URL)
    }
}

struct Upload(Vec<Bytes>);

impl BodySource for Upload {
    fn length(&self) -> u64 {
        self.0.iter().map(|bytes| bytes.len() as u64).sum()
    }

    fn open(&self) -> BodyStream {
        futures::stream::iter(self.0.clone().into_iter().map(Ok)).boxed()
    }
}

fn world() -> (Executor, ScriptedNetwork) {
    let executor = Executor::new(5);
    let network = ScriptedNetwork::new(executor.clock());
    (executor, network)
}

async fn fetch(network: &ScriptedNetwork, request: NetworkRequest) -> Outcome {
    let mut outcome = Outcome::default();
    let mut stream = network.fetch(request);
    while let Some(event) = stream.next().await {
        assert!(outcome.error.is_none(), "an error is the last item");
        match event {
            Ok(FetchEvent::Transmitted(bytes)) => outcome.uploads.push(bytes),
            Ok(FetchEvent::Response(head)) => assert!(outcome.head.replace(*head).is_none()),
            Ok(FetchEvent::Body(bytes)) => {
                assert!(!bytes.is_empty());
                outcome.chunks.push(bytes.len());
                outcome.body.extend_from_slice(&bytes);
            }
            Ok(FetchEvent::UploadResumable { .. }) => {}
            Err(error) => outcome.error = Some(error),
        }
    }
    outcome
}

/// Fetches from a fresh network that serves `resource`.
fn fetched(resource: Resource, request: NetworkRequest) -> Outcome {
    let (executor, network) = world();
    network.serve(URL, resource);
    executor.run_until(fetch(&network, request))
}

#[test]
fn a_whole_resource_comes_in_chunks_and_is_logged() {
    let (executor, network) = world();
    network.serve(URL, Resource::bytes("0123456789").etag("v1").chunks(4));
    let outcome = executor.run_until(fetch(&network, request("https://a.example/f#part")));
    assert_eq!((outcome.status(), &outcome.body[..]), (200, &b"0123456789"[..]));
    assert_eq!(outcome.chunks, [4, 4, 2]);
    assert_eq!(outcome.header("content-length"), Some("10"));
    assert_eq!(outcome.header("etag"), Some("\"v1\""));
    let log = network.log_of(URL);
    assert_eq!(log.len(), 1);
    assert_eq!((log[0].sent, log[0].ending), (10, Some(Ending::Complete)));
    assert_eq!((network.in_flight(), network.peak_in_flight()), (0, 1));
}

#[test]
fn a_range_is_honoured_where_if_range_names_the_version() {
    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    let tagged = || Resource::bytes("0123456789").etag("v1");
    let table = [
        (tagged(), "\"v1\"", 206),
        (tagged(), "\"v2\"", 200),
        (Resource::bytes("0123456789").weak_etag("v1"), "W/\"v1\"", 200),
        (Resource::bytes("0123456789"), "\"v1\"", 200),
        (Resource::bytes("0123456789").last_modified(DATE), DATE, 206),
        (Resource::bytes("0123456789").weak_last_modified(DATE), DATE, 200),
        (tagged().ranges(Ranges::Ignored), "\"v1\"", 200),
        (tagged().ranges(Ranges::IgnoresValidator), "\"v0\"", 206),
    ];
    for (resource, validator, status) in table {
        let outcome = fetched(resource.clone(), resume(6, validator));
        assert_eq!(outcome.status(), status, "{resource:?} {validator}");
        if status == 206 {
            assert_eq!(outcome.body, b"6789");
            assert_eq!(outcome.header("content-range"), Some("bytes 6-9/10"));
            assert_eq!(outcome.header("content-length"), Some("4"));
        } else {
            assert_eq!(outcome.body, b"0123456789");
            assert_eq!(outcome.header("content-range"), None);
        }
    }
}

#[test]
fn a_range_that_begins_at_the_end_is_not_satisfiable() {
    let outcome = fetched(Resource::bytes("0123456789").etag("v1"), resume(10, "\"v1\""));
    assert_eq!(
        (outcome.status(), outcome.header("content-range")),
        (416, Some("bytes */10"))
    );
    assert_eq!(outcome.body, b"");
}

#[test]
fn ranges_can_be_answered_wrongly_in_every_way() {
    let table = [
        (Ranges::WrongFirst(4), Some("bytes 4-9/10"), &b"456789"[..]),
        (Ranges::WrongTotal(12), Some("bytes 6-9/12"), b"6789"),
        (Ranges::UnknownTotal, Some("bytes 6-9/*"), b"6789"),
        (Ranges::Overshoot(2), Some("bytes 6-9/10"), b"6789!!"),
        (Ranges::NoProgress, Some("bytes 6-9/10"), b""),
        (Ranges::NoContentRange, None, b"6789"),
        (
            Ranges::ContentRange("bytes=6-9/10".into()),
            Some("bytes=6-9/10"),
            b"6789",
        ),
    ];
    for (ranges, content_range, body) in table {
        let resource = Resource::bytes("0123456789").etag("v1").ranges(ranges.clone());
        let outcome = fetched(resource, resume(6, "\"v1\""));
        assert_eq!((outcome.status(), &outcome.body[..]), (206, body), "{ranges:?}");
        assert_eq!(outcome.header("content-range"), content_range, "{ranges:?}");
    }
    let refused = Resource::bytes("0123456789")
        .etag("v1")
        .ranges(Ranges::NotSatisfiable);
    assert_eq!(fetched(refused, resume(6, "\"v1\"")).status(), 416);
    let capped = fetched(
        Resource::bytes("0123456789").etag("v1").range_cap(3),
        resume(2, "\"v1\""),
    );
    assert_eq!(
        (capped.header("content-range"), &capped.body[..]),
        (Some("bytes 2-4/10"), &b"234"[..])
    );
}

#[test]
fn the_authors_own_range_is_answered_too() {
    let mut ranged = request(URL);
    ranged
        .request
        .headers
        .insert("range", HeaderValue::from_static("bytes=2-4"));
    let outcome = fetched(Resource::bytes("0123456789"), ranged);
    assert_eq!((outcome.status(), &outcome.body[..]), (206, &b"234"[..]));
}

#[test]
fn troubles_come_one_after_the_other_request_by_request() {
    let (executor, network) = world();
    let resource = Resource::bytes(vec![7; 5000])
        .etag("v1")
        .drop_after(1000)
        .times(2)
        .unreachable()
        .goes_well()
        .answers(503)
        .break_after(10, NetworkError::fatal("garbage"));
    network.serve(URL, resource);
    let outcomes: Vec<_> = executor.run_until(async {
        let mut outcomes = Vec::new();
        for start in [0, 1000, 2000, 2000, 0, 0, 0] {
            let request = if start == 0 {
                request(URL)
            } else {
                resume(start, "\"v1\"")
            };
            let outcome = fetch(&network, request).await;
            let status = outcome.head.as_ref().map(|head| head.status.as_u16());
            outcomes.push((status, outcome.body.len(), outcome.error_kind()));
        }
        outcomes
    });
    let (temporary, fatal) = (Some(NetworkErrorKind::Temporary), Some(NetworkErrorKind::Final));
    assert_eq!(
        outcomes,
        [
            (Some(200), 1000, temporary),
            (Some(206), 1000, temporary),
            (None, 0, temporary),
            (Some(206), 3000, None),
            (Some(503), 0, None),
            (Some(200), 10, fatal),
            (Some(200), 5000, None),
        ]
    );
    let log = network.log();
    assert_eq!(log[0].ending, Some(Ending::Failed(NetworkErrorKind::Temporary)));
    assert_eq!(log[1].headers["range"], "bytes=1000-");
    assert_eq!(log[1].headers["if-range"], "\"v1\"");
    assert_eq!(log[1].range.as_ref().unwrap().start, 1000);
}

#[test]
fn a_resource_becomes_another_after_requests_and_at_a_time() {
    let (executor, network) = world();
    let third = Resource::status(404);
    let second = Resource::bytes("two").etag("v2").at(SECOND * 10, third);
    network.serve(URL, Resource::bytes("one").etag("v1").after_requests(1, second));
    let clock = executor.clock();
    executor.run_until(async {
        assert_eq!(fetch(&network, request(URL)).await.body, b"one");
        let changed = fetch(&network, resume(1, "\"v1\"")).await;
        assert_eq!((changed.status(), &changed.body[..]), (200, &b"two"[..]));
        clock.sleep(SECOND * 10).await;
        assert_eq!(fetch(&network, request(URL)).await.status(), 404);
    });
}

#[test]
fn delays_and_stalls_take_virtual_time() {
    let (executor, network) = world();
    let slow = Resource::bytes(vec![0; 10])
        .chunks(5)
        .latency(SECOND)
        .chunk_delay(SECOND * 2)
        .stall_at(3, SECOND * 60);
    network.serve(URL, slow);
    let outcome = executor.run_until(fetch(&network, request(URL)));
    assert_eq!(outcome.chunks, [3, 5, 2]);
    assert_eq!(executor.clock().now(), SECOND * (1 + 3 * 2 + 60));
}

#[test]
fn a_response_that_stalls_for_ever_can_be_terminated() {
    let (executor, network) = world();
    network.serve(URL, Resource::endless(1).stall_for_ever_at(7));
    let stalled = executor.clone();
    executor.run_until(async {
        let mut stream = network.fetch(request(URL));
        assert!(matches!(stream.next().await, Some(Ok(FetchEvent::Response(_)))));
        assert_eq!(stream.next().await, Some(Ok(FetchEvent::Body(pattern(1, 0, 7)))));
        futures::future::select(stream.next(), Box::pin(stalled.stalled())).await;
        assert_eq!(network.in_flight(), 1);
        drop(stream);
    });
    let terminated = network.terminations();
    assert_eq!(
        (terminated.len(), terminated[0].sent, network.in_flight()),
        (1, 7, 0)
    );
}

#[test]
fn a_held_response_stops_at_the_exact_byte() {
    let (executor, network) = world();
    network.serve(URL, Resource::bytes("0123456789").hold_at(3).hold_at(8));
    executor.run_until(async {
        let fetching = executor.spawn_local({
            let network = network.clone();
            async move { fetch(&network, request(URL)).await }
        });
        network.until_held(URL).await;
        assert_eq!((network.held(URL), network.log()[0].sent), (1, 3));
        network.release(URL);
        executor.stalled().await;
        assert_eq!(network.log()[0].sent, 8);
        network.release_all(URL);
        assert_eq!(fetching.await.body, b"0123456789");
    });
    assert_eq!(network.held(URL), 0);
}

#[test]
fn hold_stops_a_new_response_before_its_head_and_the_drop_of_it_leaves_the_gate() {
    let (executor, network) = world();
    network.serve(URL, Resource::bytes("body"));
    network.hold(URL);
    let mut stream = network.fetch(request(URL));
    executor.run_until(async {
        futures::future::select(stream.next(), Box::pin(network.until_held(URL))).await;
    });
    assert_eq!((network.held(URL), network.log()[0].status), (1, None));
    drop(stream);
    assert_eq!(network.held(URL), 0);
    network.release(URL);
    assert_eq!(executor.run_until(fetch(&network, request(URL))).body, b"body");
}

#[test]
fn going_offline_drops_what_is_in_flight_and_fails_what_is_new() {
    let (executor, network) = world();
    network.serve(URL, Resource::bytes("0123456789").hold_at(4));
    let url = Url::parse(URL).unwrap();
    executor.run_until(async {
        let fetching = executor.spawn_local({
            let network = network.clone();
            async move { fetch(&network, request(URL)).await }
        });
        network.until_held(URL).await;
        network.offline();
        let outcome = fetching.await;
        assert_eq!(
            (&outcome.body[..], outcome.error_kind()),
            (&b"0123"[..], Some(NetworkErrorKind::Temporary))
        );
        let outcome = fetch(&network, request(URL)).await;
        assert_eq!(
            (outcome.head, outcome.error.unwrap().kind),
            (None, NetworkErrorKind::Temporary)
        );

        let waiting = executor.spawn_local({
            let (network, url) = (network.clone(), url.clone());
            async move { network.available(&url).await }
        });
        executor.stalled().await;
        assert_eq!(executor.live_tasks(), 1, "still waiting");
        network.online();
        waiting.await;
        network.release_all(URL);
        assert_eq!(fetch(&network, request(URL)).await.body, b"0123456789");
    });
}

#[test]
fn an_upload_reports_its_steps_and_the_server_has_the_bytes() {
    let (executor, network) = world();
    network.serve(
        URL,
        Resource::status(201).upload_steps(4, SECOND).drop_upload_after(6),
    );
    let upload = || {
        let mut request = request(URL);
        request.request.method = Method::POST;
        request.body = Some(Arc::new(Upload(vec![Bytes::from("abc"), Bytes::from("defghij")])));
        request
    };
    let (lost, whole) =
        executor.run_until(async { (fetch(&network, upload()).await, fetch(&network, upload()).await) });
    assert_eq!(
        (&lost.uploads[..], lost.error_kind()),
        (&[4, 6][..], Some(NetworkErrorKind::Temporary))
    );
    assert_eq!((&whole.uploads[..], whole.status()), (&[4, 8, 10][..], 201));
    assert_eq!(network.log()[0].body[..], b"abcdef"[..]);
    assert_eq!(network.log()[1].body[..], b"abcdefghij"[..]);
    assert_eq!(executor.clock().now(), SECOND * 5);
}

#[test]
fn other_origins_get_cors_responses_or_none() {
    const OTHER: &str = "https://b.example/f";
    let (executor, network) = world();
    executor.run_until(async {
        network.serve(OTHER, Resource::bytes("x").etag("v1").expose(["etag"]));
        let head = fetch(&network, request(OTHER)).await.head.unwrap();
        assert_eq!(head.response_type, ResponseType::Cors);
        assert!(head.exposed_headers().contains_key("etag"));
        network.serve(OTHER, Resource::bytes("x").cors_failure());
        let outcome = fetch(&network, request(OTHER)).await;
        assert_eq!(
            (outcome.head, outcome.error.unwrap().kind),
            (None, NetworkErrorKind::Final)
        );
        network.serve(URL, Resource::bytes("x").cors_failure());
        assert_eq!(
            fetch(&network, request(URL)).await.body,
            b"x",
            "the same origin needs no CORS"
        );
    });
}

#[test]
fn redirects_make_the_url_list_and_obey_the_redirect_mode() {
    let redirecting = || Resource::bytes("x").redirects(["https://a.example/2", "https://a.example/3"]);
    let with_mode = |redirect| {
        let mut request = request(URL);
        request.request.redirect = redirect;
        fetched(redirecting(), request)
    };
    let head = with_mode(RedirectMode::Follow).head.unwrap();
    assert_eq!((head.url_list.len(), head.url().unwrap().path()), (3, "/3"));
    assert_eq!(
        with_mode(RedirectMode::Error).error_kind(),
        Some(NetworkErrorKind::Final)
    );
    let head = with_mode(RedirectMode::Manual).head.unwrap();
    assert_eq!(head.response_type, ResponseType::OpaqueRedirect);
}

#[test]
fn an_encoded_response_says_no_length_and_its_parts_are_not_encoded() {
    let encoded = || Resource::bytes("0123456789").etag("v1").content_decoded();
    let whole = fetched(encoded(), request(URL));
    assert!(whole.head.as_ref().unwrap().content_decoded);
    assert_eq!(
        (whole.header("content-encoding"), whole.header("content-length")),
        (Some("gzip"), None)
    );
    let part = fetched(encoded(), resume(6, "\"v1\""));
    assert!(!part.head.as_ref().unwrap().content_decoded);
    assert_eq!((part.status(), part.header("content-encoding")), (206, None));
}

#[test]
fn a_closure_answers_once_before_the_resource() {
    let (executor, network) = world();
    network.serve(URL, Resource::bytes("resource"));
    network.respond_once(URL, |request| {
        assert_eq!(request.request.method, Method::GET);
        let error = NetworkError::temporary("cut");
        Response::new(206)
            .header("x-made", "here")
            .body("once")
            .chunks(3)
            .ends_with(error)
    });
    network.respond_once(URL, |_| {
        Response::stream(futures::stream::iter([Err(NetworkError::fatal("scripted"))]).boxed())
    });
    executor.run_until(async {
        let once = fetch(&network, request(URL)).await;
        assert_eq!((once.status(), &once.body[..]), (206, &b"once"[..]));
        assert_eq!((once.header("x-made"), once.chunks.len()), (Some("here"), 2));
        assert_eq!(once.error_kind(), Some(NetworkErrorKind::Temporary));
        assert_eq!(
            fetch(&network, request(URL)).await.error.unwrap().message,
            "scripted"
        );
        assert_eq!(fetch(&network, request(URL)).await.body, b"resource");
        let nowhere = fetch(&network, request("https://nowhere.example/")).await;
        assert_eq!(nowhere.error_kind(), Some(NetworkErrorKind::Final));
    });
}

#[test]
fn head_requests_and_null_body_statuses_have_no_body() {
    let mut head = request(URL);
    head.request.method = Method::HEAD;
    let outcome = fetched(Resource::bytes("0123456789"), head);
    assert_eq!(
        (outcome.header("content-length"), outcome.body.len()),
        (Some("10"), 0)
    );
    let empty = fetched(Resource::bytes("body").with_status(204), request(URL));
    assert_eq!((empty.header("content-length"), empty.body.len()), (None, 0));
    assert_eq!(
        fetched(Resource::bytes("not found").with_status(404), request(URL)).body,
        b"not found"
    );
}
