//! `BackgroundFetchManager.fetch()`: the steps on the active background fetches edit queue.

use std::pin::pin;
use std::sync::Arc;

use futures::channel::oneshot;
use futures::future::{self, Either};
use futures::{FutureExt, StreamExt};

use crate::algorithms;
use crate::concepts::background_fetch::BackgroundFetch;
use crate::concepts::service_worker_registration::{ActiveSlot, PendingId, ServiceWorkerRegistration};
use crate::concepts::{BackgroundFetchFailureReason, BackgroundFetchOptions};
use crate::embedder::{
    BodyKey, FetchState, MeteredPolicy, NewFetch, NewRecord, PauseReasons, PermissionState, RecordState,
    StagedBody, StorageError, StorageErrorKind, StoredFetch, StoredRecord,
};
use crate::exception::excerpt;
use crate::fetch::{Client, Request, RequestBody, StorageKey};
use crate::inspect::EventKind;
use crate::realms::RealmLife;
use crate::{DomString, Engine, Exception, ExceptionName};

/// The arguments, checked by the realm.
pub(super) struct Arguments {
    pub(super) registration: Arc<ServiceWorkerRegistration>,
    pub(super) client: Arc<Client>,
    pub(super) id: DomString,
    pub(super) requests: Vec<Request>,
    pub(super) bodies: Vec<Option<RequestBody>>,
    pub(super) options: BackgroundFetchOptions,
    /// The realm that calls.
    pub(super) caller: RealmLife,
}

/// What was found good to go, before its bodies are stored.
struct Admitted {
    registration: Arc<ServiceWorkerRegistration>,
    client: Arc<Client>,
    requests: Vec<Request>,
    options: BackgroundFetchOptions,
    permission: PermissionState,
    active_slot: ActiveSlot,
    /// Dropped when the background fetch is in the map, or will not come.
    pending: PendingId,
}

/// A background fetch that is performed from when this is dropped, which is once the task that resolves the promise is
/// queued, or nobody waits for it: scripts see every progress.
pub(super) struct Started {
    pub(super) bg_fetch: Arc<BackgroundFetch>,
    _begins: oneshot::Sender<()>,
}

/// What the first steps on the queue come to.
enum Begun {
    Started(Started),
    /// There are bodies to read first.
    Admitted(Box<Admitted>, Vec<Option<RequestBody>>),
}

impl Engine {
    /// <https://wicg.github.io/background-fetch/#background-fetch-manager-fetch>, 8.
    pub(super) fn fetch(
        &self,
        arguments: Arguments,
    ) -> impl Future<Output = Result<Started, Exception>> + Send + use<> {
        let registration = Arc::clone(&arguments.registration);
        let caller = arguments.caller.clone();
        let engine = self.clone();
        let begun = {
            let engine = self.clone();
            self.enqueue(&registration, async move {
                engine.begin_background_fetch(arguments).await
            })
        };
        async move {
            match begun.await.unwrap_or_else(|| Err(super::was_cleared()))? {
                Begun::Started(started) => Ok(started),
                // Bodies are read beside the queue: one that never ends holds up nobody else (errata 35). They are
                // read to their end, or discarded, whoever still wants the answer.
                Begun::Admitted(admitted, bodies) => {
                    let stored = {
                        let engine = engine.clone();
                        async move { engine.store_bodies_and_create(*admitted, bodies, caller).await }
                    };
                    engine
                        .in_parallel(stored)
                        .await
                        .unwrap_or_else(|| Err(super::was_cleared()))
                }
            }
        }
    }

    /// Rejects what the page's policies exclude (errata 16). The user is under no page's policy.
    fn check_policies(&self, client: &Client, requests: &[Request]) -> Result<(), Exception> {
        if client.origin.is_none() {
            return Ok(());
        }
        for (index, request) in requests.iter().enumerate() {
            let url = &request.url;
            let allowed = self.inner.embedder.network.allows(url, client);
            allowed.map_err(|why| {
                Exception::type_error(format!("request {index} ({}) {why}", excerpt(url.as_str())))
            })?;
        }
        Ok(())
    }

