//! [`UploadServer`]: a reference server of resumable uploads, which cuts connections where it is told to.
//!
//! <https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-resumable-upload-12>

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use background_fetch::fetch::upload::{INTEROP_VERSION, PARTIAL_UPLOAD};

use super::message::{self, Message};
use super::upload::Upload;

/// The bytes that are read at once.
const PIECE: u64 = 64 << 10;

/// The bytes that a connection takes ahead.
#[cfg(unix)]
const RECEIVE_BUFFER: usize = 512 << 10;

/// How long a client may take to see that its connection is cut.
const UNTIL_SEEN: Duration = Duration::from_millis(50);

/// How often progress is told.
const PROGRESS: u64 = 64 << 20;

/// The path of the resource that uploads target.
const TARGET: &str = "/up";

/// A server with one resource that takes `POST` and `PUT`, and an upload resource for each of them. It keeps digests, and
/// no bytes. It ends with the program.
#[derive(Clone)]
pub struct UploadServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// A request, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadExchange {
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The offset where its content begins.
    pub offset: u64,
    /// The bytes of its content that were read, kept or not.
    pub received: u64,
    /// The status; none where the connection ended before.
    pub status: Option<u16>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// By path.
    uploads: BTreeMap<String, Upload>,
    log: Vec<UploadExchange>,
    created: usize,
    script: Script,
    held: bool,
}

#[derive(Default)]
struct Script {
    /// The offsets where the connection is cut, each once.
    cuts: Vec<u64>,
    hold: Option<u64>,
    max_append_size: Option<u64>,
    silent: bool,
}

impl UploadServer {
    /// Starts a server at a free port.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        // What is on its way is lost with a connection. On loopback systems let many MiB be on their way, which no network
        // does.
        #[cfg(unix)]
        rustix::net::sockopt::set_socket_recv_buffer_size(&listener, RECEIVE_BUFFER)?;
        let server = Self {
            address: listener.local_addr()?,
            shared: Arc::default(),
        };
        let shared = Arc::clone(&server.shared);
        super::accept("uploads", listener, move |stream| shared.serve(stream))?;
        Ok(server)
    }

    /// The URL that takes uploads.
    pub fn url(&self) -> String {
        format!("http://{}{TARGET}", self.address)
    }

    /// Cuts the connection, once, when so many bytes are kept.
    pub fn cut_at(&self, offset: u64) {
        self.shared.lock().script.cuts.push(offset);
    }

    /// Reads nothing more when so many bytes are kept, until [`release`](Self::release).
    pub fn hold_at(&self, offset: u64) {
        self.shared.lock().script.hold = Some(offset);
    }

    /// Waits until a connection is held.
    pub fn wait_until_held(&self) {
        let state = self.shared.lock();
        let held = self.shared.changed.wait_while(state, |state| !state.held);
        drop(held.unwrap_or_else(PoisonError::into_inner));
    }

    /// Lets go of what is held, and holds nothing again.
    pub fn release(&self) {
        let mut state = self.shared.lock();
        (state.script.hold, state.held) = (None, false);
        self.shared.changed.notify_all();
    }

    /// Takes at most so many bytes in one append, and says so.
    pub fn max_append_size(&self, bytes: u64) {
        self.shared.lock().script.max_append_size = Some(bytes);
    }

    /// Does not say that it has upload resources: a server without resumable uploads.
    pub fn silent(&self) {
        self.shared.lock().script.silent = true;
    }

    /// Forgets every upload.
    pub fn forget(&self) {
        self.shared.lock().uploads.clear();
    }

    /// Every request, in the order in which they came.
    pub fn exchanges(&self) -> Vec<UploadExchange> {
        self.shared.lock().log.clone()
    }

    /// The bytes of content that were read in all, kept or not.
    pub fn received(&self) -> u64 {
        self.shared
            .lock()
            .log
            .iter()
            .map(|exchange| exchange.received)
            .sum()
    }

    /// The SHA-256 of each upload that is complete, in hexadecimal digits.
    pub fn completed(&self) -> Vec<String> {
        let state = self.shared.lock();
        let digests = state.uploads.values().filter_map(Upload::sha256);
        digests.map(str::to_owned).collect()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream);
        while let Some(message) = message::read_head(&mut reader)? {
            let number = {
                let mut state = self.lock();
                state.log.push(UploadExchange {
                    method: message.method.clone(),
                    path: message.path.clone(),
                    offset: integer(&message, "upload-offset").unwrap_or(0),
                    received: 0,
                    status: None,
                });
                state.log.len() - 1
            };
            let mut request = Request {
                shared: self,
                stream,
                reader: &mut reader,
                message,
                number,
            };
            let Some(answer) = request.answer()? else {
                break;
            };
            self.lock().log[number].status = Some(answer.status);
            request.write(&answer.head())?;
            // What was not read of its content stands before the next request; and a client that is cut off while it
            // writes may miss the answer.
            if !answer.whole {
                stream.shutdown(Shutdown::Write)?;
                io::copy(&mut reader, &mut io::sink())?;
                break;
            }
        }
        Ok(())
    }
}

