//! [`Link`]: the connection below TLS, to a server or to its proxy.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use http::Extensions;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::MaybeHttpsStream;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A connection that the requests of a server are sent over.
pub(crate) struct Link {
    /// TLS here is the proxy's.
    io: MaybeHttpsStream<TokioIo<TcpStream>>,
    /// Whether a proxy at its other end makes the requests.
    is_proxied: bool,
    used: Used,
}

/// What requests were sent over a connection.
#[derive(Clone, Default)]
struct Used(Arc<Requests>);

#[derive(Default)]
struct Requests {
    any: AtomicBool,
    /// Whether they are of HTTP/1.1; not before it is known.
    of_http1: AtomicBool,
}

/// Whether a connection was used before. From now on it was.
pub(crate) fn was_used(connected: &Connected) -> bool {
    let mut extras = Extensions::new();
    connected.get_extras(&mut extras);
    let used = extras.get::<Used>();
    used.is_some_and(|used| used.0.any.swap(true, Ordering::Relaxed))
}

/// Notes the protocol that was negotiated over a link, before the first request.
pub(crate) fn note_protocol(connected: &Connected) {
    let mut extras = Extensions::new();
    connected.get_extras(&mut extras);
    if let Some(used) = extras.get::<Used>() {
        let is_http1 = !connected.is_negotiated_h2();
        used.0.of_http1.store(is_http1, Ordering::Relaxed);
    }
}

impl Link {
    /// A server that does not want the rest of a request answers, and may reset the connection: the answer is still
    /// there to be read. What cannot be written is then not an error; reading gives the answer, or says so.
    fn written<T>(&self, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        use io::ErrorKind::*;
        match result {
            Poll::Ready(Err(error))
                if matches!(error.kind(), BrokenPipe | ConnectionReset | ConnectionAborted)
                    && self.used.0.of_http1.load(Ordering::Relaxed) =>
            {
                Poll::Pending
            }
            result => result,
        }
    }
}

impl Link {
    /// To the server itself, or through a tunnel to it.
    pub(crate) fn direct(io: impl Into<MaybeHttpsStream<TokioIo<TcpStream>>>) -> Self {
        Self {
            io: io.into(),
            is_proxied: false,
            used: Used::default(),
        }
    }

    /// To a proxy that makes the requests.
    pub(crate) fn proxied(io: MaybeHttpsStream<TokioIo<TcpStream>>) -> Self {
        Self {
            io,
            is_proxied: true,
            used: Used::default(),
        }
    }
}

impl Connection for Link {
    fn connected(&self) -> Connected {
        let connected = match &self.io {
            MaybeHttpsStream::Http(io) => io.inner().connected(),
            MaybeHttpsStream::Https(io) => io.inner().get_ref().0.inner().inner().connected(),
        };
        // The client then names the server in the request's target.
        connected.proxy(self.is_proxied).extra(self.used.clone())
    }
}

impl Read for Link {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl Write for Link {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.io).poll_write(context, bytes);
        self.written(result)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.io).poll_write_vectored(context, slices);
        self.written(result)
    }
}
