//! `BackgroundFetchRecord`.

use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{Shared, ready};
use futures::stream::{LocalBoxStream, Stream, StreamExt, try_unfold};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE};

use super::Promise;
use super::realm::{RealmInner, Settled, unexpected_reply};
use crate::Exception;
use crate::fetch::{Request, ResponseHead};
use crate::seam::{Call, RecordSnapshot, Reply, ResponseDataKey};

/// Creates record objects.
///
/// <https://wicg.github.io/background-fetch/#create-settled-fetches-algorithm>
pub(super) fn create_record_objects(
    realm: &Rc<RealmInner>,
    records: Vec<RecordSnapshot>,
) -> Vec<BackgroundFetchRecord> {
    // 1 to 3. An object for each record, in order.
    records
        .into_iter()
        .map(|record| BackgroundFetchRecord::new(realm, record))
        .collect()
}

/// A record object: a request and, in time, its response.
///
/// As long as it or its response's body is held, the bytes stay in storage, whatever becomes of the background
/// fetch; unless its registration is cleared.
///
/// <https://wicg.github.io/background-fetch/#background-fetch-record-interface>
#[derive(Clone)]
pub struct BackgroundFetchRecord {
    inner: Rc<Inner>,
}

struct Inner {
    hold: Rc<Hold>,
    request: Arc<Request>,
    /// The response, where it was here when the object was made.
    ready: Option<Arc<ResponseHead>>,
    /// The response promise, made when it is first asked for.
    response_ready: RefCell<Option<Shared<Promise<RecordResponse>>>>,
}

/// Keeps the engine from removing what a record object may still read.
struct Hold {
    realm: Rc<RealmInner>,
    response: ResponseDataKey,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.realm.release_record(self.response.record.fetch);
    }
}

impl PartialEq for BackgroundFetchRecord {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.inner, &other.inner)
    }
}

impl fmt::Debug for BackgroundFetchRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BackgroundFetchRecord")
            .field(&self.inner.request.url.as_str())
            .finish()
    }
}

impl BackgroundFetchRecord {
    /// <https://wicg.github.io/background-fetch/#create-settled-fetches-algorithm>, 2.
    fn new(realm: &Rc<RealmInner>, snapshot: RecordSnapshot) -> Self {
        // 2.1 to 2.5. The response data, and a request object with a copy of the request.
        let hold = Rc::new(Hold {
            realm: Rc::clone(realm),
            response: snapshot.response,
        });
        let inner = Inner {
            hold,
            request: snapshot.request,
            ready: snapshot.ready,
            response_ready: RefCell::default(),
        };
        Self {
            inner: Rc::new(inner),
        }
    }

    /// The request, with its body. The binding makes one `Request` object of it.
    pub fn request(&self) -> RecordRequest {
        RecordRequest {
            hold: Rc::clone(&self.inner.hold),
            request: Arc::clone(&self.inner.request),
        }
    }

    /// The place of its record in the background fetch.
    pub fn key(&self) -> crate::RecordKey {
        self.inner.hold.response.record
    }

    /// The response promise, the same each time: resolves when the head of the response is here, while its body
    /// still arrives; where the request has integrity metadata, when all of it is checked (errata 37).
    ///
    /// # Errors
    ///
    /// `AbortError` where the background fetch was aborted before it was complete, `TypeError` where there is no
    /// response that may be exposed.
    pub fn response_ready(&self) -> Promise<RecordResponse> {
        let mut promise = self.inner.response_ready.borrow_mut();
        let promise = promise.get_or_insert_with(|| {
            let hold = Rc::clone(&self.inner.hold);
            // It was here when the object was made.
            if let Some(response) = self.inner.ready.clone() {
                return ready(Ok(RecordResponse::new(hold, response)))
                    .boxed_local()
                    .shared();
            }
            // 2.9. What runs in parallel is the engine's.
            let reply = hold.realm.call(Call::ResponseReady(hold.response), Vec::new());
            let answer = async move {
                match reply.await? {
                    Settled::Other(Reply::Response(response)) => Ok(RecordResponse::new(hold, response)),
                    _ => Err(unexpected_reply()),
                }
            };
            answer.boxed_local().shared()
        });
        Box::pin(promise.clone())
    }
}

/// A record's request and its body.
pub struct RecordRequest {
    hold: Rc<Hold>,
    request: Arc<Request>,
}

impl RecordRequest {
    /// The request.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Its body, read from storage; none where it has none. Each call reads it from the start.
    pub fn body(&self) -> Option<Body> {
        self.request.body_length?;
        let record = self.hold.response.record;
        Some(Body::new(&self.hold, move |offset| Call::ReadRequest {
            record,
            offset,
        }))
    }
}

/// The response of a record: a head, and a body that is taken once.
#[derive(Clone)]
pub struct RecordResponse {
    head: Arc<ResponseHead>,
    body: Rc<RefCell<Option<Body>>>,
}

impl RecordResponse {
    fn new(hold: Rc<Hold>, head: Arc<ResponseHead>) -> Self {
        // A null body status has no body (errata 24).
        let body = (!head.has_null_body_status()).then(|| {
            let response = hold.response;
            Body::new(&hold, move |offset| Call::ReadResponse { response, offset })
        });
        Self {
            head,
            body: Rc::new(RefCell::new(body)),
        }
    }

    /// The status, the URL list and the type; its headers are in full: scripts may see [`headers`](Self::headers).
    pub fn head(&self) -> &ResponseHead {
        &self.head
    }

    /// The headers that scripts may see, without those that told of a part.
    pub fn headers(&self) -> HeaderMap {
        let mut headers = self.head.exposed_headers();
        // 2.9.2.2 and 2.9.2.3.
        headers.remove(CONTENT_RANGE);
        headers.remove(CONTENT_LENGTH);
        headers
    }

    /// Takes the body; none where it has none, or where it was taken.
    pub fn take_body(&self) -> Option<Body> {
        self.body.borrow_mut().take()
    }
}

impl fmt::Debug for RecordResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RecordResponse").field(&self.head.status).finish()
    }
}

/// A body as a stream of bytes, pulled from storage as it is read, while it still arrives.
///
/// Errs with `AbortError` or `TypeError` where the rest will not come.
pub struct Body(LocalBoxStream<'static, Result<Bytes, Exception>>);

impl Body {
    fn new(hold: &Rc<Hold>, pull: impl Fn(u64) -> Call + 'static) -> Self {
        let (hold, pull) = (Rc::clone(hold), Rc::new(pull));
        let stream = try_unfold(0, move |transmitted_bytes| {
            let reply = hold.realm.call(pull(transmitted_bytes), Vec::new());
            async move {
                match reply.await? {
                    Settled::Other(Reply::Bytes(Some(bytes))) => {
                        let transmitted_bytes = transmitted_bytes + bytes.len() as u64;
                        Ok(Some((bytes, transmitted_bytes)))
                    }
                    Settled::Other(Reply::Bytes(None)) => Ok(None),
                    _ => Err(unexpected_reply()),
                }
            }
        });
        Self(stream.boxed_local())
    }

    /// Reads all of it into memory.
    ///
    /// # Errors
    ///
    /// The stream's.
    pub async fn bytes(mut self) -> Result<Vec<u8>, Exception> {
        let mut all = Vec::new();
        while let Some(bytes) = self.next().await {
            all.extend_from_slice(&bytes?);
        }
        Ok(all)
    }
}

impl Stream for Body {
    type Item = Result<Bytes, Exception>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(cx)
    }
}
