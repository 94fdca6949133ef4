//! `BackgroundFetchRegistration`.

use background_fetch::{DomString, api};

use super::guide::Remembered;
use super::record::record_object;
use crate::bindings::{
    BackgroundFetchFailureReason, BackgroundFetchRegistrationMethods, BackgroundFetchResult,
    BackgroundFetchStatus, CacheQueryOptions, RequestInfo,
};
use crate::engine::{Cx, Object, Promise};
use crate::interfaces::{EventTarget, request_info_to_match};
use crate::webidl::{Error, Fallible, Inherits, Ref, ToJs, promise_of};

/// A background fetch, as scripts see it.
///
/// <https://wicg.github.io/background-fetch/#background-fetch-registration>
pub struct BackgroundFetchRegistration {
    target: EventTarget,
    inner: api::BackgroundFetchRegistration,
    /// What the guide extension remembers of it.
    pub(super) remembered: Remembered,
}

impl Inherits<EventTarget> for BackgroundFetchRegistration {
    fn parent(&self) -> &EventTarget {
        &self.target
    }
}

impl BackgroundFetchRegistration {
    pub(super) fn new(inner: api::BackgroundFetchRegistration) -> Self {
        Self {
            target: EventTarget::default(),
            inner,
            remembered: Remembered::default(),
        }
    }

    /// The component's instance.
    pub fn instance(&self) -> &api::BackgroundFetchRegistration {
        &self.inner
    }
}

impl BackgroundFetchRegistrationMethods for BackgroundFetchRegistration {
    fn id<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
        Ok(this.inner.id().clone())
    }

    fn upload_total<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, u64> {
        Ok(this.inner.upload_total())
    }

    fn uploaded<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, u64> {
        Ok(this.inner.uploaded())
    }

    fn download_total<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, u64> {
        Ok(this.inner.download_total())
    }

    fn downloaded<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, u64> {
        Ok(this.inner.downloaded())
    }

    fn result<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, BackgroundFetchResult> {
        let result = BackgroundFetchResult::from_idl(this.inner.result().as_str());
        result.ok_or_else(|| Error::type_error("the result is none of the Web IDL"))
    }

    fn failure_reason<'js>(
        this: &Ref<'js, Self>,
        _: &Cx<'js>,
    ) -> Fallible<'js, BackgroundFetchFailureReason> {
        let reason = BackgroundFetchFailureReason::from_idl(this.inner.failure_reason().as_str());
        reason.ok_or_else(|| Error::type_error("the failure reason is none of the Web IDL"))
    }

    fn records_available<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, bool> {
        Ok(this.inner.records_available())
    }

    fn abort<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Promise<'js>> {
        promise_of(cx, this.inner.abort(), |cx, aborted| aborted.to_js(cx))
    }

    fn match_<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        request: RequestInfo<'js>,
        options: CacheQueryOptions,
    ) -> Fallible<'js, Promise<'js>> {
        let request = request_info_to_match(&request)?;
        let matched = this.inner.r#match(request, options.into());
        promise_of(cx, matched, |cx, record| match record {
            Some(record) => Ok(record_object(cx, record)?.value()),
            // Errata 12.
            None => Ok(cx.undefined()),
        })
    }

    fn match_all<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        request: Option<RequestInfo<'js>>,
        options: CacheQueryOptions,
    ) -> Fallible<'js, Promise<'js>> {
        let request = request
            .map(|request| request_info_to_match(&request))
            .transpose()?;
        let matched = this.inner.match_all(request, options.into());
        promise_of(cx, matched, |cx, records| {
            let records: Result<Vec<_>, _> = records
                .into_iter()
                .map(|record| record_object(cx, record))
                .collect();
            records?.to_js(cx)
        })
    }

    fn upload_bytes_received<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, u64> {
        Self::uploaded(this, cx)
    }

    fn download_bytes_received<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, u64> {
        Self::downloaded(this, cx)
    }

    fn start<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Promise<'js>> {
        Self::guide_start(this, cx)
    }

    fn get_status<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, BackgroundFetchStatus> {
        Ok(this.guide_status(cx))
    }

    fn status<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, BackgroundFetchStatus> {
        Ok(this.guide_status(cx))
    }

    fn files<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Object<'js>> {
        this.guide_files(cx)
    }
}
