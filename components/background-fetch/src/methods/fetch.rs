//! `BackgroundFetchManager.fetch()`: the steps on the active background fetches edit queue.

use std::sync::Arc;

use futures::StreamExt;
use futures::future;

use crate::algorithms;
use crate::concepts::background_fetch::BackgroundFetch;
use crate::concepts::service_worker_registration::ServiceWorkerRegistration;
use crate::concepts::{BackgroundFetchFailureReason, BackgroundFetchOptions, RegistrationKey};
use crate::embedder::{
    BodyKey, FetchState, MeteredPolicy, NewFetch, NewRecord, PauseReasons, PermissionState, RecordState,
    StagedBody, StorageError, StorageErrorKind, StoredFetch, StoredRecord,
};
use crate::fetch::{Client, Request, RequestBody, StorageKey};
use crate::inspect::EventKind;
use crate::{DomString, Engine, Exception, ExceptionName};

/// The arguments, checked by the realm.
pub(super) struct Arguments {
    pub(super) registration: RegistrationKey,
    pub(super) client: Arc<Client>,
    pub(super) id: DomString,
    pub(super) requests: Vec<Request>,
    pub(super) bodies: Vec<Option<RequestBody>>,
    pub(super) options: BackgroundFetchOptions,
}

impl Engine {
    /// <https://wicg.github.io/background-fetch/#background-fetch-manager-fetch>, 8.
    pub(super) async fn fetch(&self, arguments: Arguments) -> Result<Arc<BackgroundFetch>, Exception> {
        let registration = self.registration(&arguments.registration);
        let steps = {
            let (engine, registration) = (self.clone(), Arc::clone(&registration));
            async move {
                // A body that does not end holds the queue up until the registration is cleared.
                let started = engine.start_background_fetch(&registration, arguments);
                futures::pin_mut!(started);
                started.await
            }
        };
        self.enqueue(&registration, steps)
            .await
            .unwrap_or_else(|| Err(super::was_cleared()))
    }

    /// Rejects what the page's policies exclude (errata 16). The user is under no page's policy.
    fn check_policies(&self, client: &Client, requests: &[Request]) -> Result<(), Exception> {
        if client.origin.is_none() {
            return Ok(());
        }
        for (index, request) in requests.iter().enumerate() {
            let url = &request.url;
            let allowed = self.inner.embedder.network.allows(url, client);
            allowed.map_err(|why| Exception::type_error(format!("request {index} ({url}) {why}")))?;
        }
        Ok(())
    }

    async fn start_background_fetch(
        &self,
        registration: &Arc<ServiceWorkerRegistration>,
        arguments: Arguments,
    ) -> Result<Arc<BackgroundFetch>, Exception> {
        let Arguments {
            client,
            id,
            mut requests,
            bodies,
            options,
            ..
        } = arguments;
        self.check_policies(&client, &requests)?;
        let embedder = &self.inner.embedder;
        let storage_key = &registration.key.storage_key;
        // 8.1 and 8.2. A permission that is denied rejects.
        let permission = embedder.permissions.state(&client).await;
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
        // 8.3 and 8.5. So does an id that is in the map.
        if registration.active_background_fetches.lock().contains_key(&id) {
            return Err(Exception::type_error(format!(
                "a background fetch with the id {id:?} is active already"
            )));
        }
        // The user agent's limit.
        let limit = self.inner.policies.limits.active_per_storage_key;
        let active_slot = self.inner.active_counts.take(storage_key, limit).ok_or_else(|| {
            Exception::type_error(format!(
                "{storage_key} has {limit} active background fetches already"
            ))
        })?;
        // A download total that the quota cannot hold rejects (errata 27).
        self.check_quota(storage_key, options.download_total).await?;
        // 8.6 to 8.11. Read and store the bodies.
        let staged = self
            .store_request_bodies(registration, &mut requests, bodies)
            .await?;
        // 8.12. The new background fetch. It starts paused while the user is asked, or on a metered connection.
        let paused = PauseReasons {
            user: false,
            permission: permission == PermissionState::Prompt,
            metered: *self.inner.metered.lock() && self.inner.policies.metered == MeteredPolicy::Pause,
        };
        let new = NewFetch {
            registration: registration.key.clone(),
            id,
            title: options.ui.title.unwrap_or_default(),
            icons: options.ui.icons.unwrap_or_default(),
            download_total: options.download_total,
            upload_total: requests
                .iter()
                .filter_map(|request| request.body_length)
                .fold(0, u64::saturating_add),
            client,
            paused,
            records: requests
                .into_iter()
                .zip(&staged)
                .map(|(request, body)| NewRecord {
                    request: Arc::new(request),
                    body: *body,
                })
                .collect(),
        };
        let key = match embedder.storage.create(&new).await {
            Ok(key) => key,
            Err(error) => {
                self.discard(staged).await;
                return Err(exception_of(&error));
            }
        };
        let bg_fetch = Arc::new(BackgroundFetch::new(stored(key, new), Arc::clone(registration)));
        *bg_fetch.active_slot.lock() = Some(active_slot);
        // 8.13. Set it in the map.
        registration
            .active_background_fetches
            .lock()
            .insert(bg_fetch.id.clone(), Arc::clone(&bg_fetch));
        self.inner.fetches.lock().insert(key, Arc::clone(&bg_fetch));
        self.note(&bg_fetch, EventKind::Created);
        // 8.14. The answer queues the task that resolves the promise.
        // 8.15 and 8.16. In parallel, display it, and perform it.
        algorithms::run(self, Arc::clone(&bg_fetch), FetchState::Active);
        Ok(bg_fetch)
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
            match future::select(std::pin::pin!(registration.cleared()), read).await {
                future::Either::Left(_) => Err(super::was_cleared()),
                future::Either::Right((lengths, _)) => lengths,
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
                    "the body of request {index} ({url}) could not be read: {why}"
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
            Exception::type_error(error.message.clone())
        }
    }
}
