//! [`BlobUrls`]: the blobs that scripts have given a URL.

use std::collections::HashMap;
use std::fmt;

use background_fetch::fetch::Client;
use parking_lot::Mutex;
use url::Url;

use crate::interfaces::{BlobData, random_uuid};

/// The blobs that scripts have given a URL.
///
/// <https://w3c.github.io/FileAPI/#BlobURLStore>
#[derive(Default)]
pub struct BlobUrls(Mutex<HashMap<String, Entry>>);

/// <https://w3c.github.io/FileAPI/#blob-url-entry>
struct Entry {
    blob: BlobData,
    /// Who made it: others do not get it.
    client: Client,
}

impl BlobUrls {
    /// Gives a blob a URL.
    ///
    /// <https://w3c.github.io/FileAPI/#add-an-entry>
    pub(crate) fn add(&self, blob: BlobData, client: &Client) -> String {
        let origin = client.origin.as_deref().unwrap_or("null");
        let url = format!("blob:{origin}/{}", random_uuid());
        let entry = Entry {
            blob,
            client: client.clone(),
        };
        self.0.lock().insert(url.clone(), entry);
        url
    }

    /// The blob of a URL, whatever its fragment; none where there is none for this client.
    ///
    /// <https://w3c.github.io/FileAPI/#blob-url-resolve>
    pub(crate) fn resolve(&self, url: &Url, client: &Client) -> Option<BlobData> {
        if url.scheme() != "blob" {
            return None;
        }
        let url = url.as_str().split('#').next().unwrap_or_default();
        let store = self.0.lock();
        let entry = store.get(url).filter(|entry| entry.is_for(client))?;
        Some(entry.blob.clone())
    }

    /// Takes the URL away from its blob.
    ///
    /// <https://w3c.github.io/FileAPI/#removeTheEntry>
    pub(crate) fn remove(&self, url: &str, client: &Client) {
        let mut store = self.0.lock();
        if store.get(url).is_some_and(|entry| entry.is_for(client)) {
            store.remove(url);
        }
    }
}

impl Entry {
    fn is_for(&self, client: &Client) -> bool {
        self.client.origin == client.origin && self.client.storage_key == client.storage_key
    }
}

impl fmt::Debug for BlobUrls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.lock().keys()).finish()
    }
}
