//! The contract of [`Network`] as tests that any network can run.
//!
//! ```no_run
//! use std::sync::Arc;
//! use background_fetch_net::{HttpNetwork, Proxies};
//! use background_fetch_network_suite as suite;
//!
//! # fn main() {
//! suite::run(|| Arc::new(HttpNetwork::builder().proxies(Proxies::none()).build().unwrap()));
//! # }
//! ```
//!
//! Each case gets a network of its own, and servers on 127.0.0.1 that do as the case says: threads and sockets of the
//! standard library, nothing else. The network must reach them without a proxy, over HTTP/1.1 without TLS. Its streams are
//! polled on the thread that calls [`run`], by a plain executor; where they need a runtime around them, enter it before.
//! Everything is asked for by a page at the server's own origin, but where a case is about another one. A case panics
//! where the contract is broken, or where nothing happens for [`PATIENCE`].
//!
//! # What is not tested
//!
//! * That a silent connection is an error after a while: when, is the network's to choose.
//! * TLS, HTTP/2, HTTP/3, proxies, CORS preflights, cookies, Content Security Policy: they are the Fetch standard's and
//!   the protocols', and have their own tests.
//! * Upload resources ([`FetchEvent::UploadResumable`](background_fetch::embedder::FetchEvent)): a network may tell of
//!   them, and need not.
//! * A network that has no sockets, such as the scripted one of `background-fetch-sim`: what it serves is told to it in
//!   Rust, and no server here can do that. Its own tests check its events.
#![forbid(unsafe_code)]

mod bodies;
mod failures;
mod policies;
mod redirects;
mod requests;
mod server;
mod termination;
mod world;

use std::sync::Arc;
use std::time::Duration;

use background_fetch::embedder::Network;

pub use world::World;

/// How long a case waits for anything before it takes it for lost.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A promise of the contract, with the code that tests it.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// The promise, in a sentence.
    pub name: &'static str,
    /// Tests it in a world of its own; panics where it is broken.
    pub run: fn(&World),
}

/// Every case.
pub fn cases() -> impl Iterator<Item = Case> {
    [
        bodies::CASES,
        requests::CASES,
        redirects::CASES,
        failures::CASES,
        policies::CASES,
        termination::CASES,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// Runs every case. `make` makes a new network, which is online.
///
/// # Panics
///
/// Where the network breaks its contract; the name of the case is on standard error.
pub fn run(make: impl Fn() -> Arc<dyn Network>) {
    for case in cases() {
        let named = Named(case.name);
        (case.run)(&World::new(make()));
        std::mem::forget(named);
    }
}

/// Says which case it was when that case panics.
struct Named(&'static str);

impl Drop for Named {
    fn drop(&mut self) {
        eprintln!("this network breaks the contract: {}", self.0);
    }
}

/// Declares cases: functions whose names are sentences.
macro_rules! declare_cases {
    ($($name:ident,)+) => {
        pub(super) const CASES: &[$crate::Case] = &[
            $($crate::Case { name: stringify!($name), run: $name },)+
        ];
    };
}
use declare_cases;
