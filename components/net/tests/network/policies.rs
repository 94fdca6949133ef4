//! What a page's policies forbid: mixed content and Content Security Policy, at the call, at the fetch and after
//! redirects; and upgrades to TLS.

use std::sync::Arc;

use background_fetch::embedder::{Network as _, NetworkRequest};
use background_fetch::fetch::Client;
use url::Url;

use crate::support::server::{Reply, Server};
use crate::support::{fetch, network, page, user};

const SECURE_PAGE: &str = "https://page.example";
const ANY_ORIGIN: (&str, &str) = ("Access-Control-Allow-Origin", "*");

fn shared() -> Server {
    Server::http(|_| Reply::new(200, &[ANY_ORIGIN], "shared"))
}

fn shared_over_tls() -> Server {
    Server::https(|_| Reply::new(200, &[ANY_ORIGIN], "shared"))
}

fn redirecting_to(url: &Url) -> Server {
    let url = String::from(url.clone());
    Server::http(move |_| Reply::new(302, &[ANY_ORIGIN, ("Location", &url)], ""))
}

/// The server at an address that reaches the loopback and is not of it.
fn not_trustworthy(server: &Server, path: &str) -> Url {
    let mut url = server.url(path);
    url.set_host(Some("0.0.0.0")).unwrap();
    url
}

fn under(policies: &[&str], mut request: NetworkRequest) -> NetworkRequest {
    let mut client: Client = (*request.client).clone();
    client.content_security_policies = policies.iter().map(|policy| (*policy).to_owned()).collect();
    request.client = Arc::new(client);
    request
}

#[test]
fn mixed_content_is_blocked_for_a_secure_page_and_the_loopback_is_not_mixed() {
    let server = shared();
    let secure = shared_over_tls();
    let network = network();
    let insecure = not_trustworthy(&server, "/");
    let mut localhost = server.url("/");
    localhost.set_host(Some("localhost")).unwrap();
    let table = [
        (SECURE_PAGE, &insecure, false),
        (SECURE_PAGE, &server.url("/"), true),
        (SECURE_PAGE, &localhost, true),
        (SECURE_PAGE, &secure.url("/"), true),
        ("http://page.example", &insecure, true),
    ];
    for (from, url, allowed) in table {
        let request = page(from, url);
        // It fails the record, and not the call.
        network.allows(url, &request.client).unwrap();
        let outcome = fetch(&network, request);
        if allowed {
            assert_eq!(outcome.answer(), (200, "shared"), "{from} {url}");
        } else {
            let message = outcome.fatal();
            assert!(message.contains("mixed content"), "{message}");
        }
    }
    assert_eq!(server.connections() + secure.connections(), 4);
    assert_eq!(fetch(&network, user(&insecure)).answer(), (200, "shared"));
}

#[test]
fn every_name_below_localhost_is_this_machine() {
    let server = shared();
    let network = network();
    for host in [
        "localhost",
        "a.localhost",
        "no-such-name.of-any-kind.localhost",
        "localhost.",
    ] {
        let mut url = server.url("/");
        url.set_host(Some(host)).unwrap();
        assert_eq!(
            fetch(&network, page(SECURE_PAGE, &url)).answer(),
            (200, "shared"),
            "{host}"
        );
    }
}

#[test]
fn a_redirect_does_not_lead_to_mixed_content() {
    let server = shared();
    let insecure = not_trustworthy(&server, "/end");
    let start = redirecting_to(&insecure);
    let outcome = fetch(&network(), page(SECURE_PAGE, &start.url("/")));
    let message = outcome.fatal();
    assert!(
        message.contains("mixed content") && message.contains("(redirect 1 of "),
        "{message}"
    );
    assert_eq!((start.connections(), server.connections()), (1, 0));
    let outcome = fetch(&network(), page("http://page.example", &start.url("/")));
    assert_eq!(outcome.answer(), (200, "shared"));
}

