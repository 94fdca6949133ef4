//! The specification's infrastructure: what a service worker registration has in addition, background fetches,
//! their records and responses.
//!
//! <https://wicg.github.io/background-fetch/#infrastructure>

pub(crate) mod background_fetch;
pub mod identity;
pub mod options;
pub(crate) mod record;
pub mod result;
pub mod service_worker_registration;
pub(crate) mod url_index;

pub use identity::{FetchKey, RecordKey, RegistrationKey};
pub use options::{BackgroundFetchOptions, BackgroundFetchUIOptions, CacheQueryOptions, ImageResource};
pub use result::{BackgroundFetchFailureReason, BackgroundFetchResult, ResponseResult};
