//! DOM: events, and what aborts.

mod abort_controller;
mod abort_signal;
mod event;
mod event_target;

pub use abort_controller::AbortController;
pub use abort_signal::{AbortSignal, AlgorithmId};
pub use event::{CustomEvent, Event, create_event};
pub use event_target::{EventTarget, Observer, event_handler, set_event_handler};
