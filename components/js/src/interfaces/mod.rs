//! What implements the interfaces: a type each, in a folder for each specification.

pub mod dom;

pub use dom::*;
