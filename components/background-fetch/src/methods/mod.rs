//! The parts of the API's methods that run in parallel, a file each; and what answers a realm's calls.

mod abort;
mod fetch;
mod get;
mod match_all;
mod records;
mod update_ui;
pub(crate) mod user;

use std::sync::Arc;

use futures::future::{self, Either};

use crate::concepts::FetchKey;
use crate::concepts::background_fetch::BackgroundFetch;
use crate::concepts::service_worker_registration::ServiceWorkerRegistration;
use crate::embedder::EventLoop;
use crate::fetch::{RequestBody, StorageKey};
use crate::seam::{Call, CallId, EnginePort, RealmId, RealmTask, Reply};
use crate::{Engine, Exception};

/// What a call comes to.
enum Outcome {
    /// A background fetch, whose state is copied in the moment when the realm's task is queued.
    Registration(Arc<BackgroundFetch>),
    Other(Reply),
}

impl EnginePort for Engine {
    fn connect(&self, storage_key: StorageKey, event_loop: Arc<dyn EventLoop>) -> RealmId {
        self.inner.realms.connect(storage_key, event_loop)
    }

    fn disconnect(&self, realm: RealmId) {
        for (fetch, count) in self.inner.realms.disconnect(realm) {
            self.unhold(fetch, count);
        }
    }

    fn call(&self, realm: RealmId, call: CallId, request: Call, bodies: Vec<Option<RequestBody>>) {
        let registration = match self.registration_of(&request) {
            Ok(registration) => registration,
            Err(exception) => return self.settle(realm, call, Err(exception)),
        };
        let engine = self.clone();
        // The answer comes whatever becomes of the registration: so the task is not the registration's own.
        self.spawn_unbound(async move {
            let answer = engine.answer(realm, request, bodies);
            let cleared = async {
                match &registration {
                    Some(registration) => registration.cleared().await,
                    None => future::pending().await,
                }
            };
            futures::pin_mut!(answer, cleared);
            let outcome = match future::select(cleared, answer).await {
                Either::Left(_) => Err(was_cleared()),
                Either::Right((outcome, _)) => outcome,
            };
            engine.settle(realm, call, outcome);
        });
    }

    fn release(&self, realm: RealmId, fetch: FetchKey, count: u64) {
        let released = self.inner.realms.release(realm, fetch, count);
        self.unhold(fetch, released);
    }
}

impl Engine {
    async fn answer(
        &self,
        realm: RealmId,
        request: Call,
        bodies: Vec<Option<RequestBody>>,
    ) -> Result<Outcome, Exception> {
        match request {
            Call::Fetch {
                registration,
                client,
                id,
                requests,
                options,
            } => {
                let arguments = fetch::Arguments {
                    registration,
                    client,
                    id,
                    requests,
                    bodies,
                    options,
                };
                self.fetch(arguments).await.map(Outcome::Registration)
            }
            Call::Get { registration, id } => Ok(match self.get(&registration, &id).await? {
                Some(bg_fetch) => Outcome::Registration(bg_fetch),
                None => Outcome::Other(Reply::Registration(None)),
            }),
            Call::GetIds { registration } => self
                .get_ids(&registration)
                .await
                .map(Reply::Ids)
                .map(Outcome::Other),
            Call::Attach { fetch } => self.known(fetch).map(Outcome::Registration),
            Call::Abort { fetch } => {
                let aborted = match self.background_fetch(fetch) {
                    Some(bg_fetch) => self.abort_background_fetch(&bg_fetch).await?,
                    None => false,
                };
                Ok(Outcome::Other(Reply::Aborted(aborted)))
            }
            Call::MatchAll {
                fetch,
                request,
                options,
            } => {
                let records = self.match_all(realm, fetch, request.as_deref(), options)?;
                Ok(Outcome::Other(Reply::Records(records)))
            }
            Call::ResponseReady(response) => self
                .response_ready(response)
                .await
                .map(Reply::Response)
                .map(Outcome::Other),
            Call::ReadResponse { response, offset } => self
                .read_response(response, offset)
                .await
                .map(Reply::Bytes)
                .map(Outcome::Other),
            Call::ReadRequest { record, offset } => self
                .read_request(record, offset)
                .await
                .map(Reply::Bytes)
                .map(Outcome::Other),
            Call::UpdateUI { fetch, options } => self
                .update_ui(fetch, options)
                .await
                .map(|()| Outcome::Other(Reply::Done)),
        }
    }

    /// Queues the task that settles a call's promise.
    fn settle(&self, realm: RealmId, call: CallId, outcome: Result<Outcome, Exception>) {
        let queue = |outcome| {
            self.inner
                .realms
                .queue_task(realm, RealmTask::Settle { call, outcome })
        };
        match outcome {
            Ok(Outcome::Registration(bg_fetch)) => {
                // The update handling queue: the new instance misses no update that comes after this state.
                let _update_handling = bg_fetch.update_handling.lock();
                queue(Ok(Reply::Registration(Some(bg_fetch.snapshot()))));
            }
            Ok(Outcome::Other(reply)) => queue(Ok(reply)),
            Err(exception) => queue(Err(exception)),
        }
    }

    /// The registration that a call depends on; none where it depends on none.
    fn registration_of(&self, request: &Call) -> Result<Option<Arc<ServiceWorkerRegistration>>, Exception> {
        let fetch = match request {
            Call::Fetch { registration, .. }
            | Call::Get { registration, .. }
            | Call::GetIds { registration } => {
                return Ok(Some(self.registration(registration)));
            }
            Call::Attach { fetch }
            | Call::Abort { fetch }
            | Call::MatchAll { fetch, .. }
            | Call::UpdateUI { fetch, .. } => *fetch,
            Call::ResponseReady(response) | Call::ReadResponse { response, .. } => response.record.fetch,
            Call::ReadRequest { record, .. } => record.fetch,
        };
        match (self.background_fetch(fetch), request) {
            (Some(bg_fetch), _) => Ok(Some(Arc::clone(&bg_fetch.registration))),
            // It ended long ago, or was cleared: there is nothing to abort.
            (None, Call::Abort { .. }) => Ok(None),
            (None, _) => Err(gone()),
        }
    }

    fn known(&self, fetch: FetchKey) -> Result<Arc<BackgroundFetch>, Exception> {
        self.background_fetch(fetch).ok_or_else(gone)
    }

    fn unhold(&self, fetch: FetchKey, count: u64) {
        if count > 0
            && let Some(bg_fetch) = self.background_fetch(fetch)
        {
            bg_fetch
                .held_records
                .update(|held| *held = held.saturating_sub(count));
        }
    }
}

fn gone() -> Exception {
    Exception::invalid_state("the records associated with this background fetch are no longer available")
}

fn was_cleared() -> Exception {
    Exception::abort_error("the service worker registration was cleared")
}
