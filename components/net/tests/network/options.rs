//! The builder.

use background_fetch_net::{BuildError, HttpNetwork};

use crate::support::server::{Reply, Server};
use crate::support::{fetch, options, user};

#[test]
fn the_user_agent_is_sent() {
    let server = Server::http(|_| Reply::text(""));
    let network = options().user_agent("my-engine/7").build().unwrap();
    fetch(&network, user(&server.url("/")));
    assert_eq!(server.only().header("user-agent"), Some("my-engine/7"));
}

#[test]
fn options_that_make_no_sense_are_errors() {
    let build = |options: background_fetch_net::HttpNetworkBuilder| options.build().err().unwrap();
    let error = build(HttpNetwork::builder().user_agent("two\nlines"));
    assert!(matches!(error, BuildError::UserAgent));
    let error = build(
        HttpNetwork::builder()
            .platform_roots(false)
            .root_certificate("no certificate"),
    );
    assert!(matches!(error, BuildError::RootCertificate(_)));
    let error = build(
        HttpNetwork::builder()
            .platform_roots(false)
            .root_certificates_pem("nothing"),
    );
    assert_eq!(
        error.to_string(),
        "cannot trust a root certificate: no certificate in the PEM text"
    );
}
