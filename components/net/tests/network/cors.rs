//! CORS: the check on every hop, what is exposed, the `Origin` header. Preflights are in `preflight.rs`.

use background_fetch::fetch::{CredentialsMode, RequestMode, ResponseType};
use http::{HeaderName, Method};

use crate::support::server::{Reply, Server};
use crate::support::{fetch, network, page, user};

const PAGE: &str = "http://page.example";

fn sharing(headers: &'static [(&'static str, &'static str)]) -> Server {
    Server::http(move |_| Reply::new(200, headers, "shared"))
}

#[test]
fn a_response_of_the_same_origin_is_basic_and_needs_no_permission() {
    let server = sharing(&[]);
    let outcome = fetch(&network(), page(&server.origin(), &server.url("/")));
    assert_eq!(outcome.answer(), (200, "shared"));
    assert_eq!(outcome.head().response_type, ResponseType::Basic);
    assert_eq!(server.only().header("origin"), None);
}

#[test]
fn the_cors_check_decides_by_the_allowed_origin_and_credentials() {
    use CredentialsMode::*;
    const ORIGIN: &str = "Access-Control-Allow-Origin";
    const CREDENTIALS: &str = "Access-Control-Allow-Credentials";
    type Fields = &'static [(&'static str, &'static str)];
    let table: &[(Fields, CredentialsMode, Option<&str>)] = &[
        (&[(ORIGIN, "*")], SameOrigin, None),
        (&[(ORIGIN, "*")], Omit, None),
        (&[(ORIGIN, PAGE)], SameOrigin, None),
        (&[(ORIGIN, PAGE), (CREDENTIALS, "true")], Include, None),
        (&[], SameOrigin, Some("there is no Access-Control-Allow-Origin")),
        (
            &[(ORIGIN, "*")],
            Include,
            Some("Access-Control-Allow-Origin is \"*\""),
        ),
        (
            &[(ORIGIN, "*"), (CREDENTIALS, "true")],
            Include,
            Some("Access-Control-Allow-Origin is \"*\""),
        ),
        (
            &[(ORIGIN, PAGE)],
            Include,
            Some("Access-Control-Allow-Credentials is not \"true\""),
        ),
        (
            &[(ORIGIN, PAGE), (CREDENTIALS, "TRUE")],
            Include,
            Some("Access-Control-Allow-Credentials"),
        ),
        (
            &[(ORIGIN, "http://page.example:81")],
            Omit,
            Some("the origin is \"http://page.example\""),
        ),
        (
            &[(ORIGIN, "HTTP://page.example")],
            Omit,
            Some("the origin is \"http://page.example\""),
        ),
        (
            &[(ORIGIN, "null")],
            Omit,
            Some("Access-Control-Allow-Origin is \"null\""),
        ),
        (
            &[(ORIGIN, "*"), (ORIGIN, "*")],
            Omit,
            Some("Access-Control-Allow-Origin is \"*, *\""),
        ),
    ];
    let network = network();
    for (headers, credentials, failure) in table {
        let server = sharing(headers);
        let mut request = page(PAGE, &server.url("/"));
        request.request.credentials = *credentials;
        let outcome = fetch(&network, request);
        assert_eq!(server.only().header("origin"), Some(PAGE));
        match failure {
            None => {
                assert_eq!(outcome.answer(), (200, "shared"), "{headers:?}");
                assert_eq!(outcome.head().response_type, ResponseType::Cors);
            }
            Some(reason) => {
                let message = outcome.fatal();
                assert!(
                    message.contains("the CORS check failed") && message.contains(reason),
                    "{message}"
                );
                assert!(outcome.head.is_none() && outcome.body.is_empty());
            }
        }
    }
}

#[test]
fn a_script_sees_the_exposed_headers_and_a_resumption_sees_all() {
    let exposed = |names: &'static str, credentials| {
        let server = Server::http(move |_| {
            let headers = [
                ("Access-Control-Allow-Origin", PAGE),
                ("Access-Control-Allow-Credentials", "true"),
                ("Access-Control-Expose-Headers", names),
                ("ETag", "\"v1\""),
                ("X-Secret", "1"),
            ];
            Reply::new(200, &headers, "")
        });
        let mut request = page(PAGE, &server.url("/"));
        request.request.credentials = credentials;
        let outcome = fetch(&network(), request);
        assert!(outcome.head().headers.contains_key("x-secret"));
        let exposed = outcome.head().exposed_headers();
        ["etag", "x-secret"].map(|name| exposed.contains_key(HeaderName::from_static(name)))
    };
    assert_eq!(exposed("etag", CredentialsMode::Omit), [true, false]);
    assert_eq!(exposed("*", CredentialsMode::Omit), [true, true]);
    assert_eq!(exposed("*", CredentialsMode::Include), [false, false]);
    assert_eq!(exposed("etag, not a name", CredentialsMode::Omit), [false, false]);
}

#[test]
fn every_hop_is_checked_and_a_detour_taints_the_origin() {
    let end = Server::http(|_| Reply::new(200, &[("Access-Control-Allow-Origin", "null")], "end"));
    let location = String::from(end.url("/"));
    let open = location.clone();
    let sharing = Server::http(move |_| {
        Reply::new(
            302,
            &[("Location", &open), ("Access-Control-Allow-Origin", "*")],
            "",
        )
    });
    let closed = Server::http(move |_| Reply::redirect(302, &location));
    let network = network();
    let outcome = fetch(&network, page(PAGE, &sharing.url("/")));
    assert_eq!(outcome.answer(), (200, "end"));
    assert_eq!(end.only().header("origin"), Some("null"));
    let outcome = fetch(&network, page(PAGE, &closed.url("/")));
    assert!(
        outcome
            .fatal()
            .contains("there is no Access-Control-Allow-Origin")
    );
    assert_eq!(end.seen().len(), 1);
}

