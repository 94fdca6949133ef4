//! The URLs of blobs: `URL.createObjectURL()` and `URL.revokeObjectURL()`.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

use background_fetch::DomString;
use background_fetch::fetch::Client;
use url::Url;

use crate::engine::Cx;
use crate::host::Host;
use crate::interfaces::BlobData;
use crate::realm::Realm;

/// The URLs that a realm has made; they end with it.
///
/// <https://w3c.github.io/FileAPI/#lifeTime>
struct Made {
    host: Arc<Host>,
    client: Client,
    urls: RefCell<HashSet<String>>,
}

impl Drop for Made {
    fn drop(&mut self) {
        for url in self.urls.borrow().iter() {
            self.host.blob_urls.remove(url, &self.client);
        }
    }
}

/// <https://w3c.github.io/FileAPI/#dfn-createObjectURL>
pub(super) fn create_object_url(cx: &Cx<'_>, blob: &BlobData) -> DomString {
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
    let url = made.host.blob_urls.add(blob.clone(), &made.client);
    made.urls.borrow_mut().insert(url.clone());
    url.into()
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
