//! `BackgroundFetchRegistration`.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;

use super::arguments::request_to_match;
use super::realm::{RealmInner, Settled, realm_is_gone, unexpected_reply};
use super::{BackgroundFetchRecord, Promise, RequestInfo, rejected};
use crate::concepts::{BackgroundFetchFailureReason, BackgroundFetchResult, CacheQueryOptions, FetchKey};
use crate::seam::{Call, FetchSnapshot, Reply};
use crate::{DomString, Exception};

/// A background fetch, as a realm sees it.
///
/// What it says is copied, and changes in tasks of the realm's event loop only.
///
/// <https://wicg.github.io/background-fetch/#background-fetch-registration>
#[derive(Clone)]
pub struct BackgroundFetchRegistration {
    inner: Rc<Inner>,
}

struct Inner {
    realm: std::rc::Weak<RealmInner>,
    key: FetchKey,
    id: DomString,
    upload_total: u64,
    download_total: u64,
    uploaded: Cell<u64>,
    downloaded: Cell<u64>,
    result: Cell<BackgroundFetchResult>,
    failure_reason: Cell<BackgroundFetchFailureReason>,
    /// The records available flag.
    records_available: Cell<bool>,
    listeners: RefCell<Listeners>,
}

/// An instance that its realm does not keep.
pub(super) struct WeakRegistration(std::rc::Weak<Inner>);

impl WeakRegistration {
    pub(super) fn upgrade(&self) -> Option<BackgroundFetchRegistration> {
        let inner = self.0.upgrade()?;
        Some(BackgroundFetchRegistration { inner })
    }
}

type Callback = Rc<dyn Fn(&BackgroundFetchRegistration)>;

#[derive(Default)]
struct Listeners {
    next: u64,
    callbacks: Vec<(ProgressListener, Callback)>,
}

/// Names a listener for `progress` events, to remove it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgressListener(u64);

impl PartialEq for BackgroundFetchRegistration {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.inner, &other.inner)
    }
}

impl fmt::Debug for BackgroundFetchRegistration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackgroundFetchRegistration")
            .field("id", &self.inner.id)
            .field("downloaded", &self.downloaded())
            .field("result", &self.result())
            .field("failure_reason", &self.failure_reason())
            .finish_non_exhaustive()
    }
}

impl BackgroundFetchRegistration {
    pub(super) fn new(realm: &Rc<RealmInner>, snapshot: FetchSnapshot) -> Self {
        let inner = Inner {
            realm: Rc::downgrade(realm),
            key: snapshot.key,
            id: snapshot.id,
            upload_total: snapshot.upload_total,
            download_total: snapshot.download_total,
            uploaded: Cell::new(snapshot.uploaded),
            downloaded: Cell::new(snapshot.downloaded),
            result: Cell::new(snapshot.result),
            failure_reason: Cell::new(snapshot.failure_reason),
            records_available: Cell::new(snapshot.records_available),
            listeners: RefCell::default(),
        };
        Self {
            inner: Rc::new(inner),
        }
    }

    pub(super) fn downgrade(&self) -> WeakRegistration {
        WeakRegistration(Rc::downgrade(&self.inner))
    }

    /// The background fetch that this is an instance of.
    pub fn key(&self) -> FetchKey {
        self.inner.key
    }

    /// The id.
    pub fn id(&self) -> &DomString {
        &self.inner.id
    }

    /// The bytes to upload.
    pub fn upload_total(&self) -> u64 {
        self.inner.upload_total
    }

    /// The bytes uploaded.
    pub fn uploaded(&self) -> u64 {
        self.inner.uploaded.get()
    }

    /// The most bytes that may be downloaded; 0 for no limit.
    pub fn download_total(&self) -> u64 {
        self.inner.download_total
    }

    /// The bytes downloaded and stored.
    pub fn downloaded(&self) -> u64 {
        self.inner.downloaded.get()
    }

    /// The result.
    pub fn result(&self) -> BackgroundFetchResult {
        self.inner.result.get()
    }

    /// The failure reason.
    pub fn failure_reason(&self) -> BackgroundFetchFailureReason {
        self.inner.failure_reason.get()
    }

    /// Whether [`match_all`](Self::match_all) still gives records.
    pub fn records_available(&self) -> bool {
        self.inner.records_available.get()
    }

    /// Adds a listener for `progress` events. It runs in a task of the realm's event loop.
    pub fn on_progress(&self, listener: impl Fn(&BackgroundFetchRegistration) + 'static) -> ProgressListener {
        let mut listeners = self.inner.listeners.borrow_mut();
        let name = ProgressListener(listeners.next);
        listeners.next += 1;
        listeners.callbacks.push((name, Rc::new(listener)));
        name
    }

    /// Removes a listener.
    pub fn remove_listener(&self, listener: ProgressListener) {
        let removed = {
            let callbacks = &mut self.inner.listeners.borrow_mut().callbacks;
            let position = callbacks.iter().position(|(name, _)| *name == listener);
            position.map(|position| callbacks.remove(position))
        };
        // What a listener holds may come back here when it is dropped.
        drop(removed);
    }

