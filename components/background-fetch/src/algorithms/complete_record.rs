//! Complete a record.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::header::RANGE;

use super::attempt::{Flight, Happening};
use super::content_range::ContentRange;
use super::response_action::{Asked, ResponseAction, response_action};
use super::resume_upload::UploadState;
use super::retry::RetryBudget;
use super::temporarily_unavailable::Unavailable;
use super::update_instances::update_background_fetch_instances;
use crate::Engine;
use crate::concepts::ResponseResult;
use crate::concepts::background_fetch::BackgroundFetch;
use crate::concepts::record::{Record, ResponseData};
use crate::embedder::{FetchEvent, NetworkRequest, Settlement, StorageError, StorageErrorKind};
use crate::exception::excerpt;
use crate::fetch::range::resume_validator;
use crate::fetch::{Request, RequestMode, ResponseHead, ResumeRange};
use crate::inspect::EventKind;

/// Completes a record: fetches its request, as often and in as many parts as it takes. Gives its result, which is
/// stored; the bytes are in storage.
///
/// <https://wicg.github.io/background-fetch/#complete-a-record-algorithm>
pub(crate) async fn complete_a_record(
    engine: &Engine,
    bg_fetch: &Arc<BackgroundFetch>,
    record: &Arc<Record>,
) -> ResponseResult {
    let mut completion = Completion {
        engine,
        bg_fetch,
        record,
        budget: RetryBudget::new(&engine.inner.policies.retry, record.key),
        restart: false,
        may_be_complete_at: None,
        upload: UploadState::default(),
    };
    // 15. If the result is the empty string, complete the record again.
    let ended = loop {
        let wait = match completion.attempt().await {
            Attempt::Ended(ended) => break ended,
            Attempt::Again(wait) => wait,
            Attempt::Unavailable(unavailable) => {
                match completion.temporarily_unavailable(unavailable).await {
                    Ok(wait) => wait,
                    Err(ended) => break ended,
                }
            }
        };
        completion.pause_between_attempts(wait).await;
    };
    completion.cancel_upload(ended.result);
    completion.settle(ended).await
}

/// The completion of one record, over all its attempts.
pub(super) struct Completion<'a> {
    pub(super) engine: &'a Engine,
    pub(super) bg_fetch: &'a Arc<BackgroundFetch>,
    pub(super) record: &'a Arc<Record>,
    pub(super) budget: RetryBudget,
    /// Whether the next attempt must start at byte 0.
    pub(super) restart: bool,
    /// The length at which all bytes may be here: a part of unknown complete length ended there (errata 6).
    pub(super) may_be_complete_at: Option<u64>,
    /// How far an upload that is resumed came.
    pub(super) upload: UploadState,
}

/// How an attempt ended.
pub(super) enum Attempt {
    /// The record is settled.
    Ended(Ended),
    /// It goes on with another attempt, after this wait.
    Again(Duration),
    /// The resource is temporarily unavailable: another attempt follows where the budget allows it.
    Unavailable(Unavailable),
}

/// How a record ended.
pub(super) struct Ended {
    pub(super) result: ResponseResult,
    /// Why it failed, in a sentence; empty for a success.
    pub(super) detail: String,
}

/// What the bytes of the response in flight are.
enum Taking {
    /// There is no response yet.
    Nothing,
    /// All of it, from byte 0.
    Whole { is_ok: bool },
    /// A part; `from` is where it began.
    Part { range: ContentRange, from: u64 },
}

