//! [`Client`]: what is kept of the environment settings object that called `fetch()`.

use std::fmt;
use std::sync::Arc;

use url::Url;

use super::ReferrerPolicy;

/// Names the storage that an environment may use: an origin, with its partition where the embedder partitions.
///
/// Opaque to the component, which only compares it.
///
/// <https://storage.spec.whatwg.org/#storage-keys>
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(transparent)
)]
pub struct StorageKey(Arc<str>);

impl StorageKey {
    /// A key with this serialisation, which the embedder chooses.
    pub fn new(serialization: impl Into<Arc<str>>) -> Self {
        Self(serialization.into())
    }

    /// The key of a first-party environment: the origin of `url`.
    pub fn of(url: &Url) -> Self {
        Self::new(url.origin().ascii_serialization())
    }

    /// Its serialisation.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StorageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A snapshot of the environment settings object that called `fetch()`: what Fetch reads from a request's
/// client. It is stored with the background fetch and still rules after a restart (errata 16).
///
/// <https://fetch.spec.whatwg.org/#concept-request-client>
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Client {
    /// The serialised origin, or none where the user fetches and no page does: then there is no CORS.
    pub origin: Option<String>,
    /// The API base URL, which relative URLs are parsed with; also the referrer that "client" stands for.
    pub base_url: Url,
    /// The storage key.
    pub storage_key: StorageKey,
    /// The policy container's referrer policy.
    pub referrer_policy: ReferrerPolicy,
    /// The policy container's CSP list: one serialised policy an entry, those with the disposition "enforce".
    pub content_security_policies: Vec<String>,
    /// Whether insecure requests are mixed content here: the environment's origin is potentially trustworthy
    /// and prohibits mixed security contexts.
    pub prohibits_mixed_content: bool,
}

impl Client {
    /// A page or worker at `url`, first-party, with default policies.
    pub fn page(url: Url) -> Self {
        Self {
            origin: Some(url.origin().ascii_serialization()),
            storage_key: StorageKey::of(&url),
            prohibits_mixed_content: url.scheme() == "https",
            base_url: url,
            referrer_policy: ReferrerPolicy::default(),
            content_security_policies: Vec::new(),
        }
    }

    /// The user, by way of a program: no page, so no origin, no referrer and no CORS. `base_url` scopes what
    /// the program fetches.
    pub fn user(base_url: Url) -> Self {
        Self {
            origin: None,
            storage_key: StorageKey::of(&base_url),
            prohibits_mixed_content: false,
            base_url,
            referrer_policy: ReferrerPolicy::NoReferrer,
            content_security_policies: Vec::new(),
        }
    }
}
