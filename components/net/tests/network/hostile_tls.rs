//! Certificates that are none, and TLS that is none.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use url::Url;

use crate::support::server::{Reply, Server, accept_one};
use crate::support::{Outcome, certificates, fetch, network, options, user};

/// What comes of asking a server with this TLS, which must not see the request.
fn asked(tls: Arc<ServerConfig>) -> Outcome {
    let server = Server::https_with(tls, |_| Reply::text("secret"));
    let outcome = fetch(&network(), user(&server.url("/")));
    assert!(server.seen().is_empty());
    outcome
}

#[test]
fn certificates_that_are_not_good_now_are_final_errors() {
    let outcome = asked(certificates::server_of_another_time(2000..2001));
    assert!(
        outcome
            .fatal()
            .contains("TLS: invalid peer certificate: certificate expired"),
        "{outcome:?}"
    );
    let outcome = asked(certificates::server_of_another_time(2900..2901));
    assert!(
        outcome
            .fatal()
            .contains("TLS: invalid peer certificate: certificate not valid yet"),
        "{outcome:?}"
    );
}

#[test]
fn a_certificate_that_vouches_for_itself_is_a_final_error() {
    let outcome = asked(certificates::self_signed_server());
    assert!(
        outcome.fatal().contains("TLS: invalid peer certificate"),
        "{outcome:?}"
    );
}

#[test]
fn a_certificate_for_another_host_is_a_final_error() {
    let outcome = asked(certificates::server_of(&["other.example"]));
    assert!(
        outcome.fatal().contains("TLS: invalid peer certificate"),
        "{outcome:?}"
    );
}

#[test]
fn https_does_not_fall_back_to_http() {
    let server = Server::http(|_| Reply::text("plain"));
    let url = Url::parse(&server.url("/").as_str().replace("http:", "https:")).unwrap();
    let outcome = fetch(&network(), user(&url));
    assert!(outcome.error.is_some() && outcome.head.is_none(), "{outcome:?}");
    assert!(server.seen().is_empty());
}

#[test]
fn bytes_that_are_no_tls_are_a_final_error() {
    for bytes in [
        &b"SSH-2.0-OpenSSH_9.6\r\n"[..],
        b"\x16\x03\x03\xff\xff",
        b"\x15\x03\x03\x00\x02\x02\x28",
        &[0xff; 70_000],
    ] {
        let bytes = bytes.to_vec();
        let url = accept_one(move |mut socket| {
            let _ = socket.read(&mut [0; 4096]);
            let _ = socket.write_all(&bytes);
            let _ = socket.read(&mut [0; 4096]);
        });
        let url = Url::parse(&url.as_str().replace("http:", "https:")).unwrap();
        let network = options().connect_timeout(Duration::from_secs(2)).build().unwrap();
        let outcome = fetch(&network, user(&url));
        assert!(outcome.error.is_some(), "{outcome:?}");
    }
}

#[test]
fn a_handshake_that_is_dripped_is_given_up() {
    let url = accept_one(|mut socket| {
        let _ = socket.read(&mut [0; 4096]);
        let mut said = socket.write_all(b"\x16\x03\x03\x40\x00");
        while said.is_ok() {
            std::thread::sleep(Duration::from_millis(1));
            said = socket.write_all(b"\x02");
        }
    });
    let url = Url::parse(&url.as_str().replace("http:", "https:")).unwrap();
    let network = options()
        .connect_timeout(Duration::from_millis(100))
        .build()
        .unwrap();
    assert!(fetch(&network, user(&url)).error.is_some());
}
