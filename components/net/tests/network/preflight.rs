//! CORS-preflight fetch. Its cache is in `preflight_cache.rs`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use background_fetch::embedder::NetworkRequest;
use background_fetch::fetch::{CredentialsMode, ResumeRange};
use background_fetch_net::CookieJar;
use http::{HeaderName, HeaderValue, Method};
use url::Url;

use crate::support::bodies::Stored;
use crate::support::http2::{Http2Server, respond};
use crate::support::server::{Reply, Seen, Server};
use crate::support::{fetch, network, options, page, upload};

pub(super) const PAGE: &str = "http://page.example";
pub(super) const ORIGIN: (&str, &str) = ("Access-Control-Allow-Origin", PAGE);
pub(super) const ANY_ORIGIN: (&str, &str) = ("Access-Control-Allow-Origin", "*");
pub(super) const CREDENTIALS: (&str, &str) = ("Access-Control-Allow-Credentials", "true");
pub(super) const METHODS: &str = "Access-Control-Allow-Methods";
pub(super) const HEADERS: &str = "Access-Control-Allow-Headers";
pub(super) const MAX_AGE: &str = "Access-Control-Max-Age";

pub(super) type Fields = &'static [(&'static str, &'static str)];

/// Answers an `OPTIONS` with these headers, and everything else with a body.
pub(super) fn server(status: u16, preflight: Fields) -> Server {
    Server::http(move |seen| match seen.method.as_str() {
        "OPTIONS" => Reply::new(status, preflight, ""),
        _ => Reply::new(200, &[ORIGIN, CREDENTIALS], "shared"),
    })
}

