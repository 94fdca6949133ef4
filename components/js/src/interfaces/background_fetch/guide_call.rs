//! [`FetchCall`]: what `fetch()` was called with, for the guide extension's `start()`.

use background_fetch::fetch::Request;
use background_fetch::inspect::FetchInspection;
use background_fetch::{BackgroundFetchOptions, BackgroundFetchUIOptions, DomString, RegistrationKey, api};

use crate::bindings::BackgroundFetchFile;
use crate::engine::{Cx, Value};
use crate::realm::Realm;
use crate::webidl::{Fallible, ToJs};

/// What `fetch()` was called with, but for the bodies: those are in storage, and only as long as their records.
#[derive(Clone, Debug)]
pub(super) struct FetchCall {
    pub(super) registration: RegistrationKey,
    pub(super) id: DomString,
    pub(super) options: BackgroundFetchOptions,
    requests: Vec<KeptRequest>,
}

#[derive(Clone, Debug)]
struct KeptRequest {
    request: Request,
    has_body: bool,
}

impl FetchCall {
    /// That of a call; none where the extension is off, or nothing will come of it.
    pub(super) fn of(
        cx: &Cx<'_>,
        registration: &RegistrationKey,
        id: &DomString,
        requests: &[api::RequestInfo],
        options: &BackgroundFetchOptions,
    ) -> Option<Self> {
        let realm = Realm::of(cx);
        if !realm.has_guide() {
            return None;
        }
        let base_url = realm.client().base_url;
        let keep = |request: &api::RequestInfo| match request {
            api::RequestInfo::Url(url) => Some(KeptRequest {
                request: Request::new(base_url.join(url).ok()?),
                has_body: false,
            }),
            api::RequestInfo::Request(object) => Some(KeptRequest {
                request: object.request.clone(),
                has_body: object.body.is_some(),
            }),
        };
        Some(Self {
            registration: registration.clone(),
            id: id.clone(),
            options: options.clone(),
            requests: requests.iter().map(keep).collect::<Option<_>>()?,
        })
    }

    /// That of another realm, from its records and what is seen of it.
    pub(super) fn of_records(seen: &FetchInspection, records: &[api::BackgroundFetchRecord]) -> Self {
        let keep = |record: &api::BackgroundFetchRecord| {
            let request = record.request().request().clone();
            let has_body = request.body_length.is_some();
            KeptRequest { request, has_body }
        };
        Self {
            registration: seen.registration.clone(),
            id: seen.id.clone(),
            options: BackgroundFetchOptions {
                ui: BackgroundFetchUIOptions {
                    title: Some(seen.title.clone()),
                    icons: Some(seen.icons.clone()),
                },
                download_total: seen.download_total,
            },
            requests: records.iter().map(keep).collect(),
        }
    }

    /// The requests, where none of them had a body; the first that had one otherwise.
    pub(super) fn requests(&self) -> Result<Vec<api::RequestInfo>, &Request> {
        let without = |kept: &KeptRequest| kept.request.clone().into();
        match self.requests.iter().find(|kept| kept.has_body) {
            Some(kept) => Err(&kept.request),
            None => Ok(self.requests.iter().map(without).collect()),
        }
    }

    /// The guide's `files`, while nothing else is known of them.
    pub(super) fn files<'js>(&self, cx: &Cx<'js>) -> Fallible<'js, Vec<Value<'js>>> {
        let file = |kept: &KeptRequest| BackgroundFetchFile {
            url: kept.request.url.to_string(),
            size: 0,
        };
        let files = self.requests.iter().map(|kept| file(kept).to_js(cx));
        files.collect()
    }
}
