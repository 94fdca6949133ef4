//! A server on the loopback that does as a case says: a thread for each connection, and one request on each.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::PATIENCE;

/// A server; it goes with its handle.
pub(crate) struct Server {
    url: Url,
    seen: Arc<Mutex<Vec<Seen>>>,
    gone: Receiver<u64>,
    closing: Arc<AtomicBool>,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    /// The body, where the server read it.
    pub(crate) body: Vec<u8>,
}

impl Seen {
    /// The value of a header, the empty string where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// A connection with a request whose head was read.
pub(crate) struct Exchange {
    pub(crate) request: Seen,
    pub(crate) socket: TcpStream,
    reader: BufReader<TcpStream>,
    seen: Arc<Mutex<Vec<Seen>>>,
    place: usize,
    gone: Sender<u64>,
}

impl Server {
    /// A server that answers each request so.
    pub(crate) fn new(serve: impl Fn(&mut Exchange) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port on the loopback");
        let port = listener.local_addr().expect("its address").port();
        let url = Url::parse(&format!("http://127.0.0.1:{port}/")).expect("a URL");
        let (tell, gone) = channel();
        let (seen, closing) = (Arc::<Mutex<Vec<Seen>>>::default(), Arc::<AtomicBool>::default());
        let (all, over, serve) = (Arc::clone(&seen), Arc::clone(&closing), Arc::new(serve));
        thread::spawn(move || {
            for socket in listener.incoming() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let (serve, all, tell) = (Arc::clone(&serve), Arc::clone(&all), tell.clone());
                thread::spawn(move || {
                    // A client that goes away in the middle is what some cases are about.
                    let _ = socket.and_then(|socket| {
                        let mut exchange = Exchange::begin(socket, all, tell)?;
                        serve(&mut exchange)
                    });
                });
            }
        });
        Self {
            url,
            seen,
            gone,
            closing,
        }
    }

    /// A server that gives this answer to each request.
    pub(crate) fn answering(headers: &'static str, body: &'static [u8]) -> Self {
        Self::new(move |exchange| exchange.answer("200 OK", headers, body))
    }

    /// The URL of a path without its first slash.
    pub(crate) fn url(&self, path: &str) -> Url {
        self.url.join(path).expect("a path")
    }

    /// The requests so far, in the order in which they came.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The only request that there was.
    #[track_caller]
    pub(crate) fn only(&self) -> Seen {
        match <[Seen; 1]>::try_from(self.seen()) {
            Ok([only]) => only,
            Err(all) => panic!("one request was expected: {all:?}"),
        }
    }

    /// Waits until so many requests came.
    #[track_caller]
    pub(crate) fn wait_for(&self, requests: usize) {
        for _ in 0..PATIENCE.as_millis() / 5 {
            if self.seen().len() >= requests {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("no request came for {PATIENCE:?}");
    }

    /// What [`Exchange::until_gone`] told, once it does.
    #[track_caller]
    pub(crate) fn gone(&self) -> u64 {
        let gone = self.gone.recv_timeout(PATIENCE);
        gone.unwrap_or_else(|_| panic!("the connection was not closed for {PATIENCE:?}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
        // Wakes the listener.
        if let Some(port) = self.url.port() {
            let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
        }
    }
}

impl Exchange {
    fn begin(socket: TcpStream, seen: Arc<Mutex<Vec<Seen>>>, gone: Sender<u64>) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let mut reader = BufReader::new(socket.try_clone()?);
        let request = read_head(&mut reader)?;
        let place = {
            let mut all = seen.lock().unwrap_or_else(PoisonError::into_inner);
            all.push(request.clone());
            all.len() - 1
        };
        Ok(Self {
            request,
            socket,
            reader,
            seen,
            place,
            gone,
        })
    }

    /// Reads the request's body to its end.
    pub(crate) fn read_body(&mut self) -> io::Result<()> {
        let mut body = Vec::new();
        if self
            .request
            .header("transfer-encoding")
            .eq_ignore_ascii_case("chunked")
        {
            loop {
                let size = read_line(&mut self.reader)?;
                let size = usize::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16)
                    .map_err(io::Error::other)?;
                let start = body.len();
                body.resize(start + size, 0);
                self.reader.read_exact(&mut body[start..])?;
                read_line(&mut self.reader)?;
                if size == 0 {
                    break;
                }
            }
        } else {
            body.resize(self.request.header("content-length").parse().unwrap_or(0), 0);
            self.reader.read_exact(&mut body)?;
        }
        let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        all[self.place].body = body;
        Ok(())
    }

    /// Answers with a body of this length, and closes the connection.
    pub(crate) fn answer(&mut self, status: &str, headers: &str, body: &[u8]) -> io::Result<()> {
        self.read_body()?;
        write!(
            self.socket,
            "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        )?;
        self.send(body)
    }

    /// Sends these bytes.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.socket.write_all(bytes)?;
        self.socket.flush()
    }

    /// Waits until the client closes the connection; tells how much it sent meanwhile.
    pub(crate) fn until_gone(&mut self) -> io::Result<()> {
        let mut bytes = 0;
        let mut buffer = [0; 64 * 1024];
        loop {
            match self.reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => bytes += length as u64,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // A time-out is no end.
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    return Err(error);
                }
                Err(_) => break,
            }
        }
        let _ = self.gone.send(bytes);
        Ok(())
    }
}

fn read_line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    if line.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}

fn read_head(reader: &mut impl BufRead) -> io::Result<Seen> {
    let line = read_line(reader)?;
    let mut words = line.split(' ').map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = HeaderMap::new();
    loop {
        let line = read_line(reader)?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(value.trim()),
        ) {
            headers.append(name, value);
        }
    }
    Ok(Seen {
        method,
        target,
        headers,
        body: Vec::new(),
    })
}
