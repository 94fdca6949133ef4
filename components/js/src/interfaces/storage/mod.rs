//! Storage: how much is stored, and how much may be.

use std::sync::Arc;

use background_fetch::{Exception, ExceptionName};

use crate::bindings::{StorageEstimate, StorageManagerMethods};
use crate::engine::{Cx, Promise};
use crate::host::Host;
use crate::realm::Realm;
use crate::webidl::{Fallible, Ref, ToJs, promise_of, resolved};

/// `navigator.storage`
///
/// <https://storage.spec.whatwg.org/#storagemanager>
pub struct StorageManager;

impl StorageManagerMethods for StorageManager {
    fn persisted<'js>(_: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Promise<'js>> {
        resolved(cx, &cx.boolean(false))
    }

    fn persist<'js>(_: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Promise<'js>> {
        // Nobody is asked, and so nobody allows it.
        resolved(cx, &cx.boolean(false))
    }

    /// <https://storage.spec.whatwg.org/#dom-storagemanager-estimate>
    fn estimate<'js>(_: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Promise<'js>> {
        let host = Host::of(cx);
        let storage = host.storage.as_ref().map(Arc::clone);
        let key = Realm::of(cx).client().storage_key;
        let estimate = async move {
            let failed = |message: String| Exception::new(ExceptionName::TypeError, message);
            let storage = storage.ok_or_else(|| failed("nothing is stored here".to_owned()))?;
            let estimate = storage.estimate(&key).await;
            let estimate = estimate.map_err(|error| failed(error.message))?;
            // What is cached is in it.
            Ok((estimate.usage, estimate.quota))
        };
        promise_of(cx, estimate, |cx, (usage, quota)| {
            let estimate = StorageEstimate {
                usage: Some(usage),
                quota: Some(quota),
            };
            estimate.to_js(cx)
        })
    }
}
