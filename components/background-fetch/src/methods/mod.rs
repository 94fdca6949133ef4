//! The parts of the API's methods that run in parallel, a file each; and what answers a realm's calls.

mod abort;
mod fetch;
mod get;
mod limits;
mod match_all;
mod records;
mod update_ui;
pub(crate) mod user;

use std::sync::Arc;

use futures::future::{self, BoxFuture, Either};

use crate::concepts::background_fetch::BackgroundFetch;
use crate::concepts::service_worker_registration::ServiceWorkerRegistration;
use crate::concepts::{FetchKey, RegistrationKey};
use crate::embedder::EventLoop;
use crate::fetch::{RequestBody, StorageKey};
use crate::seam::{Call, CallId, EnginePort, RealmId, RealmTask, Reply};
use crate::{Engine, Exception};

/// What a call comes to.
enum Outcome {
    /// A background fetch, whose state is copied in the moment when the realm's task is queued.
    Registration(Arc<BackgroundFetch>),
    /// The same, of a new one, which begins then.
    Started(fetch::Started),
    Other(Reply),
}

/// What a call asks for, begun.
struct Begun {
    /// The registration whose clearing rejects the promise, where the call depends on one.
    registration: Option<Arc<ServiceWorkerRegistration>>,
    answer: BoxFuture<'static, Result<Outcome, Exception>>,
}

impl Begun {
    fn new(
        registration: Option<Arc<ServiceWorkerRegistration>>,
        answer: impl Future<Output = Result<Outcome, Exception>> + Send + 'static,
    ) -> Self {
        let answer = Box::pin(answer);
        Self { registration, answer }
    }
}

impl Begun {
    /// It ended long ago, or was cleared, or never was the realm's: there is nothing to abort.
    fn nothing_to_abort() -> Self {
        Self::new(None, future::ready(Ok(Outcome::Other(Reply::Aborted(false)))))
    }
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
        let Begun { registration, answer } = match self.begin(realm, request, bodies) {
            Ok(begun) => begun,
            Err(exception) => return self.settle(realm, call, Err(exception)),
        };
        let engine = self.clone();
        let gone = self.inner.realms.life(realm).gone();
        // The answer comes whatever becomes of the registration: so the task is not the registration's own.
        self.spawn_unbound(async move {
            let cleared = async {
                match &registration {
                    Some(registration) => registration.cleared().await,
                    None => future::pending().await,
                }
            };
            // Nobody waits for the answer of a realm that is gone.
            futures::pin_mut!(cleared, gone);
            let outcome = match future::select(future::select(cleared, gone), answer).await {
                Either::Left(_) => Err(was_cleared()),
                Either::Right((outcome, _)) => outcome,
            };
            engine.settle(realm, call, outcome);
        });
    }

    fn updated(&self, realm: RealmId, fetch: FetchKey) {
        self.inner.realms.updated(realm, fetch);
    }

    fn release(&self, realm: RealmId, fetch: FetchKey, count: u64) {
        let released = self.inner.realms.release(realm, fetch, count);
        self.unhold(fetch, released);
    }
}

