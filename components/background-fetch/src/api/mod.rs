//! The API: the specification's interfaces, one set per realm, on the realm's thread.
//!
//! The objects are handles: a clone is the same object, and `==` is identity, as `===` in a script. A method that
//! returns a promise does its synchronous steps at once, and returns a future for the promise. Bindings and Rust
//! embedders use them alike.

mod arguments;
mod event;
mod manager;
mod realm;
mod record;
mod registration;
mod request_policy;

use futures::future::LocalBoxFuture;

pub use arguments::{RequestInfo, RequestObject};
pub use event::{BackgroundFetchEvent, Lifetime};
pub use manager::BackgroundFetchManager;
pub use realm::Realm;
pub use record::{BackgroundFetchRecord, Body, RecordRequest, RecordResponse};
pub use registration::{BackgroundFetchRegistration, ProgressListener};

use crate::Exception;

/// A promise: what its realm's event loop resolves or rejects. Poll it on the realm's thread.
pub type Promise<T> = LocalBoxFuture<'static, Result<T, Exception>>;

fn rejected<T: 'static>(exception: Exception) -> Promise<T> {
    Box::pin(std::future::ready(Err(exception)))
}
