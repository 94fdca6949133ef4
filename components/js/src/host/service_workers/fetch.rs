//! Requests of clients that their worker may answer.

use std::sync::Arc;

use ::background_fetch::embedder::BodySource;
use ::background_fetch::fetch::{
    BodyStream, RedirectMode, Request, RequestMode, ResponseHead, ResponseType, StorageKey,
};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use futures::channel::oneshot;

use super::ServiceWorkers;
use super::events::{InProgress, dispatch_now};
use super::model::Worker;
use crate::host::Host;
use crate::host::scripts::LIMIT as SCRIPT_LIMIT;
use crate::interfaces::service_workers::FetchEvent;

/// A request that a worker may answer.
pub(crate) struct FetchForWorker {
    pub(crate) request: Request,
    pub(crate) body: Option<Arc<dyn BodySource>>,
    /// Who fetches; empty for a navigation.
    pub(crate) client_id: String,
    /// Who a navigation makes; empty for anything else.
    pub(crate) resulting_client_id: String,
}

/// The response of a worker.
pub(crate) struct WorkerResponse {
    pub(crate) head: ResponseHead,
    pub(crate) body: Option<BodyStream>,
}

/// Why a request may not have this response of a worker; none where it may.
///
/// <https://fetch.spec.whatwg.org/#concept-http-fetch>, 3.
fn why_not_for(mode: RequestMode, redirect: RedirectMode, head: &ResponseHead) -> Option<&'static str> {
    match head.response_type {
        ResponseType::Cors if mode == RequestMode::SameOrigin => {
            Some("one of another origin, to a request with the mode \"same-origin\"")
        }
        ResponseType::Opaque if mode != RequestMode::NoCors => {
            Some("an opaque one, to a request whose mode is not \"no-cors\"")
        }
        ResponseType::OpaqueRedirect if redirect != RedirectMode::Manual => {
            Some("a redirect that was not followed, to a request whose redirect mode is not \"manual\"")
        }
        _ if redirect != RedirectMode::Follow && head.redirected() => {
            Some("one that was redirected, to a request whose redirect mode is not \"follow\"")
        }
        _ => None,
    }
}

/// Is told what a worker responds: none where the request goes to the network; a sentence for a network error.
pub(crate) type Responded = oneshot::Sender<Result<Option<WorkerResponse>, String>>;

impl ServiceWorkers {
    /// Has a worker answer a request; none where it does not.
    ///
    /// <https://w3c.github.io/ServiceWorker/#on-fetch-request-algorithm>
    ///
    /// # Errors
    ///
    /// A sentence: a network error.
    pub(crate) async fn handle_fetch(
        host: &Arc<Host>,
        worker: &Arc<Worker>,
        fetch: FetchForWorker,
    ) -> Result<Option<WorkerResponse>, String> {
        // 22. It is active when it is activated.
        worker.when_activated().await;
        let (mode, redirect) = (fetch.request.mode, fetch.request.redirect);
        let (sender, responded) = oneshot::channel();
        let dispatched = dispatch_now(host, worker, move |cx, inactive| {
            FetchEvent::handle(cx, fetch, sender, inactive);
        });
        let instance = worker.life.lock().instance.clone();
        host.spawn({
            let dispatched = dispatched?;
            async move {
                let _ = dispatched.await;
            }
        });
        let gone = || format!("the worker {} was ended before it responded", worker.script_url);
        let response = responded.await.map_err(|_| gone());
        // 27. A navigation has it looked after in any case.
        if let Some(registration) = host.service_workers.registration_of(worker) {
            Self::soft_update_where_stale(host, &registration);
        }
        let response = response??;
        // The worker is kept running while its body is on its way.
        let (Some(mut response), Some(instance)) = (response, instance) else {
            return Ok(None);
        };
        if let Some(reason) = why_not_for(mode, redirect, &response.head) {
            return Err(format!(
                "the worker {} responded with {reason}",
                worker.script_url
            ));
        }
        let in_progress = InProgress::begin(host, worker, &instance);
        response.body = response.body.map(|body| {
            let bytes = body.map(move |bytes| {
                let _ = &in_progress;
                bytes
            });
            bytes.boxed()
        });
        Ok(Some(response))
    }

    /// Has a worker answer a navigation; none where it does not.
    pub(crate) async fn navigate(
        host: &Arc<Host>,
        worker: &Arc<Worker>,
        request: Request,
    ) -> Result<Option<(ResponseHead, Bytes)>, String> {
        let fetch = FetchForWorker {
            request,
            body: None,
            client_id: String::new(),
            resulting_client_id: String::new(),
        };
        let Some(response) = Self::handle_fetch(host, worker, fetch).await? else {
            return Ok(None);
        };
        let mut bytes = BytesMut::new();
        if let Some(mut body) = response.body {
            while let Some(chunk) = body.next().await {
                bytes.extend_from_slice(&chunk?);
                if bytes.len() > SCRIPT_LIMIT {
                    return Err("the page of the worker is too large".to_owned());
                }
            }
        }
        Ok(Some((response.head, bytes.freeze())))
    }

    /// The worker that a navigation goes to, where it listens.
    pub(crate) fn worker_of_navigation(&self, url: &url::Url) -> Option<Arc<Worker>> {
        let registration = self.match_registration(&StorageKey::of(url), url)?;
        let worker = registration.active()?;
        (!worker.should_skip("fetch")).then_some(worker)
    }
}
