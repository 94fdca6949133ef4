//! The mode "no-cors": what scripts of a host ask another origin for without seeing it.

use background_fetch::embedder::NetworkRequest;
use background_fetch::fetch::{RedirectMode, RequestMode, ResponseType};
use http::header::{ACCEPT, CONTENT_TYPE, RANGE};
use http::{HeaderName, HeaderValue, Method};
use url::Url;

use crate::support::server::{Reply, Server};
use crate::support::{fetch, network, page};

const PAGE: &str = "http://page.example/dir/page";

fn no_cors(url: &Url) -> NetworkRequest {
    let mut request = page(PAGE, url);
    request.request.mode = RequestMode::NoCors;
    request
}

#[test]
fn a_response_of_another_origin_is_opaque_and_one_of_the_own_is_basic() {
    let server = Server::http(|_| Reply::new(200, &[("X-A", "b"), ("Vary", "X")], "text"));
    let outcome = fetch(&network(), no_cors(&server.url("/")));
    assert_eq!(outcome.answer(), (200, "text"), "the host has it");
    assert_eq!(outcome.head().response_type, ResponseType::Opaque);
    assert!(outcome.head().exposed_headers().is_empty(), "no script sees it");
    let mut own = page(&server.origin(), &server.url("/"));
    own.request.mode = RequestMode::NoCors;
    assert_eq!(fetch(&network(), own).head().response_type, ResponseType::Basic);
    // No preflight, and no Origin.
    assert_eq!(server.seen()[0].header("origin"), None);
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn a_request_says_no_more_than_a_form_could() {
    let server = Server::http(|_| Reply::text(""));
    let mut request = no_cors(&server.url("/"));
    request.request.method = Method::POST;
    let headers = &mut request.request.headers;
    headers.insert(ACCEPT, HeaderValue::from_static("x/y"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(RANGE, HeaderValue::from_static("bytes=1-"));
    headers.insert(HeaderName::from_static("x-mine"), HeaderValue::from_static("1"));
    fetch(&network(), request).answer();
    let seen = &server.seen()[0];
    let names = ["accept", "content-type", "range", "x-mine", "origin"];
    let values = names.map(|name| seen.header(name));
    assert_eq!(
        values,
        [Some("x/y"), None, None, None, Some("http://page.example")]
    );
    let mut put = no_cors(&server.url("/"));
    put.request.method = Method::PUT;
    let outcome = fetch(&network(), put);
    let reason = "the mode \"no-cors\" does not go with the method PUT";
    assert!(outcome.fatal().ends_with(reason), "{outcome:?}");
}

#[test]
fn redirects_are_followed_or_it_is_a_network_error() {
    let other = Server::http(|_| Reply::text("there"));
    let location = String::from(other.url("/"));
    let server = Server::http(move |_| Reply::redirect(302, &location));
    // From the own origin to another, from another to the own, and between others.
    let mut leaves = page(&server.origin(), &server.url("/"));
    leaves.request.mode = RequestMode::NoCors;
    let mut returns = page(&other.origin(), &server.url("/"));
    returns.request.mode = RequestMode::NoCors;
    for request in [leaves, returns, no_cors(&server.url("/"))] {
        let outcome = fetch(&network(), request);
        assert_eq!(outcome.answer(), (200, "there"));
        assert_eq!(outcome.head().response_type, ResponseType::Opaque);
    }
    for redirect in [RedirectMode::Manual, RedirectMode::Error] {
        let mut request = no_cors(&server.url("/"));
        request.request.redirect = redirect;
        let outcome = fetch(&network(), request);
        assert!(
            outcome.fatal().contains("redirects of another origin"),
            "{outcome:?}"
        );
    }
}

#[test]
fn a_policy_keeps_a_resource_to_its_origin_on_every_hop() {
    let policy = [("Cross-Origin-Resource-Policy", "same-origin")];
    let closed = Server::http(move |_| Reply::new(200, &policy, "closed"));
    let location = String::from(closed.url("/"));
    let before = Server::http(move |_| Reply::redirect(302, &location));
    for url in [closed.url("/"), before.url("/")] {
        let outcome = fetch(&network(), no_cors(&url));
        assert!(
            outcome.fatal().contains("Cross-Origin-Resource-Policy"),
            "{outcome:?}"
        );
    }
    let open = String::from(Server::http(|_| Reply::text("open")).url("/"));
    let redirect = [policy[0], ("Location", &*open)].map(|(name, value)| (name, value.to_owned()));
    let closed_redirect = Server::http(move |_| {
        let headers: Vec<_> = redirect.iter().map(|(name, value)| (*name, &**value)).collect();
        Reply::new(302, &headers, "")
    });
    let outcome = fetch(&network(), no_cors(&closed_redirect.url("/")));
    assert!(
        outcome.fatal().contains("Cross-Origin-Resource-Policy"),
        "{outcome:?}"
    );
    // It is nothing to those who ask for it by CORS, nor to its own origin.
    let mut own = page(&closed.origin(), &closed.url("/"));
    own.request.mode = RequestMode::NoCors;
    assert_eq!(fetch(&network(), own).answer(), (200, "closed"));
}

#[test]
fn the_integrity_of_what_is_not_to_be_seen_is_no_oracle() {
    let server = Server::http(|_| Reply::text("text"));
    let mut request = no_cors(&server.url("/"));
    request.request.integrity = "sha256-mC2eQ4Kc3Hc3l0a8ZbGpCIGzVZbVZ4m0Q1aIMlFzVDc=".to_owned();
    let outcome = fetch(&network(), request);
    assert!(outcome.fatal().contains("its response is opaque"), "{outcome:?}");
}
