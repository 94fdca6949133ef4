//! The parts of the Fetch standard that cross the boundary between the component and its embedder: requests,
//! responses, header lists, bodies and ranges. Plain data; fetching itself is the
//! [`Network`](crate::embedder::Network)'s.

pub mod bad_port;
pub mod body;
pub mod client;
pub mod headers;
mod http_date;
pub mod range;
pub mod request;
pub mod response;
mod retry_after;
#[cfg(feature = "serde")]
pub(crate) mod serialized;
mod structured_field;
pub mod upload;

pub use bad_port::is_bad_port;
pub use body::{BodyStream, RequestBody};
pub use client::{Client, StorageKey};
pub use range::ResumeRange;
pub use request::{CacheMode, CredentialsMode, RedirectMode, Referrer, ReferrerPolicy, Request, RequestMode};
pub use response::{ResponseHead, ResponseType};
pub use retry_after::retry_after;
