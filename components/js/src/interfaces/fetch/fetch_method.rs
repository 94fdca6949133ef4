//! `fetch()`.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use background_fetch::embedder::{BodySource, NetworkError, NetworkRequest};
use background_fetch::fetch::{BodyStream, RequestBody};
use background_fetch::{Exception, ExceptionName};
use bytes::Bytes;
use futures::future::abortable;
use futures::{StreamExt, TryStreamExt, stream};
use http::HeaderValue;
use http::header::ACCEPT_LANGUAGE;

use super::controller::Controller;
use super::scheme_fetch::{Fetched, scheme_fetch};
use super::{Request, Response, body};
use crate::bindings::{RequestInfo, RequestInit};
use crate::engine::{Cx, Promise, Value};
use crate::host::service_workers::{FetchForWorker, ServiceWorkers, WorkerResponse};
use crate::host::{Host, Level};
use crate::interfaces::service_workers::controlling_worker;
use crate::interfaces::{AbortSignal, Failure, console};
use crate::realm::{ChargedBytes, Realm, Room};
use crate::webidl::{Error, Fallible, Ref, Settles, charge_for, rejected};

/// Fetches, for a script.
///
/// The network sends bodies of a known length: a stream is read to its end before anything is sent.
///
/// <https://fetch.spec.whatwg.org/#dom-global-fetch>
///
/// # Errors
///
/// What the constructor of `Request` throws; the binding rejects the promise with it.
pub fn fetch<'js>(
    cx: &Cx<'js>,
    input: RequestInfo<'js>,
    init: RequestInit<'js>,
) -> Fallible<'js, Promise<'js>> {
    // 2 and 3.
    let request = Request::of(cx, input, init)?;
    let signal = Request::signal_of(&request, cx)?;
    // 4.
    if signal.is_aborted() {
        let reason = AbortSignal::abort_reason(&signal, cx);
        return abort_at_once(cx, &request, reason);
    }
    // 1 and 5 to 12.
    let realm = Realm::of(cx);
    let client = Arc::new(realm.client());
    let mut sent = request.to_component()?;
    // https://fetch.spec.whatwg.org/#concept-fetch, 14.
    if !sent.headers.contains_key(ACCEPT_LANGUAGE) {
        let languages = Host::of(cx).navigator.languages.join(", ");
        if let Ok(languages) = HeaderValue::try_from(languages) {
            sent.headers.insert(ACCEPT_LANGUAGE, languages);
        }
    }
    let blob = request.blob_url_entry().cloned();
    let body = Request::take_body(&request, cx)?;
    let url = sent.url.clone();
    let room = Room::of(cx);
    let kept_alive = KeptAlive::clone(&realm.data::<KeptAlive>());
    let host = Host::of(cx);
    let network = Arc::clone(&host.network);
    let controller_of_client = controlling_worker(cx).filter(|_| matches!(url.scheme(), "http" | "https"));
    let asked = url.clone();
    let response = async move {
        let body = whole(body, &room).await?;
        sent.body_length = body.as_ref().map(|body| body.length());
        let length = sent.body_length.filter(|_| sent.keepalive).unwrap_or_default();
        let _in_flight = kept_alive.add(length).map_err(NetworkError::fatal)?;
        // The worker that controls the client comes first.
        if let Some((worker, client_id)) = controller_of_client {
            let fetch = FetchForWorker {
                request: sent.clone(),
                body: body.clone(),
                client_id,
                resulting_client_id: String::new(),
            };
            let answered = ServiceWorkers::handle_fetch(&host, &worker, fetch).await;
            if let Some(response) = answered.map_err(NetworkError::fatal)? {
                return Ok(from_worker(response, asked));
            }
        }
        let request = NetworkRequest {
            request: sent,
            client,
            range: None,
            body,
        };
        scheme_fetch(&*network, request, blob, &room).await
    };
    let charge = charge_for(cx, &response)?;
    let (promise, settles) = Settles::new(cx)?;
    let (response, stop) = abortable(response);
    // 11. What happens when it is aborted.
    let controller = Controller::new(settles, stop);
    let ends = controller.follow(cx, &signal)?;
    realm.spawn_then(response, move |cx, response| {
        let _charge = charge;
        // Aborted: the promise was rejected then.
        let Ok(response) = response else { return };
        let Some(settles) = controller.take_settles() else {
            return;
        };
        let outcome = match response {
            Ok(Fetched { head, body }) => {
                let body = body.map(|body| controller.watch(body, ends));
                let response = Response::from_head(cx, &head, &head.exposed_headers(), body);
                response.and_then(|response| {
                    controller.set_response(cx, &response)?;
                    Ok(response.value())
                })
            }
            Err(error) => Err(network_error(cx, &url, &error)),
        };
        settles.settle(cx, outcome);
    });
    Ok(promise)
}

