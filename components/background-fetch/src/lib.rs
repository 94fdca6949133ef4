//! The Background Fetch API for every Rust browser engine and JavaScript runtime.
//!
//! Every algorithm of the [specification](https://wicg.github.io/background-fetch/), with no I/O, no runtime and no
//! clock of its own: an embedder lends its network, storage, service workers, permissions, user interface, executor
//! and clock through the small traits in [`embedder`].
//!
//! Two halves, one seam:
//!
//! * [`api`] lives with a realm, on its thread: [`api::Realm`], [`api::BackgroundFetchManager`],
//!   [`api::BackgroundFetchRegistration`], [`api::BackgroundFetchRecord`] and the events.
//! * [`Engine`] is everything that the specification does "in parallel". It is `Send + Sync`, and may run in another
//!   process.
//! * [`seam`] is what passes between them: plain data.
//!
//! [`inspect`] shows what is going on; [`webdriver`] clicks.
#![forbid(unsafe_code)]

mod algorithms;
pub mod api;
pub mod concepts;
mod dom_string;
pub mod embedder;
mod engine;
mod exception;
pub mod fetch;
pub mod inspect;
mod methods;
mod realms;
mod scheduler;
#[cfg(all(test, background_fetch_shuttle))]
mod schedules;
pub mod seam;
mod sync;
pub mod webdriver;

pub use algorithms::content_range::{ContentRange, extract_content_range_values};
pub use algorithms::display::icon_request;
pub use algorithms::request_matches::request_matches_cached_item;
pub use concepts::service_worker_registration::match_service_worker_registration;
pub use concepts::*;
pub use dom_string::DomString;
pub use engine::Engine;
pub use exception::{Exception, ExceptionName};
pub use methods::user::ControlError;

/// A string that is no value of the Web IDL enumeration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownEnumValue;