#[test]
fn a_detour_that_comes_back_stays_a_cors_response() {
    let location = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
    let back = location.clone();
    let other = Server::http(move |_| {
        let headers = [
            ("Location", back.get().unwrap().as_str()),
            ("Access-Control-Allow-Origin", "*"),
        ];
        Reply::new(302, &headers, "")
    });
    let away = String::from(other.url("/"));
    let server = Server::http(move |seen| match seen.target.as_str() {
        "/start" => Reply::redirect(302, &away),
        "/open" => Reply::new(200, &[("Access-Control-Allow-Origin", "null")], "open"),
        _ => Reply::text("closed"),
    });
    location.set(String::from(server.url("/closed"))).unwrap();
    let outcome = fetch(&network(), page(&server.origin(), &server.url("/start")));
    assert!(
        outcome
            .fatal()
            .contains("there is no Access-Control-Allow-Origin"),
        "{outcome:?}"
    );
    assert_eq!(server.seen()[1].header("origin"), Some("null"));
}

#[test]
fn other_modes_do_not_get_around_cors() {
    let server = sharing(&[]);
    let network = network();
    let table = [
        (
            RequestMode::SameOrigin,
            "the mode is \"same-origin\", and it is not of the origin http://page.example",
        ),
        (
            RequestMode::Navigate,
            "only the user's own requests can be \"navigate\"",
        ),
    ];
    for (mode, reason) in table {
        let mut request = page(PAGE, &server.url("/"));
        request.request.mode = mode;
        let outcome = fetch(&network, request);
        assert!(outcome.fatal().ends_with(reason), "{outcome:?}");
    }
    assert_eq!(server.connections(), 0);
    let mut request = page(&server.origin(), &server.url("/"));
    request.request.mode = RequestMode::SameOrigin;
    assert_eq!(fetch(&network, request).answer(), (200, "shared"));
}

#[test]
fn a_same_origin_request_is_not_redirected_away() {
    let other = sharing(&[("Access-Control-Allow-Origin", "*")]);
    let location = String::from(other.url("/"));
    let server = Server::http(move |_| Reply::redirect(302, &location));
    let mut request = page(&server.origin(), &server.url("/"));
    request.request.mode = RequestMode::SameOrigin;
    assert!(
        fetch(&network(), request)
            .fatal()
            .contains("the mode is \"same-origin\"")
    );
    assert_eq!(other.connections(), 0);
}

#[test]
fn the_user_has_no_origin_and_no_cors() {
    let server = sharing(&[]);
    let mut request = user(&server.url("/"));
    request.request.method = Method::DELETE;
    let outcome = fetch(&network(), request);
    assert_eq!(outcome.answer(), (200, "shared"));
    assert_eq!(outcome.head().response_type, ResponseType::Basic);
    assert_eq!(server.only().header("origin"), None);
}

#[test]
fn a_post_of_the_same_origin_tells_its_origin() {
    let server = sharing(&[]);
    let mut request = page(&server.origin(), &server.url("/"));
    request.request.method = Method::POST;
    assert_eq!(fetch(&network(), request).answer(), (200, "shared"));
    let seen = server.only();
    assert_eq!(seen.header("origin"), Some(server.origin().as_str()));
    assert_eq!(seen.header("content-length"), Some("0"));
}

#[test]
fn a_page_does_not_reach_a_bad_port_and_the_user_may_try() {
    let url = url::Url::parse("http://127.0.0.1:1/").unwrap();
    let network = network();
    let outcome = fetch(&network, page("http://127.0.0.1:1/", &url));
    assert_eq!(
        outcome.fatal(),
        "cannot fetch http://127.0.0.1:1/: the port 1 is blocked"
    );
    let outcome = fetch(&network, user(&url));
    assert_eq!(
        outcome.temporary(),
        "cannot fetch http://127.0.0.1:1/: connection refused"
    );
    // A redirect does not lead there either.
    let server = Server::http(|_| Reply::redirect(302, "http://127.0.0.1:25/"));
    let outcome = fetch(&network, page(&server.origin(), &server.url("/")));
    assert!(outcome.fatal().ends_with("the port 25 is blocked"));
}

#[test]
fn a_busy_server_that_knows_no_cors_is_busy_for_the_time_being() {
    let answering = |status| {
        let server = Server::http(move |_| Reply::new(status, &[("Retry-After", "7")], "busy"));
        fetch(&network(), page(PAGE, &server.url("/")))
    };
    for status in [408, 425, 429, 502, 503, 504] {
        let outcome = answering(status);
        let message = outcome.temporary();
        assert!(
            message.contains("the CORS check failed") && message.ends_with(&format!("(status {status})")),
            "{message}"
        );
        assert!(outcome.head.is_none());
        assert_eq!(
            outcome.error.unwrap().retry_after,
            Some(std::time::Duration::from_secs(7))
        );
    }
    for status in [200, 404, 500] {
        assert!(answering(status).fatal().contains("the CORS check failed"));
    }
}
