//! XMLHttpRequest: of it the data of forms.

mod element;
pub mod form_data;

pub use element::HTMLFormElement;
pub use form_data::FormData;
