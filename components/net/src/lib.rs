//! The default [`Network`](background_fetch::embedder::Network) of Background Fetch: HTTP/1.1 and HTTP/2 over TLS,
//! with the rules of the Fetch standard.
//!
//! [`HttpNetwork::builder`] makes one. Its requests run on a tokio runtime, its own or a given one; the streams it
//! gives may be polled by any executor.
//!
//! | module | what lives there |
//! |---|---|
//! | `fetching` | the algorithms of the standard, one file each, steps in its order |
//! | `body` | bytes on their way: uploads with progress, responses with back-pressure, content codings |
//! | `connection` | the pooled client, TLS, proxies and time-outs |
//! | `cookies` | a jar per profile, and its file |
//! | `failure` | what a failure is called and whether another try may help |
//! | `tokio_runtime` | the executor and the clock of tokio, for an embedder that runs on it |
#![forbid(unsafe_code)]

mod body;
mod builder;
mod connection;
mod cookies;
mod failure;
mod fetching;
mod network;
mod tokio_runtime;

pub use builder::{BuildError, HttpNetworkBuilder};
pub use connection::proxies::{InvalidProxy, Proxies};
pub use cookies::{CookieJar, CookieJarError};
pub use fetching::forbidden_request_headers::is_framing_header;
#[doc(hidden)]
pub use fetching::parse;
pub use network::HttpNetwork;
pub use tokio_runtime::TokioRuntime;
