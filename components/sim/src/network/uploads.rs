//! [`UploadServer`]: a scripted server that keeps what arrives of an upload.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;

use background_fetch::embedder::{FetchEvent, FetchStream, NetworkError, NetworkRequest};
use background_fetch::fetch::upload::{
    FALSE, INTEROP_VERSION, TRUE, UPLOAD_COMPLETE, UPLOAD_DRAFT_INTEROP_VERSION, UPLOAD_LIMIT, UPLOAD_OFFSET,
    upload_complete, upload_offset,
};
use background_fetch::fetch::{BodyStream, ResponseHead};
use bytes::Bytes;
use futures::StreamExt;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use parking_lot::Mutex;
use url::Url;

type Event = Result<FetchEvent, NetworkError>;

/// A scripted server with resumable uploads: what it targets at one URL, its only upload resource at another.
///
/// A handle: its clones are the same server. [`ScriptedNetwork::serve_upload`](super::ScriptedNetwork::serve_upload)
/// puts it up. It answers an upload that is whole with "stored" and the number of bytes.
#[derive(Clone)]
pub struct UploadServer {
    upload: Url,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    script: Script,
    /// What it has of the representation.
    bytes: Vec<u8>,
    /// Whether it has answered.
    complete: bool,
    /// Whether the upload resource is there, since a creation.
    created: bool,
    creations: u32,
    cancelled: bool,
    received: u64,
}

#[derive(Clone, Default)]
struct Script {
    /// What happens to the next requests that have a body, one after the other.
    troubles: VecDeque<UploadTrouble>,
    silent: bool,
    limit: Option<u64>,
    /// The status of everything about the upload resource.
    refuses: Option<StatusCode>,
    /// What is said in place of the offset, one after the other.
    offsets: VecDeque<u64>,
}

/// What goes wrong with a request that has a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadTrouble {
    /// Nothing.
    None,
    /// The connection breaks after so many bytes, which the server has.
    Drop(u64),
    /// The connection breaks after so many bytes, of which the server loses the last `lost`.
    DropAndLose {
        /// The bytes that were sent.
        after: u64,
        /// The bytes of them that the server does not have.
        lost: u64,
    },
    /// Nothing moves after so many bytes.
    Stall(u64),
    /// All bytes arrive, and the connection breaks before the answer.
    LoseAnswer,
    /// It is answered with this status, and its bytes are not taken.
    Refuse(u16),
}

impl UploadServer {
    /// A server with its upload resource at this URL.
    ///
    /// # Panics
    ///
    /// When the URL does not parse.
    pub fn new(upload: &str) -> Self {
        Self {
            upload: Url::parse(upload).unwrap_or_else(|error| panic!("{upload:?}: {error}")),
            state: Arc::default(),
        }
    }

    /// Adds what goes wrong with the next requests that have a body, one after the other.
    pub fn troubles(&self, troubles: impl IntoIterator<Item = UploadTrouble>) {
        self.state.lock().script.troubles.extend(troubles);
    }

    /// Lets nothing go wrong any more.
    pub fn mend(&self) {
        self.state.lock().script = Script::default();
    }

    /// Never says that it keeps what arrives: its informational response is lost.
    pub fn silent(&self) {
        self.state.lock().script.silent = true;
    }

    /// Takes at most so many bytes in one append, and says so.
    pub fn limit(&self, bytes: u64) {
        self.state.lock().script.limit = Some(bytes);
    }

    /// Answers everything about the upload resource with this status from now on.
    ///
    /// # Panics
    ///
    /// When it is no status.
    pub fn refuse(&self, status: u16) {
        let status = StatusCode::from_u16(status).expect("a status from 100 to 999");
        self.state.lock().script.refuses = Some(status);
    }

    /// Says these offsets in place of the true ones, one after the other.
    pub fn lie(&self, offsets: impl IntoIterator<Item = u64>) {
        self.state.lock().script.offsets.extend(offsets);
    }