/// An answer.
struct Answer {
    status: u16,
    fields: String,
    body: String,
    /// Whether the content was read to its end.
    whole: bool,
}

impl Answer {
    fn new(status: u16, fields: impl Into<String>) -> Self {
        Self {
            status,
            fields: fields.into(),
            body: String::new(),
            whole: true,
        }
    }

    /// A problem of the protocol's own.
    fn problem(status: u16, fields: &str, kind: &str) -> Self {
        let fields = format!("{fields}Upload-Complete: ?0\r\nContent-Type: application/problem+json\r\n");
        Self {
            body: format!("{{\"type\":\"https://iana.org/assignments/http-problem-types#{kind}\"}}"),
            whole: false,
            ..Self::new(status, fields)
        }
    }

    fn head(&self) -> String {
        let Self {
            status, fields, body, ..
        } = self;
        let length = match status {
            204 => String::new(),
            _ => format!("Content-Length: {}\r\n", body.len()),
        };
        format!("HTTP/1.1 {status} x\r\n{fields}{length}\r\n{body}")
    }
}

/// A request that is answered.
struct Request<'a, 'stream> {
    shared: &'a Shared,
    stream: &'stream TcpStream,
    reader: &'a mut BufReader<&'stream TcpStream>,
    message: Message,
    number: usize,
}

impl Request<'_, '_> {
    /// None where the connection ended.
    fn answer(&mut self) -> io::Result<Option<Answer>> {
        let path = self.message.path.clone();
        match self.message.method.as_str() {
            "POST" | "PUT" if path == TARGET => self.create(),
            "HEAD" => Ok(Some(self.offset(&path))),
            "PATCH" => self.append(&path),
            "DELETE" => {
                let known = self.shared.lock().uploads.remove(&path).is_some();
                Ok(Some(Answer::new(if known { 204 } else { 404 }, "")))
            }
            _ => Ok(Some(Answer::new(404, ""))),
        }
    }

    /// Upload creation. Without resumption it is a request as ever.
    fn create(&mut self) -> io::Result<Option<Answer>> {
        let length = integer(&self.message, "content-length").unwrap_or(0);
        if integer(&self.message, "upload-length").is_some_and(|said| said != length) {
            return Ok(Some(Answer::problem(400, "", "inconsistent-upload-length")));
        }
        let (path, turn, offers) = {
            let mut state = self.shared.lock();
            state.created += 1;
            let path = format!("/uploads/{}", state.created);
            let mut upload = Upload::new(length);
            let turn = upload.take_turn();
            state.uploads.insert(path.clone(), upload);
            let version = self.message.header("upload-draft-interop-version");
            let speaks = version.map(str::as_bytes) == Some(INTEROP_VERSION.as_bytes())
                && self.message.header("upload-complete") == Some("?1");
            (path, turn, speaks && !state.script.silent)
        };
        if offers {
            let limit = self.limit();
            self.informational(&format!("Location: {path}\r\n{limit}"))?;
        }
        let whole = self.keep(&path, turn, length, offers)?;
        Ok(whole.then(|| self.complete(&path)).flatten())
    }

    /// Offset retrieval.
    fn offset(&mut self, path: &str) -> Answer {
        let limit = self.limit();
        let mut state = self.shared.lock();
        let Some(upload) = state.uploads.get_mut(path) else {
            return Answer::new(404, "");
        };
        // Nothing is added to what is said now, unless it is appended after.
        upload.take_turn();
        let (offset, length) = (upload.offset, upload.length);
        let complete = u8::from(upload.is_complete());
        let fields = format!(
            "Upload-Offset: {offset}\r\nUpload-Complete: ?{complete}\r\nUpload-Length: {length}\r\n{limit}\
             Cache-Control: no-store\r\n"
        );
        Answer::new(204, fields)
    }

