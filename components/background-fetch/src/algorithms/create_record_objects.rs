//! Create record objects: its parts that run in parallel. The objects are made in
//! [`api::record`](crate::api::BackgroundFetchRecord).

use std::sync::Arc;

use bytes::Bytes;

use super::stored_body::SLICE;
use crate::concepts::ResponseResult;
use crate::concepts::record::{Record, ResponseData, ResponseState};
use crate::embedder::Storage;
use crate::exception::excerpt;
use crate::fetch::ResponseHead;
use crate::{Engine, Exception};

/// The response of a record, where there is one that may be exposed by now.
pub(crate) fn exposed_response<'a>(
    record: &Record,
    state: &'a ResponseState,
) -> Option<&'a Arc<ResponseHead>> {
    let checked = record.request.integrity.is_empty() || state.result != ResponseResult::Empty;
    state
        .response
        .as_ref()
        .filter(|_| checked && state.result.may_be_exposed())
}

/// Waits for the response of a record object, or for the result that says that none will come (errata 9).
///
/// With integrity metadata there is no response before all its bytes are checked: Fetch hands it over then (errata
/// 37).
///
/// <https://wicg.github.io/background-fetch/#create-settled-fetches-algorithm>, 2.9.
pub(crate) async fn response_ready(
    record: &Record,
    response_data: &ResponseData,
) -> Result<Arc<ResponseHead>, Exception> {
    // 2.9.1. Wait for a response, or for a result.
    let waited = response_data.state.when(|state| {
        let ready = exposed_response(record, state).is_some() || state.result != ResponseResult::Empty;
        ready.then(|| state.clone())
    });
    let state = waited.await;
    match exposed_response(record, &state) {
        // 2.9.2. If it may be exposed, the response.
        Some(response) => Ok(Arc::clone(response)),
        // 2.9.3 and 2.9.4. Otherwise the promise rejects.
        None => Err(why_not_exposed(record, state.result)),
    }
}

/// Pulls bytes of a record object's response; none when the stream closes.
///
/// <https://wicg.github.io/background-fetch/#create-settled-fetches-algorithm>, 2.8.
pub(crate) async fn pull_bytes(
    engine: &Engine,
    record: &Record,
    response_data: &ResponseData,
    transmitted_bytes: u64,
) -> Result<Option<Bytes>, Exception> {
    // 2.8.1. Wait for more bytes than were transmitted, or for a result.
    let checked_at_the_end = !record.request.integrity.is_empty();
    let waited = response_data.state.when(|state| {
        let more = state.length > transmitted_bytes && !checked_at_the_end;
        (more || state.result != ResponseResult::Empty).then_some((state.length, state.result))
    });
    let (length, result) = waited.await;
    // 2.8.4.3 and 2.8.4.4. What may not be exposed errors the stream.
    if !result.may_be_exposed() {
        return Err(why_not_exposed(record, result));
    }
    // 2.8.4.2. All was transmitted: the stream closes.
    if length <= transmitted_bytes {
        return Ok(None);
    }
    // 2.8.3. A slice of the bytes, not beyond those that count.
    let max = usize::try_from(length - transmitted_bytes)
        .unwrap_or(SLICE)
        .min(SLICE);
    let storage: &dyn Storage = &*engine.inner.embedder.storage;
    match storage
        .read(record.body_key(response_data), transmitted_bytes, max)
        .await
    {
        Ok(bytes) if !bytes.is_empty() => Ok(Some(bytes)),
        // Replaced or removed while it was read: it may no longer be exposed.
        Ok(_) => Err(Exception::type_error(format!(
            "the stored body of {} ends at byte {transmitted_bytes}, it should have {length} bytes",
            excerpt(record.request.url.as_str())
        ))),
        Err(error) => Err(Exception::type_error(error.message)),
    }
}

/// Why a record has no response that may be exposed, by its result.
pub(crate) fn why_not_exposed(record: &Record, result: ResponseResult) -> Exception {
    let url = excerpt(record.request.url.as_str());
    match result {
        ResponseResult::Aborted => Exception::abort_error(format!(
            "the background fetch was aborted before {url} was complete"
        )),
        ResponseResult::Redundant => Exception::type_error(format!(
            "{url} changed while it was fetched, and was fetched again: match it anew"
        )),
        _ => {
            let detail = record.report.lock().detail.clone();
            Exception::type_error(format!("{url} has no usable response ({result}): {detail}"))
        }
    }
}
