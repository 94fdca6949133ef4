//! A document: a tree of nodes, without rendering.

mod character_data;
mod document;
mod element;
mod html_elements;
mod node;
mod parse;

pub use character_data::{CharacterData, Text};
pub use document::Document;
pub use element::Element;
pub use html_elements::{HTMLElement, HTMLMetaElement, HTMLScriptElement};
pub use node::Node;
pub use parse::{PendingScript, parse_into};