pub(super) fn request(url: &Url, method: &str, fields: &[(&'static str, &'static str)]) -> NetworkRequest {
    let mut request = page(PAGE, url);
    request.request.method = Method::from_bytes(method.as_bytes()).unwrap();
    for (name, value) in fields {
        let headers = &mut request.request.headers;
        headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    request
}

pub(super) fn methods(server: &Server) -> Vec<String> {
    server.seen().into_iter().map(|seen| seen.method).collect()
}

#[test]
fn the_preflight_asks_for_the_method_and_the_unsafe_headers_and_nothing_else() {
    let server = server(
        204,
        &[ANY_ORIGIN, (METHODS, "PUT"), (HEADERS, "*, authorization")],
    );
    let body = Stored::new("body");
    let mut put = page(PAGE, &server.url("/path?query"));
    put = NetworkRequest {
        client: put.client,
        ..upload(&put.request.url, Method::PUT, body.clone())
    };
    put.request.mode = background_fetch::fetch::RequestMode::Cors;
    for (name, value) in [
        ("x-b", "1"),
        ("accept", "text/plain"),
        ("authorization", "Basic x"),
        ("content-type", "application/json"),
        ("x-a", "1"),
    ] {
        let value = HeaderValue::from_static(value);
        put.request.headers.insert(name, value);
    }
    let outcome = fetch(&network(), put);
    assert_eq!(outcome.answer(), (200, "shared"));
    assert_eq!(outcome.transmitted.last(), Some(&4));
    let seen = server.seen();
    assert_eq!(methods(&server), ["OPTIONS", "PUT"]);
    let preflight: &Seen = &seen[0];
    assert_eq!(preflight.target, "/path?query");
    assert_eq!(preflight.header("origin"), Some(PAGE));
    assert_eq!(preflight.header("accept"), Some("*/*"));
    assert_eq!(preflight.header("access-control-request-method"), Some("PUT"));
    assert_eq!(
        preflight.header("access-control-request-headers"),
        Some("authorization,content-type,x-a,x-b")
    );
    assert_eq!(preflight.header("sec-fetch-mode"), Some("cors"));
    assert_eq!(preflight.header("referer"), Some("http://page.example/"));
    for name in ["authorization", "content-type", "x-a", "content-length", "cookie"] {
        assert_eq!(preflight.header(name), None, "{name}");
    }
    assert_eq!((seen[1].body.as_slice(), body.opened()), (&b"body"[..], 1));
}

#[test]
fn what_the_server_allows_is_sent_and_nothing_else() {
    use CredentialsMode::*;
    const PUT: (&str, Fields) = ("PUT", &[]);
    const MINE: (&str, Fields) = ("GET", &[("x-mine", "1")]);
    const LOGIN: (&str, Fields) = ("GET", &[("authorization", "Basic x")]);
    let no_method = Some("Access-Control-Allow-Methods does not have PUT");
    let no_header = Some("Access-Control-Allow-Headers does not have x-mine");
    let no_login = Some("Access-Control-Allow-Headers does not have authorization");
    type Row = (
        (&'static str, Fields),
        CredentialsMode,
        u16,
        Fields,
        Option<&'static str>,
    );
    let table: &[Row] = &[
        // Methods.
        (PUT, Omit, 200, &[ANY_ORIGIN, (METHODS, "PUT")], None),
        (PUT, Omit, 204, &[ANY_ORIGIN, (METHODS, "DELETE , PUT")], None),
        (
            PUT,
            Omit,
            200,
            &[ANY_ORIGIN, (METHODS, "GET"), (METHODS, "PUT")],
            None,
        ),
        (PUT, Omit, 200, &[ANY_ORIGIN, (METHODS, "*")], None),
        (PUT, SameOrigin, 200, &[ORIGIN, (METHODS, "*")], None),
        (PUT, Include, 200, &[ORIGIN, CREDENTIALS, (METHODS, "PUT")], None),
        (
            PUT,
            Include,
            200,
            &[ORIGIN, CREDENTIALS, (METHODS, "*")],
            no_method,
        ),
        (PUT, Omit, 200, &[ANY_ORIGIN], no_method),
        (PUT, Omit, 200, &[ANY_ORIGIN, (METHODS, "put")], no_method),
        (PUT, Omit, 200, &[ANY_ORIGIN, (METHODS, "GET, POST")], no_method),
        (
            PUT,
            Omit,
            200,
            &[ANY_ORIGIN, (METHODS, "PUT, not a method")],
            Some("Access-Control-Allow-Methods is invalid"),
        ),
        (
            ("POST", &[("x-mine", "1")]),
            Omit,
            200,
            &[ANY_ORIGIN, (HEADERS, "x-mine")],
            None,
        ),
        // Headers.
        (MINE, Omit, 200, &[ANY_ORIGIN, (HEADERS, "X-MINE")], None),
        (MINE, Omit, 200, &[ANY_ORIGIN, (HEADERS, "*")], None),
        (
            MINE,
            Include,
            200,
            &[ORIGIN, CREDENTIALS, (HEADERS, "x-mine")],
            None,
        ),
        (
            MINE,
            Include,
            200,
            &[ORIGIN, CREDENTIALS, (HEADERS, "*")],
            no_header,
        ),
        (MINE, Omit, 200, &[ANY_ORIGIN], no_header),
        (MINE, Omit, 200, &[ANY_ORIGIN, (HEADERS, "x-other")], no_header),
        (
            MINE,
            Omit,
            200,
            &[ANY_ORIGIN, (HEADERS, "x-mine, x y")],
            Some("Access-Control-Allow-Headers is invalid"),
        ),
        (LOGIN, Omit, 200, &[ANY_ORIGIN, (HEADERS, "*")], no_login),
        (
            LOGIN,
            Omit,
            200,
            &[ANY_ORIGIN, (HEADERS, "*, Authorization")],
            None,
        ),
        (
            ("GET", &[("range", "bytes=-5")]),
            Omit,
            200,
            &[ANY_ORIGIN, (HEADERS, "range")],
            None,
        ),
        (
            ("POST", &[("content-type", "application/json")]),
            Omit,
            200,
            &[ANY_ORIGIN],
            Some("Access-Control-Allow-Headers does not have content-type"),
        ),
        // The CORS check and the status.
        (
            PUT,
            Omit,
            200,
            &[(METHODS, "PUT")],
            Some("there is no Access-Control-Allow-Origin"),
        ),
        (
            PUT,
            Include,
            200,
            &[ANY_ORIGIN, CREDENTIALS, (METHODS, "PUT")],
            Some("Access-Control-Allow-Origin is \"*\""),
        ),
        (
            PUT,
            Include,
            200,
            &[ORIGIN, (METHODS, "PUT")],
            Some("Access-Control-Allow-Credentials is not \"true\""),
        ),
        (
            PUT,
            Omit,
            404,
            &[ANY_ORIGIN, (METHODS, "PUT")],
            Some("the status is 404"),
        ),
        (
            PUT,
            Omit,
            500,
            &[ANY_ORIGIN, (METHODS, "PUT")],
            Some("the status is 500"),
        ),
        (
            PUT,
            Omit,
            302,
            &[ANY_ORIGIN, (METHODS, "PUT"), ("Location", "/other")],
            Some("the status is 302"),
        ),
    ];
    let network = network();
    for ((method, fields), credentials, status, preflight, failure) in table {
        let server = server(*status, preflight);
        let mut request = request(&server.url("/"), method, fields);
        request.request.credentials = *credentials;
        let outcome = fetch(&network, request);
        match failure {
            None => {
                assert_eq!(outcome.answer(), (200, "shared"), "{method} {preflight:?}");
                assert_eq!(methods(&server), ["OPTIONS", method], "{preflight:?}");
            }
            Some(reason) => {
                let message = outcome.fatal();
                assert!(
                    message.contains("its CORS preflight failed: ") && message.contains(reason),
                    "{message}"
                );
                assert_eq!(methods(&server), ["OPTIONS"], "{preflight:?}");
            }
        }
    }
}

#[test]
fn what_html_forms_could_always_send_is_not_asked_for() {
    let network = network();
    let table: &[(&str, Fields)] = &[
        ("GET", &[]),
        ("HEAD", &[("accept", "text/*")]),
        ("POST", &[("content-type", "text/plain;charset=utf-8")]),
        ("GET", &[("range", "bytes=5-9"), ("accept-language", "de")]),
    ];
    for (method, fields) in table {
        let server = server(500, &[]);
        fetch(&network, request(&server.url("/"), method, fields));
        assert_eq!(methods(&server), [*method]);
    }
    // The component's own range is no header of the author's.
    let server = server(500, &[]);
    let mut resumed = request(&server.url("/"), "GET", &[]);
    resumed.range = Some(ResumeRange {
        start: 5,
        validator: HeaderValue::from_static("\"v1\""),
    });
    fetch(&network, resumed);
    assert_eq!(methods(&server), ["GET"]);
}

#[test]
fn a_request_of_the_same_origin_is_not_asked_for() {
    let server = server(500, &[]);
    let mut put = request(&server.url("/"), "PUT", &[("x-mine", "1")]);
    put.client = page(&server.origin(), &server.url("/")).client;
    assert_eq!(fetch(&network(), put).answer(), (200, "shared"));
    assert_eq!(methods(&server), ["PUT"]);
}

#[test]
fn a_redirect_to_another_origin_is_asked_for_there() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let other = Server::http(move |seen| match seen.method.as_str() {
        "OPTIONS" => {
            counted.fetch_add(1, Ordering::SeqCst);
            Reply::new(204, &[ANY_ORIGIN, (HEADERS, "x-mine")], "")
        }
        _ => Reply::new(200, &[ANY_ORIGIN], "end"),
    });
    let location = String::from(other.url("/end"));
    let home = Server::http(move |_| Reply::redirect(307, &location));
    let mut own = request(
        &home.url("/"),
        "GET",
        &[("x-mine", "1"), ("authorization", "Basic x")],
    );
    own.client = page(&home.origin(), &home.url("/")).client;
    let outcome = fetch(&network(), own);
    assert_eq!(outcome.answer(), (200, "end"));
    assert_eq!(
        (methods(&home), asked.load(Ordering::SeqCst)),
        (vec!["GET".to_owned()], 1)
    );
    // The redirect has dropped what the other origin must not see, so it is not asked for.
    let preflight = &other.seen()[0];
    assert_eq!(preflight.header("access-control-request-headers"), Some("x-mine"));
    assert_eq!(preflight.header("origin"), Some(home.origin().as_str()));
}

#[test]
fn each_hop_of_other_origins_is_asked_with_the_origin_that_it_sees() {
    let next = Arc::new(OnceLock::<String>::new());
    let location = next.clone();
    let allow = |seen: &Seen| {
        let origin = seen.header("origin").unwrap_or_default().to_owned();
        vec![
            ("Access-Control-Allow-Origin", origin),
            (METHODS, "PUT".to_owned()),
        ]
    };
    let answering = move |seen: &Seen, status: u16, location: Option<&str>| {
        let allowed = allow(seen);
        let mut fields: Vec<(&str, &str)> = allowed
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        match location.filter(|_| seen.method != "OPTIONS") {
            Some(location) => {
                fields.push(("Location", location));
                Reply::new(status, &fields, "")
            }
            None => Reply::new(200, &fields, "end"),
        }
    };
    let first = Server::http(move |seen| answering(seen, 308, location.get().map(String::as_str)));
    let second = Server::http(move |seen| answering(seen, 200, None));
    next.set(String::from(second.url("/end"))).unwrap();
    let outcome = fetch(&network(), request(&first.url("/"), "PUT", &[]));
    assert_eq!(outcome.answer(), (200, "end"));
    for (server, origin) in [(&first, PAGE), (&second, "null")] {
        assert_eq!(methods(server), ["OPTIONS", "PUT"]);
        for seen in server.seen() {
            assert_eq!(seen.header("origin"), Some(origin));
        }
    }
}

#[test]
fn a_preflight_that_cannot_be_made_is_as_temporary_as_the_request() {
    let server = Server::http(|_| Reply::raw(""));
    let outcome = fetch(&network(), request(&server.url("/"), "PUT", &[]));
    assert!(
        outcome.temporary().ends_with("(in its CORS preflight)"),
        "{outcome:?}"
    );
    assert_eq!(methods(&server), ["OPTIONS"]);
}

#[test]
fn a_server_that_is_busy_is_asked_again_later() {
    for fields in [&[ANY_ORIGIN, ("Retry-After", "7")][..], &[("Retry-After", "7")]] {
        let server = Server::http(move |_| Reply::new(503, fields, ""));
        let outcome = fetch(&network(), request(&server.url("/"), "PUT", &[]));
        let error = outcome.error.clone().expect("an error");
        assert!(
            outcome.temporary().contains("its CORS preflight failed"),
            "{error}"
        );
        assert_eq!(error.retry_after, Some(Duration::from_secs(7)));
        assert_eq!(methods(&server), ["OPTIONS"]);
    }
}

#[test]
fn a_preflight_has_no_cookies_and_sets_none() {
    let server = Server::http(|seen| {
        let origin = seen.header("origin").unwrap_or_default();
        let mut fields = vec![
            ("Access-Control-Allow-Origin", origin),
            CREDENTIALS,
            (MAX_AGE, "0"),
        ];
        match seen.method.as_str() {
            "OPTIONS" => fields.extend([(METHODS, "PUT"), ("Set-Cookie", "by=preflight")]),
            _ => fields.push(("Set-Cookie", "by=request")),
        }
        Reply::new(200, &fields, "")
    });
    let jar = CookieJar::in_memory();
    let network = options().cookie_jar(jar).build().unwrap();
    for _ in 0..2 {
        // A page of the same site, so that the cookies are sent.
        let mut put = request(&server.url("/"), "PUT", &[]);
        put.client = page("http://127.0.0.1:1", &server.url("/")).client;
        put.request.credentials = CredentialsMode::Include;
        assert_eq!(fetch(&network, put).answer().0, 200);
    }
    let seen = server.seen();
    let cookies: Vec<_> = seen
        .iter()
        .map(|seen| (seen.method.as_str(), seen.header("cookie")))
        .collect();
    assert_eq!(
        cookies,
        [
            ("OPTIONS", None),
            ("PUT", None),
            ("OPTIONS", None),
            ("PUT", Some("by=request"))
        ]
    );
}

#[test]
fn a_preflight_goes_over_tls_and_http2_as_its_request_does() {
    let tls = Server::https(|seen| match seen.method.as_str() {
        "OPTIONS" => Reply::new(200, &[ANY_ORIGIN, (METHODS, "PUT"), (HEADERS, "x-mine")], ""),
        _ => Reply::new(200, &[ANY_ORIGIN], "shared"),
    });
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let noted = seen.clone();
    let http2 = Http2Server::start(move |request, responder| {
        let noted = noted.clone();
        Box::pin(async move {
            let method = request.method().clone();
            noted.lock().unwrap().push(method.to_string());
            let response = http::Response::builder()
                .header("access-control-allow-origin", "*")
                .header("access-control-allow-methods", "PUT")
                .header("access-control-allow-headers", "x-mine");
            let body: &[u8] = if method == "OPTIONS" { b"" } else { b"shared" };
            respond(responder, response.body(body).unwrap());
            None
        })
    });
    let network = network();
    for url in [tls.url("/"), http2.url("/")] {
        let mut put = request(&url, "PUT", &[("x-mine", "1")]);
        put.client = page("https://page.example", &url).client;
        assert_eq!(fetch(&network, put).answer(), (200, "shared"));
    }
    assert_eq!(methods(&tls), ["OPTIONS", "PUT"]);
    assert_eq!(*seen.lock().unwrap(), ["OPTIONS", "PUT"]);
    assert_eq!((tls.connections(), http2.connections()), (1, 1));
}