    /// What it has of the representation.
    pub fn bytes(&self) -> Vec<u8> {
        self.state.lock().bytes.clone()
    }

    /// The bytes of request bodies that were sent to it, in all.
    pub fn received(&self) -> u64 {
        self.state.lock().received
    }

    /// The uploads that were created.
    pub fn creations(&self) -> u32 {
        self.state.lock().creations
    }

    /// Whether the upload was cancelled.
    pub fn was_cancelled(&self) -> bool {
        self.state.lock().cancelled
    }

    /// The URL of its upload resource.
    pub(super) fn upload(&self) -> &Url {
        &self.upload
    }

    /// Answers a request, to the target or to the upload resource.
    pub(super) fn answer(&self, request: NetworkRequest) -> FetchStream {
        let server = self.clone();
        let exchange = Exchange {
            body: request.body.as_ref().map(|body| body.open()),
            trouble: None,
            server,
            request,
            sent: 0,
            phase: Phase::Begin,
        };
        futures::stream::unfold(exchange, |mut exchange| async {
            let event = exchange.next().await?;
            Some((event, exchange))
        })
        .boxed()
    }
}

/// One request.
struct Exchange {
    server: UploadServer,
    request: NetworkRequest,
    body: Option<BodyStream>,
    trouble: Option<UploadTrouble>,
    /// The bytes of its body that were sent.
    sent: u64,
    phase: Phase,
}

enum Phase {
    Begin,
    Body,
    End(Vec<Event>),
}

/// The bytes of a body that move at once.
const PIECE: usize = 100;

impl Exchange {
    async fn next(&mut self) -> Option<Event> {
        loop {
            match &mut self.phase {
                Phase::Begin => {
                    self.phase = self.begin();
                    if self.names_its_upload() {
                        let upload = self.server.upload.clone();
                        return Some(Ok(FetchEvent::UploadResumable { upload }));
                    }
                }
                Phase::Body => match self.transmit().await {
                    Some(transmitted) => return Some(transmitted),
                    None => self.phase = Phase::End(self.end()),
                },
                Phase::End(events) => return events.pop(),
            }
        }
    }

    fn begin(&mut self) -> Phase {
        let mut state = self.server.state.lock();
        let headers = &self.request.request.headers;
        match self.request.request.method {
            Method::HEAD => {
                let offset = state.script.offsets.pop_front();
                let offset = offset.unwrap_or(state.bytes.len() as u64);
                let status = state.upload_status().unwrap_or(StatusCode::NO_CONTENT);
                let mut answer = state.head(status);
                answer.insert(UPLOAD_OFFSET, HeaderValue::from(offset));
                drop(state);
                return Phase::End(self.response(status, answer, ""));
            }
            Method::DELETE => {
                state.cancelled = true;
                drop(state);
                return Phase::End(self.response(StatusCode::NO_CONTENT, HeaderMap::new(), ""));
            }
            Method::PATCH if self.is_append() => {
                let refused = state.upload_status();
                let matches = upload_offset(headers) == Some(state.bytes.len() as u64);
                if let Some(status) = refused.or((!matches).then_some(StatusCode::CONFLICT)) {
                    let answer = state.head(status);
                    drop(state);
                    return Phase::End(self.response(status, answer, ""));
                }
            }
            _ => {
                state.creations += 1;
                state.created = true;
                state.bytes.clear();
            }
        }
        let trouble = state.script.troubles.pop_front();
        self.trouble = trouble;
        if let Some(UploadTrouble::Refuse(status)) = trouble {
            let status = StatusCode::from_u16(status).expect("a status from 100 to 999");
            let answer = state.head(status);
            drop(state);
            return Phase::End(self.response(status, answer, ""));
        }
        Phase::Body
    }

    fn is_append(&self) -> bool {
        self.request.request.url == self.server.upload
    }

