//! The CORS-preflight cache.

use std::sync::Arc;

use background_fetch::fetch::{CredentialsMode, StorageKey};

use super::preflight::{
    ANY_ORIGIN, CREDENTIALS, Fields, HEADERS, MAX_AGE, METHODS, ORIGIN, methods, request, server,
};
use crate::support::{fetch, network, page};

#[test]
fn a_permission_is_kept_for_its_max_age_and_covers_what_it_names() {
    let server = server(
        200,
        &[
            ANY_ORIGIN,
            (METHODS, "PUT, DELETE"),
            (HEADERS, "x-mine"),
            (MAX_AGE, "600"),
        ],
    );
    let network = network();
    let steps: &[(&str, &str, Fields, &[&str])] = &[
        ("/a", "PUT", &[], &["OPTIONS", "PUT"]),
        ("/a", "PUT", &[], &["PUT"]),
        ("/a", "DELETE", &[("x-mine", "1")], &["DELETE"]),
        ("/a#fragment", "GET", &[("x-mine", "1")], &["GET"]),
        ("/a", "PATCH", &[], &["OPTIONS"]),
        // The failure cleared what was kept for this URL.
        ("/a", "PUT", &[], &["OPTIONS", "PUT"]),
        ("/b", "PUT", &[], &["OPTIONS", "PUT"]),
    ];
    let mut before = 0;
    for (path, method, fields, expected) in steps {
        fetch(&network, request(&server.url(path), method, fields));
        let all = methods(&server);
        assert_eq!(all[before..], **expected, "{method} {path}");
        before = all.len();
    }
    // Another origin, and the same in another partition, ask for themselves.
    let mut other = request(&server.url("/b"), "PUT", &[]);
    other.client = page("http://other.example", &server.url("/")).client;
    fetch(&network, other);
    let mut partition = request(&server.url("/b"), "PUT", &[]);
    let mut client = (*partition.client).clone();
    client.storage_key = StorageKey::new("http://page.example ^http://top.example");
    partition.client = Arc::new(client);
    fetch(&network, partition);
    assert_eq!(methods(&server)[before..], ["OPTIONS", "PUT", "OPTIONS", "PUT"]);
}

#[test]
fn a_max_age_of_zero_is_asked_again_each_time() {
    let server = server(200, &[ANY_ORIGIN, (METHODS, "PUT"), (MAX_AGE, "0")]);
    let network = network();
    for _ in 0..2 {
        fetch(&network, request(&server.url("/"), "PUT", &[]));
    }
    assert_eq!(methods(&server), ["OPTIONS", "PUT", "OPTIONS", "PUT"]);
}

#[test]
fn a_permission_without_credentials_is_none_for_a_request_with_them() {
    let server = server(200, &[ORIGIN, CREDENTIALS, (METHODS, "PUT"), (MAX_AGE, "600")]);
    let network = network();
    for credentials in [
        CredentialsMode::Omit,
        CredentialsMode::Include,
        CredentialsMode::Include,
        CredentialsMode::SameOrigin,
    ] {
        let mut put = request(&server.url("/"), "PUT", &[]);
        put.request.credentials = credentials;
        assert_eq!(fetch(&network, put).answer(), (200, "shared"));
    }
    assert_eq!(
        methods(&server),
        ["OPTIONS", "PUT", "OPTIONS", "PUT", "PUT", "PUT"]
    );
}
