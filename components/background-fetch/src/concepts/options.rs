//! The dictionaries that callers pass.

use crate::DomString;

/// What `updateUI()` takes.
///
/// <https://wicg.github.io/background-fetch/#dictdef-backgroundfetchuioptions>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BackgroundFetchUIOptions {
    /// Icons to choose from, where present.
    pub icons: Option<Vec<ImageResource>>,
    /// The title, where present.
    pub title: Option<DomString>,
}

/// What `fetch()` takes.
///
/// <https://wicg.github.io/background-fetch/#dictdef-backgroundfetchoptions>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BackgroundFetchOptions {
    /// Icons and title.
    pub ui: BackgroundFetchUIOptions,
    /// The most bytes that all responses may have together; 0 for no limit.
    pub download_total: u64,
}

/// An image that a user interface may show.
///
/// <https://w3c.github.io/image-resource/#dom-imageresource>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ImageResource {
    /// Its URL, as the author wrote it.
    pub src: String,
    /// Its sizes, as in HTML's `sizes`.
    pub sizes: Option<String>,
    /// Its MIME type.
    pub r#type: Option<String>,
    /// A label for people who do not see it.
    pub label: Option<String>,
}

/// How `match()` and `matchAll()` compare.
///
/// <https://w3c.github.io/ServiceWorker/#dictdef-cachequeryoptions>
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CacheQueryOptions {
    /// Leave the query of the URLs out.
    pub ignore_search: bool,
    /// Match other methods than `GET` too.
    pub ignore_method: bool,
    /// Do not look at the response's `Vary`.
    pub ignore_vary: bool,
}
