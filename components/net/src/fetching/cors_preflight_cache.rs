//! The CORS-preflight cache: what servers allowed, so that they are not asked before each request.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use background_fetch::fetch::{CredentialsMode, StorageKey};
use http::{HeaderName, Method};
use tokio::time::Instant;

use super::cors_preflight_fetch::is_cors_non_wildcard;
use super::fetch_params::FetchParams;
use super::origin_header::byte_serialized_request_origin;

/// The most entries; the oldest go first.
const MOST_ENTRIES: usize = 1000;
/// The most bytes in their keys and names together.
const MOST_BYTES: usize = 1024 * 1024;

/// <https://fetch.spec.whatwg.org/#concept-cache>
#[derive(Default)]
pub(crate) struct CorsPreflightCache {
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    /// From the oldest to the newest.
    list: VecDeque<Entry>,
    bytes: usize,
}

/// <https://fetch.spec.whatwg.org/#cache-entry>
struct Entry {
    key: Arc<CacheKey>,
    expires: Instant,
    credentials: bool,
    permission: Permission,
}

/// Who asks, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CacheKey {
    /// The network partition key: storage is partitioned as the network is.
    partition: StorageKey,
    /// The byte-serialized origin.
    origin: String,
    url: String,
}

/// A method or a header name; either may be `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Permission {
    Method(Method),
    HeaderName(HeaderName),
}

impl CacheKey {
    /// The key of a fetch's current request.
    pub(super) fn of(fetch_params: &FetchParams) -> Self {
        let mut url = fetch_params.current_url().clone();
        // The server does not see it.
        url.set_fragment(None);
        Self {
            partition: fetch_params.client.storage_key.clone(),
            origin: byte_serialized_request_origin(fetch_params),
            url: url.into(),
        }
    }

    fn size(&self) -> usize {
        self.partition.as_str().len() + self.origin.len() + self.url.len()
    }
}

impl Entry {
    fn size(&self) -> usize {
        let name = match &self.permission {
            Permission::Method(method) => method.as_str().len(),
            Permission::HeaderName(name) => name.as_str().len(),
        };
        self.key.size() + name
    }

    /// <https://fetch.spec.whatwg.org/#concept-cache-match>
    fn matches(&self, key: &CacheKey, with_credentials: bool) -> bool {
        (self.credentials || !with_credentials) && *self.key == *key
    }

    /// Whether `*` stands for everything here. With credentials it is a name as any other.
    fn allows(&self, permission: &Permission) -> bool {
        match (&self.permission, permission) {
            (Permission::Method(allowed), Permission::Method(method)) => {
                allowed == method || (allowed == "*" && !self.credentials)
            }
            (Permission::HeaderName(allowed), Permission::HeaderName(name)) => {
                let wildcard = allowed == "*" && !self.credentials;
                allowed == name || (wildcard && !is_cors_non_wildcard(name))
            }
            _ => false,
        }
    }
}

impl CorsPreflightCache {
    /// Whether there is a method or header-name cache entry match.
    ///
    /// <https://fetch.spec.whatwg.org/#concept-cache-match-method>,
    /// <https://fetch.spec.whatwg.org/#concept-cache-match-header>
    pub(super) fn matches(&self, fetch_params: &FetchParams, permission: &Permission) -> bool {
        let with_credentials = fetch_params.request.credentials == CredentialsMode::Include;
        self.matches_key(&CacheKey::of(fetch_params), with_credentials, permission)
    }

    fn matches_key(&self, key: &CacheKey, with_credentials: bool, permission: &Permission) -> bool {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.remove_expired();
        let mut list = entries.list.iter();
        list.any(|entry| entry.matches(key, with_credentials) && entry.allows(permission))
    }

    /// Takes permissions in, for `max_age` seconds from now.
    ///
    /// <https://fetch.spec.whatwg.org/#cors-preflight-fetch-0>, 7.12 to 7.15.
    pub(super) fn allow(
        &self,
        key: CacheKey,
        credentials: bool,
        max_age: u64,
        permissions: impl Iterator<Item = Permission>,
    ) {
        let expires = Instant::now() + Duration::from_secs(max_age);
        let key = Arc::new(key);
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        for permission in permissions.take(MOST_ENTRIES) {
            // 7.12. and 7.14. An entry that is there gets the new age; 7.13. and 7.15. or it is created.
            entries.remove(|entry| {
                entry.credentials == credentials && entry.permission == permission && entry.key == key
            });
            entries.push(Entry {
                key: key.clone(),
                expires,
                credentials,
                permission,
            });
        }
        entries.remove_expired();
    }

