//! The scripts of service workers, from the network.

use std::sync::Arc;

use ::background_fetch::embedder::Network;
use ::background_fetch::fetch::{
    CacheMode, Client, CredentialsMode, RedirectMode, Request, RequestMode, ResponseType,
};
use http::HeaderValue;
use url::Url;

use super::Refusal;
use super::model::ScriptResource;
use crate::bindings::WorkerType;
use crate::host::scripts::{content_type, fetch_to_end, is_javascript};

/// Who fetches, and for what.
pub(super) struct ScriptFetch {
    pub(super) network: Arc<dyn Network>,
    pub(super) client: Client,
    pub(super) worker_type: WorkerType,
    pub(super) scope: Url,
    pub(super) is_register: bool,
}

/// Fetches a script: the worker's own, or one that it imports.
///
/// <https://w3c.github.io/ServiceWorker/#update-algorithm>, the steps "perform the fetch".
pub(super) async fn fetch_resource(
    fetch: &ScriptFetch,
    url: &Url,
    is_main: bool,
    no_cache: bool,
) -> Result<ScriptResource, Refusal> {
    let security_error = |message: String| Refusal::dom("SecurityError", message);
    let mut request = Request::new(url.clone());
    let is_same_origin = fetch.client.origin.as_deref() == Some(&*url.origin().ascii_serialization());
    request.mode = match (is_main || is_same_origin, fetch.worker_type) {
        (true, _) => RequestMode::SameOrigin,
        (false, WorkerType::Module) => RequestMode::Cors,
        // A script of another origin is run, and not seen.
        (false, WorkerType::Classic) => {
            request.credentials = CredentialsMode::Include;
            RequestMode::NoCors
        }
    };
    if no_cache {
        request.cache = CacheMode::NoCache;
    }
    if is_main {
        request
            .headers
            .insert("service-worker", HeaderValue::from_static("script"));
        request.redirect = RedirectMode::Manual;
    }
    let fetched = fetch_to_end(Arc::clone(&fetch.network), request, fetch.client.clone()).await;
    let (head, bytes) = fetched.map_err(Refusal::type_error)?;
    // The script of a worker is where it says it is.
    if head.response_type == ResponseType::OpaqueRedirect || head.status.is_redirection() {
        let message = format!("the script {url} is behind a redirect");
        return Err(match fetch.is_register {
            true => security_error(message),
            false => Refusal::type_error(message),
        });
    }
    if !head.is_ok() {
        let status = head.status.as_u16();
        return Err(Refusal::type_error(format!(
            "{url} answered with the status {status}"
        )));
    }
    let content_type = content_type(&head);
    if !is_javascript(&head) {
        return Err(security_error(format!(
            "{url} is not of a JavaScript MIME type, but of {content_type:?}"
        )));
    }
    if is_main {
        // The scope is inside of the script's folder, or of what the server allows.
        let allowed = match head.headers.get("service-worker-allowed") {
            None => url.join("./").ok(),
            Some(value) => value.to_str().ok().and_then(|value| url.join(value).ok()),
        };
        let is_inside = allowed.as_ref().is_some_and(|allowed| {
            allowed.origin() == fetch.scope.origin()
                && path_and_query(&fetch.scope).starts_with(allowed.path())
        });
        if !is_inside {
            let allowed = allowed.map_or_else(|| "nothing".to_owned(), |allowed| allowed.to_string());
            return Err(security_error(format!(
                "the scope {} is not inside of {allowed}, which the script {url} may have",
                fetch.scope
            )));
        }
    }
    Ok(ScriptResource {
        url: head.url().cloned().unwrap_or_else(|| url.clone()),
        content_type,
        bytes,
    })
}

fn path_and_query(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}