impl Engine {
    /// Begins what a call asks for. What goes by the edit queue is enqueued here and now: calls keep their order.
    fn begin(
        &self,
        realm: RealmId,
        request: Call,
        bodies: Vec<Option<RequestBody>>,
    ) -> Result<Begun, Exception> {
        if !self.is_its_own(realm, &request) {
            return match request {
                Call::Abort { .. } => Ok(Begun::nothing_to_abort()),
                _ => Err(gone()),
            };
        }
        let engine = self.clone();
        match request {
            Call::Fetch {
                registration,
                client,
                id,
                requests,
                options,
            } => {
                let registration = self.registration(&registration);
                let started = self.fetch(fetch::Arguments {
                    registration: Arc::clone(&registration),
                    client,
                    id,
                    requests,
                    bodies,
                    options,
                    caller: self.inner.realms.life(realm),
                });
                let answer = async { started.await.map(Outcome::Started) };
                Ok(Begun::new(Some(registration), answer))
            }
            Call::Get { registration, id } => {
                let registration = self.registration(&registration);
                let found = self.get(&registration, id);
                let answer = async {
                    Ok(match found.await? {
                        Some(bg_fetch) => Outcome::Registration(bg_fetch),
                        None => Outcome::Other(Reply::Registration(None)),
                    })
                };
                Ok(Begun::new(Some(registration), answer))
            }
            Call::GetIds { registration } => {
                let registration = self.registration(&registration);
                let ids = self.get_ids(&registration);
                let answer = async { ids.await.map(Reply::Ids).map(Outcome::Other) };
                Ok(Begun::new(Some(registration), answer))
            }
            Call::Attach { fetch } => {
                let bg_fetch = self.known(fetch)?;
                let registration = Arc::clone(&bg_fetch.registration);
                let answer = future::ready(Ok(Outcome::Registration(bg_fetch)));
                Ok(Begun::new(Some(registration), answer))
            }
            Call::Abort { fetch } => {
                let Some(bg_fetch) = self.background_fetch(fetch) else {
                    return Ok(Begun::nothing_to_abort());
                };
                // It may be cleared meanwhile: it is not looked for again.
                let registration = Arc::clone(&bg_fetch.registration);
                let aborted = self.abort_background_fetch(&bg_fetch);
                let answer = async { aborted.await.map(Reply::Aborted).map(Outcome::Other) };
                Ok(Begun::new(Some(registration), answer))
            }
            Call::MatchAll {
                fetch,
                request,
                options,
            } => self.begin_on(fetch, async move {
                let records = engine.match_all(realm, fetch, request.as_deref(), options);
                records.map(Reply::Records)
            }),
            Call::ResponseReady(response) => self.begin_on(response.record.fetch, async move {
                engine.response_ready(response).await.map(Reply::Response)
            }),
            Call::ReadResponse { response, offset } => self.begin_on(response.record.fetch, async move {
                engine.read_response(response, offset).await.map(Reply::Bytes)
            }),
            Call::ReadRequest { record, offset } => self.begin_on(record.fetch, async move {
                engine.read_request(record, offset).await.map(Reply::Bytes)
            }),
            Call::UpdateUI { fetch, options } => {
                let bg_fetch = self.update_ui(fetch, options)?;
                self.begin_on(fetch, async move {
                    engine.store_ui(&bg_fetch).await.map(|()| Reply::Done)
                })
            }
        }
    }

    /// Whether what a call names belongs to the storage key of its realm, as far as it is there at all.
    fn is_its_own(&self, realm: RealmId, request: &Call) -> bool {
        let may_use = |key: &RegistrationKey| self.inner.realms.may_use(realm, &key.storage_key);
        let fetch = match request {
            Call::Fetch { registration, .. }
            | Call::Get { registration, .. }
            | Call::GetIds { registration } => {
                return may_use(registration);
            }
            Call::Attach { fetch }
            | Call::Abort { fetch }
            | Call::MatchAll { fetch, .. }
            | Call::UpdateUI { fetch, .. } => *fetch,
            Call::ResponseReady(response) | Call::ReadResponse { response, .. } => response.record.fetch,
            Call::ReadRequest { record, .. } => record.fetch,
        };
        let bg_fetch = self.background_fetch(fetch);
        bg_fetch.is_none_or(|bg_fetch| may_use(&bg_fetch.registration.key))
    }

    /// Begins what a call asks of a background fetch.
    fn begin_on(
        &self,
        fetch: FetchKey,
        reply: impl Future<Output = Result<Reply, Exception>> + Send + 'static,
    ) -> Result<Begun, Exception> {
        let registration = Arc::clone(&self.known(fetch)?.registration);
        Ok(Begun::new(Some(registration), async {
            reply.await.map(Outcome::Other)
        }))
    }

    /// Queues the task that settles a call's promise.
    fn settle(&self, realm: RealmId, call: CallId, outcome: Result<Outcome, Exception>) {
        let queue = |outcome| {
            self.inner
                .realms
                .queue_task(realm, RealmTask::Settle { call, outcome })
        };
        let queue_state = |bg_fetch: &BackgroundFetch| {
            // The update handling queue: the new instance misses no update that comes after this state.
            let _update_handling = bg_fetch.update_handling.lock();
            let snapshot = bg_fetch.snapshot();
            self.inner.realms.supersede(realm, &snapshot);
            queue(Ok(Reply::Registration(Some(snapshot))));
        };
        match outcome {
            Ok(Outcome::Registration(bg_fetch)) => queue_state(&bg_fetch),
            Ok(Outcome::Started(started)) => queue_state(&started.bg_fetch),
            Ok(Outcome::Other(reply)) => queue(Ok(reply)),
            Err(exception) => queue(Err(exception)),
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
