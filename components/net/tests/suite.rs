//! The default network keeps the contract of the trait, whatever runtime it runs on.

use std::sync::Arc;

use background_fetch_net::{HttpNetwork, Proxies};
use background_fetch_network_suite as suite;

#[test]
fn the_default_network_keeps_the_contract() {
    suite::run(|| Arc::new(HttpNetwork::builder().proxies(Proxies::none()).build().unwrap()));
}

#[test]
fn so_it_does_on_a_runtime_of_the_embedder() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    suite::run(|| {
        let network = HttpNetwork::builder().proxies(Proxies::none());
        Arc::new(network.runtime(runtime.handle().clone()).build().unwrap())
    });
}
