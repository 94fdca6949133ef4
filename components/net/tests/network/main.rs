//! The network against servers on the loopback. No test leaves it, and none asserts on time.

#[path = "../support/mod.rs"]
mod support;

mod back_pressure;
mod bodies;
mod content_codings;
mod cors;
mod headers;
mod http2;
mod online;
mod options;
mod ranges;
mod redirects;
mod termination;
mod timeouts;
mod tls;
mod upload_resumption;
mod uploads;