    async fn begin_background_fetch(&self, arguments: Arguments) -> Result<Begun, Exception> {
        let Arguments {
            registration,
            client,
            id,
            requests,
            bodies,
            options,
            caller: _,
        } = arguments;
        self.check_limits(&id, requests.len(), &options.ui)?;
        self.check_policies(&client, &requests)?;
        let embedder = &self.inner.embedder;
        let storage_key = &registration.key.storage_key;
        // 8.1 and 8.2. A permission that is denied rejects.
        let permission = {
            let state = embedder.permissions.state(&client);
            match future::select(pin!(registration.cleared()), state).await {
                Either::Left(_) => return Err(super::was_cleared()),
                Either::Right((permission, _)) => permission,
            }
        };
        if permission == PermissionState::Denied {
            let message = format!("the user does not allow background fetches for {storage_key}");
            return Err(Exception::new(ExceptionName::NotAllowedError, message));
        }
        // 8.4. So does the lack of an active worker.
        if !embedder.service_workers.has_active_worker(&registration.key) {
            let scope = &registration.key.scope;
            return Err(Exception::type_error(format!(
                "the service worker registration of {scope} has no active worker; wait for navigator.serviceWorker.ready"
            )));
        }
        // 8.3 and 8.5. So does an id that is in the map, or about to be.
        let active = registration.active_background_fetches.lock().contains_key(&id);
        let pending = (!active)
            .then(|| PendingId::new(&registration, id.clone()))
            .flatten();
        let pending = pending.ok_or_else(|| {
            Exception::type_error(format!(
                "a background fetch with the id {:?} is active already",
                excerpt(&id.to_string())
            ))
        })?;
        // The user agent's limit.
        let limit = self.inner.policies.limits.active_per_storage_key;
        let active_slot = self.inner.active_counts.take(storage_key, limit).ok_or_else(|| {
            Exception::type_error(format!(
                "{storage_key} has {limit} active background fetches already"
            ))
        })?;
        // A download total that the quota cannot hold rejects (errata 27).
        self.check_quota(storage_key, options.download_total).await?;
        let admitted = Admitted {
            registration,
            client,
            requests,
            options,
            permission,
            active_slot,
            pending,
        };
        // 8.6. The bodies that remain to be read.
        if bodies
            .iter()
            .flatten()
            .any(|body| matches!(body, RequestBody::Stream(_)))
        {
            return Ok(Begun::Admitted(Box::new(admitted), bodies));
        }
        // Those whose bytes are at hand are stored here and now.
        let mut admitted = admitted;
        let registration = Arc::clone(&admitted.registration);
        let staged = self
            .store_request_bodies(&registration, &mut admitted.requests, bodies, future::pending())
            .await?;
        self.create_background_fetch(admitted, staged)
            .await
            .map(Begun::Started)
    }

    /// 8.6 to 8.11. Reads and stores the bodies; then it is the queue's turn again.
    async fn store_bodies_and_create(
        &self,
        mut admitted: Admitted,
        bodies: Vec<Option<RequestBody>>,
        caller: RealmLife,
    ) -> Result<Started, Exception> {
        let registration = Arc::clone(&admitted.registration);
        // A stream ends with the realm that feeds it.
        let caller_is_gone = caller.gone();
        let staged = self
            .store_request_bodies(&registration, &mut admitted.requests, bodies, caller_is_gone)
            .await?;
        let created = {
            let engine = self.clone();
            async move { engine.create_background_fetch(admitted, staged).await }
        };
        self.enqueue(&registration, created)
            .await
            .unwrap_or_else(|| Err(super::was_cleared()))
    }

    async fn create_background_fetch(
        &self,
        admitted: Admitted,
        staged: Vec<Option<StagedBody>>,
    ) -> Result<Started, Exception> {
        let Admitted {
            registration,
            client,
            requests,
            options,
            permission,
            active_slot,
            pending,
        } = admitted;
        // What is stored after the registration was wiped would stay.
        if registration.is_cleared() {
            self.discard(staged).await;
            return Err(super::was_cleared());
        }
        // 8.12. The new background fetch. It starts paused while the user is asked, or on a metered connection.
        let paused = PauseReasons {
            user: false,
            permission: permission == PermissionState::Prompt,
            metered: *self.inner.metered.lock() && self.inner.policies.metered == MeteredPolicy::Pause,
        };
        let upload_total = requests.iter().filter_map(|request| request.body_length);
        let bodies = staged.iter().copied().chain(std::iter::repeat(None));
        let new = NewFetch {
            registration: registration.key.clone(),
            id: pending.id.clone(),
            title: options.ui.title.unwrap_or_default(),
            icons: options.ui.icons.unwrap_or_default(),
            download_total: options.download_total,
            upload_total: upload_total.fold(0, u64::saturating_add),
            client,
            paused,
            records: requests
                .into_iter()
                .zip(bodies)
                .map(|(request, body)| NewRecord {
                    request: Arc::new(request),
                    body,
                })
                .collect(),
        };
        let key = match self.inner.embedder.storage.create(&new).await {
            Ok(key) => key,
            Err(error) => {
                self.discard(staged).await;
                return Err(exception_of(&error));
            }
        };
        let bg_fetch = Arc::new(BackgroundFetch::new(stored(key, new), Arc::clone(&registration)));
        *bg_fetch.active_slot.lock() = Some(active_slot);
        // 8.13. Set it in the map.
        registration
            .active_background_fetches
            .lock()
            .insert(bg_fetch.id.clone(), Arc::clone(&bg_fetch));
        self.inner.fetches.lock().insert(key, Arc::clone(&bg_fetch));
        self.note(&bg_fetch, EventKind::Created);
        // The connection may have changed while it was stored.
        if *self.inner.metered.lock() != paused.metered {
            let (engine, changed) = (self.clone(), Arc::clone(&bg_fetch));
            self.spawn(Arc::clone(&registration), async move {
                engine.apply_metered(&changed).await
            });
        }
        // 8.14. The answer queues the task that resolves the promise.
        // 8.15 and 8.16. In parallel, and after that, display it, and perform it.
        let (begins, begun) = oneshot::channel();
        let begun = begun.map(drop);
        algorithms::run_after(self, Arc::clone(&bg_fetch), FetchState::Active, begun);
        Ok(Started {
            bg_fetch,
            _begins: begins,
        })
    }

