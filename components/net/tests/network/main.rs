//! The network against servers on the loopback. No test leaves it, and none asserts on time.

#[path = "../support/mod.rs"]
mod support;

mod back_pressure;
mod bodies;
mod content_codings;
mod cookie_jar;
mod cookies;
mod cors;
mod headers;
mod hostile_bodies;
mod hostile_heads;
mod hostile_http2;
mod hostile_tls;
mod http2;
mod integrity;
mod no_cors;
mod online;
mod options;
mod origin_headers;
mod policies;
mod preflight;
mod preflight_cache;
mod proxies;
mod ranges;
mod redirects;
mod stale_connections;
mod termination;
mod timeouts;
mod tls;
mod upload_resumption;
mod uploads;
