//! What is in a cache.

use std::fmt;
use std::sync::Arc;

use background_fetch::CacheQueryOptions;
use background_fetch::embedder::BodySource;
use background_fetch::fetch::{Request, ResponseHead};
use serde::{Deserialize, Serialize};

/// A request and its response. `B` is where the body is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CacheEntry<B = StoredBody> {
    /// The request.
    pub request: Request,
    /// The response, with all its headers; none for a network error, which scripts may keep as well.
    pub response: Option<ResponseHead>,
    /// Its body; none where it is null.
    pub body: Option<B>,
}

/// A body that a store keeps for as long as this or a list has it.
#[derive(Clone)]
pub struct StoredBody {
    /// What the store knows it by.
    pub id: u64,
    /// Its bytes.
    pub source: Arc<dyn BodySource>,
}

impl fmt::Debug for StoredBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredBody")
            .field("id", &self.id)
            .field("length", &self.source.length())
            .finish()
    }
}

/// A change of a list.
///
/// <https://w3c.github.io/ServiceWorker/#dfn-cache-batch-operation>
#[derive(Clone, Debug)]
pub enum CacheOperation<B = StoredBody> {
    /// Puts an entry at the end, in the place of those that its request matches.
    Put(Box<CacheEntry<B>>),
    /// Deletes those that a request matches.
    Delete {
        /// The request.
        request: Box<Request>,
        /// How it is compared.
        options: CacheQueryOptions,
    },
}
