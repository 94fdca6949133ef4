//! URL: URLs, and the lists in their queries.

mod blob_url;
mod parser;
mod search_params;
mod url_object;

pub use search_params::URLSearchParams;
pub use url_object::URL;