    /// Upload append.
    fn append(&mut self, path: &str) -> io::Result<Option<Answer>> {
        let content = integer(&self.message, "content-length").unwrap_or(0);
        let last = self.message.header("upload-complete") == Some("?1");
        let turn = {
            let mut state = self.shared.lock();
            let limit = state.script.max_append_size;
            let Some(upload) = state.uploads.get_mut(path) else {
                return Ok(Some(Answer {
                    whole: content == 0,
                    ..Answer::new(404, "")
                }));
            };
            let offset = upload.offset;
            if integer(&self.message, "upload-offset") != Some(offset) {
                let fields = format!("Upload-Offset: {offset}\r\n");
                return Ok(Some(Answer::problem(409, &fields, "mismatching-upload-offset")));
            }
            let media_type = self.message.header("content-type").map(str::as_bytes);
            if media_type != Some(PARTIAL_UPLOAD.as_bytes()) {
                return Ok(Some(Answer::problem(415, "", "about:blank")));
            }
            if limit.is_some_and(|limit| content > limit) {
                return Ok(Some(Answer::problem(413, "", "about:blank")));
            }
            let rest = upload.length - offset;
            if content > rest || (last && content != rest) {
                return Ok(Some(Answer::problem(400, "", "inconsistent-upload-length")));
            }
            upload.take_turn()
        };
        if !self.keep(path, turn, content, true)? {
            return Ok(None);
        }
        if last {
            return Ok(self.complete(path));
        }
        Ok(Some(Answer::new(204, "Upload-Complete: ?0\r\n")))
    }

    /// What the targeted resource answers to an upload that is complete.
    fn complete(&self, path: &str) -> Option<Answer> {
        let body = self.shared.lock().uploads.get_mut(path)?.complete();
        Some(Answer {
            body,
            ..Answer::new(200, "Upload-Complete: ?1\r\nContent-Type: text/plain\r\n")
        })
    }

    /// Reads content, and keeps what arrives of it. False where the connection is to end.
    fn keep(&mut self, path: &str, turn: u64, content: u64, tells: bool) -> io::Result<bool> {
        let mut bytes = vec![0; PIECE as usize];
        let (mut rest, mut told) = (content, 0);
        while rest > 0 {
            let piece = self.end_of_piece(path).min(rest) as usize;
            let read = self.reader.read(&mut bytes[..piece])?;
            let kept = {
                let mut state = self.shared.lock();
                state.log[self.number].received += read as u64;
                let upload = state.uploads.get_mut(path);
                upload.is_some_and(|upload| upload.append(turn, &bytes[..read]))
            };
            if read == 0 || !kept {
                return Ok(false);
            }
            rest -= read as u64;
            told += read as u64;
            if tells && told >= PROGRESS {
                told = 0;
                let offset = self.kept(path);
                self.informational(&format!("Upload-Offset: {offset}\r\n"))?;
            }
            if self.is_cut(path) {
                self.cut()?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn kept(&self, path: &str) -> u64 {
        let state = self.shared.lock();
        state.uploads.get(path).map_or(0, |upload| upload.offset)
    }

    /// A piece ends before the next place where something happens.
    fn end_of_piece(&self, path: &str) -> u64 {
        let offset = self.kept(path);
        let state = self.shared.lock();
        let places = state.script.cuts.iter().chain(&state.script.hold).copied();
        let next = places.filter(|place| *place > offset).min();
        next.map_or(PIECE, |place| PIECE.min(place - offset))
    }

    /// Whether the connection is to be cut here; before that it may be held.
    fn is_cut(&self, path: &str) -> bool {
        let offset = self.kept(path);
        let mut state = self.shared.lock();
        if state.script.hold == Some(offset) {
            state.held = true;
            self.shared.changed.notify_all();
            let released = self.shared.changed.wait_while(state, |state| state.held);
            state = released.unwrap_or_else(PoisonError::into_inner);
        }
        let before = state.script.cuts.len();
        state.script.cuts.retain(|cut| *cut != offset);
        state.script.cuts.len() < before
    }

    /// Cuts the connection, and counts what was in flight then: that is lost. A server that is gone takes nothing
    /// more, so the client has the time to see the end before its bytes are counted.
    fn cut(&mut self) -> io::Result<()> {
        let mut bytes = vec![0; PIECE as usize];
        self.stream.shutdown(Shutdown::Write)?;
        thread::sleep(UNTIL_SEEN);
        while let Ok(read @ 1..) = self.reader.read(&mut bytes) {
            self.shared.lock().log[self.number].received += read as u64;
        }
        Ok(())
    }

    fn informational(&self, fields: &str) -> io::Result<()> {
        let version = INTEROP_VERSION;
        let version = version.to_str().unwrap_or_default();
        self.write(&format!(
            "HTTP/1.1 104 Upload Resumption Supported\r\nUpload-Draft-Interop-Version: {version}\r\n{fields}\r\n"
        ))
    }

    fn limit(&self) -> String {
        match self.shared.lock().script.max_append_size {
            Some(limit) => format!("Upload-Limit: max-append-size={limit}\r\n"),
            None => "Upload-Limit: min-size=0\r\n".to_owned(),
        }
    }

    fn write(&self, text: &str) -> io::Result<()> {
        let mut stream = self.stream;
        stream.write_all(text.as_bytes())
    }
}

fn integer(message: &Message, name: &str) -> Option<u64> {
    message.header(name)?.parse().ok()
}
