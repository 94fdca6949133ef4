//! Background fetch records and background fetch responses.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use url::Url;

use super::{RecordKey, ResponseResult};
use crate::embedder::{BodyKey, Settlement, StoredRecord};
use crate::fetch::{Request, ResponseHead};
use crate::sync::Watched;

/// A background fetch record.
///
/// <https://wicg.github.io/background-fetch/#background-fetch-record>
pub(crate) struct Record {
    pub(crate) key: RecordKey,
    /// The request.
    pub(crate) request: Arc<Request>,
    response_data: Mutex<Arc<ResponseData>>,
    /// Whether the request was sent, where it may be sent once only.
    pub(crate) sent: AtomicBool,
    /// Where its body can be continued, once a server said so.
    upload: Mutex<Option<Url>>,
    /// What people may want to know of it.
    pub(crate) report: Mutex<Report>,
}

/// What [`inspect`](crate::inspect) shows of a record beyond its response data.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    /// Requests that were sent.
    pub(crate) attempts: u64,
    /// The bytes of the request's body that were uploaded.
    pub(crate) uploaded: u64,
    /// The last trouble, in a sentence; empty for none.
    pub(crate) detail: String,
    /// Whether a request is in flight.
    pub(crate) in_flight: bool,
}

/// A background fetch response: its bytes are in storage.
///
/// <https://wicg.github.io/background-fetch/#background-fetch-response>
pub(crate) struct ResponseData {
    /// Which of the record's responses this is, from 1.
    pub(crate) generation: u64,
    pub(crate) state: Watched<ResponseState>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct ResponseState {
    /// The response.
    pub(crate) response: Option<Arc<ResponseHead>>,
    /// The length of the bytes.
    pub(crate) length: u64,
    /// The result.
    pub(crate) result: ResponseResult,
}

impl Record {
    pub(crate) fn new(key: RecordKey, stored: StoredRecord) -> Self {
        let StoredRecord { request, state } = stored;
        let settlement = state.settlement.unwrap_or_else(|| Settlement {
            result: ResponseResult::Empty,
            uploaded: 0,
            detail: String::new(),
        });
        Self {
            key,
            request,
            response_data: Mutex::new(Arc::new(ResponseData {
                generation: state.generation.max(1),
                state: Watched::new(ResponseState {
                    response: state.response,
                    length: state.length,
                    result: settlement.result,
                }),
            })),
            sent: AtomicBool::new(state.sent),
            upload: Mutex::new(state.upload),
            report: Mutex::new(Report {
                uploaded: settlement.uploaded,
                detail: settlement.detail,
                ..Report::default()
            }),
        }
    }

    /// The response data.
    pub(crate) fn response_data(&self) -> Arc<ResponseData> {
        Arc::clone(&self.response_data.lock())
    }

    /// Sets the response data to a new background fetch response, which is returned.
    pub(crate) fn replace_response_data(&self) -> Arc<ResponseData> {
        let mut current = self.response_data.lock();
        *current = Arc::new(ResponseData {
            generation: current.generation.saturating_add(1),
            state: Watched::new(ResponseState::default()),
        });
        Arc::clone(&current)
    }

    pub(crate) fn was_sent(&self) -> bool {
        self.sent.load(Ordering::Relaxed)
    }

    /// The upload resource where its body can be continued.
    pub(crate) fn upload(&self) -> Option<Url> {
        self.upload.lock().clone()
    }

    pub(crate) fn set_upload(&self, upload: Url) {
        *self.upload.lock() = Some(upload);
    }

    /// Whether its request may be issued again: a `GET`, or what can be continued (errata 18).
    pub(crate) fn may_be_sent_again(&self) -> bool {
        self.request.is_get() || self.upload.lock().is_some()
    }

    /// Where the bytes of this response are.
    pub(crate) fn body_key(&self, response_data: &ResponseData) -> BodyKey {
        BodyKey::Response {
            record: self.key,
            generation: response_data.generation,
        }
    }
}

impl ResponseData {
    pub(crate) fn snapshot(&self) -> ResponseState {
        self.state.read(ResponseState::clone)
    }

    pub(crate) fn set_result(&self, result: ResponseResult) {
        self.state.update(|state| state.result = result);
    }
}
