//! What the component of background fetches asks of service workers.

use std::sync::Arc;

use ::background_fetch::RegistrationKey;
use ::background_fetch::embedder::{EventError, FunctionalEvent, ServiceWorkers as Embedder};
use ::background_fetch::fetch::StorageKey;
use futures::future::BoxFuture;
use url::Url;

use super::{EventDone, ServiceWorkers};
use crate::host::Host;
use crate::interfaces::service_workers::ExtendableEvent;

/// The service workers of a host, as the component sees them.
#[derive(Clone, Debug)]
pub struct ComponentServiceWorkers(pub Arc<Host>);

impl Embedder for ComponentServiceWorkers {
    fn has_active_worker(&self, registration: &RegistrationKey) -> bool {
        let registration = self.0.service_workers.registration(registration);
        registration.is_some_and(|registration| registration.active().is_some())
    }

    fn scopes(&self, storage_key: &StorageKey) -> Vec<Url> {
        let registrations = self.0.service_workers.registrations(storage_key);
        let scopes = registrations
            .iter()
            .map(|registration| registration.key.scope.clone());
        scopes.collect()
    }

    fn fire(&self, event: FunctionalEvent) -> BoxFuture<'static, Result<(), EventError>> {
        let host = Arc::clone(&self.0);
        Box::pin(async move {
            let this = &host.service_workers;
            let scope = &event.registration.scope;
            let registration = this.registration(&event.registration);
            let registration =
                registration.ok_or_else(|| EventError(format!("there is no registration of {scope}")))?;
            let factory = this.event_factory;
            let factory =
                factory.ok_or_else(|| EventError("nobody makes events of background fetches".to_owned()))?;
            let fired = ServiceWorkers::fire_functional_event(&host, &registration, move |cx, inactive| {
                let done: EventDone = Box::new(|cx, made| ExtendableEvent::dispatch_made(cx, made, inactive));
                factory(cx, event, done);
            });
            match fired.await {
                // Whatever its handlers did: it was dispatched.
                Ok(_) | Err(super::EventFailure::TimedOut(_)) => Ok(()),
                Err(failure) => Err(EventError(failure.to_string())),
            }
        })
    }
}
