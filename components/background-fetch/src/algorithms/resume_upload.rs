//! Resume an upload: part of "complete a record", where the specification leaves a door open for a standard way to
//! resume requests.
//!
//! <https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-resumable-upload-12>
//!
//! A request with a body goes out as an *upload creation*. Where the server names an *upload resource* on its way,
//! what happens to the connection is no longer the end (errata 18): the server says how many bytes it has, and the
//! rest is appended to them. Where it names none, the request is sent once, as ever.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use http::header::{
    AUTHORIZATION, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LOCATION, CONTENT_TYPE,
    COOKIE, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, PROXY_AUTHORIZATION,
    RANGE,
};
use http::{HeaderValue, Method, StatusCode};
use url::Url;

use super::attempt::{Flight, Happening};
use super::complete_record::{Attempt, Completion};
use crate::concepts::ResponseResult;
use crate::embedder::{FetchEvent, NetworkError, NetworkRequest};
use crate::exception::excerpt;
use crate::fetch::upload::{
    FALSE, INTEROP_VERSION, PARTIAL_UPLOAD, TRUE, UPLOAD_COMPLETE, UPLOAD_DRAFT_INTEROP_VERSION,
    UPLOAD_LENGTH, UPLOAD_OFFSET, max_append_size, upload_complete, upload_length, upload_offset,
};
use crate::fetch::{Request, ResponseHead, retry_after};
use crate::scheduler::Permit;

/// What is on its way to the server.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sending {
    /// A request as its author made it.
    Plain,
    /// An upload creation.
    Creation,
    /// An upload append.
    Append {
        /// The bytes that the server has.
        offset: u64,
    },
}

impl Sending {
    /// The bytes that were at the server before.
    pub(super) fn offset(self) -> u64 {
        match self {
            Self::Plain | Self::Creation => 0,
            Self::Append { offset } => offset,
        }
    }
}

/// How far an upload that is resumed came.
#[derive(Debug, Default)]
pub(super) struct UploadState {
    /// The bytes that the server said it has; it cannot lose them again.
    acknowledged: u64,
    /// Whether it said that it has answered: an append gets that answer again, or none.
    is_complete: bool,
    /// Where an append began that the server took, and did not complete the upload with.
    taken_from: Option<u64>,
}

impl<'a> Completion<'a> {
    /// Makes an upload creation of a request, where the policy says so and somebody's body is sent.
    ///
    /// <https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-resumable-upload-12#name-upload-creation>
    pub(super) fn create_upload(&self, request: &mut Request) -> Sending {
        let Some(length) = request.body_length.filter(|length| *length > 0) else {
            return Sending::Plain;
        };
        // An author who sends these fields speaks the protocol without us.
        let authors_own = request.headers.contains_key(UPLOAD_COMPLETE)
            || request.headers.contains_key(UPLOAD_DRAFT_INTEROP_VERSION);
        if !self.engine.inner.policies.uploads.resumable
            || request.is_get()
            || authors_own
            || !self.is_within_its_origin(&request.url)
        {
            return Sending::Plain;
        }
        let headers = &mut request.headers;
        // 1. The content is the whole representation.
        headers.insert(UPLOAD_COMPLETE, TRUE);
        // 2. Its length, which is known.
        headers.insert(UPLOAD_LENGTH, HeaderValue::from(length));
        // 3. The interop version, as long as there is a draft.
        headers.insert(UPLOAD_DRAFT_INTEROP_VERSION, INTEROP_VERSION);
        Sending::Creation
    }

    /// The server named an upload resource: from now on the upload survives its connection, and this program.
    ///
    /// <https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-resumable-upload-12#name-status-code-104-upload-resu>
    pub(super) async fn process_upload_resource(
        &self,
        sending: Sending,
        upload: Url,
        flight: &mut Flight<'_>,
    ) {
        if !matches!(sending, Sending::Creation)
            || !self.may_be_upload_resource(&upload)
            || self.record.upload().as_ref() == Some(&upload)
        {
            return;
        }
        // One that cannot be stored lives as long as this program.
        let storage = &self.engine.inner.embedder.storage;
        let _ = storage.set_upload(self.record.key, &upload).await;
        self.record.set_upload(upload);
        flight.set_pausable(true);
    }

