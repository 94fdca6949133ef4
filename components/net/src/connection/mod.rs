//! Connections: the pooled client, and what it is built with: TLS, proxies and time-outs.

pub(crate) mod connector;
mod goodbye;
pub(crate) mod link;
pub(crate) mod proxies;
pub(crate) mod proxy_connector;
pub(crate) mod resolver;
pub(crate) mod stand_ins;
pub(crate) mod tls;

use std::time::Duration;

use http::HeaderValue;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::body::upload::Upload;
use crate::cookies::CookieJar;
use crate::fetching::cors_preflight_cache::CorsPreflightCache;
use crate::fetching::is_resumable;
use connector::TimedConnector;
use proxies::Proxies;
use proxy_connector::ProxyConnector;
use resolver::{Resolver, TcpConnector};
use stand_ins::StandIns;

/// The largest response header that is read, and for HTTP/1.1 the largest read from a socket at once.
///
/// Browsers stop at 256 KiB too; as a read it is large enough for a fast link to keep the processor idle.
const MAX_HEADER_BYTES: usize = 256 * 1024;

/// The most header fields in a response.
const MAX_HEADER_FIELDS: usize = 256;
/// What an HTTP/2 server may send ahead on one stream: the product of 40 MB/s and 50 ms.
const STREAM_WINDOW: u32 = 2 * 1024 * 1024;
/// What it may send ahead on all streams of a connection: eight of them may wait for their readers.
const CONNECTION_WINDOW: u32 = 8 * STREAM_WINDOW;
/// Larger frames than the default of 16 KiB cost fewer wake-ups.
const FRAME_SIZE: u32 = 64 * 1024;
/// What may wait to be sent on one HTTP/2 stream: how far `Transmitted` runs ahead.
const SEND_BUFFER: usize = 64 * 1024;
/// When to ask an HTTP/2 server that is silent in the middle of a response whether it is still there.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// When a connection without a request is closed, which servers do at about this time.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// How long to wait; none for ever.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    /// For the name, the connection and TLS together.
    pub(crate) connect: Option<Duration>,
    /// For the header, after the last byte of the request was taken.
    pub(crate) first_byte: Option<Duration>,
    /// For the next bytes of a body.
    pub(crate) stall: Option<Duration>,
    /// How many bytes of a body must come in the time of `stall`, unless it ends.
    pub(crate) least_bytes: u64,
}

/// How connections are made.
pub(crate) struct ConnectOptions {
    /// Where names are.
    pub(crate) resolver: Resolver,
    /// Whose servers are on this machine.
    pub(crate) stand_ins: StandIns,
    /// Whether TLS may end without a goodbye.
    pub(crate) goodbye_may_be_missing: bool,
}

type HttpClient = Client<TimedConnector<HttpsConnector<ProxyConnector>>, Upload>;

/// What every fetch shares.
pub(crate) struct Connections {
    client: HttpClient,
    /// For HTTP/1.1 alone: informational responses of HTTP/2 are not told of.
    http1_client: HttpClient,
    pub(crate) timeouts: Timeouts,
    pub(crate) user_agent: HeaderValue,
    /// What servers of other origins allowed.
    pub(crate) cors_preflight_cache: CorsPreflightCache,
    pub(crate) proxies: Proxies,
    /// The profile's cookies; without a jar none are sent and none kept.
    pub(crate) cookies: Option<CookieJar>,
    /// Whether any root certificate is known; without one no `https` URL can be fetched.
    pub(crate) has_roots: bool,
}

impl Connections {
    #[expect(clippy::too_many_arguments, reason = "one for each part of the builder")]
    pub(crate) fn new(
        tls: rustls::ClientConfig,
        has_roots: bool,
        http2: bool,
        timeouts: Timeouts,
        user_agent: HeaderValue,
        proxies: Proxies,
        cookies: Option<CookieJar>,
        options: ConnectOptions,
    ) -> Self {
        let proxies = proxies.without(options.stand_ins.clone());
        let has_roots = has_roots || !options.stand_ins.is_empty();
        let mut http = TcpConnector::new_with_resolver(options.resolver);
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_keepalive(Some(Duration::from_secs(60)));
        let https = || {
            HttpsConnectorBuilder::new()
                .with_tls_config(tls.clone())
                .https_or_http()
        };
        let to_proxies = https().enable_http1().wrap_connector(http.clone());
        let connector = ProxyConnector::new(http, to_proxies, proxies.clone());
        let mut builder = Client::builder(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(8)
            .http1_max_buf_size(MAX_HEADER_BYTES)
            .http1_max_headers(MAX_HEADER_FIELDS)
            .http2_max_header_list_size(MAX_HEADER_BYTES as u32)
            .http2_initial_stream_window_size(STREAM_WINDOW)
            .http2_initial_connection_window_size(CONNECTION_WINDOW)
            .http2_max_frame_size(FRAME_SIZE)
            .http2_max_send_buf_size(SEND_BUFFER)
            .http2_keep_alive_interval(PING_INTERVAL)
            .http2_keep_alive_timeout(PING_INTERVAL);
        let client = |https| {
            builder.build(TimedConnector::new(
                https,
                timeouts.connect,
                options.goodbye_may_be_missing,
                options.stand_ins.clone(),
            ))
        };
        let http1_client = client(https().enable_http1().wrap_connector(connector.clone()));
        Self {
            client: match http2 {
                true => client(https().enable_http1().enable_http2().wrap_connector(connector)),
                false => http1_client.clone(),
            },
            http1_client,
            timeouts,
            user_agent,
            cors_preflight_cache: CorsPreflightCache::default(),
            proxies,
            cookies,
            has_roots,
        }
    }

    /// The client for a request.
    pub(crate) fn client(&self, request: &http::Request<Upload>) -> &HttpClient {
        if is_resumable(request.headers()) {
            &self.http1_client
        } else {
            &self.client
        }
    }
}
