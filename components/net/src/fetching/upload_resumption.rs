//! Upload resumption: what informational responses say of an upload resource. The rest of resumable uploads is the
//! component's.
//!
//! <https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-resumable-upload-12#name-status-code-104-upload-resu>

use std::sync::{Arc, Mutex, PoisonError};

use background_fetch::fetch::upload::{
    UPLOAD_COMPLETE, UPLOAD_DRAFT_INTEROP_VERSION, UPLOAD_LENGTH, UPLOAD_OFFSET, UPLOAD_RESUMPTION_SUPPORTED,
};
use http::header::LOCATION;
use http::{HeaderMap, HeaderValue, StatusCode};
use url::Url;

use crate::body::upload::Upload;

/// Whether a request is an upload creation: it asks for an upload resource. An append has an offset.
pub(crate) fn is_resumable(headers: &HeaderMap) -> bool {
    headers.contains_key(UPLOAD_DRAFT_INTEROP_VERSION)
        && headers.contains_key(UPLOAD_COMPLETE)
        && !headers.contains_key(UPLOAD_OFFSET)
}

/// Removes what makes a request an upload creation.
pub(super) fn remove_upload_fields(headers: &mut HeaderMap) {
    for name in [UPLOAD_COMPLETE, UPLOAD_DRAFT_INTEROP_VERSION, UPLOAD_LENGTH] {
        headers.remove(name);
    }
}

/// The upload resources that a server names for one request.
pub(super) struct UploadResources(Arc<Mutex<Named>>);

#[derive(Default)]
struct Named {
    last: Option<Url>,
    is_news: bool,
}

/// Hears the informational responses to one request.
pub(super) struct Listener {
    named: Arc<Mutex<Named>>,
    /// None where the request is no upload creation.
    version: Option<HeaderValue>,
    base: Url,
    wake: Box<dyn Fn() + Send + Sync>,
}

impl Listener {
    /// Hears one; the progress of the request's body wakes for each news.
    pub(super) fn hear(&self, status: StatusCode, headers: &HeaderMap) {
        let Some(version) = &self.version else {
            return;
        };
        if let Some(upload) = upload_resource(status, headers, version, &self.base) {
            let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
            // Each response names the same.
            if named.last.as_ref() != Some(&upload) {
                named.last = Some(upload);
                named.is_news = true;
                (self.wake)();
            }
        }
    }
}

impl UploadResources {
    /// Those of a request to this URL, with who is to hear its informational responses.
    pub(super) fn of(request: &http::Request<Upload>, url: &Url) -> (Self, Listener) {
        let named = Arc::new(Mutex::new(Named::default()));
        let version = request.headers().get(UPLOAD_DRAFT_INTEROP_VERSION).cloned();
        let listener = Listener {
            named: named.clone(),
            version: version.filter(|_| is_resumable(request.headers())),
            base: url.clone(),
            wake: Box::new(request.body().waker()),
        };
        (Self(named), listener)
    }

    /// The upload resource, where it was named since this was called last.
    pub(super) fn news(&self) -> Option<Url> {
        let mut named = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut named.is_news)
            .then(|| named.last.clone())
            .flatten()
    }
}

/// The upload resource that a 104 (Upload Resumption Supported) names. One of another interop version is ignored.
pub(super) fn upload_resource(
    status: StatusCode,
    headers: &HeaderMap,
    version: &HeaderValue,
    base: &Url,
) -> Option<Url> {
    if status.as_u16() != UPLOAD_RESUMPTION_SUPPORTED
        || headers.get(UPLOAD_DRAFT_INTEROP_VERSION) != Some(version)
    {
        return None;
    }
    let mut locations = headers.get_all(LOCATION).iter();
    let location = locations.next()?.to_str().ok()?;
    if locations.next().is_some() {
        return None;
    }
    let mut upload = base.join(location).ok()?;
    upload.set_fragment(None);
    Some(upload)
}
