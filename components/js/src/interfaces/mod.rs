//! What implements the interfaces: a type each, in a folder for each specification.

mod background_fetch;
pub mod caches;
pub mod console;
mod crypto;
pub mod dom;
pub mod encoding;
pub mod exceptions;
pub mod fetch;
pub mod file_api;
mod globals;
pub mod html;
pub mod messaging;
mod performance;
mod permissions;
pub mod service_workers;
mod storage;
pub mod streams;
pub mod structured_clone;
pub mod tree;
pub mod url;
pub mod xhr;

pub use self::background_fetch::*;
pub use caches::{Cache, CacheStorage};
pub use console::Console;
pub(crate) use crypto::random_uuid;
pub use crypto::{Crypto, SubtleCrypto};
pub use dom::*;
pub use encoding::*;
pub use exceptions::*;
pub use fetch::*;
pub use file_api::*;
pub use messaging::*;
pub use streams::*;
pub use structured_clone::*;
pub use tree::*;
pub use url::*;
pub use xhr::*;

pub use globals::define_globals;
pub use html::*;
pub use performance::Performance;
pub use permissions::{PermissionStatus, Permissions};
pub use service_workers::*;
pub use storage::StorageManager;
