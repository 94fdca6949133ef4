//! Being offline.

use background_fetch::embedder::Network;
use futures::FutureExt;
use futures::executor::block_on;

use crate::support::server::{Reply, Server};
use crate::support::{fetch, network, user};

#[test]
fn offline_a_fetch_fails_at_once_and_available_waits() {
    let server = Server::http(|_| Reply::text("here"));
    let url = server.url("/");
    let network = network();
    assert!(
        network.available(&url).now_or_never().is_some(),
        "online at first"
    );
    network.set_online(false);
    let outcome = fetch(&network, user(&url));
    assert_eq!(
        outcome.temporary(),
        format!("cannot fetch {url}: the device is offline")
    );
    assert_eq!(server.connections(), 0);
    let mut available = network.available(&url);
    assert!((&mut available).now_or_never().is_none());
    network.set_online(true);
    block_on(available);
    assert_eq!(fetch(&network, user(&url)).answer(), (200, "here"));
}