    /// Resumes an upload: asks how much the server has, and appends the rest. Gives the append in flight.
    ///
    /// <https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-resumable-upload-12#name-offset-retrieval>
    pub(super) async fn resume_upload(
        &mut self,
        upload: &Url,
        permit: Permit,
    ) -> Result<(Flight<'a>, Sending), Attempt> {
        let network = &self.engine.inner.embedder.network;
        let length = self.record.request.body_length.unwrap_or(0);
        // 1. Offset retrieval: a `HEAD` of the upload resource.
        self.note_request(0);
        let stream = network.fetch(self.network_request(self.request_to(upload, Method::HEAD)));
        let mut flight = Flight::new(self.engine, self.bg_fetch, self.record, stream, permit);
        let response = self.head_of(&mut flight).await?;
        // 2. A status without success ends it, or is for the time being.
        if !response.status.is_success() {
            return Err(self.refused(upload, &response));
        }
        // 3. The offset.
        let Some(offset) = upload_offset(&response.headers) else {
            return Err(self.cannot_resume(upload, "the server does not say how many bytes it has"));
        };
        // 4. It never decreases, and never exceeds the length, which is that of the body.
        let acknowledged = self.upload.acknowledged;
        if offset < acknowledged {
            let why = format!("the server had {acknowledged} bytes, and now has {offset}");
            return Err(self.cannot_resume(upload, &why));
        }
        if offset > length {
            let why = format!("the server has {offset} bytes, and the body has {length}");
            return Err(self.cannot_resume(upload, &why));
        }
        if let Some(said) = upload_length(&response.headers).filter(|said| *said != length) {
            let why = format!("the server expects {said} bytes, and the body has {length}");
            return Err(self.cannot_resume(upload, &why));
        }
        // Bytes were taken from there only where they were not all.
        if self.upload.taken_from.take() == Some(offset) {
            return Err(self.cannot_resume(upload, "the server takes bytes, and does not keep them"));
        }
        // 5. What the server has is uploaded, and renews the budget.
        self.upload.acknowledged = offset;
        self.upload.is_complete = upload_complete(&response.headers) == Some(true);
        self.budget.progressed(offset);
        let mut uploaded = self.record.report.lock().uploaded;
        self.process_request_body(&mut uploaded, offset);
        // 6. Upload append: a `PATCH` with the bytes after the offset, as many as one request may have. Where there are
        //    none it asks for the response that was lost.
        self.note_request(offset);
        let most = max_append_size(&response.headers).filter(|most| *most > 0);
        let is_last = most.is_none_or(|most| length - offset <= most);
        let body = self.body_source(offset, most);
        let sent = body.as_ref().map_or(0, |body| body.length());
        let append = self.append(upload, offset, sent, is_last);
        let mut request = self.network_request(append);
        request.body = body;
        flight.go_on_with(network.fetch(request));
        Ok((flight, Sending::Append { offset }))
    }

    /// What the response to a creation or an append means: either it is the record's, or the upload goes on.
    ///
    /// <https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-resumable-upload-12#name-upload-append>
    pub(super) async fn process_upload_response(
        &mut self,
        sending: Sending,
        mut response: ResponseHead,
        flight: &mut Flight<'_>,
    ) -> Result<ResponseHead, Attempt> {
        let Some(upload) = self.record.upload() else {
            return Ok(response);
        };
        let (status, complete) = (response.status, upload_complete(&response.headers));
        let Sending::Append { offset } = sending else {
            // 1. A creation's is the targeted resource's, unless it says otherwise or the server failed.
            let too_large =
                status == StatusCode::PAYLOAD_TOO_LARGE && max_append_size(&response.headers).is_some();
            let unfinished = complete == Some(false) && (status.is_success() || too_large);
            if unfinished || (status.is_server_error() && complete != Some(true)) {
                return Err(self.for_the_time_being(&upload, &response));
            }
            flight.set_pausable(false);
            return Ok(response);
        };
        // 2. `Upload-Complete: ?1`: it comes from the resource that the creation targeted.
        if complete == Some(true) {
            // Nobody asked for a part.
            if status == StatusCode::PARTIAL_CONTENT {
                return Err(self.cannot_resume(&upload, "the server answered with a part of its response"));
            }
            flight.set_pausable(false);
            response.url_list[0].clone_from(&self.record.request.url);
            return Ok(response);
        }
        // 3. An upload that is complete has a response, which the server need not give again.
        let has_all = Some(offset) == self.record.request.body_length;
        let is_lost = status.is_success() || (status.is_client_error() && self.upload.is_complete);
        if has_all && is_lost {
            let why = "the server has all bytes, and its response is lost";
            return Err(self.cannot_resume(&upload, why));
        }
        // 4. Success: the bytes were taken, and the upload goes on.
        if status.is_success() {
            self.upload.taken_from = Some(offset);
            return Err(Attempt::Again(Duration::ZERO));
        }
        Err(self.refused(&upload, &response))
    }

    /// Tells the server that nobody will go on with an upload, where that is how the record ended: once, and without
    /// waiting for an answer.
    ///
    /// <https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-resumable-upload-12#name-upload-cancellation>
    pub(super) fn cancel_upload(&self, result: ResponseResult) {
        let given_up = matches!(result, ResponseResult::Aborted | ResponseResult::FetchError);
        let Some(upload) = self.record.upload().filter(|_| given_up) else {
            return;
        };
        let request = self.network_request(self.request_to(&upload, Method::DELETE));
        let mut answer = self.engine.inner.embedder.network.fetch(request);
        let registration = Arc::clone(&self.bg_fetch.registration);
        self.engine.spawn(registration, async move {
            answer.next().await;
        });
    }

