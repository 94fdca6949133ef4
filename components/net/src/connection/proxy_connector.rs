//! A connector that goes through a proxy where there is one.

use std::error::Error;
use std::fmt;
use std::task::{Context, Poll};
use std::time::Duration;

use background_fetch::fetch::retry_after;
use bytes::Bytes;
use futures::future::{BoxFuture, Either, select};
use http::header::{HOST, PROXY_AUTHORIZATION};
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper::rt::{Read, Write};
use hyper_rustls::HttpsConnector;
use tower_service::Service;

use super::link::Link;
use super::proxies::Proxies;
use super::resolver::TcpConnector;

type BoxError = Box<dyn Error + Send + Sync>;

/// Connects to a server, or to the proxy through which it is reached.
#[derive(Clone)]
pub(crate) struct ProxyConnector {
    servers: TcpConnector,
    /// With TLS where the proxy's URL says so.
    to_proxies: HttpsConnector<TcpConnector>,
    proxies: Proxies,
}

impl ProxyConnector {
    pub(crate) fn new(
        servers: TcpConnector,
        to_proxies: HttpsConnector<TcpConnector>,
        proxies: Proxies,
    ) -> Self {
        Self {
            servers,
            to_proxies,
            proxies,
        }
    }
}

impl Service<Uri> for ProxyConnector {
    type Response = Link;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Link, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.servers.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, server: Uri) -> Self::Future {
        let Some(proxy) = self.proxies.proxy_for(&server) else {
            let connecting = self.servers.call(server);
            return Box::pin(async move { Ok(Link::direct(connecting.await?)) });
        };
        let connecting = self.to_proxies.call(proxy.uri().clone());
        Box::pin(async move {
            let failed = |why| ProxyError {
                proxy: proxy.uri().to_string(),
                why,
            };
            let io = connecting
                .await
                .map_err(|error| failed(Why::NoConnection(error)))?;
            if server.scheme_str() != Some("https") {
                return Ok(Link::proxied(io));
            }
            let io = tunnel(io, &server, proxy.basic_auth()).await.map_err(failed)?;
            Ok(Link::direct(io))
        })
    }
}

/// Asks a proxy to connect to a server; what is read and written afterwards is the server's.
///
/// <https://httpwg.org/specs/rfc9110.html#CONNECT>
async fn tunnel<I>(io: I, server: &Uri, authorization: Option<&HeaderValue>) -> Result<I, Why>
where
    I: Read + Write + Unpin + Send + 'static,
{
    let host = server.host().unwrap_or_default();
    let target = format!("{host}:{}", server.port_u16().unwrap_or(443));
    let mut request = Request::builder()
        .method(Method::CONNECT)
        .uri(&target)
        .header(HOST, &target)
        .body(Empty::<Bytes>::new())
        .map_err(|error| Why::NoConnection(error.into()))?;
    if let Some(authorization) = authorization {
        request
            .headers_mut()
            .insert(PROXY_AUTHORIZATION, authorization.clone());
    }
    let broken = |error: hyper::Error| Why::NoConnection(error.into());
    let mut builder = http1::Builder::new();
    builder
        .max_buf_size(super::MAX_HEADER_BYTES)
        .max_headers(super::MAX_HEADER_FIELDS);
    let (mut sender, connection) = builder.handshake(io).await.map_err(broken)?;
    // It ends, and gives the connection back, once the tunnel is there.
    let connection = Box::pin(connection.without_shutdown());
    let (response, connection) = match select(Box::pin(sender.send_request(request)), connection).await {
        Either::Left((response, connection)) => (response.map_err(broken)?, Either::Left(connection)),
        Either::Right((parts, response)) => {
            let parts = parts.map_err(broken)?;
            (response.await.map_err(broken)?, Either::Right(parts))
        }
    };
    if !response.status().is_success() {
        return Err(Why::Refused {
            status: response.status(),
            retry_after: retry_after(response.headers()),
        });
    }
    let parts = match connection {
        Either::Left(connection) => connection.await.map_err(broken)?,
        Either::Right(parts) => parts,
    };
    // A server does not speak first in TLS.
    if !parts.read_buf.is_empty() {
        return Err(Why::Noise);
    }
    Ok(parts.io)
}

/// A proxy through which nothing is reached.
#[derive(Debug)]
pub(crate) struct ProxyError {
    pub(crate) proxy: String,
    pub(crate) why: Why,
}

#[derive(Debug)]
pub(crate) enum Why {
    /// It is not reached itself, or does not speak HTTP.
    NoConnection(BoxError),
    /// It refuses to open a tunnel.
    Refused {
        status: StatusCode,
        retry_after: Option<Duration>,
    },
    /// More than its answer came before the tunnel was used.
    Noise,
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the proxy {} ", self.proxy)?;
        match &self.why {
            Why::NoConnection(_) => f.write_str("does not work"),
            Why::Refused { status, .. } if *status == StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                write!(f, "wants other credentials (status {status})")
            }
            Why::Refused { status, .. } => write!(f, "refuses to connect to the server (status {status})"),
            Why::Noise => f.write_str("sends more than an answer"),
        }
    }
}

impl Error for ProxyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.why {
            Why::NoConnection(error) => Some(&**error),
            Why::Refused { .. } | Why::Noise => None,
        }
    }
}
