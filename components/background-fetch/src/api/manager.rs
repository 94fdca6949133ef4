//! `BackgroundFetchManager`.

use std::rc::{Rc, Weak};
use std::sync::Arc;

use super::arguments::construct_request;
use super::realm::{RealmInner, Settled, realm_is_gone, unexpected_reply};
use super::request_policy::{refuse_bad_port, refuse_dangling_markup, refuse_scheme};
use super::{BackgroundFetchRegistration, Promise, RequestInfo, rejected};
use crate::concepts::{BackgroundFetchOptions, BackgroundFetchUIOptions, RegistrationKey};
use crate::exception::excerpt;
use crate::fetch::RequestMode;
use crate::seam::{Call, Reply};
use crate::{DomString, Exception};

/// Starts and finds background fetches of one service worker registration.
///
/// <https://wicg.github.io/background-fetch/#background-fetch-manager>
#[derive(Clone)]
pub struct BackgroundFetchManager {
    inner: Rc<Inner>,
}

struct Inner {
    /// The realm holds the manager.
    realm: Weak<RealmInner>,
    /// The service worker registration.
    registration: RegistrationKey,
}

impl PartialEq for BackgroundFetchManager {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.inner, &other.inner)
    }
}

impl BackgroundFetchManager {
    pub(super) fn new(realm: &Rc<RealmInner>, registration: RegistrationKey) -> Self {
        Self {
            inner: Rc::new(Inner {
                realm: Rc::downgrade(realm),
                registration,
            }),
        }
    }

    /// Starts a background fetch of `requests`.
    ///
    /// The promise resolves when the background fetch, with the bodies of its requests, is stored.
    ///
    /// # Errors
    ///
    /// `TypeError` for an empty list, a bad request, a mode "no-cors", a URL whose scheme or port is blocked, that
    /// has dangling markup or that the page's Content Security Policy excludes, an id that is active, a registration without
    /// an active worker or a limit of the user agent; `NotAllowedError` where the user denies it;
    /// `QuotaExceededError` where bodies or `downloadTotal` do not fit; nothing is stored then.
    ///
    /// <https://wicg.github.io/background-fetch/#background-fetch-manager-fetch>
    pub fn fetch<R: Into<RequestInfo>>(
        &self,
        id: impl Into<DomString>,
        requests: impl IntoIterator<Item = R>,
        options: BackgroundFetchOptions,
    ) -> Promise<BackgroundFetchRegistration> {
        let Some(realm) = self.inner.realm.upgrade() else {
            return rejected(realm_is_gone());
        };
        let id = id.into();
        // 1 to 3. The registration; the records and uploadTotal are made where the bodies are read.
        let client = &realm.client();
        // 4. A single `RequestInfo` is a list of one: that is for the binding.
        let requests: Vec<RequestInfo> = requests.into_iter().map(Into::into).collect();
        // 5. An empty list is refused.
        if requests.is_empty() {
            return rejected(Exception::type_error(
                "the list of requests is empty; give at least one",
            ));
        }
        // 6. Each request goes through the Request constructor.
        let mut internal_requests = Vec::with_capacity(requests.len());
        let mut bodies = Vec::with_capacity(requests.len());
        for (index, request) in requests.into_iter().enumerate() {
            let what = format!("request {index}");
            // 6.1. The internal request.
            let constructed = refuse_dangling_markup(&request, client, &what)
                .and_then(|()| construct_request(request, client, &what));
            let (internal_request, body) = match constructed {
                Ok(constructed) => constructed,
                Err(exception) => return rejected(exception),
            };
            let url = &internal_request.url;
            let refused = refuse_scheme(url, &what).and_then(|()| refuse_bad_port(url, client, &what));
            if let Err(exception) = refused {
                return rejected(exception);
            }
            // 6.2. "no-cors" is refused.
            if internal_request.mode == RequestMode::NoCors {
                let url = excerpt(internal_request.url.as_str());
                return rejected(Exception::type_error(format!(
                    "{what} ({url}) has the mode \"no-cors\""
                )));
            }
            // 6.3 to 6.6. Its client becomes null: a snapshot travels beside it (errata 16).
            internal_requests.push(internal_request);
            bodies.push(body);
        }
        // 7 to 9. The rest is the engine's; the promise is pending.
        let reply = realm.call(
            Call::Fetch {
                registration: self.inner.registration.clone(),
                client: Arc::clone(client),
                id,
                requests: internal_requests,
                options,
            },
            bodies,
        );
        Box::pin(async move {
            match reply.await? {
                Settled::Registration(Some(registration)) => Ok(registration),
                _ => Err(unexpected_reply()),
            }
        })
    }

    /// Gets the active background fetch of an id: the same object each time.
    ///
    /// None becomes `undefined` in scripts (errata 11).
    ///
    /// # Errors
    ///
    /// `TypeError` for the empty string (errata 42).
    ///
    /// <https://wicg.github.io/background-fetch/#background-fetch-manager-get>
    pub fn get(&self, id: impl Into<DomString>) -> Promise<Option<BackgroundFetchRegistration>> {
        let Some(realm) = self.inner.realm.upgrade() else {
            return rejected(realm_is_gone());
        };
        let id = id.into();
        if id.is_empty() {
            return rejected(Exception::type_error(
                "the id is the empty string; give the one of a fetch()",
            ));
        }
        let call = Call::Get {
            registration: self.inner.registration.clone(),
            id,
        };
        let reply = realm.call(call, Vec::new());
        Box::pin(async move {
            match reply.await? {
                Settled::Registration(registration) => Ok(registration),
                _ => Err(unexpected_reply()),
            }
        })
    }

    /// Gets the ids of the active background fetches, the oldest first.
    ///
    /// <https://wicg.github.io/background-fetch/#background-fetch-manager-get-ids>
    pub fn get_ids(&self) -> Promise<Vec<DomString>> {
        let Some(realm) = self.inner.realm.upgrade() else {
            return rejected(realm_is_gone());
        };
        let reply = realm.call(
            Call::GetIds {
                registration: self.inner.registration.clone(),
            },
            Vec::new(),
        );
        Box::pin(async move {
            match reply.await? {
                Settled::Other(Reply::Ids(ids)) => Ok(ids),
                _ => Err(unexpected_reply()),
            }
        })
    }
}

impl From<BackgroundFetchUIOptions> for BackgroundFetchOptions {
    fn from(ui: BackgroundFetchUIOptions) -> Self {
        Self {
            ui,
            download_total: 0,
        }
    }
}
