//! Through a proxy.

use std::time::Duration;

use background_fetch_net::{HttpNetwork, Proxies};
use http::Method;
use url::Url;

use crate::support::bodies::Stored;
use crate::support::proxy::Proxy;
use crate::support::server::{Reply, Server, accept_one};
use crate::support::{certificates, fetch, options, upload, user};

fn through(proxy: &str) -> HttpNetwork {
    through_except(proxy, "")
}

fn through_except(proxy: &str, except: &str) -> HttpNetwork {
    let proxies = Proxies::all(proxy, except).unwrap();
    options().proxies(proxies).build().unwrap()
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

#[test]
fn a_request_for_http_is_made_by_the_proxy() {
    let proxy = Server::http(|_| Reply::text("fetched"));
    let network = through(proxy.url("/").as_str());
    let outcome = fetch(&network, user(&url("http://far.example:81/x?y")));
    assert_eq!(outcome.answer(), (200, "fetched"));
    let seen = proxy.only();
    assert_eq!(seen.target, "http://far.example:81/x?y");
    assert_eq!(seen.header("host"), Some("far.example:81"));
    assert_eq!(seen.header("proxy-authorization"), None);
}

#[test]
fn a_request_for_https_goes_through_a_tunnel_which_the_proxy_cannot_read() {
    let server = Server::https_with(certificates::server_of(&["far.example"]), |_| {
        Reply::text("secret")
    });
    let proxy = Proxy::to(server.address());
    let network = through(&proxy.url());
    for _ in 0..2 {
        let outcome = fetch(&network, user(&url("https://far.example/x")));
        assert_eq!(outcome.answer(), (200, "secret"));
    }
    // One tunnel for both.
    let seen = proxy.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(
        (seen[0].method.as_str(), seen[0].target.as_str()),
        ("CONNECT", "far.example:443")
    );
    assert_eq!(seen[0].header("host"), Some("far.example:443"));
    assert_eq!(server.seen()[0].target, "/x");
    assert_eq!(server.seen()[0].header("host"), Some("far.example"));
}

#[test]
fn http2_goes_through_a_tunnel_too() {
    let server = crate::support::http2::Http2Server::start(|_, responder| {
        crate::support::http2::respond(responder, http::Response::new(b"two"));
        Box::pin(async { None })
    });
    let address = server.url("/");
    let address = address.socket_addrs(|| None).unwrap()[0];
    let proxy = Proxy::to(address);
    let outcome = fetch(&through(&proxy.url()), user(&server.url("/")));
    assert_eq!(outcome.answer(), (200, "two"));
    assert_eq!(proxy.seen().len(), 1);
}

#[test]
fn an_upload_goes_through_a_proxy() {
    let proxy = Server::http(|_| Reply::text("taken"));
    let network = through(proxy.url("/").as_str());
    let body = Stored::new("some bytes");
    let outcome = fetch(&network, upload(&url("http://far.example/"), Method::PUT, body));
    assert_eq!(outcome.answer(), (200, "taken"));
    assert_eq!(proxy.only().body, b"some bytes");
}

#[test]
fn a_proxy_is_shown_its_credentials_and_the_server_is_not() {
    let proxy = Server::http(|_| Reply::text("fetched"));
    let with_credentials = proxy.url("/").as_str().replace("http://", "http://user:p%40ss@");
    let network = through(&with_credentials);
    assert_eq!(
        fetch(&network, user(&url("http://far.example/"))).answer(),
        (200, "fetched")
    );
    assert_eq!(
        proxy.only().header("proxy-authorization"),
        Some("Basic dXNlcjpwQHNz")
    );

    let server = Server::https(|_| Reply::text("secret"));
    let proxy = Proxy::to(server.address());
    let network = through(&proxy.url().replace("http://", "http://user:p%40ss@"));
    assert_eq!(fetch(&network, user(&server.url("/"))).answer(), (200, "secret"));
    assert_eq!(
        proxy.seen()[0].header("proxy-authorization"),
        Some("Basic dXNlcjpwQHNz")
    );
    assert_eq!(server.only().header("proxy-authorization"), None);
}

#[test]
fn a_proxy_may_be_spoken_to_over_tls() {
    let proxy = Server::https(|_| Reply::text("fetched"));
    let network = through(proxy.url("/").as_str());
    assert_eq!(
        fetch(&network, user(&url("http://far.example/"))).answer(),
        (200, "fetched")
    );
    assert_eq!(proxy.only().target, "http://far.example/");
}

#[test]
fn what_is_excepted_is_asked_directly() {
    let server = Server::http(|_| Reply::text("direct"));
    let network = through_except("http://127.0.0.1:9", "far.example, 127.0.0.0/8");
    assert_eq!(fetch(&network, user(&server.url("/x"))).answer(), (200, "direct"));
    assert_eq!(server.only().target, "/x");
}

#[test]
fn errors_say_that_it_is_the_proxy() {
    // Nobody listens at a port that was just free.
    let gone = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let network = through(&format!("http://user:secret@{gone}"));
    for target in ["http://far.example/", "https://far.example/"] {
        let outcome = fetch(&network, user(&url(target)));
        let expected =
            format!("cannot fetch {target}: the proxy http://{gone}/ does not work: connection refused");
        assert_eq!(outcome.temporary(), expected);
    }
}

#[test]
fn a_tunnel_that_is_refused_says_why() {
    const FAR: &str = "https://far.example/";
    let proxy = Proxy::answering("HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n");
    let outcome = fetch(&through(&proxy.url()), user(&url(FAR)));
    let message = outcome.fatal();
    assert!(
        message.ends_with("wants other credentials (status 407 Proxy Authentication Required)"),
        "{message}"
    );
    let proxy = Proxy::answering("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno");
    let outcome = fetch(&through(&proxy.url()), user(&url(FAR)));
    assert!(
        outcome
            .fatal()
            .ends_with("refuses to connect to the server (status 403 Forbidden)"),
        "{outcome:?}"
    );
    let proxy = Proxy::answering("HTTP/1.1 503 Later\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n");
    let outcome = fetch(&through(&proxy.url()), user(&url(FAR)));
    outcome.temporary();
    assert_eq!(outcome.error.unwrap().retry_after, Some(Duration::from_secs(30)));
    let proxy = Proxy::answering("HTTP/1.1 200 OK\r\n\r\nand more");
    let outcome = fetch(&through(&proxy.url()), user(&url(FAR)));
    assert!(
        outcome.fatal().ends_with("sends more than an answer"),
        "{outcome:?}"
    );
    let proxy = Proxy::answering("SSH-2.0-OpenSSH_9.6\r\n");
    let outcome = fetch(&through(&proxy.url()), user(&url(FAR)));
    assert!(
        outcome
            .fatal()
            .contains("does not work: the answer is not valid HTTP"),
        "{outcome:?}"
    );
    let proxy = Proxy::answering("");
    let outcome = fetch(&through(&proxy.url()), user(&url(FAR)));
    assert!(
        outcome
            .temporary()
            .contains("does not work: the connection was closed"),
        "{outcome:?}"
    );
}

#[test]
fn a_proxy_that_does_not_open_its_tunnel_is_given_up() {
    let silent = accept_one(|mut socket| {
        let _ = std::io::copy(&mut socket, &mut std::io::sink());
    });
    let network = options()
        .proxies(Proxies::all(silent.as_str(), "").unwrap())
        .connect_timeout(Duration::from_millis(50))
        .build()
        .unwrap();
    let outcome = fetch(&network, user(&url("https://far.example/")));
    assert!(
        outcome.temporary().ends_with("no connection within 0.05 s"),
        "{outcome:?}"
    );
}

#[test]
fn a_407_is_an_error_and_no_response() {
    let proxy = Server::http(|_| Reply::new(407, &[("Proxy-Authenticate", "Basic")], "who are you?"));
    let outcome = fetch(
        &through(proxy.url("/").as_str()),
        user(&url("http://far.example/")),
    );
    assert!(
        outcome.fatal().ends_with("wants other credentials (status 407)"),
        "{outcome:?}"
    );
    assert!(outcome.head.is_none());
}

#[test]
fn redirects_go_through_the_proxy_each() {
    let proxy = Server::http(|seen| match seen.target.as_str() {
        "http://far.example/" => Reply::redirect(302, "http://further.example/x"),
        _ => Reply::text("there"),
    });
    let outcome = fetch(
        &through(proxy.url("/").as_str()),
        user(&url("http://far.example/")),
    );
    assert_eq!(outcome.answer(), (200, "there"));
    assert_eq!(proxy.seen()[1].target, "http://further.example/x");
}
