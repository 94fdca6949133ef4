//! What is sent, and what of an answer's head is kept.

use background_fetch::fetch::CacheMode;
use http::{HeaderValue, Method};

use crate::support::server::{Reply, Server};
use crate::support::{fetch, network, page, user};

#[test]
fn a_plain_request_says_what_it_accepts_and_no_more() {
    let server = Server::http(|_| Reply::text(""));
    fetch(&network(), user(&server.url("/path?query#fragment")));
    let mut seen = server.only();
    assert_eq!(
        (seen.method.as_str(), seen.target.as_str()),
        ("GET", "/path?query")
    );
    seen.headers.sort();
    let names: Vec<_> = seen.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["accept", "accept-encoding", "host", "user-agent"]);
    assert_eq!(seen.header("accept"), Some("*/*"));
    assert_eq!(seen.header("accept-encoding"), Some("gzip, deflate"));
    assert!(
        seen.header("user-agent")
            .unwrap()
            .starts_with("background-fetch/")
    );
}

#[test]
fn newer_codings_are_accepted_over_tls() {
    let server = Server::https(|_| Reply::text(""));
    fetch(&network(), user(&server.url("/")));
    assert_eq!(
        server.only().header("accept-encoding"),
        Some("gzip, deflate, br, zstd")
    );
}

#[test]
fn what_the_author_set_is_sent_and_wins() {
    let server = Server::http(|_| Reply::text(""));
    let mut request = user(&server.url("/"));
    for name in ["accept", "accept-encoding", "user-agent", "x-mine"] {
        request
            .request
            .headers
            .insert(name, HeaderValue::from_static("mine"));
    }
    fetch(&network(), request);
    let seen = server.only();
    for name in ["accept", "accept-encoding", "user-agent", "x-mine"] {
        assert_eq!(seen.header(name), Some("mine"));
    }
}

#[test]
fn nobody_sets_the_framing_and_a_page_no_forbidden_header() {
    let server = Server::http(|_| Reply::text(""));
    let network = network();
    let fields = [
        "cookie",
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "expect",
        "sec-x",
    ];
    for mut request in [user(&server.url("/")), page(&server.origin(), &server.url("/"))] {
        for name in fields {
            request
                .request
                .headers
                .insert(name, HeaderValue::from_static("100"));
        }
        assert_eq!(fetch(&network, request).answer(), (200, ""));
    }
    let (by_user, by_page) = (&server.seen()[0], &server.seen()[1]);
    let host = server.url("/");
    let host = format!("127.0.0.1:{}", host.port().unwrap());
    for seen in [by_user, by_page] {
        assert_eq!(seen.header("host"), Some(host.as_str()));
        for name in ["content-length", "transfer-encoding", "connection", "expect"] {
            assert_eq!(seen.header(name), None, "{name}");
        }
    }
    assert_eq!(
        (by_user.header("cookie"), by_user.header("sec-x")),
        (Some("100"), Some("100"))
    );
    assert_eq!((by_page.header("cookie"), by_page.header("sec-x")), (None, None));
}

#[test]
fn forbidden_methods_are_not_sent() {
    let server = Server::http(|_| Reply::text(""));
    for method in ["CONNECT", "TRACE", "track"] {
        let mut request = user(&server.url("/"));
        request.request.method = Method::from_bytes(method.as_bytes()).unwrap();
        let outcome = fetch(&network(), request);
        assert!(
            outcome
                .fatal()
                .ends_with(&format!("the method {method} is forbidden"))
        );
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn the_cache_mode_speaks_to_caches_on_the_way() {
    let network = network();
    let table = [
        (CacheMode::Default, None, None, None),
        (
            CacheMode::Default,
            Some("if-none-match"),
            Some("no-cache"),
            Some("no-cache"),
        ),
        (CacheMode::NoStore, None, Some("no-cache"), Some("no-cache")),
        (CacheMode::Reload, None, Some("no-cache"), Some("no-cache")),
        (CacheMode::NoCache, None, Some("max-age=0"), None),
        (CacheMode::ForceCache, None, None, None),
    ];
    for (mode, conditional, cache_control, pragma) in table {
        let server = Server::http(|_| Reply::text(""));
        let mut request = user(&server.url("/"));
        request.request.cache = mode;
        if let Some(name) = conditional {
            request
                .request
                .headers
                .insert(name, HeaderValue::from_static("\"v1\""));
        }
        fetch(&network, request);
        let seen = server.only();
        assert_eq!(seen.header("cache-control"), cache_control, "{mode}");
        assert_eq!(seen.header("pragma"), pragma, "{mode}");
    }
    let server = Server::http(|_| Reply::text(""));
    let mut request = user(&server.url("/"));
    request.request.cache = CacheMode::OnlyIfCached;
    assert!(fetch(&network, request).fatal().contains("there is no cache"));
}

#[test]
fn a_status_message_is_kept_and_interim_responses_are_passed_over() {
    let server = Server::http(|_| {
        Reply::raw(
            "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n\
             HTTP/1.1 404 Nothing here\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 2\r\n\r\nno",
        )
    });
    let outcome = fetch(&network(), user(&server.url("/")));
    assert_eq!(outcome.answer(), (404, "no"));
    assert_eq!(outcome.head().status_message, "Nothing here");
    assert_eq!(outcome.head().headers.get_all("x-a").iter().count(), 2);
    assert!(!outcome.head().headers.contains_key("link"));
}
