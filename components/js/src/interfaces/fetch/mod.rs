//! Fetch: headers, bodies, requests, responses, and `fetch()`.
//!
//! <https://fetch.spec.whatwg.org/>

mod body;
mod controller;
mod fetch_method;
mod header_list;
mod header_rules;
mod headers;
mod mime;
mod request;
mod response;
mod scheme_fetch;

pub use fetch_method::fetch;
pub use header_list::{Header, HeaderList};
pub use headers::{Guard, Headers, SharedHeaders};
pub use request::{Request, request_info, request_info_to_match};
pub use response::Response;