#[test]
fn connect_src_decides_what_a_page_fetches() {
    let server = shared();
    let (origin, url) = (server.origin(), server.url("/a/file"));
    let to = |path: &str| format!("connect-src {origin}{path}");
    let table: Vec<(Vec<String>, bool)> = vec![
        (vec![], true),
        (vec!["connect-src *".into()], true),
        (vec!["connect-src 'none'".into()], false),
        (vec!["connect-src 'self'".into()], false),
        (vec![to("")], true),
        (vec![to("/a/")], true),
        (vec![to("/b/")], false),
        (vec!["default-src 'self'".into()], false),
        (vec![format!("default-src 'none'; {}", to(""))], true),
        (vec!["img-src 'none'".into()], true),
        (vec![to(""), "connect-src 'self'".into()], false),
    ];
    let network = network();
    for (policies, allowed) in table {
        let policies: Vec<&str> = policies.iter().map(String::as_str).collect();
        let request = under(&policies, page("http://page.example", &url));
        // The call says what the fetch will say.
        let at_the_call = network.allows(&url, &request.client);
        let outcome = fetch(&network, request);
        if allowed {
            assert_eq!(at_the_call, Ok(()), "{policies:?}");
            assert_eq!(outcome.answer(), (200, "shared"), "{policies:?}");
        } else {
            let reason = "the Content Security Policy of the page excludes it";
            assert!(at_the_call.unwrap_err().contains(reason));
            assert!(outcome.fatal().contains(reason), "{outcome:?}");
        }
    }
    assert_eq!(server.seen().len(), 6);
}

#[test]
fn a_page_may_fetch_from_itself_and_the_user_from_anywhere() {
    let server = shared();
    let network = network();
    let own = under(&["connect-src 'self'"], page(&server.origin(), &server.url("/")));
    assert_eq!(fetch(&network, own).answer(), (200, "shared"));
    let users = under(&["connect-src 'none'"], user(&server.url("/")));
    assert_eq!(network.allows(&server.url("/"), &users.client), Ok(()));
    assert_eq!(fetch(&network, users).answer(), (200, "shared"));
}

#[test]
fn connect_src_rules_after_a_redirect_without_its_paths() {
    let end = shared();
    let start = redirecting_to(&end.url("/b/end"));
    let (from, to) = (start.origin(), end.origin());
    let network = network();
    let table = [
        (format!("connect-src {from}"), false),
        (format!("connect-src {from} {to}"), true),
        // A path would tell the page where a redirect leads.
        (format!("connect-src {from} {to}/a/"), true),
    ];
    for (policy, allowed) in table {
        let outcome = fetch(
            &network,
            under(&[&policy], page("http://page.example", &start.url("/"))),
        );
        if allowed {
            assert_eq!(outcome.answer(), (200, "shared"), "{policy}");
        } else {
            let message = outcome.fatal();
            assert!(
                message.contains("Content Security Policy") && message.contains("(redirect 1 of "),
                "{message}"
            );
            assert_eq!(end.connections(), 0);
        }
    }
}

#[test]
fn insecure_requests_are_upgraded_before_they_are_judged() {
    let server = shared_over_tls();
    let mut url = not_trustworthy(&server, "/");
    url.set_scheme("http").unwrap();
    let network = network();
    let upgraded = || {
        let policies = ["upgrade-insecure-requests", "connect-src https:"];
        under(&policies, page(SECURE_PAGE, &url))
    };
    assert_eq!(network.allows(&url, &upgraded().client), Ok(()));
    let outcome = fetch(&network, upgraded());
    assert_eq!(outcome.answer(), (200, "shared"));
    let seen = outcome.head().url_list.last().unwrap();
    assert_eq!((seen.scheme(), seen.port()), ("https", url.port()));
    // After a redirect too.
    let start = redirecting_to(&url);
    let outcome = fetch(
        &network,
        under(&["upgrade-insecure-requests"], page(SECURE_PAGE, &start.url("/"))),
    );
    assert_eq!(outcome.answer(), (200, "shared"));
    assert!(outcome.head().redirected());
    // The loopback needs no TLS.
    let plain = shared();
    let request = under(&["upgrade-insecure-requests"], page(SECURE_PAGE, &plain.url("/")));
    assert_eq!(fetch(&network, request).answer(), (200, "shared"));
}
