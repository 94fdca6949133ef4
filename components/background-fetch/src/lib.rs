//! The Background Fetch API.
#![forbid(unsafe_code)]

pub mod concepts;
mod dom_string;
pub mod embedder;
mod exception;
pub mod fetch;
pub mod seam;

pub use concepts::*;
pub use dom_string::DomString;
pub use exception::{Exception, ExceptionName};

/// A string that is no value of the Web IDL enumeration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownEnumValue;
