//! HTTP-redirect fetch.

use std::sync::{Arc, OnceLock};

use background_fetch::embedder::NetworkErrorKind;
use background_fetch::fetch::{RedirectMode, ResponseType};
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE};
use http::{HeaderValue, Method};
use url::Url;

use crate::support::bodies::Stored;
use crate::support::server::{Reply, Server};
use crate::support::{fetch, network, page, upload, user};

/// `/<status>` redirects with that status to `/end`.
fn redirecting() -> Server {
    Server::http(|seen| match seen.target[1..].parse() {
        Ok(status) => Reply::redirect(status, "/end"),
        Err(_) => Reply::text("end"),
    })
}

#[test]
fn each_status_keeps_or_changes_the_method_and_body_as_the_standard_says() {
    let table = [
        (301, Method::GET, "GET", false),
        (301, Method::POST, "GET", false),
        (301, Method::PUT, "PUT", true),
        (302, Method::POST, "GET", false),
        (302, Method::PUT, "PUT", true),
        (302, Method::HEAD, "HEAD", false),
        (303, Method::GET, "GET", false),
        (303, Method::HEAD, "HEAD", false),
        (303, Method::POST, "GET", false),
        (303, Method::PUT, "GET", false),
        (307, Method::POST, "POST", true),
        (307, Method::DELETE, "DELETE", false),
        (308, Method::POST, "POST", true),
        (308, Method::PUT, "PUT", true),
    ];
    let network = network();
    for (status, method, then, with_body) in table {
        let server = redirecting();
        let url = server.url(&format!("/{status}"));
        let sends_body = [Method::POST, Method::PUT].contains(&method);
        let mut request = if sends_body {
            upload(&url, method.clone(), Stored::new("body"))
        } else {
            user(&url)
        };
        request.request.method = method.clone();
        let text = HeaderValue::from_static("text/plain");
        request.request.headers.insert(CONTENT_TYPE, text);
        let outcome = fetch(&network, request);
        assert_eq!(outcome.answer().0, 200);
        let seen = server.seen();
        assert_eq!(seen.len(), 2);
        let case = format!("{method} {status}");
        assert_eq!(
            (seen[1].method.as_str(), seen[1].target.as_str()),
            (then, "/end"),
            "{case}"
        );
        assert_eq!(seen[1].body, if with_body { &b"body"[..] } else { b"" }, "{case}");
        let dropped = sends_body && !with_body;
        assert_eq!(seen[1].header("content-type").is_none(), dropped, "{case}");
    }
}

#[test]
fn the_url_list_has_every_hop_and_the_fragment_is_inherited() {
    let server = Server::http(|seen| match seen.target.as_str() {
        "/a" => Reply::redirect(302, "b"),
        "/b" => Reply::redirect(302, "/c#own"),
        _ => Reply::text("end"),
    });
    let outcome = fetch(&network(), user(&server.url("/a#part")));
    assert_eq!(outcome.answer(), (200, "end"));
    let urls = [server.url("/a#part"), server.url("/b#part"), server.url("/c#own")];
    assert_eq!(outcome.head().url_list, urls);
    assert!(outcome.head().redirected());
}

#[test]
fn twenty_redirects_are_followed_and_one_more_is_an_error() {
    let server = Server::http(|seen| match seen.target[1..].parse::<u32>() {
        Ok(0) | Err(_) => Reply::text("end"),
        Ok(left) => Reply::redirect(302, &format!("/{}", left - 1)),
    });
    let network = network();
    let outcome = fetch(&network, user(&server.url("/20")));
    assert_eq!(outcome.answer(), (200, "end"));
    assert_eq!(outcome.head().url_list.len(), 21);
    let outcome = fetch(&network, user(&server.url("/21")));
    let expected = format!(
        "cannot fetch {} (redirect 20 of {}): it redirects once more after 20 redirects",
        server.url("/1"),
        server.url("/21")
    );
    assert_eq!(outcome.fatal(), expected);
}

