//! An HTTP/2 server over TLS, at the level of frames.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use bytes::Bytes;
use futures::future::BoxFuture;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{Request, Response};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use url::Url;

use super::certificates;

pub(crate) type Responder = SendResponse<Bytes>;
type Handler = dyn Fn(Request<RecvStream>, Responder) -> BoxFuture<'static, Option<Reason>> + Send + Sync;

/// The server; it listens until the test ends.
pub(crate) struct Http2Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Http2Server {
    /// Answers each request with `handler`. Where that gives a reason, the connection ends with a GOAWAY.
    pub(crate) fn start(
        handler: impl Fn(Request<RecvStream>, Responder) -> BoxFuture<'static, Option<Reason>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a socket for tokio");
        let address = listener.local_addr().expect("its address");
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = connections.clone();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime
                .expect("a runtime")
                .block_on(listen(listener, Arc::new(handler), counted));
        });
        Self { address, connections }
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        Url::parse(&format!("https://{}{path}", self.address)).expect("a URL")
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn listen(listener: std::net::TcpListener, handler: Arc<Handler>, connections: Arc<AtomicUsize>) {
    let listener = TcpListener::from_std(listener).expect("a socket for tokio");
    let acceptor = TlsAcceptor::from(certificates::server(&["h2", "http/1.1"]));
    while let Ok((socket, _)) = listener.accept().await {
        connections.fetch_add(1, Ordering::SeqCst);
        let (acceptor, handler) = (acceptor.clone(), handler.clone());
        tokio::spawn(async move {
            let stream = acceptor.accept(socket).await.ok()?;
            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
            serve(h2::server::handshake(stream).await.ok()?, handler).await;
            Some(())
        });
    }
}

type Connection = h2::server::Connection<tokio_rustls::server::TlsStream<tokio::net::TcpStream>, Bytes>;

async fn serve(mut connection: Connection, handler: Arc<Handler>) {
    let (go_away, mut told) = tokio::sync::mpsc::unbounded_channel();
    loop {
        tokio::select! {
            request = connection.accept() => {
                let Some(Ok((request, respond))) = request else { return };
                let (handling, go_away) = (handler(request, respond), go_away.clone());
                tokio::spawn(async move {
                    if let Some(reason) = handling.await {
                        let _ = go_away.send(reason);
                    }
                });
            }
            Some(reason) = told.recv() => connection.abrupt_shutdown(reason),
        }
    }
}

/// A response with this body in one piece.
pub(crate) fn respond(mut responder: Responder, response: Response<&'static [u8]>) {
    let (parts, body) = response.into_parts();
    let mut stream = responder
        .send_response(Response::from_parts(parts, ()), false)
        .expect("a stream");
    stream
        .send_data(Bytes::from_static(body), true)
        .expect("a stream");
}

/// Reads a request's body to its end.
pub(crate) async fn read(mut body: RecvStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(piece) = body.data().await {
        let piece = piece.expect("a whole body");
        body.flow_control()
            .release_capacity(piece.len())
            .expect("a stream");
        bytes.extend_from_slice(&piece);
    }
    bytes
}