    fn names_its_upload(&self) -> bool {
        let headers = &self.request.request.headers;
        let speaks = headers.get(UPLOAD_DRAFT_INTEROP_VERSION) == Some(&INTEROP_VERSION)
            && upload_complete(headers).is_some();
        let silent = self.server.state.lock().script.silent;
        speaks && !silent && !self.is_append()
    }

    /// Takes a piece of the body; none at its end.
    async fn transmit(&mut self) -> Option<Event> {
        let after = match self.trouble {
            Some(UploadTrouble::Drop(after) | UploadTrouble::Stall(after)) => after,
            Some(UploadTrouble::DropAndLose { after, .. }) => after,
            _ => u64::MAX,
        };
        if self.sent >= after {
            match self.trouble {
                Some(UploadTrouble::Stall(_)) => return pending().await,
                Some(UploadTrouble::DropAndLose { lost, .. }) => {
                    let mut state = self.server.state.lock();
                    let kept = state.bytes.len().saturating_sub(lost as usize);
                    state.bytes.truncate(kept);
                }
                _ => {}
            }
            self.phase = Phase::End(Vec::new());
            return Some(Err(self.broken()));
        }
        let mut piece = match self.body.as_mut()?.next().await? {
            Ok(piece) => piece,
            Err(why) => {
                self.phase = Phase::End(Vec::new());
                return Some(Err(NetworkError::fatal(why)));
            }
        };
        let length = piece.len().min(PIECE);
        let length = usize::try_from(after - self.sent).map_or(length, |room| length.min(room));
        let taken = piece.split_to(length);
        if !piece.is_empty() {
            let rest = futures::stream::once(async { Ok(piece) });
            self.body = self.body.take().map(|body| rest.chain(body).boxed());
        }
        self.sent += length as u64;
        let mut state = self.server.state.lock();
        state.received += length as u64;
        state.bytes.extend_from_slice(&taken);
        Some(Ok(FetchEvent::Transmitted(self.sent)))
    }

    /// The answer to a request whose content is here.
    fn end(&self) -> Vec<Event> {
        let mut state = self.server.state.lock();
        if upload_complete(&self.request.request.headers) == Some(false) {
            let answer = state.head(StatusCode::NO_CONTENT);
            drop(state);
            return self.response(StatusCode::NO_CONTENT, answer, "");
        }
        state.complete = true;
        let body = format!("stored {}", state.bytes.len());
        let answer = state.head(StatusCode::OK);
        drop(state);
        if self.trouble == Some(UploadTrouble::LoseAnswer) {
            return vec![Err(self.broken())];
        }
        self.response(StatusCode::OK, answer, &body)
    }

    /// A response, its last event first.
    fn response(&self, status: StatusCode, headers: HeaderMap, body: &str) -> Vec<Event> {
        let head = ResponseHead::new(self.request.request.url.clone(), status, headers);
        let mut events = Vec::new();
        if !body.is_empty() {
            events.push(Ok(FetchEvent::Body(Bytes::copy_from_slice(body.as_bytes()))));
        }
        events.push(Ok(FetchEvent::Response(Box::new(head))));
        events
    }

    fn broken(&self) -> NetworkError {
        let url = &self.request.request.url;
        NetworkError::temporary(format!("cannot fetch {url}: the connection broke"))
    }
}

impl State {
    fn upload_status(&self) -> Option<StatusCode> {
        let gone = (!self.created).then_some(StatusCode::NOT_FOUND);
        self.script.refuses.or(gone)
    }

    /// The fields that every response has.
    fn head(&self, status: StatusCode) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if status.is_success() || status == StatusCode::CONFLICT {
            headers.insert(UPLOAD_OFFSET, HeaderValue::from(self.bytes.len()));
            headers.insert(UPLOAD_COMPLETE, if self.complete { TRUE } else { FALSE });
        }
        if let Some(limit) = self.script.limit {
            let limit = format!("max-append-size={limit}");
            headers.insert(
                UPLOAD_LIMIT,
                HeaderValue::try_from(limit).expect("a header value"),
            );
        }
        headers
    }
}
