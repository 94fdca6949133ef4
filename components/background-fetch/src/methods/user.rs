//! What the user does in the user interface, and what the user agent does in their place.

use std::fmt;
use std::sync::Arc;

use crate::algorithms;
use crate::algorithms::display;
use crate::algorithms::fire_click_event::fire_a_background_fetch_click_event;
use crate::algorithms::update_instances::update_background_fetch_instances_now;
use crate::concepts::background_fetch::BackgroundFetch;
use crate::concepts::{FetchKey, RegistrationKey};
use crate::embedder::{MeteredPolicy, PauseReasons, StorageError, StorageErrorKind};
use crate::inspect::EventKind;
use crate::{DomString, Engine};

/// Why something could not be done for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlError {
    /// There is no such background fetch (any more).
    NotFound,
    /// It is settled.
    Settled,
    /// It has a request that is no `GET`, which cannot be sent again after a pause.
    NotPausable,
    /// It could not be stored.
    Storage(StorageError),
}

impl fmt::Display for ControlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("there is no such background fetch any more"),
            Self::Settled => f.write_str("the background fetch is settled already"),
            Self::NotPausable => f.write_str(
                "the background fetch has a request that is no GET: it cannot be paused, since sending such a \
                 request again may have unwanted effects",
            ),
            Self::Storage(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ControlError {}

/// <https://wicg.github.io/background-fetch/#background-fetch-display-algorithm>
impl Engine {
    /// Sets the paused flag for the user.
    ///
    /// # Errors
    ///
    /// [`ControlError::NotPausable`] unless every request is a `GET`; [`ControlError::NotFound`] or
    /// [`ControlError::Settled`] when it is over; [`ControlError::Storage`] when it is paused now, and might not be
    /// after a restart.
    pub async fn pause(&self, fetch: FetchKey) -> Result<(), ControlError> {
        let bg_fetch = self.controllable(fetch)?;
        if !bg_fetch.pausable {
            return Err(ControlError::NotPausable);
        }
        self.set_paused(&bg_fetch, |reasons| reasons.user = true).await
    }

    /// Unsets the paused flag, as far as the user set it.
    ///
    /// # Errors
    ///
    /// [`ControlError::NotFound`] or [`ControlError::Settled`] when it is over; [`ControlError::Storage`] when it
    /// goes on now, and might not after a restart.
    pub async fn resume(&self, fetch: FetchKey) -> Result<(), ControlError> {
        let bg_fetch = self.controllable(fetch)?;
        self.set_paused(&bg_fetch, |reasons| reasons.user = false).await
    }

    /// The user allows a background fetch that waits for permission: it goes on.
    ///
    /// # Errors
    ///
    /// [`ControlError::NotFound`] or [`ControlError::Settled`] when it is over; [`ControlError::Storage`] when it
    /// goes on now, and might not after a restart.
    pub async fn allow(&self, fetch: FetchKey) -> Result<(), ControlError> {
        let bg_fetch = self.controllable(fetch)?;
        self.set_paused(&bg_fetch, |reasons| reasons.permission = false)
            .await
    }

    /// The user refuses a background fetch: it is aborted. Whether it was active.
    pub async fn refuse(&self, fetch: FetchKey) -> bool {
        self.abort(fetch).await
    }

    /// The user aborts a background fetch, as a script does with `abort()`. Whether it was active.
    pub async fn abort(&self, fetch: FetchKey) -> bool {
        match self.background_fetch(fetch) {
            Some(bg_fetch) => self.abort_background_fetch(&bg_fetch).await.unwrap_or(false),
            None => false,
        }
    }

    /// The user activates a background fetch, also one that is over and still shown: its worker gets a
    /// `backgroundfetchclick`. Whether it is shown.
    pub fn click(&self, fetch: FetchKey) -> bool {
        let bg_fetch = self.background_fetch(fetch);
        bg_fetch
            .filter(|bg_fetch| *bg_fetch.on_screen.lock())
            .map(|bg_fetch| fire_a_background_fetch_click_event(self, &bg_fetch))
            .is_some()
    }

    /// The user dismisses a background fetch that is settled; its event goes on where it has not ended. Whether it
    /// was shown: one that is not settled cannot be dismissed without aborting it.
    pub fn dismiss(&self, fetch: FetchKey) -> bool {
        self.background_fetch(fetch)
            .is_some_and(|bg_fetch| display::dismiss(self, &bg_fetch))
    }

    /// Says whether the connection is metered: after opening, before [`start`](Self::start), and whenever it
    /// changes. With [`MeteredPolicy::Pause`] every background fetch pauses while it is: a `GET` is interrupted and goes
    /// on later, another request that was sent goes on.
    pub async fn set_metered(&self, metered: bool) {
        *self.inner.metered.lock() = metered;
        let bg_fetches: Vec<_> = self.inner.fetches.lock().values().cloned().collect();
        for bg_fetch in &bg_fetches {
            self.apply_metered(bg_fetch).await;
        }
    }

    /// Clears a service worker registration, because it is unregistered or its site's data is cleared: aborts its
    /// background fetches, fires nothing, rejects what is pending and wipes what is stored.
    ///
    /// # Errors
    ///
    /// What [`Storage::clear`](crate::embedder::Storage::clear) says: call again then.
    pub async fn clear_registration(&self, registration: &RegistrationKey) -> Result<(), StorageError> {
        algorithms::clear::clear_registration(self, registration).await
    }

    /// The newest background fetch with this id of a registration, active or not.
    pub fn find(&self, registration: &RegistrationKey, id: &DomString) -> Option<FetchKey> {
        let fetches = self.inner.fetches.lock();
        let newest = fetches.values().rev().find(|bg_fetch| {
            bg_fetch.id == *id
                && bg_fetch.registration.key == *registration
                && !bg_fetch.registration.is_cleared()
        });
        newest.map(|bg_fetch| bg_fetch.key)
    }

    fn controllable(&self, fetch: FetchKey) -> Result<Arc<BackgroundFetch>, ControlError> {
        let bg_fetch = self.background_fetch(fetch).ok_or(ControlError::NotFound)?;
        if bg_fetch.is_settled() || bg_fetch.is_aborted() {
            Err(ControlError::Settled)
        } else {
            Ok(bg_fetch)
        }
    }

    async fn set_paused(
        &self,
        bg_fetch: &Arc<BackgroundFetch>,
        change: impl FnOnce(&mut PauseReasons),
    ) -> Result<(), ControlError> {
        let changed = bg_fetch.control.update(|control| {
            let before = control.paused;
            change(&mut control.paused);
            (control.paused != before).then_some(control.paused)
        });
        if let Some(reasons) = changed {
            self.note(bg_fetch, EventKind::Paused { reasons });
            update_background_fetch_instances_now(bg_fetch);
        }
        self.store_paused(bg_fetch)
            .await
            .map_err(|error| match error.kind {
                // Its event ended meanwhile, or it was cleared.
                StorageErrorKind::NotFound => ControlError::NotFound,
                _ => ControlError::Storage(error),
            })
    }

    /// Stores the reasons as they are when it is its turn on the edit queue: so the last ones are stored last,
    /// also where a call before this one failed or was dropped.
    async fn store_paused(&self, bg_fetch: &Arc<BackgroundFetch>) -> Result<(), StorageError> {
        let steps = {
            let (engine, bg_fetch) = (self.clone(), Arc::clone(bg_fetch));
            async move {
                let reasons = bg_fetch.control.read(|control| control.paused);
                if *bg_fetch.stored_paused.lock() == reasons {
                    return Ok(());
                }
                engine
                    .inner
                    .embedder
                    .storage
                    .set_paused(bg_fetch.key, reasons)
                    .await?;
                *bg_fetch.stored_paused.lock() = reasons;
                Ok(())
            }
        };
        // After a shutdown it does not matter.
        self.enqueue(&bg_fetch.registration, steps)
            .await
            .unwrap_or(Ok(()))
    }

    /// Applies what is known of the connection to one background fetch.
    pub(super) async fn apply_metered(&self, bg_fetch: &Arc<BackgroundFetch>) {
        if self.inner.policies.metered != MeteredPolicy::Pause || bg_fetch.is_settled() {
            return;
        }
        let metered = || *self.inner.metered.lock();
        if let Err(ControlError::Storage(error)) = self
            .set_paused(bg_fetch, |reasons| reasons.metered = metered())
            .await
        {
            self.note_storage_trouble(bg_fetch, error);
        }
    }
}
