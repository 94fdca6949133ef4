//! [`Display`]: the user interface.

use url::Url;

use super::PauseReasons;
use crate::concepts::{BackgroundFetchFailureReason, BackgroundFetchResult, FetchKey, ImageResource};
use crate::{DomString, RegistrationKey};

/// Shows background fetches to the user.
///
/// Calls come from any thread, must not block, and must not call the engine back: hand that to a task. Progress is
/// shown at most once per progress interval and fetch, a result, a pause or a new title at once, and always the last
/// state. What the user does goes to [`Engine`](crate::Engine): `pause`, `resume`, `abort`, `click`, `allow`,
/// `refuse`, `dismiss`.
///
/// <https://wicg.github.io/background-fetch/#background-fetch-display-algorithm>
pub trait Display: Send + Sync {
    /// Shows a background fetch, or shows it anew.
    fn show(&self, state: &DisplayState);

    /// Takes a background fetch off the screen: its registration was cleared, the user dismissed it, or more finished
    /// after it than are [shown](super::Limits::finished_shown).
    fn remove(&self, fetch: FetchKey);
}

/// No user interface: for an embedder whose user sees background fetches elsewhere, with [`inspect`](crate::inspect).
impl Display for () {
    fn show(&self, _state: &DisplayState) {}

    fn remove(&self, _fetch: FetchKey) {}
}

/// What the user interface may and must show of one background fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DisplayState {
    /// The background fetch.
    pub fetch: FetchKey,
    /// Its id.
    pub id: DomString,
    /// Its registration, with the scope URL.
    pub registration: RegistrationKey,
    /// The origin of the scope URL, which must be shown prominently.
    pub origin: String,
    /// The base URL with which icons are resolved.
    pub base_url: Url,
    /// The title, which may be shown.
    pub title: DomString,
    /// The icons, of which one may be shown: see [`icon_request`](crate::icon_request).
    pub icons: Vec<ImageResource>,
    /// Whether the user must be told that bandwidth is being used.
    pub bandwidth_in_use: bool,
    /// Whether it can be dismissed without aborting it.
    pub dismissible: bool,
    /// Whether the user may be offered to pause it: every request is a `GET`.
    pub pausable: bool,
    /// Why it is paused.
    pub paused: PauseReasons,
    /// The download total in bytes; 0 for no limit.
    pub download_total: u64,
    /// The stored body bytes total.
    pub downloaded: u64,
    /// The upload total in bytes.
    pub upload_total: u64,
    /// The bytes uploaded.
    pub uploaded: u64,
    /// The result.
    pub result: BackgroundFetchResult,
    /// The failure reason.
    pub failure_reason: BackgroundFetchFailureReason,
}
