//! HTML: the globals, their event loop's timers and microtasks, and how errors are reported.

mod base64;
mod error_event;
mod global_scope;
mod import_scripts;
mod location;
mod navigator;
mod post_message;
mod promise_rejection_event;
pub mod report;
mod timers;
mod window;
mod worker;
mod worker_global_scope;
mod worker_location;

pub use error_event::ErrorEvent;
pub use global_scope::set_global;
use global_scope::window_or_worker_global_scope;
pub use location::Location;
pub use navigator::{Navigator, WorkerNavigator};
pub use promise_rejection_event::PromiseRejectionEvent;
pub use window::{Window, WindowProxy};
pub use worker::Worker;
pub use worker_global_scope::{DedicatedWorkerGlobalScope, WorkerGlobalScope};
pub use worker_location::WorkerLocation;
