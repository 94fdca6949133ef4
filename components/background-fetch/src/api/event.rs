//! `BackgroundFetchEvent` and `BackgroundFetchUpdateUIEvent`.

use std::cell::Cell;
use std::rc::Rc;

use super::{BackgroundFetchRegistration, Promise, rejected};
use crate::Exception;
use crate::concepts::BackgroundFetchUIOptions;
use crate::embedder::FunctionalEventName;
use crate::sync::Watched;

/// An event at a service worker's global: a `BackgroundFetchUpdateUIEvent` where its name has
/// [`has_update_ui`](FunctionalEventName::has_update_ui), otherwise a `BackgroundFetchEvent`.
///
/// Its life is an `ExtendableEvent`'s: whoever dispatches it calls [`end_dispatch`](Self::end_dispatch) after the
/// last listener, listeners call [`extend`](Self::extend) as scripts call `waitUntil()`, and
/// [`ended`](Self::ended) resolves when it is no longer active.
///
/// <https://wicg.github.io/background-fetch/#background-fetch-event>
#[derive(Clone)]
pub struct BackgroundFetchEvent {
    inner: Rc<Inner>,
}

struct Inner {
    name: FunctionalEventName,
    registration: BackgroundFetchRegistration,
    is_trusted: bool,
    /// The UI updated flag.
    ui_updated: Cell<bool>,
    activity: Watched<Activity>,
}

/// What keeps an extendable event active.
///
/// <https://w3c.github.io/ServiceWorker/#extendableevent-active>
struct Activity {
    /// The dispatch flag.
    dispatched: bool,
    /// The timed out flag.
    timed_out: bool,
    /// The pending promises count.
    pending_promises: usize,
}

impl Activity {
    fn is_active(&self) -> bool {
        !self.timed_out && (self.dispatched || self.pending_promises > 0)
    }
}

/// A promise that extends the life of an event: pending until it is dropped.
pub struct Lifetime(BackgroundFetchEvent);

impl Drop for Lifetime {
    fn drop(&mut self) {
        self.0
            .inner
            .activity
            .update(|activity| activity.pending_promises -= 1);
    }
}

impl BackgroundFetchEvent {
    pub(super) fn trusted(name: FunctionalEventName, registration: BackgroundFetchRegistration) -> Self {
        Self::with(name, registration, true)
    }

    /// The event that a script constructs: not trusted, and not active.
    pub fn new(name: FunctionalEventName, registration: BackgroundFetchRegistration) -> Self {
        Self::with(name, registration, false)
    }

    fn with(name: FunctionalEventName, registration: BackgroundFetchRegistration, is_trusted: bool) -> Self {
        let activity = Activity {
            dispatched: is_trusted,
            timed_out: false,
            pending_promises: 0,
        };
        let activity = Watched::new(activity);
        let ui_updated = Cell::new(false);
        Self {
            inner: Rc::new(Inner {
                name,
                registration,
                is_trusted,
                ui_updated,
                activity,
            }),
        }
    }

    /// Its type.
    pub fn name(&self) -> FunctionalEventName {
        self.inner.name
    }

    /// The background fetch's instance in this realm.
    pub fn registration(&self) -> &BackgroundFetchRegistration {
        &self.inner.registration
    }

    /// Whether the user agent made it.
    pub fn is_trusted(&self) -> bool {
        self.inner.is_trusted
    }

    /// Whether it is active.
    pub fn is_active(&self) -> bool {
        self.inner.activity.read(Activity::is_active)
    }

    /// Extends its life until what is returned is dropped: `waitUntil()`.
    ///
    /// # Errors
    ///
    /// `InvalidStateError` when it is not active.
    pub fn extend(&self) -> Result<Lifetime, Exception> {
        self.inner.activity.update(|activity| {
            if !activity.is_active() {
                return Err(Exception::invalid_state("the event is no longer active"));
            }
            activity.pending_promises += 1;
            Ok(Lifetime(self.clone()))
        })
    }

    /// Unsets the dispatch flag: every listener was called.
    pub fn end_dispatch(&self) {
        self.inner.activity.update(|activity| activity.dispatched = false);
    }

    /// Sets the timed out flag: it took too long.
    pub fn time_out(&self) {
        self.inner.activity.update(|activity| activity.timed_out = true);
    }

    /// Resolves when it is no longer active.
    pub async fn ended(&self) {
        self.inner
            .activity
            .when(|activity| (!activity.is_active()).then_some(()))
            .await;
    }

    /// Changes title and icons of what the user sees; once.
    ///
    /// # Errors
    ///
    /// `InvalidStateError` when it is not trusted, not active, was called before, or the event's interface is not
    /// `BackgroundFetchUpdateUIEvent`.
    ///
    /// <https://wicg.github.io/background-fetch/#background-fetch-update-ui-event-update-ui>
    pub fn update_ui(&self, options: BackgroundFetchUIOptions) -> Promise<()> {
        // 1. Checked, and 2. set, at once: two calls do not race (errata 13).
        let refusal = if !self.inner.name.has_update_ui() {
            Some("the event has no user interface to update")
        } else if !self.is_trusted() {
            Some("the event is not trusted")
        } else if self.inner.ui_updated.get() {
            Some("updateUI() may be called once")
        } else if !self.is_active() {
            Some("the event is no longer active")
        } else {
            None
        };
        if let Some(message) = refusal {
            return rejected(Exception::invalid_state(message));
        }
        self.inner.ui_updated.set(true);
        // 3 on. The options are never null (errata 13); the rest is the engine's.
        self.inner.registration.update_ui(options)
    }
}
