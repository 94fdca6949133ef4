//! [`Server`]: a thread for each connection, which is enough on loopback.

use std::collections::HashMap;
use std::io::{self, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::log::{Exchange, Log, Tally};
use super::message::{self, Message};
use super::pattern;
use super::resource::Resource;

/// The bytes that are sent at once.
const PIECE: u64 = 16 << 10;

/// A server. It ends with the program.
#[derive(Clone)]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    released: Condvar,
}

#[derive(Default)]
struct State {
    resources: HashMap<String, Resource>,
    log: Log,
    /// The holds that were released count no more.
    release: bool,
}

impl Server {
    /// Starts a server at a free port.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let server = Self {
            address: listener.local_addr()?,
            shared: Arc::new(Shared {
                state: Mutex::default(),
                released: Condvar::new(),
            }),
        };
        let shared = Arc::clone(&server.shared);
        super::accept("server", listener, move |stream| shared.serve(stream))?;
        Ok(server)
    }

    /// Serves a resource at a path, in place of the one before.
    pub fn serve(&self, path: &str, resource: Resource) {
        self.shared.lock().resources.insert(path.to_owned(), resource);
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Lets go of everything that is held, from now on.
    pub fn release(&self) {
        self.shared.lock().release = true;
        self.shared.released.notify_all();
    }

    /// Every request, in the order in which they came.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.shared.lock().log.exchanges.clone()
    }

    /// What was done for a path.
    pub fn tally(&self, path: &str) -> Tally {
        self.shared.lock().log.tally(path)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream);
        while let Some(message) = message::read(&mut reader)? {
            let resource = self.lock().resources.get(&message.path).cloned();
            let resource = resource.unwrap_or_else(|| Resource::pattern(0, 0).status(404));
            if !self.answer(stream, &message, &resource)? {
                break;
            }
        }
        Ok(())
    }

    /// Answers a request; whether the connection stays.
    fn answer(&self, stream: &TcpStream, message: &Message, resource: &Resource) -> io::Result<bool> {
        let start = self.range_start(message, resource);
        let status = if start.is_some() { 206 } else { resource.status };
        let exchange = self.lock().log.begin(Exchange {
            path: message.path.clone(),
            method: message.method.clone(),
            headers: message.headers.clone(),
            range_start: message.range_start(),
            body_length: message.body_length,
            body_sha256: message.body_sha256.clone(),
            status,
            sent: 0,
        });
        thread::sleep(resource.delay);
        let from = start.unwrap_or(0);
        let mut head = format!("HTTP/1.1 {status} x\r\n");
        if let Some(etag) = &resource.etag {
            head += &format!("ETag: {etag}\r\n");
        }
        if let Some(start) = start {
            let length = resource.length;
            head += &format!("Content-Range: bytes {start}-{}/{length}\r\n", length - 1);
        }
        for (name, value) in &resource.headers {
            head += &format!("{name}: {value}\r\n");
        }
        let chunked = !resource.says_length;
        head += &if chunked {
            "Transfer-Encoding: chunked\r\n\r\n".to_owned()
        } else {
            format!("Content-Length: {}\r\n\r\n", resource.length - from)
        };
        let mut writer = stream;
        writer.write_all(head.as_bytes())?;
        if message.method == "HEAD" {
            return Ok(true);
        }
        let mut body = Body {
            shared: self,
            stream,
            resource,
            path: &message.path,
            exchange,
            at: from,
            began: Instant::now(),
            from,
            chunked,
        };
        let whole = body.send()?;
        if whole && chunked {
            writer.write_all(b"0\r\n\r\n")?;
        }
        Ok(whole)
    }

    /// Where a range begins that is to be answered.
    fn range_start(&self, message: &Message, resource: &Resource) -> Option<u64> {
        let start = message
            .range_start()
            .filter(|_| resource.ranges && resource.status == 200)?;
        let unchanged = match message.header("if-range") {
            Some(validator) => resource.etag.as_deref() == Some(validator),
            None => true,
        };
        (unchanged && start < resource.length).then_some(start)
    }

    /// Whether the connection is to be dropped at byte `at`: once for each drop.
    fn takes_drop(&self, path: &str, at: u64) -> bool {
        let mut state = self.lock();
        let Some(resource) = state.resources.get_mut(path) else {
            return false;
        };
        let before = resource.drops.len();
        resource.drops.retain(|&drop| drop != at);
        resource.drops.len() < before
    }

    fn wait_for_release(&self) {
        let mut state = self.lock();
        while !state.release {
            state = self.released.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A body on its way.
struct Body<'a> {
    shared: &'a Shared,
    stream: &'a TcpStream,
    resource: &'a Resource,
    path: &'a str,
    exchange: usize,
    at: u64,
    began: Instant,
    from: u64,
    chunked: bool,
}

impl Body<'_> {
    /// Sends it; whether all of it.
    fn send(&mut self) -> io::Result<bool> {
        let mut bytes = vec![0; PIECE as usize];
        while self.at < self.resource.length {
            if self.resource.drops.contains(&self.at) && self.shared.takes_drop(self.path, self.at) {
                return Ok(false);
            }
            if self.resource.stalls.contains(&self.at) {
                self.shared.wait_for_release();
            }
            self.wait_for_turn();
            let end = self.end_of_piece();
            let piece = &mut bytes[..(end - self.at) as usize];
            pattern::fill(self.resource.seed, self.at, piece);
            let mut stream = self.stream;
            if self.chunked {
                stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes())?;
            }
            stream.write_all(piece)?;
            if self.chunked {
                stream.write_all(b"\r\n")?;
            }
            self.shared.lock().log.sent(self.exchange, self.at, end);
            self.at = end;
        }
        Ok(true)
    }

    /// A piece ends before the next place where something happens.
    fn end_of_piece(&self) -> u64 {
        let places = self.resource.drops.iter().chain(&self.resource.stalls).copied();
        places
            .filter(|&place| place > self.at)
            .fold((self.at + PIECE).min(self.resource.length), u64::min)
    }

    /// Not faster than the rate.
    fn wait_for_turn(&self) {
        if let Some(rate) = self.resource.rate {
            let due = Duration::from_secs_f64((self.at - self.from) as f64 / rate as f64);
            thread::sleep(due.saturating_sub(self.began.elapsed()));
        }
    }
}