    /// What follows from a status of the upload resource that is no success.
    fn refused(&self, upload: &Url, response: &ResponseHead) -> Attempt {
        match response.status {
            // It is never created again: what arrived may have had effects.
            StatusCode::NOT_FOUND | StatusCode::GONE => {
                let why = format!(
                    "the server no longer has the upload (status {}), which may not be sent twice",
                    response.status.as_u16()
                );
                self.cannot_resume(upload, &why)
            }
            // The offset was another, the part too large, or the server is busy: asking for the offset again helps.
            StatusCode::CONFLICT
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::REQUEST_TIMEOUT
            | StatusCode::TOO_EARLY
            | StatusCode::TOO_MANY_REQUESTS => self.for_the_time_being(upload, response),
            status if status.is_server_error() => self.for_the_time_being(upload, response),
            status => {
                let why = format!("the server answered with status {}", status.as_u16());
                self.cannot_resume(upload, &why)
            }
        }
    }

    /// The upload goes on later, within the budget.
    fn for_the_time_being(&self, upload: &Url, response: &ResponseHead) -> Attempt {
        let status = response.status.as_u16();
        let why = format!("the upload to {upload} was interrupted: the server answered with status {status}");
        let error = NetworkError {
            retry_after: retry_after(&response.headers),
            ..NetworkError::temporary(why)
        };
        self.process_error(error)
    }

    fn cannot_resume(&self, upload: &Url, why: &str) -> Attempt {
        self.failed_because(format!(
            "cannot resume the upload of {} at {upload}: {why}",
            excerpt(self.record.request.url.as_str())
        ))
    }

    /// The head of an answer that has nothing else.
    async fn head_of(&mut self, flight: &mut Flight<'_>) -> Result<ResponseHead, Attempt> {
        let mut head = None;
        loop {
            let event = match flight.next().await {
                Happening::Aborted => return Err(self.aborted()),
                Happening::Paused => return Err(Attempt::Again(Duration::ZERO)),
                Happening::Event(event) => event,
            };
            match (event, head.take()) {
                (Some(Ok(FetchEvent::Response(response))), None) => head = Some(*response),
                // To its end, so that the connection can be used again.
                (_, Some(head)) => return Ok(head),
                (Some(Ok(_)), None) => {}
                (Some(Err(error)), None) => return Err(self.process_error(error)),
                (None, None) => {
                    let why = "the network ended the fetch without a response".to_owned();
                    return Err(self.failed_because(why));
                }
            }
        }
    }

    fn append(&self, upload: &Url, offset: u64, length: u64, is_last: bool) -> Request {
        let mut request = self.request_to(upload, Method::PATCH);
        request.body_length = Some(length);
        // Its response may be the record's.
        request.integrity.clone_from(&self.record.request.integrity);
        let headers = &mut request.headers;
        headers.insert(CONTENT_TYPE, PARTIAL_UPLOAD);
        headers.insert(UPLOAD_OFFSET, HeaderValue::from(offset));
        headers.insert(UPLOAD_COMPLETE, if is_last { TRUE } else { FALSE });
        request
    }

    /// A request to the upload resource: the record's, without what describes its body or makes it conditional.
    fn request_to(&self, upload: &Url, method: Method) -> Request {
        let original = &*self.record.request;
        let mut headers = original.headers.clone();
        for name in [
            CONTENT_DISPOSITION,
            CONTENT_ENCODING,
            CONTENT_LANGUAGE,
            CONTENT_LOCATION,
            CONTENT_TYPE,
            IF_MATCH,
            IF_MODIFIED_SINCE,
            IF_NONE_MATCH,
            IF_RANGE,
            IF_UNMODIFIED_SINCE,
            RANGE,
        ] {
            headers.remove(name);
        }
        // No other origin gets what was meant for this one.
        if upload.origin() != original.url.origin() {
            for name in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION] {
                headers.remove(name);
            }
        }
        headers.insert(UPLOAD_DRAFT_INTEROP_VERSION, INTEROP_VERSION);
        Request {
            method,
            url: upload.clone(),
            headers,
            body_length: None,
            keepalive: true,
            integrity: String::new(),
            ..original.clone()
        }
    }

    fn network_request(&self, request: Request) -> NetworkRequest {
        NetworkRequest {
            request,
            client: Arc::clone(&self.bg_fetch.client),
            range: None,
            body: None,
        }
    }

    /// Whether an upload may be sent to this URL: not to a weaker scheme, and by a page to its own origin only.
    fn may_be_upload_resource(&self, upload: &Url) -> bool {
        let scheme = self.record.request.url.scheme();
        let is_http = upload.scheme() == "https" || (upload.scheme() == "http" && scheme == "http");
        is_http && self.is_within_its_origin(upload)
    }

    /// Whether whoever fetches may send what they like to this URL: the user everywhere, a page in its origin.
    fn is_within_its_origin(&self, url: &Url) -> bool {
        match &self.bg_fetch.client.origin {
            Some(origin) => url.origin().is_tuple() && url.origin().ascii_serialization() == *origin,
            None => true,
        }
    }
}
