//! What the tests ask of their server: `spec-tests/js/README.md` has the table.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::server::{Asked, answer};

/// The bytes that are sent at once.
const PIECE: usize = 4 << 10;

/// How long something is held at most: no test waits for longer.
const LONGEST_HOLD: Duration = Duration::from_secs(20);

/// How often it is looked whether the client of what is held is still there.
const LOOK: Duration = Duration::from_millis(10);

/// Whether a client has closed its connection.
fn is_gone(stream: &TcpStream) -> io::Result<bool> {
    stream.set_nonblocking(true)?;
    let peeked = stream.peek(&mut [0]);
    stream.set_nonblocking(false)?;
    match peeked {
        Ok(bytes) => Ok(bytes == 0),
        Err(error) => Ok(error.kind() != io::ErrorKind::WouldBlock),
    }
}

/// The handlers, and what they remember.
#[derive(Default)]
pub(crate) struct Handlers {
    state: Mutex<State>,
    released: Condvar,
}

#[derive(Default)]
struct State {
    /// The requests by their keys: method and headers.
    seen: HashMap<String, Vec<serde_json::Value>>,
    /// How many bytes of a body were sent for a key, and whether its client was gone before the last.
    connections: HashMap<String, Connection>,
    released: HashSet<String>,
}

#[derive(Clone, Copy, Default)]
struct Connection {
    sent: usize,
    is_cut: bool,
}

impl Handlers {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a request; whether the connection stays.
    pub(crate) fn answer(&self, name: &str, asked: &Asked, stream: &TcpStream) -> io::Result<bool> {
        let json = |value: &serde_json::Value| {
            let headers = [("Content-Type", "application/json")];
            answer(stream, 200, &headers, value.to_string().as_bytes()).map(|()| true)
        };
        let key = asked.query.get("key").cloned().unwrap_or_default();
        match name {
            "bytes" => {
                let answered = self.bytes(&key, asked, stream);
                if answered.is_err() {
                    self.lock().connections.entry(key).or_default().is_cut = true;
                }
                answered
            }
            "echo" => {
                let body = String::from_utf8_lossy(&asked.body[..asked.body.len().min(100)]);
                json(&serde_json::json!({
                    "method": asked.method, "headers": asked.headers, "length": asked.body.len(), "body": body,
                }))
            }
            "redirect" => {
                let to = asked.query.get("to").map_or("", String::as_str);
                let headers = [("Location", to), ("Access-Control-Allow-Origin", "*")];
                answer(stream, 302, &headers, b"").map(|()| true)
            }
            "seen" => {
                let seen = self.lock().seen.get(&key).cloned().unwrap_or_default();
                json(&seen.into())
            }
            "connection" => {
                let connection = self.lock().connections.get(&key).copied().unwrap_or_default();
                json(&serde_json::json!({ "sent": connection.sent, "cut": connection.is_cut }))
            }
            "release" => {
                self.lock().released.insert(key);
                self.released.notify_all();
                json(&serde_json::Value::Null)
            }
            _ => answer(stream, 404, &[], b"no such handler").map(|()| true),
        }
    }

    /// A body of digits, with what its query asks for.
    fn bytes(&self, key: &str, asked: &Asked, stream: &TcpStream) -> io::Result<bool> {
        let text = |name: &str| asked.query.get(name).map(String::as_str);
        let number = |name: &str| text(name).and_then(|value| value.parse::<usize>().ok());
        let length = number("length").unwrap_or(10);
        let status = number("status").unwrap_or(200);
        let tries = {
            let mut state = self.lock();
            let seen = state.seen.entry(key.to_owned()).or_default();
            seen.push(serde_json::json!({ "method": asked.method, "headers": asked.headers }));
            seen.len()
        };
        if text("hold") == Some("head") {
            self.hold(key, stream)?;
        }
        thread::sleep(Duration::from_millis(number("delay").unwrap_or(0) as u64));
        let start = self.range_start(asked).filter(|&start| start < length);
        let mut head = format!(
            "HTTP/1.1 {} x\r\nContent-Type: text/plain\r\n",
            if start.is_some() { 206 } else { status }
        );
        let from = start.unwrap_or(0);
        if start.is_some() {
            let _ = write!(head, "Content-Range: bytes {from}-{}/{length}\r\n", length - 1);
        }
        if let Some(etag) = text("etag") {
            let _ = write!(head, "ETag: \"{etag}\"\r\nAccept-Ranges: bytes\r\n");
        }
        if text("cors").is_some() {
            head += "Access-Control-Allow-Origin: *\r\nX-Hidden: 1\r\nX-Shown: 1\r\nAccess-Control-Expose-Headers: X-Shown\r\n";
        }
        let chunked = text("chunked").is_some();
        head += &if chunked {
            "Transfer-Encoding: chunked\r\n\r\n".to_owned()
        } else {
            format!("Content-Length: {}\r\n\r\n", length - from)
        };
        let mut writer = stream;
        writer.write_all(head.as_bytes())?;
        if asked.method == "HEAD" {
            return Ok(true);
        }
        let held_at = text("hold").and_then(|at| at.parse::<usize>().ok());
        // The first answer alone is cut short.
        let cut_at = number("cut").filter(|_| tries == 1);
        let mut at = from;
        while at < length {
            if held_at == Some(at) {
                self.hold(key, stream)?;
            }
            if cut_at == Some(at) {
                return Ok(false);
            }
            let places = [held_at, cut_at]
                .into_iter()
                .flatten()
                .filter(|&place| place > at);
            let end = places.fold((at + PIECE).min(length), usize::min);
            let piece: Vec<u8> = (at..end).map(|at| b'0' + (at % 10) as u8).collect();
            if chunked {
                writer.write_all(format!("{:x}\r\n", piece.len()).as_bytes())?;
            }
            writer.write_all(&piece)?;
            if chunked {
                writer.write_all(b"\r\n")?;
            }
            if let Some(rate) = number("rate") {
                thread::sleep(Duration::from_secs_f64((end - at) as f64 / rate as f64));
            }
            self.lock().connections.entry(key.to_owned()).or_default().sent += end - at;
            at = end;
        }
        if chunked {
            writer.write_all(b"0\r\n\r\n")?;
        }
        Ok(true)
    }

    /// Waits until `/handlers/release` is asked with this key; an error, where the client goes away.
    fn hold(&self, key: &str, stream: &TcpStream) -> io::Result<()> {
        let began = Instant::now();
        while began.elapsed() < LONGEST_HOLD && !is_gone(stream)? {
            let wait = |state: &mut State| !state.released.contains(key);
            let waited = self.released.wait_timeout_while(self.lock(), LOOK, wait);
            let waited = waited.unwrap_or_else(PoisonError::into_inner);
            if !waited.1.timed_out() {
                return Ok(());
            }
        }
        match is_gone(stream)? {
            true => Err(io::ErrorKind::ConnectionAborted.into()),
            false => Ok(()),
        }
    }

    /// Where the range begins that is asked for, where the resource has the version that it continues.
    fn range_start(&self, asked: &Asked) -> Option<usize> {
        let etag = asked.query.get("etag").map(|etag| format!("\"{etag}\""));
        let continues = asked.headers.get("if-range");
        if continues.is_some() && continues != etag.as_ref() {
            return None;
        }
        let range = asked.headers.get("range").filter(|_| etag.is_some())?;
        range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}