#[test]
fn the_redirect_mode_error_refuses_a_redirect() {
    let server = redirecting();
    let mut request = user(&server.url("/302"));
    request.request.redirect = RedirectMode::Error;
    let outcome = fetch(&network(), request);
    assert!(
        outcome
            .fatal()
            .ends_with("it redirects, and the redirect mode is \"error\"")
    );
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn the_redirect_mode_manual_gives_the_redirect_to_the_user_and_hides_it_from_a_page() {
    let server = redirecting();
    let network = network();
    let mut request = user(&server.url("/302"));
    request.request.redirect = RedirectMode::Manual;
    let outcome = fetch(&network, request);
    assert_eq!(outcome.answer(), (302, "moved"));
    assert_eq!(outcome.head().response_type, ResponseType::Basic);

    let mut request = page(&server.origin(), &server.url("/302"));
    request.request.redirect = RedirectMode::Manual;
    let outcome = fetch(&network, request);
    assert_eq!(outcome.answer(), (302, ""));
    assert_eq!(outcome.head().response_type, ResponseType::OpaqueRedirect);
    assert!(outcome.head().exposed_headers().is_empty());
}

#[test]
fn a_redirect_without_a_location_is_the_response() {
    let server = Server::http(|_| Reply::new(301, &[], "nowhere"));
    assert_eq!(
        fetch(&network(), user(&server.url("/"))).answer(),
        (301, "nowhere")
    );
}

#[test]
fn a_redirect_to_another_scheme_or_to_no_url_is_an_error() {
    let network = network();
    let table = [
        (
            "ftp://127.0.0.1/x",
            "it redirects to ftp://127.0.0.1/x, which is not http or https",
        ),
        (
            "data:text/plain,x",
            "it redirects to data:…, which is not http or https",
        ),
        (
            "blob:http://127.0.0.1/1",
            "it redirects to blob:…, which is not http or https",
        ),
        (
            "http://[",
            "its redirect is invalid: its Location is not a URL (invalid IPv6 address)",
        ),
    ];
    for (location, reason) in table {
        let server = Server::http(move |_| Reply::redirect(302, location));
        let outcome = fetch(&network, user(&server.url("/")));
        assert_eq!(
            outcome.fatal(),
            format!("cannot fetch {}: {reason}", server.url("/"))
        );
    }
    let twice = Server::http(|_| Reply::new(302, &[("Location", "/a"), ("Location", "/b")], ""));
    let outcome = fetch(&network, user(&twice.url("/")));
    assert!(outcome.fatal().ends_with("there is more than one Location"));
}

#[test]
fn authorization_and_cookies_do_not_follow_to_another_origin() {
    let other = Server::http(|_| Reply::text("end"));
    let location = String::from(other.url("/other"));
    let server = Server::http(move |seen| match seen.target.as_str() {
        "/start" => Reply::redirect(302, "/same"),
        _ => Reply::redirect(302, &location),
    });
    let mut request = user(&server.url("/start"));
    let headers = &mut request.request.headers;
    headers.insert(AUTHORIZATION, HeaderValue::from_static("Basic c2VjcmV0"));
    headers.insert(COOKIE, HeaderValue::from_static("a=b"));
    headers.insert("x-mine", HeaderValue::from_static("1"));
    assert_eq!(fetch(&network(), request).answer(), (200, "end"));
    for seen in server.seen() {
        assert_eq!(seen.header("authorization"), Some("Basic c2VjcmV0"));
        assert_eq!(seen.header("cookie"), Some("a=b"));
    }
    let seen = other.only();
    assert_eq!(seen.header("authorization"), None);
    assert_eq!(seen.header("cookie"), None);
    assert_eq!(seen.header("x-mine"), Some("1"));
}

#[test]
fn a_redirect_to_a_url_with_credentials_is_an_error_for_a_page_of_another_origin() {
    let other = Server::http(|_| Reply::new(200, &[("Access-Control-Allow-Origin", "*")], "end"));
    let mut location = other.url("/");
    location.set_username("user").unwrap();
    location.set_password(Some("secret")).unwrap();
    let text = String::from(location);
    let server = Server::http(move |_| Reply::redirect(302, &text));
    let network = network();
    let outcome = fetch(&network, page(&server.origin(), &server.url("/")));
    let message = outcome.fatal();
    assert!(
        message.ends_with("with credentials in the URL, which CORS forbids"),
        "{message}"
    );
    assert!(
        !message.contains("secret") && !message.contains("user"),
        "{message}"
    );
    // The user may go there, and nothing of it is sent.
    assert_eq!(fetch(&network, user(&server.url("/"))).answer(), (200, "end"));
    assert_eq!(other.only().target, "/");
}

#[test]
fn credentials_in_a_redirect_target_are_for_the_pages_own_origin_alone() {
    let home = Arc::new(OnceLock::<String>::new());
    let back = home.clone();
    let away = Server::http(move |_| {
        let location = back.get().map(String::as_str).unwrap_or_default();
        Reply::new(
            302,
            &[("Access-Control-Allow-Origin", "*"), ("Location", location)],
            "",
        )
    });
    let server = Server::http(|seen| match seen.target.as_str() {
        "/start" => Reply::redirect(302, seen.header("x-to").unwrap_or_default()),
        _ => Reply::text("end"),
    });
    let mut target = server.url("/end");
    target.set_username("user").unwrap();
    target.set_password(Some("secret")).unwrap();
    home.set(String::from(target.clone())).unwrap();
    let network = network();
    // From the page's origin to itself.
    let mut request = page(&server.origin(), &server.url("/start"));
    let to = HeaderValue::try_from(String::from(target)).unwrap();
    request.request.headers.insert("x-to", to);
    assert_eq!(fetch(&network, request).answer(), (200, "end"));
    assert_eq!(server.seen()[1].header("authorization"), None);
    // A detour may not put them there.
    let outcome = fetch(&network, page(&server.origin(), &away.url("/")));
    assert!(
        outcome
            .fatal()
            .ends_with("with credentials in the URL, which CORS forbids"),
        "{outcome:?}"
    );
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn a_page_sees_that_and_where_it_was_redirected() {
    let end = Server::http(|_| Reply::new(200, &[("Access-Control-Allow-Origin", "*")], "end"));
    let location = String::from(end.url("/end"));
    let server = Server::http(move |seen| match seen.target.as_str() {
        "/start" => Reply::redirect(303, &location),
        _ => Reply::text("end"),
    });
    let network = network();
    let table = [
        (server.url("/start"), end.url("/end"), true, ResponseType::Cors),
        (
            server.url("/plain"),
            server.url("/plain"),
            false,
            ResponseType::Basic,
        ),
    ];
    for (url, last, redirected, response_type) in table {
        let outcome = fetch(&network, page(&server.origin(), &url));
        assert_eq!(outcome.answer(), (200, "end"));
        let head = outcome.head();
        assert_eq!(head.url_list.last(), Some(&last));
        assert_eq!(
            (head.redirected(), head.response_type),
            (redirected, response_type)
        );
    }
}

#[test]
fn only_http_is_fetched() {
    let network = network();
    for url in [
        "data:text/plain,x",
        "blob:https://page.example/1",
        "ftp://127.0.0.1/",
        "about:blank",
    ] {
        let url = Url::parse(url).unwrap();
        for request in [user(&url), page("https://page.example", &url)] {
            let error = fetch(&network, request).error.expect("an error");
            assert_eq!(error.kind, NetworkErrorKind::Final);
            assert!(error.message.starts_with("cannot fetch "), "{error}");
        }
    }
}

#[test]
fn a_message_names_the_hop_that_failed() {
    let server = Server::http(|_| Reply::redirect(302, "http://127.0.0.1:1/a.bin"));
    let outcome = fetch(&network(), user(&server.url("/a")));
    let expected = format!(
        "cannot fetch http://127.0.0.1:1/a.bin (redirect 1 of {}): connection refused",
        server.url("/a")
    );
    assert_eq!(outcome.temporary(), expected);
}
