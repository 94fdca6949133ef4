//! Background Fetch: the component's API half, as platform objects.
//!
//! What each does is the component's; here is what a script adds: conversions, identity of objects, events.

mod event;
mod guide;
mod guide_call;
mod guide_start;
mod manager;
mod objects;
mod options;
mod record;
mod registration;

pub use event::{BackgroundFetchEvent, BackgroundFetchUpdateUIEvent, make_event};
pub use guide::GuideBackgroundFetch;
pub use manager::BackgroundFetchManager;
pub use objects::{Objects, connect_background_fetch};
pub use record::BackgroundFetchRecord;
pub use registration::BackgroundFetchRegistration;
