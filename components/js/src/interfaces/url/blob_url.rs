//! The URLs of blobs: `URL.createObjectURL()` and `URL.revokeObjectURL()`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use background_fetch::DomString;
use background_fetch::fetch::Client;
use url::Url;

use crate::engine::Cx;
use crate::host::Host;
use crate::interfaces::BlobData;
use crate::realm::{Charge, Realm};
use crate::webidl::Fallible;

/// About what an entry takes up here and in the store, with its environment.
const ENTRY: usize = 1 << 10;

/// The URLs that a realm has made; they end with it.
///
/// <https://w3c.github.io/FileAPI/#lifeTime>
struct Made {
    host: Arc<Host>,
    client: Client,
    urls: RefCell<HashMap<String, Charge>>,
}

impl Drop for Made {
    fn drop(&mut self) {
        for url in self.urls.borrow().keys() {
            self.host.blob_urls.remove(url, &self.client);
        }
    }
}

/// <https://w3c.github.io/FileAPI/#dfn-createObjectURL>
///
/// # Errors
///
/// A RangeError where the realm has no room for another.
pub(super) fn create_object_url<'js>(cx: &Cx<'js>, blob: &BlobData) -> Fallible<'js, DomString> {
    let realm = Realm::of(cx);
    let made = realm.data_of::<Made>().unwrap_or_else(|| {
        let made = Rc::new(Made {
            host: Host::of(cx),
            client: realm.client(),
            urls: RefCell::default(),
        });
        realm.set_data(Rc::clone(&made));
        made
    });
    let charge = Charge::new(cx, ENTRY + blob.type_.len())?;
    let url = made.host.blob_urls.add(blob.clone(), &made.client);
    made.urls.borrow_mut().insert(url.clone(), charge);
    Ok(url.into())
}

/// <https://w3c.github.io/FileAPI/#dfn-revokeObjectURL>
pub(super) fn revoke_object_url(cx: &Cx<'_>, url: &DomString) {
    // 1 and 2.
    let Ok(url) = Url::parse(&url.to_string()) else {
        return;
    };
    if url.scheme() != "blob" {
        return;
    }
    // 3 to 5. With a fragment it is none of the store's.
    let realm = Realm::of(cx);
    Host::of(cx).blob_urls.remove(url.as_str(), &realm.client());
    if let Some(made) = realm.data_of::<Made>() {
        made.urls.borrow_mut().remove(url.as_str());
    }
}
