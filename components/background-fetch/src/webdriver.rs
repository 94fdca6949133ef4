//! The WebDriver extension command that clicks.

use std::fmt;

use url::Url;

use crate::concepts::RegistrationKey;
use crate::concepts::service_worker_registration::match_service_worker_registration;
use crate::fetch::StorageKey;
use crate::{DomString, Engine};

/// The extension command's URI template.
pub const CLICK_URI_TEMPLATE: &str = "/session/{session id}/backgroundfetch/{id}/click";

/// A page in the current top-level browsing context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The active document's URL.
    pub url: Url,
    /// Its storage key.
    pub storage_key: StorageKey,
}

/// A WebDriver error of the click command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebDriverError {
    /// The current top-level browsing context is no longer open.
    NoSuchWindow,
    /// No service worker registration matches the page.
    InvalidServiceWorkerState,
    /// The registration has no background fetch of this id.
    BackgroundFetchNotFound,
}

impl WebDriverError {
    /// The HTTP status.
    pub fn status(self) -> u16 {
        match self {
            Self::NoSuchWindow | Self::BackgroundFetchNotFound => 404,
            Self::InvalidServiceWorkerState => 400,
        }
    }

    /// The JSON error code.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoSuchWindow => "no such window",
            Self::InvalidServiceWorkerState => "invalid service worker state",
            Self::BackgroundFetchNotFound => "background fetch not found",
        }
    }
}

impl fmt::Display for WebDriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl std::error::Error for WebDriverError {}

/// Background fetch click: the remote end steps. `page` is what the current top-level browsing context shows, none
/// where it is no longer open; `id` is the URL variable.
///
/// # Errors
///
/// One of three, each with its HTTP status and JSON error code.
///
/// <https://wicg.github.io/background-fetch/#automation-click>
pub fn background_fetch_click(engine: &Engine, page: Option<&Page>, id: &str) -> Result<(), WebDriverError> {
    // 1. The browsing context must be open.
    let page = page.ok_or(WebDriverError::NoSuchWindow)?;
    // 2 and 3. The registration that matches the page's URL.
    let scopes = engine.inner.embedder.service_workers.scopes(&page.storage_key);
    let scope = match_service_worker_registration(&scopes, &page.url);
    // 4. There must be one.
    let scope = scope.ok_or(WebDriverError::InvalidServiceWorkerState)?.clone();
    let sw_registration = RegistrationKey {
        storage_key: page.storage_key.clone(),
        scope,
    };
    // 5 and 6. The newest background fetch of the id.
    let bg_fetch = engine.find(&sw_registration, &DomString::from(id));
    let bg_fetch = bg_fetch.ok_or(WebDriverError::BackgroundFetchNotFound)?;
    // 7. Fire a background fetch click event; one that the user dismissed is there no more.
    if !engine.click(bg_fetch) {
        return Err(WebDriverError::BackgroundFetchNotFound);
    }
    // 8. Success.
    Ok(())
}