impl Completion<'_> {
    /// One run of the algorithm.
    async fn attempt(&mut self) -> Attempt {
        // 1. The response data.
        let mut response_data = self.record.response_data();
        // 2. The download total: see `BackgroundFetch::reserve`.
        // 3. Wait for the paused flag to be unset; or for an abort (errata 4), or a turn.
        let Some(permit) = self.clear_for_take_off().await else {
            return self.aborted();
        };
        // 4 and 5. A copy of the record's request, with keepalive (errata 17).
        let request = &self.record.request;
        let mut kept_alive = Request {
            keepalive: true,
            ..(**request).clone()
        };
        // 6. The service-workers mode is "none": see `Network::fetch`.
        // `fetch()` refuses "no-cors"; what was stored may not have passed by it.
        if request.mode == RequestMode::NoCors {
            return self.failed("a background fetch cannot be \"no-cors\"");
        }
        // Errata 18: what may be sent once only is not sent again after a crash either.
        if !self.record.may_be_sent_again() {
            if self.record.was_sent() {
                return self.failed("it was being sent when the program stopped, and may not be sent twice");
            }
            if let Err(error) = self
                .engine
                .inner
                .embedder
                .storage
                .mark_sent(self.record.key)
                .await
            {
                return self.storage_failed(&error);
            }
            self.record.sent.store(true, Ordering::Relaxed);
            // It may have been aborted meanwhile; nothing leaves after that.
            if self.bg_fetch.is_aborted() {
                return self.aborted();
            }
        }
        // 7 and 8. Where bytes are stored that can be continued safely, ask for the rest (errata 19).
        let state = response_data.snapshot();
        let range = self.resume_range(state.length, state.response.as_deref());
        let asked = Asked {
            range_start: range.as_ref().map_or(0, |range| range.start),
            authors_range: request.headers.contains_key(RANGE),
            may_be_complete: self.may_be_complete_at == Some(state.length),
        };
        // 9 to 11. Fetch. Dropping the flight terminates the fetch: nothing of it can come late (errata 5).
        // The note on a standard method to resume requests: resumable uploads.
        let mut taking = Taking::Nothing;
        let (mut flight, sending) = match self.record.upload() {
            Some(upload) => match self.resume_upload(&upload, permit).await {
                Ok(append) => append,
                Err(ended) => return ended,
            },
            None => {
                self.note_request(asked.range_start);
                let sending = self.create_upload(&mut kept_alive);
                let stream = self.engine.inner.embedder.network.fetch(NetworkRequest {
                    request: kept_alive,
                    client: Arc::clone(&self.bg_fetch.client),
                    range,
                    body: self.body_source(0, None),
                });
                let flight = Flight::new(self.engine, self.bg_fetch, self.record, stream, permit);
                (flight, sending)
            }
        };
        let mut transmitted = self.record.report.lock().uploaded;
        loop {
            // 12 and 13. Wait, but abort when the paused flag or the abort all flag is set.
            let event = match flight.next().await {
                // 14. If aborted: the abort all flag settles it, the paused flag lets it wait and go on.
                Happening::Aborted => return self.aborted(),
                Happening::Paused => return Attempt::Again(Duration::ZERO),
                Happening::Event(event) => event,
            };
            let ended = match event {
                Some(Ok(FetchEvent::Transmitted(total))) => {
                    self.process_request_body(&mut transmitted, sending.offset().saturating_add(total));
                    None
                }
                Some(Ok(FetchEvent::UploadResumable { upload })) => {
                    self.process_upload_resource(sending, upload, &mut flight).await;
                    None
                }
                Some(Ok(FetchEvent::Response(response))) => {
                    let response = match self
                        .process_upload_response(sending, *response, &mut flight)
                        .await
                    {
                        Ok(response) => response,
                        Err(ended) => return ended,
                    };
                    match self.process_response(asked, response, &mut response_data).await {
                        Ok(part) => {
                            taking = part;
                            None
                        }
                        Err(ended) => Some(ended),
                    }
                }
                Some(Ok(FetchEvent::Body(bytes))) => self.process_bytes(&taking, &response_data, bytes).await,
                None => Some(self.process_end_of_body(&taking, &response_data)),
                Some(Err(error)) => Some(self.process_error(error)),
            };
            if let Some(ended) = ended {
                return ended;
            }
        }
    }

    /// The range to ask for, or none where the record starts at byte 0.
    pub(super) fn resume_range(
        &mut self,
        length: u64,
        response: Option<&ResponseHead>,
    ) -> Option<ResumeRange> {
        if std::mem::take(&mut self.restart) || length == 0 {
            return None;
        }
        let validator = resume_validator(&self.record.request, response?)?;
        Some(ResumeRange {
            start: length,
            validator,
        })
    }

    /// Process request body.
    pub(super) fn process_request_body(&self, last_transmitted_size: &mut u64, transmitted_size: u64) {
        // A redirect may send the body again: uploaded never passes its length.
        let transmitted_size = transmitted_size.min(self.record.request.body_length.unwrap_or(0));
        // 1 to 3. Increment uploaded by what was transmitted since.
        let more = transmitted_size.saturating_sub(*last_transmitted_size);
        *last_transmitted_size += more;
        self.record.report.lock().uploaded += more;
        self.bg_fetch
            .progress
            .update(|progress| progress.uploaded = progress.uploaded.saturating_add(more));
        // 4. Update background fetch instances.
        update_background_fetch_instances(self.bg_fetch);
    }

    /// Process response, for one that is no network error.
    async fn process_response(
        &mut self,
        asked: Asked,
        mut response: ResponseHead,
        response_data: &mut Arc<ResponseData>,
    ) -> Result<Taking, Attempt> {
        let status = response.status.as_u16();
        self.engine.note(
            self.bg_fetch,
            EventKind::ResponseReceived {
                record: self.record.key.index,
                status,
            },
        );
        // 1.1. A status that says "temporarily unavailable" is no response yet (errata 28).
        if let Some(unavailable) = self.is_to_be_tried_again(&response) {
            return Err(Attempt::Unavailable(unavailable));
        }
        let state = response_data.snapshot();
        // 2. What its status, and its range where it is partial, mean.
        let taking = match response_action(asked, &response, state.response.as_deref()) {
            ResponseAction::Continue(range) => Taking::Part {
                range,
                from: asked.range_start,
            },
            ResponseAction::Take => Taking::Whole {
                is_ok: response.is_ok(),
            },
            ResponseAction::Complete => return Err(self.succeeded()),
            ResponseAction::Restart(why) => return Err(self.start_again(&why)),
            ResponseAction::Fail(why) => return Err(self.failed(&why)),
        };
        // 4. If the range started at 0 or it is not partial, it becomes the response data's response.
        if !matches!(taking, Taking::Part { from: 1.., .. }) {
            // Nothing changes after an abort.
            let writing = self.bg_fetch.reserve(0).map_err(|_| self.aborted())?;
            // 3. What is there already becomes redundant; a first response replaces nothing (errata 8).
            if state.response.is_some() {
                response_data.set_result(ResponseResult::Redundant);
                *response_data = self.record.replace_response_data();
            }
            let generation = response_data.generation;
            let stored =
                self.engine
                    .inner
                    .embedder
                    .storage
                    .set_response(self.record.key, generation, &response);
            stored.await.map_err(|error| self.storage_failed(&error))?;
            // The bytes of the one before are gone now.
            if state.length > 0 {
                self.bg_fetch
                    .progress
                    .update(|progress| progress.stored = progress.stored.saturating_sub(state.length));
                update_background_fetch_instances(self.bg_fetch);
            }
            drop(writing);
            response.compact();
            response_data
                .state
                .update(|state| state.response = Some(Arc::new(response)));
        }
        Ok(taking)
    }

    /// Process response, 6: one or more bytes were transmitted.
    async fn process_bytes(
        &self,
        taking: &Taking,
        response_data: &ResponseData,
        bytes: Bytes,
    ) -> Option<Attempt> {
        let size = bytes.len() as u64;
        if size == 0 {
            return None;
        }
        let offset = response_data.state.read(|state| state.length);
        if let Taking::Part { range, .. } = taking
            && offset.checked_add(size - 1).is_none_or(|last| last > range.last)
        {
            // Errata 7.
            return Some(self.failed("its partial response has more bytes than its Content-Range says"));
        }
        // 6.1. Not beyond the download total. The end of the attempt cancels the stream.
        let reservation = match self.bg_fetch.reserve(size) {
            Ok(reservation) => reservation,
            // No byte arrives after an abort.
            Err(ResponseResult::Aborted) => return Some(self.aborted()),
            Err(result) => {
                let total = self.bg_fetch.download_total;
                let detail = format!("more than the download total of {total} bytes arrived");
                return Some(self.ended(result, detail));
            }
        };
        // 6.2. Append the bytes.
        let body = self.record.body_key(response_data);
        let appended = self
            .engine
            .inner
            .embedder
            .storage
            .append(body, offset, bytes)
            .await;
        // 6.3. A quota that is exceeded cancels the stream (errata 23).
        if let Err(error) = appended {
            return Some(self.storage_failed(&error));
        }
        reservation.stored();
        response_data.state.update(|state| state.length += size);
        // 6.4. Update background fetch instances.
        update_background_fetch_instances(self.bg_fetch);
        None
    }

    /// Process response, 7: the bytes transmission is done normally.
    fn process_end_of_body(&mut self, taking: &Taking, response_data: &ResponseData) -> Attempt {
        let length = response_data.state.read(|state| state.length);
        match *taking {
            // 7.1. A part: it is all when the complete length is reached, otherwise the rest is asked for.
            Taking::Part { range, from } => match range.complete_length {
                Some(complete_length) if complete_length == length => self.succeeded(),
                None if self.may_be_complete_at == Some(length) => self.succeeded(),
                _ if length == from => self.failed("its partial response brought no byte"),
                complete_length => {
                    self.may_be_complete_at = complete_length.is_none().then_some(length);
                    self.ask_for_the_rest(length, response_data)
                }
            },
            // 7.3. "success".
            Taking::Whole { is_ok: true } => self.succeeded(),
            // 7.2. "bad-status".
            Taking::Whole { is_ok: false } => {
                let status = response_data
                    .state
                    .read(|state| state.response.as_ref().map(|head| head.status));
                let detail = format!("the server answered with status {}", status.unwrap_or_default());
                self.ended(ResponseResult::BadStatus, detail)
            }
            Taking::Nothing => self.failed("the network ended the fetch without a response"),
        }
    }

    fn ended(&self, result: ResponseResult, detail: String) -> Attempt {
        Attempt::Ended(Ended { result, detail })
    }

    fn succeeded(&self) -> Attempt {
        self.ended(ResponseResult::Success, String::new())
    }

    pub(super) fn aborted(&self) -> Attempt {
        self.ended(
            ResponseResult::Aborted,
            "the background fetch was aborted".to_owned(),
        )
    }

    pub(super) fn failed(&self, why: &str) -> Attempt {
        self.failed_because(format!(
            "cannot fetch {}: {why}",
            excerpt(self.record.request.url.as_str())
        ))
    }

    pub(super) fn failed_because(&self, detail: String) -> Attempt {
        self.ended(ResponseResult::FetchError, detail)
    }

    fn storage_failed(&self, error: &StorageError) -> Attempt {
        let result = match error.kind {
            StorageErrorKind::QuotaExceeded => ResponseResult::QuotaExceeded,
            StorageErrorKind::NotFound | StorageErrorKind::Damaged | StorageErrorKind::Io => {
                ResponseResult::FetchError
            }
        };
        self.ended(result, error.message.clone())
    }

    /// Sets the result of the response data, and stores it.
    async fn settle(&self, ended: Ended) -> ResponseResult {
        let Ended {
            mut result,
            mut detail,
        } = ended;
        // An abort is stored for the whole background fetch.
        if result != ResponseResult::Aborted {
            let settlement = Settlement {
                result,
                uploaded: self.record.report.lock().uploaded,
                detail: detail.clone(),
            };
            let stored = self
                .engine
                .inner
                .embedder
                .storage
                .settle_record(self.record.key, &settlement)
                .await;
            // A success that cannot be stored is none; a failure keeps its reason.
            if let Err(error) = stored
                && result == ResponseResult::Success
                && let Attempt::Ended(failed) = self.storage_failed(&error)
            {
                Ended { result, detail } = failed;
            }
        }
        self.record.report.lock().detail.clone_from(&detail);
        self.record.response_data().set_result(result);
        self.engine.note(
            self.bg_fetch,
            EventKind::RecordSettled {
                record: self.record.key.index,
                result,
                detail,
            },
        );
        result
    }

    pub(super) fn note_request(&self, range_start: u64) {
        let attempt = {
            let mut report = self.record.report.lock();
            report.attempts += 1;
            report.attempts
        };
        let record = self.record.key.index;
        self.engine.note(
            self.bg_fetch,
            EventKind::RequestSent {
                record,
                attempt,
                range_start,
            },
        );
    }

    /// The body of the record's request from `start` on, with at most so many bytes.
    pub(super) fn body_source(
        &self,
        start: u64,
        most: Option<u64>,
    ) -> Option<Arc<dyn crate::embedder::BodySource>> {
        let length = self.record.request.body_length?;
        Some(Arc::new(super::stored_body::StoredRequestBody {
            storage: Arc::clone(&self.engine.inner.embedder.storage),
            record: self.record.key,
            start,
            end: most.map_or(length, |most| start.saturating_add(most).min(length)),
        }))
    }
}