    /// Its registration was cleared: there are no records, and no event says so (errata 26).
    pub(super) fn forget_records(&self) {
        self.inner.records_available.set(false);
    }

    /// The steps of a realm's task.
    ///
    /// <https://wicg.github.io/background-fetch/#update-background-fetch-instance-algorithm>, 6.3 on.
    pub(super) fn update(&self, snapshot: &FetchSnapshot) {
        let inner = &*self.inner;
        // 6.3. The records available flag goes from set to unset, never back.
        if !snapshot.records_available {
            inner.records_available.set(false);
        }
        // 6.4. A settled result stays.
        if self.result() != BackgroundFetchResult::Empty {
            return;
        }
        // 6.5. Nothing changed.
        if self.downloaded() == snapshot.downloaded
            && self.uploaded() == snapshot.uploaded
            && self.result() == snapshot.result
            && self.failure_reason() == snapshot.failure_reason
        {
            return;
        }
        // 6.6 to 6.9. Copy.
        inner.downloaded.set(snapshot.downloaded);
        inner.uploaded.set(snapshot.uploaded);
        inner.result.set(snapshot.result);
        inner.failure_reason.set(snapshot.failure_reason);
        // 6.10. Fire "progress".
        let callbacks = inner.listeners.borrow().callbacks.clone();
        for (name, callback) in callbacks {
            // One that a listener before it removed is not called.
            let listeners = inner.listeners.borrow();
            let removed = !listeners.callbacks.iter().any(|(listener, _)| *listener == name);
            drop(listeners);
            if !removed {
                callback(self);
            }
        }
    }

    /// Aborts the background fetch. Resolves with whether it was active.
    ///
    /// <https://wicg.github.io/background-fetch/#background-fetch-registration-abort>
    pub fn abort(&self) -> Promise<bool> {
        let Some(realm) = self.inner.realm.upgrade() else {
            return rejected(realm_is_gone());
        };
        let reply = realm.call(
            Call::Abort {
                fetch: self.inner.key,
            },
            Vec::new(),
        );
        Box::pin(async move {
            match reply.await? {
                Settled::Other(Reply::Aborted(aborted)) => Ok(aborted),
                _ => Err(unexpected_reply()),
            }
        })
    }

    /// Finds the first record whose request and response match; none becomes `undefined` in scripts (errata 12).
    ///
    /// # Errors
    ///
    /// Those of [`match_all`](Self::match_all).
    ///
    /// <https://wicg.github.io/background-fetch/#background-fetch-registration-match>
    pub fn r#match(
        &self,
        request: impl Into<RequestInfo>,
        options: CacheQueryOptions,
    ) -> Promise<Option<BackgroundFetchRecord>> {
        // 1. What matchAll gives.
        let promise = self.match_all(Some(request.into()), options);
        // 2. Its first.
        Box::pin(async move { Ok(promise.await?.into_iter().next()) })
    }

    /// Finds the records whose requests and responses match, in the order of the requests; all where none is given
    /// (errata 14).
    ///
    /// # Errors
    ///
    /// `InvalidStateError` when the records are no longer available, what the Request constructor throws, and
    /// `AbortError` where the registration is cleared meanwhile.
    ///
    /// <https://wicg.github.io/background-fetch/#background-fetch-registration-match-all>
    pub fn match_all(
        &self,
        request: Option<RequestInfo>,
        options: CacheQueryOptions,
    ) -> Promise<Vec<BackgroundFetchRecord>> {
        let Some(realm) = self.inner.realm.upgrade() else {
            return rejected(realm_is_gone());
        };
        // 1. The records must be available.
        if !self.records_available() {
            return rejected(Exception::invalid_state(
                "the records associated with this background fetch are no longer available",
            ));
        }
        // A string goes through the Request constructor, a request object is compared as it is (errata 14).
        let request = request.map(|info| request_to_match(info, &realm.client()));
        let request = match request.transpose() {
            Ok(request) => request.map(Box::new),
            Err(exception) => return rejected(exception),
        };
        // 2 and 3. The rest is the engine's; the task that resolves the promise creates record objects.
        let fetch = self.inner.key;
        let reply = realm.call(
            Call::MatchAll {
                fetch,
                request,
                options,
            },
            Vec::new(),
        );
        Box::pin(async move {
            match reply.await? {
                Settled::Records(records) => Ok(records),
                _ => Err(unexpected_reply()),
            }
        })
    }

    /// Changes title and icons, for `updateUI()`.
    pub(super) fn update_ui(&self, options: crate::BackgroundFetchUIOptions) -> Promise<()> {
        let Some(realm) = self.inner.realm.upgrade() else {
            return rejected(realm_is_gone());
        };
        let reply = realm.call(
            Call::UpdateUI {
                fetch: self.inner.key,
                options,
            },
            Vec::new(),
        );
        Box::pin(async move { reply.await.map(drop) })
    }
}