    async fn check_quota(&self, storage_key: &StorageKey, download_total: u64) -> Result<(), Exception> {
        if download_total == 0 {
            return Ok(());
        }
        let estimate = self.inner.embedder.storage.estimate(storage_key).await;
        let free = estimate.map_err(|error| exception_of(&error))?.free();
        if download_total > free {
            return Err(Exception::new(
                ExceptionName::QuotaExceededError,
                format!(
                    "downloadTotal is {download_total} bytes, {storage_key} has {free} bytes of its quota left"
                ),
            ));
        }
        Ok(())
    }

    /// 8.8. For each request with a body, in parallel, wait for its bytes and store them; one that fails ends the
    /// others (errata 15).
    async fn store_request_bodies(
        &self,
        registration: &ServiceWorkerRegistration,
        requests: &mut [Request],
        bodies: Vec<Option<RequestBody>>,
        given_up: impl Future<Output = ()>,
    ) -> Result<Vec<Option<StagedBody>>, Exception> {
        let mut staged = vec![None; requests.len()];
        let mut reading = Vec::new();
        for (index, body) in bodies.into_iter().enumerate().take(requests.len()) {
            let Some(body) = body else { continue };
            match self
                .inner
                .embedder
                .storage
                .stage(&registration.key.storage_key)
                .await
            {
                Ok(to) => {
                    staged[index] = Some(to);
                    reading.push(self.store_request_body(index, requests[index].url.clone(), to, body));
                }
                Err(error) => {
                    drop(reading);
                    self.discard(staged).await;
                    return Err(exception_of(&error));
                }
            }
        }
        let lengths = {
            let read = future::try_join_all(reading);
            futures::pin_mut!(read);
            let cleared = registration.cleared();
            futures::pin_mut!(cleared, given_up);
            match future::select(future::select(cleared, given_up), read).await {
                Either::Left(_) => Err(super::was_cleared()),
                Either::Right((lengths, _)) => lengths,
            }
        };
        match lengths {
            Ok(lengths) => {
                for (index, length) in lengths {
                    requests[index].body_length = Some(length);
                }
                Ok(staged)
            }
            Err(exception) => {
                self.discard(staged).await;
                Err(exception)
            }
        }
    }

    async fn store_request_body(
        &self,
        index: usize,
        url: url::Url,
        to: StagedBody,
        body: RequestBody,
    ) -> Result<(usize, u64), Exception> {
        let mut stream = body.into_stream();
        let mut length = 0;
        while let Some(bytes) = stream.next().await {
            let bytes = bytes.map_err(|why| {
                Exception::type_error(format!(
                    "the body of request {index} ({}) could not be read: {why}",
                    excerpt(url.as_str())
                ))
            })?;
            if bytes.is_empty() {
                continue;
            }
            let size = bytes.len() as u64;
            let appended = self
                .inner
                .embedder
                .storage
                .append(BodyKey::Staged(to), length, bytes)
                .await;
            appended.map_err(|error| exception_of(&error))?;
            length += size;
        }
        Ok((index, length))
    }

    async fn discard(&self, staged: Vec<Option<StagedBody>>) {
        for body in staged.into_iter().flatten() {
            // What cannot be discarded now is gone at the next opening.
            let _ = self.inner.embedder.storage.discard(body).await;
        }
    }
}

fn stored(key: crate::FetchKey, new: NewFetch) -> StoredFetch {
    StoredFetch {
        key,
        registration: new.registration,
        id: new.id,
        title: new.title,
        icons: new.icons,
        download_total: new.download_total,
        upload_total: new.upload_total,
        client: new.client,
        paused: new.paused,
        state: FetchState::Active,
        first_failure: BackgroundFetchFailureReason::Empty,
        records: new
            .records
            .into_iter()
            .map(|record| StoredRecord {
                request: record.request,
                state: RecordState::default(),
            })
            .collect(),
    }
}

/// What a caller of the API gets when storage fails.
pub(super) fn exception_of(error: &StorageError) -> Exception {
    match error.kind {
        StorageErrorKind::QuotaExceeded => {
            Exception::new(ExceptionName::QuotaExceededError, error.message.clone())
        }
        StorageErrorKind::NotFound | StorageErrorKind::Damaged | StorageErrorKind::Io => {
            Exception::new(ExceptionName::UnknownError, error.message.clone())
        }
    }
}
