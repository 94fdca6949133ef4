//! `start()` of the guide extension: releases what waits or is paused, begins anew what is settled.

use background_fetch::{
    BackgroundFetchResult, CacheQueryOptions, ControlError, Engine, Exception, ExceptionName, api,
};

use super::guide_call::FetchCall;
use super::manager::{fetched, object_of};
use super::record::request_object;
use super::{BackgroundFetchRegistration, Objects};
use crate::bindings::RequestInfo;
use crate::engine::{Cx, Promise};
use crate::host::Host;
use crate::interfaces::request_info;
use crate::realm::Realm;
use crate::webidl::{Error, Fallible, Ref, Settles, promise_of};

fn gone<'js>() -> Error<'js> {
    Error::dom(
        "InvalidStateError",
        "nothing is known of this background fetch any more",
    )
}

impl BackgroundFetchRegistration {
    /// Releases what waits or is paused; begins anew what is settled.
    pub(super) fn guide_start<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Promise<'js>> {
        let instance = this.instance().clone();
        if instance.result() == BackgroundFetchResult::Empty {
            let engine = Host::of(cx).background_fetch.lock().clone().ok_or_else(gone)?;
            let released = release(engine, instance);
            return promise_of(cx, released, |cx, instance| object_of(cx, Some(instance)));
        }
        let remembered = this.remembered.call.borrow().clone();
        let seen = this.look(cx);
        let (promise, settles) = Settles::new(cx)?;
        let records = instance.match_all(None, CacheQueryOptions::default());
        Realm::of(cx).spawn_then(records, move |cx, records| {
            let seen = seen.zip(records.as_ref().ok());
            let call = remembered
                .or_else(|| seen.map(|(seen, records)| FetchCall::of_records(&seen, records).into()));
            let begun = call.ok_or_else(gone).and_then(|call| {
                let requests = match records {
                    Ok(records) => with_bodies(cx, &records)?,
                    Err(_) => without_bodies(&call)?,
                };
                Ok((call, requests))
            });
            match begun {
                Ok((call, requests)) => begin(cx, &call, requests, settles),
                Err(error) => settles.settle(cx, Err(error)),
            }
        });
        Ok(promise)
    }
}

/// The requests of records, which still have their bodies.
fn with_bodies<'js>(
    cx: &Cx<'js>,
    records: &[api::BackgroundFetchRecord],
) -> Fallible<'js, Vec<api::RequestInfo>> {
    let requests = records.iter().map(|record| {
        let request = request_object(cx, record)?;
        request_info(cx, &RequestInfo::Request(request))
    });
    requests.collect()
}

/// The requests of a call, when the records are gone, and the bodies with them.
fn without_bodies<'js>(call: &FetchCall) -> Fallible<'js, Vec<api::RequestInfo>> {
    call.requests().map_err(|request| {
        let (method, url) = (&request.method, &request.url);
        Error::dom(
            "InvalidStateError",
            format!(
                "the body of the {method} request to {url} went with its records: call fetch() with the requests"
            ),
        )
    })
}

/// Calls `fetch()` with what it was called with before.
fn begin(cx: &Cx<'_>, call: &FetchCall, requests: Vec<api::RequestInfo>, settles: Settles) {
    let objects = match Objects::of(cx) {
        Ok(objects) => objects,
        Err(error) => return settles.settle(cx, Err(error)),
    };
    let manager = objects.realm().background_fetch(&call.registration);
    let again = FetchCall::of(cx, &call.registration, &call.id, &requests, &call.options);
    let answer = manager.fetch(call.id.clone(), requests, call.options.clone());
    Realm::of(cx).spawn_then(answer, move |cx, outcome| {
        settles.settle(cx, fetched(cx, outcome.map(Some), again));
    });
}

async fn release(
    engine: Engine,
    instance: api::BackgroundFetchRegistration,
) -> Result<api::BackgroundFetchRegistration, Exception> {
    let refused = |message: String| Exception::new(ExceptionName::InvalidStateError, message);
    // What is over by now was released.
    let unless_over = |done: Result<(), ControlError>| match done {
        Ok(()) | Err(ControlError::NotFound | ControlError::Settled) => Ok(()),
        Err(error) => Err(refused(error.to_string())),
    };
    let key = instance.key();
    let paused = engine.inspect_one(key).map(|now| now.paused).unwrap_or_default();
    if paused.permission {
        unless_over(engine.allow(key).await)?;
    }
    if paused.user {
        unless_over(engine.resume(key).await)?;
    }
    // What the user agent paused for want of resources a script does not release.
    if paused.metered {
        return Err(refused(
            "the user agent paused this background fetch, because the connection is metered: it goes on when \
             it is not"
                .to_owned(),
        ));
    }
    Ok(instance)
}
