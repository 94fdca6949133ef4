//! An HTTP/1.1 server on raw sockets, which lies as it is told.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use url::Url;

use super::{PATIENCE, certificates};

/// A request that the server saw.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    /// The value of a header that may be there once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(found, _)| found == name);
        let value = values.next();
        assert!(values.next().is_none(), "{name} twice");
        value.map(|(_, value)| value.as_str())
    }
}

/// What the server does after a reply.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Then {
    /// Waits for the next request.
    Stay,
    /// Closes the connection.
    Close,
    /// Says nothing more, and notes when the client has closed.
    Hold,
}

/// What the server sends.
pub(crate) struct Reply {
    bytes: Vec<u8>,
    then: Then,
}

impl Reply {
    /// A response with its length.
    pub(crate) fn new(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let mut head = format!("HTTP/1.1 {status} Said\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("Content-Length: {}\r\n\r\n", body.len());
        Self {
            bytes: [head.as_bytes(), body].concat(),
            then: Then::Stay,
        }
    }

    pub(crate) fn text(body: &str) -> Self {
        Self::new(200, &[], body)
    }

    pub(crate) fn redirect(status: u16, location: &str) -> Self {
        Self::new(status, &[("Location", location)], "moved")
    }

    /// These bytes, and the connection is closed.
    pub(crate) fn raw(bytes: impl AsRef<[u8]>) -> Self {
        Self {
            bytes: bytes.as_ref().to_vec(),
            then: Then::Close,
        }
    }

    /// These bytes, whatever they are, and the next request.
    pub(crate) fn raw_and_stay(bytes: impl AsRef<[u8]>) -> Self {
        Self {
            bytes: bytes.as_ref().to_vec(),
            then: Then::Stay,
        }
    }

    /// These bytes, and silence.
    pub(crate) fn silence_after(bytes: impl AsRef<[u8]>) -> Self {
        Self {
            bytes: bytes.as_ref().to_vec(),
            then: Then::Hold,
        }
    }
}

type Handler = dyn Fn(&Seen) -> Reply + Send + Sync;

/// The server; it listens until the test ends.
pub(crate) struct Server {
    address: SocketAddr,
    scheme: &'static str,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<AtomicUsize>,
    gone: Mutex<Receiver<()>>,
}

impl Server {
    /// Over TCP.
    pub(crate) fn http(handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::start("http", None, Arc::new(handler))
    }

    /// Over TLS.
    pub(crate) fn https(handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::https_with(certificates::server(&["http/1.1"]), handler)
    }

    /// Over this TLS.
    pub(crate) fn https_with(
        tls: Arc<rustls::ServerConfig>,
        handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start("https", Some(tls), Arc::new(handler))
    }

    fn start(scheme: &'static str, tls: Option<Arc<rustls::ServerConfig>>, handler: Arc<Handler>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let (went, gone) = channel();
        let server = Self {
            address: listener.local_addr().expect("its address"),
            scheme,
            seen: Arc::default(),
            connections: Arc::default(),
            gone: Mutex::new(gone),
        };
        let (seen, connections) = (server.seen.clone(), server.connections.clone());
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                connections.fetch_add(1, Ordering::SeqCst);
                let (seen, handler, went) = (seen.clone(), handler.clone(), went.clone());
                let tls = tls.clone();
                thread::spawn(move || {
                    if let Some(tls) = tls {
                        let tls = rustls::ServerConnection::new(tls).expect("TLS");
                        let stream = rustls::StreamOwned::new(tls, socket);
                        serve(stream, &seen, &*handler, &went);
                    } else {
                        serve(socket, &seen, &*handler, &went);
                    }
                });
            }
        });
        server
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        Url::parse(&format!("{}://{}{path}", self.scheme, self.address)).expect("a URL")
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn origin(&self) -> String {
        self.url("/").origin().ascii_serialization()
    }

    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The only request so far.
    pub(crate) fn only(&self) -> Seen {
        let mut seen = self.seen();
        assert_eq!(seen.len(), 1);
        seen.remove(0)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Waits until the client has closed a connection that the server holds.
    pub(crate) fn wait_until_gone(&self) {
        let gone = self.gone.lock().unwrap().recv_timeout(PATIENCE);
        gone.expect("the client closes its connection");
    }
}

fn serve(stream: impl Read + Write, seen: &Mutex<Vec<Seen>>, handler: &Handler, went: &Sender<()>) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read_request(&mut stream) {
        seen.lock().unwrap().push(request.clone());
        let reply = handler(&request);
        if stream
            .get_mut()
            .write_all(&reply.bytes)
            .and_then(|()| stream.get_mut().flush())
            .is_err()
        {
            break;
        }
        match reply.then {
            Then::Stay => {}
            Then::Close => return,
            Then::Hold => {
                let _ = stream.read_to_end(&mut Vec::new());
                break;
            }
        }
    }
    let _ = went.send(());
}

/// Reads one request with its body; none when the client has gone.
pub(crate) fn read_request(stream: &mut impl BufRead) -> Option<Seen> {
    let first = read_line(stream)?;
    let mut words = first.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let line = read_line(stream)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':')?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut seen = Seen {
        method,
        target,
        headers,
        body: Vec::new(),
    };
    let length = seen
        .header("content-length")
        .map_or(0, |text| text.parse().expect("a length"));
    seen.body.resize(length, 0);
    stream.read_exact(&mut seen.body).ok()?;
    Some(seen)
}

fn read_line(stream: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    stream.read_line(&mut line).ok()?;
    Some(line.strip_suffix("\r\n")?.to_owned())
}

/// One connection for a test that speaks for itself: gives the socket of the first client.
pub(crate) fn accept_one(serve: impl FnOnce(TcpStream) + Send + 'static) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    thread::spawn(move || serve(listener.accept().expect("a client").0));
    Url::parse(&format!("http://{address}/")).expect("a URL")
}

/// Writes until the client has taken nothing for a while; gives the number of bytes that it took.
pub(crate) fn write_until_stuck(socket: &mut TcpStream, total: usize) -> usize {
    let piece = vec![7; 64 * 1024];
    let patience = std::time::Duration::from_millis(500);
    socket.set_write_timeout(Some(patience)).expect("a time-out");
    let mut written = 0;
    while written < total {
        match socket.write(&piece[..piece.len().min(total - written)]) {
            Ok(length) => written += length,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => break,
            Err(error) => panic!("the client went away: {error}"),
        }
    }
    socket.set_write_timeout(None).expect("no time-out");
    written
}
