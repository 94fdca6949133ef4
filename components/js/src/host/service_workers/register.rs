//! Registering.

use std::sync::Arc;

use ::background_fetch::RegistrationKey;
use ::background_fetch::fetch::StorageKey;
use futures::future::BoxFuture;
use url::Url;

use super::job::{Job, Outcome};
use super::model::Registration;
use super::unregister::clear_for_others;
use super::{Refusal, update};
use crate::host::Host;
use crate::realm::is_potentially_trustworthy;

/// What comes after a job, in parallel to the next.
pub(super) type After = Option<BoxFuture<'static, ()>>;

/// The checks of a script URL and a scope that a script gives.
///
/// <https://w3c.github.io/ServiceWorker/#start-register-algorithm>
///
/// # Errors
///
/// A TypeError, or a SecurityError.
pub fn check_urls(
    script_url: &mut Url,
    scope: Option<&Url>,
    storage_key: StorageKey,
) -> Result<RegistrationKey, Refusal> {
    let is_http = |url: &Url| matches!(url.scheme(), "http" | "https");
    let has_escaped_slash = |url: &Url| {
        let path = url.path().to_ascii_lowercase();
        path.contains("%2f") || path.contains("%5c")
    };
    // 3. No fragment.
    script_url.set_fragment(None);
    // 4 and 5. A script of a server, whose folder is not hidden.
    if !is_http(script_url) {
        return Err(Refusal::type_error(format!(
            "the script {script_url} is not at an http or https URL"
        )));
    }
    if has_escaped_slash(script_url) {
        return Err(Refusal::type_error(format!(
            "the path of the script {script_url} has an escaped slash"
        )));
    }
    // 6 to 8. The scope: the script's folder, where none is given.
    let mut scope = match scope {
        Some(scope) => scope.clone(),
        None => script_url.join("./").map_err(|error| {
            Refusal::type_error(format!("the script {script_url} has no folder: {error}"))
        })?,
    };
    scope.set_fragment(None);
    // 9 and 10. The same of the scope.
    if !is_http(&scope) {
        return Err(Refusal::type_error(format!(
            "the scope {scope} is not an http or https URL"
        )));
    }
    if has_escaped_slash(&scope) {
        return Err(Refusal::type_error(format!(
            "the path of the scope {scope} has an escaped slash"
        )));
    }
    Ok(RegistrationKey { storage_key, scope })
}

/// <https://w3c.github.io/ServiceWorker/#register-algorithm>
pub(super) async fn register(host: &Arc<Host>, mut job: Job) -> After {
    let this = &host.service_workers;
    let script_url = job.script_url.clone()?;
    let security_error = |message: String| Err(Refusal::dom("SecurityError", message));
    // 1. A secure place.
    if !is_potentially_trustworthy(&script_url) {
        job.settle(security_error(format!(
            "{script_url} is not potentially trustworthy"
        )));
        return None;
    }
    // 2 and 3. All of the same origin.
    let origin = job.client.origin.clone().unwrap_or_default();
    for url in [script_url.clone(), job.key.scope.clone()] {
        if url.origin().ascii_serialization() != origin {
            job.settle(security_error(format!("{url} is not of the origin {origin}")));
            return None;
        }
    }
    // What there was under this key before is gone first.
    if let Err(message) = clear_for_others(host, &job.key).await {
        let message = format!("what was kept for {} cannot be cleared: {message}", job.key.scope);
        job.settle(Err(Refusal::dom("UnknownError", message)));
        return None;
    }
    let registration = {
        let mut state = this.state.lock();
        if job.only_where_none && state.has_one_for(&job) {
            return None;
        }
        // 4. The registration that there is.
        match state.scopes.get(&job.key).cloned() {
            // 5. It may be just what is asked for.
            Some(registration) => {
                let newest = registration.newest_worker();
                let is_same = newest.is_some_and(|newest| {
                    newest.script_url == script_url
                        && newest.type_ == job.worker_type
                        && registration.parts.lock().update_via_cache == job.update_via_cache
                });
                if is_same {
                    job.settle(Ok(Outcome::Registration(Some(registration.snapshot()))));
                    return None;
                }
                registration
            }
            // 6. A new one.
            None => {
                let id = state.new_id();
                let registration = Registration::new(id, job.key.clone(), job.update_via_cache);
                let registration = Arc::new(registration);
                state.scopes.insert(job.key.clone(), Arc::clone(&registration));
                registration
            }
        }
    };
    drop(registration);
    // 7. Update.
    update::update(host, job).await
}
