//! What an embedder lends to the component: object-safe traits for what it does, plain data for what it decides.
//!
//! `background-fetch-net` and `background-fetch-storage` implement [`Network`] and [`Storage`]; an engine brings
//! its own of the others. `background-fetch-sim` implements all of them in a deterministic world.

pub mod clock;
pub mod display;
pub mod event_loop;
pub mod network;
pub mod permissions;
pub mod policies;
pub mod service_workers;
pub mod spawner;
pub mod storage;

use std::sync::Arc;

pub use clock::Clock;
pub use display::{Display, DisplayState};
pub use event_loop::EventLoop;
pub use network::{
    BodySource, FetchEvent, FetchStream, Network, NetworkError, NetworkErrorKind, NetworkRequest,
};
pub use permissions::{PermissionState, Permissions};
pub use policies::{Limits, MeteredPolicy, Policies, RetryPolicy, Timing, UploadPolicy};
pub use service_workers::{EventError, FunctionalEvent, FunctionalEventName, ServiceWorkers};
pub use spawner::Spawner;
pub use storage::{
    BodyKey, FetchState, NewFetch, NewRecord, PauseReasons, RecordState, Settlement, StagedBody, Storage,
    StorageError, StorageErrorKind, StorageEstimate, StoredFetch, StoredRecord,
};

/// Everything that an embedder lends, in one bundle.
#[derive(Clone)]
pub struct Embedder {
    /// Fetches requests.
    pub network: Arc<dyn Network>,
    /// Keeps background fetches and bodies.
    pub storage: Arc<dyn Storage>,
    /// Runs service workers.
    pub service_workers: Arc<dyn ServiceWorkers>,
    /// Knows the user's permissions.
    pub permissions: Arc<dyn Permissions>,
    /// Shows background fetches to the user.
    pub display: Arc<dyn Display>,
    /// Runs the component's tasks.
    pub spawner: Arc<dyn Spawner>,
    /// Tells and waits for time.
    pub clock: Arc<dyn Clock>,
}
