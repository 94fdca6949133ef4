//! Background Fetch for scripts: bindings made from Web IDL, and a small web host.

pub mod bindings;
pub mod engine;
pub mod host;
pub mod interfaces;
pub mod realm;
pub mod webidl;
