//! Names to addresses.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower_service::Service;

/// The connector to a TCP socket.
pub(crate) type TcpConnector = HttpConnector<Resolver>;

/// The platform's resolver; except that `localhost`, and every name below it, is the loopback and nothing else. Pages
/// may trust such names without TLS, so no server for names must say where they are.
///
/// <https://w3c.github.io/webappsec-secure-contexts/#localhost>
#[derive(Clone)]
pub(crate) struct Resolver {
    platform: GaiResolver,
    /// Names that are somewhere else, with all names below them.
    known: Arc<[(String, IpAddr)]>,
}

impl Resolver {
    pub(crate) fn new(known: impl Into<Arc<[(String, IpAddr)]>>) -> Self {
        Self {
            platform: GaiResolver::new(),
            known: known.into(),
        }
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Response>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.platform.poll_ready(context)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        // The connector puts in the port.
        let known = self
            .known
            .iter()
            .find(|(above, _)| is_or_is_below(name.as_str(), above));
        if let Some((_, address)) = known {
            let address = SocketAddr::from((*address, 0));
            return async move { Ok(vec![address].into_iter()) }.boxed();
        }
        if is_localhost(name.as_str()) {
            let loopback = [
                SocketAddr::from((Ipv6Addr::LOCALHOST, 0)),
                SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            ];
            return async move { Ok(Vec::from(loopback).into_iter()) }.boxed();
        }
        let resolving = self.platform.call(name);
        async move { Ok(resolving.await?.collect::<Vec<_>>().into_iter()) }.boxed()
    }
}

/// `localhost` and the names below it, with or without the dot of the root.
pub(crate) fn is_localhost(name: &str) -> bool {
    is_or_is_below(name, "localhost")
}

/// Whether a name is another one, or below it.
fn is_or_is_below(name: &str, above: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).as_bytes();
    let Some(start) = name.len().checked_sub(above.len()) else {
        return false;
    };
    let (below, last) = name.split_at(start);
    last.eq_ignore_ascii_case(above.as_bytes()) && (below.is_empty() || below.ends_with(b"."))
}
