//! `CacheStorage`.

use std::sync::Arc;

use background_fetch::DomString;
use background_fetch::fetch::StorageKey;

use super::Cache;
use super::objects::{is_never_found, request_of, response_object};
use crate::bindings::{CacheStorageMethods, MultiCacheQueryOptions, RequestInfo};
use crate::engine::{Cx, Promise, Slots};
use crate::host::Host;
use crate::host::caches::{CacheStore, match_in_caches};
use crate::realm::Realm;
use crate::webidl::{Error, Fallible, Ref, ToJs, create, promise_of, resolved};

/// The caches of a storage key, as scripts see them.
///
/// <https://w3c.github.io/ServiceWorker/#cachestorage-interface>
pub struct CacheStorage;

/// The caches of the realm.
fn caches<'js>(cx: &Cx<'js>) -> Fallible<'js, (Arc<dyn CacheStore>, StorageKey)> {
    let key = Realm::of(cx).settings().client.storage_key.clone();
    if key.as_str() == "null" {
        return Err(Error::dom("SecurityError", "an opaque origin has no caches"));
    }
    Ok((Arc::clone(&Host::of(cx).caches), key))
}

impl CacheStorageMethods for CacheStorage {
    /// <https://w3c.github.io/ServiceWorker/#cache-storage-match>
    fn match_<'js>(
        _: &Ref<'js, Self>,
        cx: &Cx<'js>,
        request: RequestInfo<'js>,
        options: MultiCacheQueryOptions,
    ) -> Fallible<'js, Promise<'js>> {
        let (caches, key) = caches(cx)?;
        let query = options.parent.into();
        let request = request_of(cx, request)?;
        if is_never_found(&request, query) {
            return resolved(cx, &cx.undefined());
        }
        let name = options.cache_name;
        let found = async move { match_in_caches(&*caches, &key, name, request, query).await };
        promise_of(cx, found, |cx, entry| match entry {
            Some(entry) => response_object(cx, &entry),
            None => Ok(cx.undefined()),
        })
    }

    /// <https://w3c.github.io/ServiceWorker/#cache-storage-has>
    fn has<'js>(_: &Ref<'js, Self>, cx: &Cx<'js>, cache_name: DomString) -> Fallible<'js, Promise<'js>> {
        let (caches, key) = caches(cx)?;
        let has = async move { Ok(caches.names(&key).await?.contains(&cache_name)) };
        promise_of(cx, has, |cx, has| has.to_js(cx))
    }

    /// <https://w3c.github.io/ServiceWorker/#cache-storage-open>
    fn open<'js>(_: &Ref<'js, Self>, cx: &Cx<'js>, cache_name: DomString) -> Fallible<'js, Promise<'js>> {
        let (caches, key) = caches(cx)?;
        let opened = async move { caches.open(&key, &cache_name).await };
        promise_of(cx, opened, |cx, list| {
            Ok(create(cx, Cache::new(list), Slots::default())?.value())
        })
    }

    /// <https://w3c.github.io/ServiceWorker/#cache-storage-delete>
    fn delete<'js>(_: &Ref<'js, Self>, cx: &Cx<'js>, cache_name: DomString) -> Fallible<'js, Promise<'js>> {
        let (caches, key) = caches(cx)?;
        let deleted = async move { caches.delete(&key, &cache_name).await };
        promise_of(cx, deleted, |cx, deleted| deleted.to_js(cx))
    }

    /// <https://w3c.github.io/ServiceWorker/#cache-storage-keys>
    fn keys<'js>(_: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Promise<'js>> {
        let (caches, key) = caches(cx)?;
        let names = async move { caches.names(&key).await };
        promise_of(cx, names, |cx, names| names.to_js(cx))
    }
}
