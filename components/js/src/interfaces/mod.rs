//! What implements the interfaces: a type each, in a folder for each specification.

pub mod dom;
pub mod encoding;
pub mod file_api;
pub mod streams;
pub mod url;
pub mod xhr;

pub use dom::*;
pub use encoding::*;
pub use file_api::*;
pub use streams::*;
pub use url::*;
pub use xhr::*;

use crate::bindings::{INTERFACES, NAMESPACES};
use crate::engine::{Completion, Cx};
use crate::webidl::define_all;

/// Makes the realm's global what its settings say, before the first script. Parts that are no Web IDL come after the
/// interfaces, which they find on the global.
///
/// # Errors
///
/// Where the engine has no memory.
pub fn define_globals<'js>(cx: &Cx<'js>) -> Completion<'js, ()> {
    define_all(cx, INTERFACES, NAMESPACES)?;
    define_streams(cx)
}
