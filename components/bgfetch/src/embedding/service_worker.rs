//! The service worker: the program itself. Its events go through a channel to the session, which has the realm.

use background_fetch::RegistrationKey;
use background_fetch::embedder::{EventError, FunctionalEvent, ServiceWorkers};
use background_fetch::fetch::StorageKey;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};
use url::Url;

/// A functional event for the worker, who says when it is no longer active. Dropped unsaid, it stays owed.
pub(crate) struct Dispatch {
    /// The event.
    pub(crate) event: FunctionalEvent,
    /// To say that it is no longer active.
    pub(crate) ended: oneshot::Sender<()>,
}

/// The events that are fired at the worker.
pub(crate) type Dispatches = mpsc::UnboundedReceiver<Dispatch>;

pub(super) struct ServiceWorker(mpsc::UnboundedSender<Dispatch>);

pub(super) fn service_worker() -> (ServiceWorker, Dispatches) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (ServiceWorker(sender), receiver)
}

impl ServiceWorkers for ServiceWorker {
    fn has_active_worker(&self, _registration: &RegistrationKey) -> bool {
        true
    }

    fn scopes(&self, storage_key: &StorageKey) -> Vec<Url> {
        let scope = Url::parse(super::SCOPE).ok();
        scope
            .into_iter()
            .filter(|_| storage_key.as_str() == super::STORAGE_KEY)
            .collect()
    }

    fn fire(&self, event: FunctionalEvent) -> BoxFuture<'static, Result<(), EventError>> {
        let sender = self.0.clone();
        Box::pin(async move {
            let (ended, active) = oneshot::channel();
            let gone = || EventError("the program is about to end".to_owned());
            sender.send(Dispatch { event, ended }).map_err(|_| gone())?;
            active.await.map_err(|_| gone())
        })
    }
}