/// The response of a worker. What it made itself is at the URL that was asked for.
fn from_worker(response: WorkerResponse, url: url::Url) -> Fetched {
    let WorkerResponse { mut head, body } = response;
    if head.url_list.is_empty() {
        head.url_list.push(url);
    }
    let has_body = !head.has_null_body_status();
    let body = body.filter(|_| has_body).map(|body| {
        let bytes = body.map(|bytes| {
            // Not why, as of a network error.
            let message = "the response's body broke off";
            bytes.map_err(|_| Failure::from(Exception::new(ExceptionName::TypeError, message)))
        });
        bytes.boxed_local()
    });
    Fetched { head, body }
}

/// Step 4.
///
/// <https://fetch.spec.whatwg.org/#abort-fetch>
fn abort_at_once<'js>(
    cx: &Cx<'js>,
    request: &Ref<'js, Request>,
    reason: Value<'js>,
) -> Fallible<'js, Promise<'js>> {
    body::cancel(request, cx, &reason)?;
    rejected(cx, &Error::Thrown(reason))
}

/// What a script is told of a network error: not why. Another origin's answers are none of its business; the console says it to
/// whoever looks there.
fn network_error<'js>(cx: &Cx<'js>, url: &url::Url, error: &NetworkError) -> Error<'js> {
    console::print(cx, Level::Error, &format!("fetch(): {}", error.message));
    let shown: String = url.as_str().chars().take(200).collect();
    Error::type_error(format!("cannot fetch {shown}; the console says why"))
}

/// A body whose bytes are here.
struct Held(Bytes);

impl BodySource for Held {
    fn length(&self) -> u64 {
        self.0.len() as u64
    }

    fn open(&self) -> BodyStream {
        let bytes = Some(self.0.clone()).filter(|bytes| !bytes.is_empty());
        stream::iter(bytes.map(Ok)).boxed()
    }
}

/// The whole body: the network sends a length with it.
async fn whole(body: Option<RequestBody>, room: &Room) -> Result<Option<Arc<dyn BodySource>>, NetworkError> {
    let bytes = match body {
        None => return Ok(None),
        Some(RequestBody::Bytes(bytes)) => bytes,
        Some(RequestBody::Stream(mut stream)) => {
            let mut all = ChargedBytes::default();
            while let Some(bytes) = stream.try_next().await.map_err(NetworkError::fatal)? {
                all.extend(room, &bytes).map_err(NetworkError::fatal)?;
            }
            all.into_bytes()
        }
    };
    Ok(Some(Arc::new(Held(bytes))))
}

/// The most bytes of bodies that requests with keepalive may have on their way together.
const MOST_KEPT_ALIVE: u64 = 64 << 10;

/// The bytes of bodies that a realm's requests with keepalive have on their way.
///
/// <https://fetch.spec.whatwg.org/#concept-http-network-or-cache-fetch>, 8.10.
#[derive(Clone, Default)]
struct KeptAlive(Rc<Cell<u64>>);

/// A part of them, until it is dropped.
struct InFlight {
    all: KeptAlive,
    length: u64,
}

impl KeptAlive {
    fn add(&self, length: u64) -> Result<InFlight, String> {
        if self.0.get() + length > MOST_KEPT_ALIVE {
            return Err(format!(
                "requests with keepalive send at most {MOST_KEPT_ALIVE} bytes at a time, and {} are on their way",
                self.0.get()
            ));
        }
        self.0.set(self.0.get() + length);
        Ok(InFlight {
            all: self.clone(),
            length,
        })
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.all.0.set(self.all.0.get() - self.length);
    }
}
