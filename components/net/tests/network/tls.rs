//! Whom the network trusts.

use background_fetch_net::HttpNetwork;
use url::Url;

use crate::support::server::{Reply, Server};
use crate::support::{certificates, fetch, network, user};

#[test]
fn a_server_with_a_certificate_of_a_given_root_is_trusted() {
    let server = Server::https(|_| Reply::text("secret"));
    assert_eq!(
        fetch(&network(), user(&server.url("/"))).answer(),
        (200, "secret")
    );
    let by_pem = HttpNetwork::builder()
        .platform_roots(false)
        .root_certificates_pem(certificates::root_pem())
        .build()
        .unwrap();
    assert_eq!(fetch(&by_pem, user(&server.url("/"))).answer(), (200, "secret"));
}

#[test]
fn a_server_that_nobody_vouches_for_is_a_final_error() {
    let server = Server::https(|_| Reply::text("secret"));
    let other = rcgen::generate_simple_self_signed(["other.example".to_owned()]).unwrap();
    let network = HttpNetwork::builder()
        .platform_roots(false)
        .root_certificate(other.cert.der().to_vec())
        .build()
        .unwrap();
    let outcome = fetch(&network, user(&server.url("/")));
    assert!(
        outcome
            .fatal()
            .contains("TLS: invalid peer certificate: UnknownIssuer"),
        "{outcome:?}"
    );
    assert!(server.seen().is_empty());
    let trusts_nobody = HttpNetwork::builder().platform_roots(false).build().unwrap();
    let outcome = fetch(&trusts_nobody, user(&server.url("/")));
    assert!(outcome.fatal().ends_with("TLS: no root certificate is known"));
}

#[test]
fn a_certificate_for_another_name_is_a_final_error() {
    let server = Server::https(|_| Reply::text("secret"));
    let url = Url::parse(&server.url("/").as_str().replace("127.0.0.1", "localhost")).unwrap();
    let outcome = fetch(&network(), user(&url));
    assert!(
        outcome.fatal().contains("TLS: invalid peer certificate"),
        "{outcome:?}"
    );
}

#[test]
fn a_server_without_tls_behind_an_https_url_is_a_final_error() {
    // It takes the handshake for a request line that never ends well, and answers in the clear.
    let url = crate::support::server::accept_one(|mut socket| {
        socket.peek(&mut [0]).unwrap();
        std::io::Write::write_all(&mut socket, b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        let _ = std::io::copy(&mut socket, &mut std::io::sink());
    });
    let url = Url::parse(&url.as_str().replace("http:", "https:")).unwrap();
    assert!(fetch(&network(), user(&url)).fatal().contains("TLS: "));
}

#[test]
fn whoever_trusts_everybody_takes_any_certificate_at_a_name_that_it_resolves() {
    let server = Server::https(|_| Reply::text("no secret"));
    let url = server.url("/").as_str().replace("127.0.0.1", "www.test.example");
    let network = HttpNetwork::builder()
        .platform_roots(false)
        .danger_trust_everybody(true)
        .resolve("test.example", "127.0.0.1".parse().unwrap())
        .build()
        .unwrap();
    let outcome = fetch(&network, user(&Url::parse(&url).unwrap()));
    assert_eq!(outcome.answer(), (200, "no secret"));
}
