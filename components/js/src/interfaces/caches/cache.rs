//! `Cache`.

use std::sync::Arc;

use background_fetch::fetch;
use background_fetch::{self as component, Exception};

use super::add_all::add_all;
use super::objects::{
    Incoming, check_request, frozen_array, is_never_found, promise_or_failure, request_object, request_of,
    response_object,
};
use crate::bindings::{CacheMethods, CacheQueryOptions, RequestInfo};
use crate::engine::{Cx, Promise};
use crate::host::caches::{CacheEntry, CacheList, CacheOperation};
use crate::interfaces::{Failure, Response};
use crate::webidl::{Error, Fallible, Ref, ToJs, promise_of, resolved};

/// A cache, as scripts see it.
///
/// <https://w3c.github.io/ServiceWorker/#cache-interface>
pub struct Cache {
    list: Arc<dyn CacheList>,
}

impl Cache {
    pub(super) fn new(list: Arc<dyn CacheList>) -> Self {
        Self { list }
    }

    /// The entries that an argument matches, from a future.
    fn query<'js>(
        &self,
        cx: &Cx<'js>,
        request: Option<RequestInfo<'js>>,
        options: CacheQueryOptions,
    ) -> Fallible<'js, impl Future<Output = Result<Vec<Arc<CacheEntry>>, Exception>> + 'static + use<>> {
        let options = options.into();
        let request = request.map(|request| request_of(cx, request)).transpose()?;
        let list = Arc::clone(&self.list);
        Ok(find(list, request, options))
    }
}

async fn find(
    list: Arc<dyn CacheList>,
    request: Option<fetch::Request>,
    options: component::CacheQueryOptions,
) -> Result<Vec<Arc<CacheEntry>>, Exception> {
    let is_never = request
        .as_ref()
        .is_some_and(|request| is_never_found(request, options));
    if is_never {
        return Ok(Vec::new());
    }
    list.query(request, options).await
}

impl CacheMethods for Cache {
    /// <https://w3c.github.io/ServiceWorker/#cache-match>
    fn match_<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        request: RequestInfo<'js>,
        options: CacheQueryOptions,
    ) -> Fallible<'js, Promise<'js>> {
        let found = this.query(cx, Some(request), options)?;
        promise_of(cx, found, |cx, entries| match entries.first() {
            Some(entry) => response_object(cx, entry),
            None => Ok(cx.undefined()),
        })
    }

    /// <https://w3c.github.io/ServiceWorker/#cache-matchAll>
    fn match_all<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        request: Option<RequestInfo<'js>>,
        options: CacheQueryOptions,
    ) -> Fallible<'js, Promise<'js>> {
        let found = this.query(cx, request, options)?;
        promise_of(cx, found, |cx, entries| {
            frozen_array(cx, &entries, response_object)
        })
    }

    /// <https://w3c.github.io/ServiceWorker/#cache-add>
    fn add<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        request: RequestInfo<'js>,
    ) -> Fallible<'js, Promise<'js>> {
        add_all(cx, &this.list, vec![request])
    }

    /// <https://w3c.github.io/ServiceWorker/#cache-addAll>
    fn add_all<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        requests: Vec<RequestInfo<'js>>,
    ) -> Fallible<'js, Promise<'js>> {
        add_all(cx, &this.list, requests)
    }

    /// <https://w3c.github.io/ServiceWorker/#cache-put>
    fn put<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        request: RequestInfo<'js>,
        response: Ref<'js, Response>,
    ) -> Fallible<'js, Promise<'js>> {
        // 1 to 3.
        let request = request_of(cx, request)?;
        // 4.
        check_request(&request)?;
        // 8. Before the body is taken.
        if Response::is_unusable(&response, cx) {
            return Err(Error::type_error(
                "the response was used already, or its stream is locked",
            ));
        }
        // 5 to 7, 9 to 12.
        let incoming = Incoming::take(cx, request, &response)?;
        let list = Arc::clone(&this.list);
        // 13 to 17.
        let put = async move {
            let entry = incoming.keep(&*list).await?;
            list.batch(vec![CacheOperation::Put(Box::new(entry))]).await?;
            Ok::<_, Failure>(())
        };
        promise_or_failure(cx, put, |_, _| {})
    }

    /// <https://w3c.github.io/ServiceWorker/#cache-delete>
    fn delete<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        request: RequestInfo<'js>,
        options: CacheQueryOptions,
    ) -> Fallible<'js, Promise<'js>> {
        let options = options.into();
        let request = request_of(cx, request)?;
        if is_never_found(&request, options) {
            return resolved(cx, &cx.boolean(false));
        }
        let list = Arc::clone(&this.list);
        let operation = CacheOperation::Delete {
            request: Box::new(request),
            options,
        };
        let deleted = async move { list.batch(vec![operation]).await };
        promise_of(cx, deleted, |cx, deleted| deleted.to_js(cx))
    }

    /// <https://w3c.github.io/ServiceWorker/#cache-keys>
    fn keys<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        request: Option<RequestInfo<'js>>,
        options: CacheQueryOptions,
    ) -> Fallible<'js, Promise<'js>> {
        let found = this.query(cx, request, options)?;
        promise_of(cx, found, |cx, entries| {
            frozen_array(cx, &entries, request_object)
        })
    }
}
