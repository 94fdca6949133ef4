//! `BackgroundFetchRecord`.

use background_fetch::api;
use futures::{StreamExt, TryStreamExt};

use crate::bindings::BackgroundFetchRecordMethods;
use crate::engine::{Cx, Promise, Slots};
use crate::interfaces::fetch::Guard;
use crate::interfaces::{ByteStream, Request, Response};
use crate::webidl::{Fallible, FromJs, Ref, ToJs, create, promise_of};

/// One request of a background fetch, and its response.
///
/// <https://wicg.github.io/background-fetch/#background-fetch-record-interface>
pub struct BackgroundFetchRecord {
    inner: api::BackgroundFetchRecord,
}

const REQUEST: &str = "request";
const RESPONSE_READY: &str = "responseReady";

/// A body that streams, while its bytes may still arrive.
fn byte_stream(body: api::Body) -> ByteStream {
    body.map_err(Into::into).boxed_local()
}

/// A new record object.
pub(super) fn record_object<'js>(
    cx: &Cx<'js>,
    inner: api::BackgroundFetchRecord,
) -> Fallible<'js, Ref<'js, BackgroundFetchRecord>> {
    create(cx, BackgroundFetchRecord { inner }, Slots::default())
}

/// A request object for a record: its request, with the body that was stored.
pub(super) fn request_object<'js>(
    cx: &Cx<'js>,
    record: &api::BackgroundFetchRecord,
) -> Fallible<'js, Ref<'js, Request>> {
    let inner = record.request();
    let body = inner.body().map(byte_stream);
    Request::from_component(cx, inner.request(), Guard::Immutable, body)
}

impl BackgroundFetchRecordMethods for BackgroundFetchRecord {
    fn request<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Ref<'js, Request>> {
        if let Some(request) = this.slots().named(REQUEST) {
            return Ref::from_js(cx, &request);
        }
        let request = request_object(cx, &this.inner)?;
        this.slots().set_named(REQUEST, request.value());
        Ok(request)
    }

    fn response_ready<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Promise<'js>> {
        if let Some(promise) = this.slots().named(RESPONSE_READY) {
            return Promise::from_js(cx, &promise);
        }
        let promise = promise_of(cx, this.inner.response_ready(), |cx, response| {
            let body = response.take_body().map(byte_stream);
            Response::from_head(cx, response.head(), &response.headers(), body)?.to_js(cx)
        })?;
        this.slots().set_named(RESPONSE_READY, promise.value());
        Ok(promise)
    }
}