    /// <https://fetch.spec.whatwg.org/#concept-cache-clear>
    pub(super) fn clear(&self, fetch_params: &FetchParams) {
        let key = CacheKey::of(fetch_params);
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.remove(|entry| *entry.key == key);
    }
}

impl Entries {
    fn push(&mut self, entry: Entry) {
        self.bytes += entry.size();
        self.list.push_back(entry);
        while self.list.len() > MOST_ENTRIES || self.bytes > MOST_BYTES {
            let Some(oldest) = self.list.pop_front() else {
                break;
            };
            self.bytes -= oldest.size();
        }
    }

    fn remove(&mut self, which: impl Fn(&Entry) -> bool) {
        let mut removed = 0;
        self.list.retain(|entry| {
            let remove = which(entry);
            removed += if remove { entry.size() } else { 0 };
            !remove
        });
        self.bytes -= removed;
    }

    fn remove_expired(&mut self) {
        let now = Instant::now();
        self.remove(|entry| entry.expires <= now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(url: &str) -> CacheKey {
        CacheKey {
            partition: StorageKey::new("https://page.example"),
            origin: "https://page.example".to_owned(),
            url: url.to_owned(),
        }
    }

    fn method(name: &str) -> Permission {
        Permission::Method(Method::from_bytes(name.as_bytes()).unwrap())
    }

    fn header_name(name: &'static str) -> Permission {
        Permission::HeaderName(HeaderName::from_static(name))
    }

    #[tokio::test(start_paused = true)]
    async fn a_permission_ends_with_its_max_age() {
        let cache = CorsPreflightCache::default();
        let found = |name| cache.matches_key(&key("u"), false, &method(name));
        cache.allow(key("u"), false, 10, [method("PUT"), method("DELETE")].into_iter());
        tokio::time::advance(Duration::from_secs(9)).await;
        assert!(found("PUT") && found("DELETE") && !found("PATCH"));
        // A newer answer counts from then on.
        cache.allow(key("u"), false, 10, std::iter::once(method("PUT")));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(found("PUT") && !found("DELETE"));
        cache.allow(key("u"), false, 0, std::iter::once(method("PUT")));
        assert!(!found("PUT"));
    }

    #[tokio::test]
    async fn a_permission_is_for_one_partition_origin_url_and_credentials() {
        let cache = CorsPreflightCache::default();
        cache.allow(key("u"), false, 60, std::iter::once(method("PUT")));
        cache.allow(key("v"), true, 60, std::iter::once(method("PUT")));
        let others = [
            CacheKey {
                partition: StorageKey::new("another"),
                ..key("u")
            },
            CacheKey {
                origin: "null".to_owned(),
                ..key("u")
            },
            key("w"),
        ];
        for other in others {
            assert!(!cache.matches_key(&other, false, &method("PUT")));
        }
        let found = |url, credentials| cache.matches_key(&key(url), credentials, &method("PUT"));
        assert!(found("u", false) && !found("u", true));
        assert!(found("v", false) && found("v", true));
        assert!(!cache.matches_key(&key("u"), false, &method("put")));
    }

    #[tokio::test]
    async fn a_wildcard_is_for_everything_but_authorization_and_not_for_credentials() {
        let cache = CorsPreflightCache::default();
        let both = || [method("*"), header_name("*")].into_iter();
        cache.allow(key("u"), false, 60, both());
        cache.allow(key("v"), true, 60, both());
        let found = |url, permission| cache.matches_key(&key(url), false, &permission);
        assert!(found("u", method("PUT")) && found("u", header_name("x-mine")));
        assert!(!found("u", header_name("authorization")));
        assert!(!found("v", method("PUT")) && !found("v", header_name("x-mine")));
    }

    #[tokio::test]
    async fn the_cache_is_bounded_and_forgets_the_oldest() {
        let cache = CorsPreflightCache::default();
        for index in 0..MOST_ENTRIES + 10 {
            cache.allow(key(&index.to_string()), false, 60, std::iter::once(method("PUT")));
        }
        assert_eq!(cache.entries.lock().unwrap().list.len(), MOST_ENTRIES);
        assert!(!cache.matches_key(&key("9"), false, &method("PUT")));
        assert!(cache.matches_key(&key("10"), false, &method("PUT")));
        let long = "x".repeat(MOST_BYTES / 4);
        for index in 0..10 {
            cache.allow(
                key(&format!("{long}{index}")),
                false,
                60,
                std::iter::once(method("PUT")),
            );
        }
        let entries = cache.entries.lock().unwrap();
        assert_eq!(entries.list.len(), 3);
        assert!(entries.bytes <= MOST_BYTES);
        assert_eq!(entries.bytes, entries.list.iter().map(Entry::size).sum::<usize>());
    }
}
