//! XMLHttpRequest: of it the data of forms, and the events of progress.

mod element;
pub mod form_data;
mod progress_event;

pub use element::HTMLFormElement;
pub use form_data::FormData;
pub use progress_event::ProgressEvent;
