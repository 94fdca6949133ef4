//! Service workers, as scripts see them. The user agent's half is in [`host`](crate::host::service_workers).

mod client;
mod clients;
mod container;
mod extendable_event;
mod extendable_message_event;
mod fetch_event;
mod global_scope;
mod install_event;
mod message;
mod objects;
mod registration;
mod service_worker;

pub use client::{Client, WindowClient};
pub use clients::Clients;
pub use container::ServiceWorkerContainer;
pub(crate) use container::{controller_changed, ready};
pub use extendable_event::ExtendableEvent;
pub use extendable_message_event::ExtendableMessageEvent;
pub use fetch_event::FetchEvent;
pub use global_scope::{ServiceWorkerGlobalScope, WorkerRealm};
pub use install_event::{ActivateEvent, InstallEvent};
pub(crate) use message::enable_client_messages;
pub(crate) use objects::{connect, controlling_worker, environment_of, settle};
pub use registration::ServiceWorkerRegistration;
pub(crate) use registration::{registration_changed, update_found};
pub use service_worker::ServiceWorker;
pub(crate) use service_worker::worker_state_changed;
