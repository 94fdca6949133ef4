//! Sending a request, and waiting for the header of its response: part of HTTP-network fetch.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use background_fetch::embedder::{FetchEvent, NetworkError};
use background_fetch::fetch::upload::UPLOAD_DRAFT_INTEROP_VERSION;
use futures::{FutureExt, pin_mut, select_biased};
use http::{HeaderMap, Method, Uri};
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::capture_connection;
use tokio::sync::{Notify, watch};

use super::fetch_params::FetchParams;
use super::upload_resumption::{Listener, UploadResources};
use crate::body::upload::Upload;
use crate::connection::link::was_used;
use crate::failure::{Cause, is_connection_gone, seconds};

/// How many interim responses, such as early hints, a server may send before its response.
const MOST_INTERIM_RESPONSES: u32 = 100;

/// The same for an upload that can be resumed: they tell its progress.
const MOST_OF_AN_UPLOAD: u32 = 10_000;

/// Sends a request, tells how much of its body has left, and waits for the header of the response. The rest of
/// the body goes on beside the response.
///
/// A server may close a connection just when it is used again: what may be repeated is then sent once more, at
/// once, over another.
pub(super) async fn transmit(
    fetch_params: &mut FetchParams,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<http::Response<Incoming>, NetworkError> {
    let may_repeat = [Method::GET, Method::HEAD].contains(&fetch_params.request.method);
    match transmit_once(fetch_params, uri, headers).await {
        Err(failure) if failure.is_stale && may_repeat => transmit_once(fetch_params, uri, headers).await,
        result => result,
    }
    .map_err(|failure| failure.error)
}

/// Why there is no response.
struct Failure {
    error: NetworkError,
    /// Whether the connection had been used before, and is gone.
    is_stale: bool,
}

async fn transmit_once(
    fetch_params: &mut FetchParams,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<http::Response<Incoming>, Failure> {
    let (transmitted, mut progress) = watch::channel(fetch_params.transmitted);
    let mut request = http::Request::new(Upload::new(fetch_params.body.as_deref(), transmitted));
    *request.method_mut() = fetch_params.request.method.clone();
    request.uri_mut().clone_from(uri);
    request.headers_mut().clone_from(headers);
    let mut connection = capture_connection(&mut request);
    let connected = async move {
        let used = connection
            .wait_for_connection_metadata()
            .await
            .as_ref()
            .map(was_used);
        match used {
            Some(used) => used,
            None => pending().await,
        }
    }
    .fuse();
    let (resources, listener) = UploadResources::of(&request, fetch_params.current_url());
    let most = most_interim_responses(headers);
    let too_many = too_many_interim_responses(&mut request, most, listener).fuse();
    let response = fetch_params.connections.client(&request).request(request).fuse();
    pin_mut!(connected, too_many, response);
    let limit = fetch_params.connections.timeouts.first_byte;
    // Connecting has a limit of its own.
    let mut waiting = None;
    let mut is_reused = false;
    let failed = |error| Failure {
        error,
        is_stale: false,
    };
    loop {
        let result = {
            let changed = changed(&mut progress).fuse();
            let late = after(waiting).fuse();
            pin_mut!(changed, late);
            select_biased! {
                () = changed => None,
                used = connected => {
                    is_reused = used;
                    waiting = limit;
                    continue;
                }
                result = response => Some(result),
                () = too_many => {
                    let reason = format!("{most} interim responses came, and no answer");
                    return Err(failed(fetch_params.hop().fatal(reason)));
                }
                () = late => {
                    let waited = waiting.map(seconds).unwrap_or_default();
                    let reason = format!("no answer within {waited}");
                    return Err(failed(fetch_params.hop().temporary(reason)));
                }
            }
        };
        if let Some(upload) = resources.news() {
            fetch_params
                .events
                .put(FetchEvent::UploadResumable { upload })
                .await;
        }
        let total = *progress.borrow_and_update();
        if total > fetch_params.transmitted {
            fetch_params.transmitted = total;
            fetch_params.events.put(FetchEvent::Transmitted(total)).await;
        }
        if let Some(result) = result {
            return result.map_err(|error| Failure {
                is_stale: is_reused && is_connection_gone(&error),
                error: fetch_params.hop().failed(&Cause::of(&error)),
            });
        }
        waiting = limit;
    }
}

fn most_interim_responses(headers: &HeaderMap) -> u32 {
    match headers.contains_key(UPLOAD_DRAFT_INTEROP_VERSION) {
        true => MOST_OF_AN_UPLOAD,
        false => MOST_INTERIM_RESPONSES,
    }
}

/// Resolves when more interim responses came than any server needs.
fn too_many_interim_responses(
    request: &mut http::Request<Upload>,
    most: u32,
    listener: Listener,
) -> impl Future<Output = ()> + use<> {
    let too_many = Arc::new(Notify::new());
    let (count, notify) = (AtomicU32::new(0), too_many.clone());
    hyper::ext::on_informational(request, move |response| {
        listener.hear(response.status(), response.headers());
        if count.fetch_add(1, Ordering::Relaxed) == most {
            notify.notify_one();
        }
    });
    async move { too_many.notified().await }
}

/// The next progress; never once the body is gone.
async fn changed(progress: &mut watch::Receiver<u64>) {
    if progress.changed().await.is_err() {
        pending::<()>().await;
    }
}

async fn after(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => pending().await,
    }
}
