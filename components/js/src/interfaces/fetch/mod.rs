//! Fetch: headers, bodies, requests, responses, and `fetch()`.
//!
//! <https://fetch.spec.whatwg.org/>

mod body;
mod header_list;
mod header_rules;
mod headers;
mod mime;
mod request;
mod response;

pub use header_list::{Header, HeaderList};
pub use headers::{Guard, Headers, SharedHeaders};
pub use request::{Request, request_info, request_info_to_match};
pub use response::Response;
