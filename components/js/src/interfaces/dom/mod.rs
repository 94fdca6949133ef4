//! DOM: events, and what aborts.

mod event;
mod event_target;

pub use event::{CustomEvent, Event, create_event};
pub use event_target::{EventTarget, event_handler, set_event_handler};
