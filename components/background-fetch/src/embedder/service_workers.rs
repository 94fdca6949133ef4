//! [`ServiceWorkers`].

use std::fmt;

use futures::future::BoxFuture;
use url::Url;

use crate::DomString;
use crate::concepts::{FetchKey, RegistrationKey};
use crate::fetch::StorageKey;
use crate::fetch::request::idl_enum;

idl_enum! {
    /// The four events that a service worker gets.
    ///
    /// <https://wicg.github.io/background-fetch/#service-worker-global-events>
    FunctionalEventName {
        /// A `BackgroundFetchUpdateUIEvent`: every record succeeded.
        #[default]
        Success = "backgroundfetchsuccess",
        /// A `BackgroundFetchUpdateUIEvent`: a record failed.
        Fail = "backgroundfetchfail",
        /// A `BackgroundFetchEvent`: aborted.
        Abort = "backgroundfetchabort",
        /// A `BackgroundFetchEvent`: the user activated the user interface.
        Click = "backgroundfetchclick",
    }
}

impl FunctionalEventName {
    /// Whether the event's interface is `BackgroundFetchUpdateUIEvent`; otherwise `BackgroundFetchEvent`.
    pub fn has_update_ui(self) -> bool {
        matches!(self, Self::Success | Self::Fail)
    }
}

/// A functional event to fire: plain data. In the worker's realm
/// [`Realm::create_event`](crate::api::Realm::create_event) makes the event object of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FunctionalEvent {
    /// The event's name, which gives its interface.
    pub name: FunctionalEventName,
    /// The registration whose active worker gets it.
    pub registration: RegistrationKey,
    /// The background fetch that the event's `registration` attribute stands for.
    pub fetch: FetchKey,
    /// Its id.
    pub id: DomString,
}

/// Runs service workers.
pub trait ServiceWorkers: Send + Sync {
    /// Whether the registration's active worker is not null.
    fn has_active_worker(&self, registration: &RegistrationKey) -> bool;

    /// The scope URLs of a storage key's registrations, in the order of registration.
    fn scopes(&self, storage_key: &StorageKey) -> Vec<Url>;

    /// Fires a functional event: starts the active worker where it is stopped, dispatches, and resolves when the
    /// event is no longer active, whatever the handlers did, or when there is no handler.
    ///
    /// An error means that the event was not dispatched: it stays owed and is tried again.
    ///
    /// <https://w3c.github.io/ServiceWorker/#fire-functional-event-algorithm>
    fn fire(&self, event: FunctionalEvent) -> BoxFuture<'static, Result<(), EventError>>;
}

/// The worker could not be started, or ended before the event was dispatched; a sentence that says why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventError(pub String);

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for EventError {}
