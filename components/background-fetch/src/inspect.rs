//! What is going on, for user interfaces, developer tools and operators: a snapshot of every background fetch, and
//! a stream of events.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::Stream;
use futures::channel::mpsc;
use parking_lot::Mutex;
use url::Url;

use crate::concepts::background_fetch::BackgroundFetch;
use crate::concepts::record::Record;
use crate::concepts::{
    BackgroundFetchFailureReason, BackgroundFetchResult, FetchKey, ImageResource, RegistrationKey,
    ResponseResult,
};
use crate::embedder::{FunctionalEventName, PauseReasons};
use crate::{DomString, Engine};

/// A background fetch, as it is right now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FetchInspection {
    /// The background fetch.
    pub key: FetchKey,
    /// Its registration.
    pub registration: RegistrationKey,
    /// Its id.
    pub id: DomString,
    /// Its title.
    pub title: DomString,
    /// Its icons, as the author wrote them.
    pub icons: Vec<ImageResource>,
    /// Why it is paused.
    pub paused: PauseReasons,
    /// Whether the abort all flag is set.
    pub aborted: bool,
    /// The download total in bytes; 0 for no limit.
    pub download_total: u64,
    /// The stored body bytes total.
    pub downloaded: u64,
    /// The upload total in bytes.
    pub upload_total: u64,
    /// The bytes uploaded.
    pub uploaded: u64,
    /// The result.
    pub result: BackgroundFetchResult,
    /// The failure reason.
    pub failure_reason: BackgroundFetchFailureReason,
    /// Whether its event is owed, or being handled.
    pub event_owed: bool,
    /// Whether its records are available.
    pub records_available: bool,
    /// Its records; none once they are no longer available.
    pub records: Vec<RecordInspection>,
}

/// A record, as it is right now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RecordInspection {
    /// The request's method.
    pub method: String,
    /// The request's URL.
    pub url: Url,
    /// The length of the request's body in bytes.
    pub upload_total: u64,
    /// The bytes uploaded.
    pub uploaded: u64,
    /// The response's status, where there is a response.
    pub status: Option<u16>,
    /// The length of the body in bytes, where the response says it.
    pub content_length: Option<u64>,
    /// The bytes stored.
    pub downloaded: u64,
    /// The result.
    pub result: ResponseResult,
    /// Whether a request is in flight.
    pub in_flight: bool,
    /// The requests sent since the engine was opened.
    pub attempts: u64,
    /// The last trouble, in a sentence; empty for none.
    pub detail: String,
}

/// Something happened to a background fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct InspectEvent {
    /// When, on the embedder's clock.
    pub at: Duration,
    /// To which background fetch.
    pub fetch: FetchKey,
    /// Its id.
    pub id: DomString,
    /// What.
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(tag = "event", rename_all = "kebab-case")
)]
pub enum EventKind {
    /// `fetch()` created it.
    Created,
    /// Its paused flag, or the reasons for it, changed.
    Paused {
        /// The reasons from now on.
        reasons: PauseReasons,
    },
    /// Its abort all flag was set by `abort()` or by the user.
    Aborted,
    /// A request was sent.
    RequestSent {
        /// The record.
        record: usize,
        /// Which of the record's requests.
        attempt: u64,
        /// The first byte asked for; or the first byte sent, where an upload goes on.
        range_start: u64,
    },
    /// The head of a response came.
    ResponseReceived {
        /// The record.
        record: usize,
        /// The status.
        status: u16,
    },
    /// A request failed for the time being.
    Retry {
        /// The record.
        record: usize,
        /// Why, in a sentence.
        reason: String,
        /// The wait before the next try.
        wait: Duration,
    },
    /// A record starts again from byte 0.
    Restarted {
        /// The record.
        record: usize,
        /// Why, in a sentence.
        reason: String,
    },
    /// A record was settled.
    RecordSettled {
        /// The record.
        record: usize,
        /// How.
        result: ResponseResult,
        /// Why it failed, in a sentence.
        detail: String,
    },
    /// It was settled.
    Settled {
        /// The result.
        result: BackgroundFetchResult,
        /// The failure reason.
        failure_reason: BackgroundFetchFailureReason,
    },
    /// A functional event is fired.
    EventFired {
        /// The event.
        name: FunctionalEventName,
    },
    /// The worker could not be started; a settled event stays owed.
    EventFailed {
        /// The event.
        name: FunctionalEventName,
        /// Why, in a sentence.
        message: String,
    },
    /// A functional event is no longer active.
    EventEnded {
        /// The event.
        name: FunctionalEventName,
    },
    /// Its records were removed from storage.
    Removed,
    /// Its registration was cleared.
    Cleared,
    /// Storage failed where nobody could be told.
    StorageTrouble {
        /// What, in a sentence.
        message: String,
    },
}

/// Events as they happen, from [`Engine::events`].
///
/// A reader that is too slow loses events rather than memory: [`lost`](Self::lost) counts them.
pub struct EventStream {
    events: mpsc::Receiver<InspectEvent>,
    lost: Arc<AtomicU64>,
}

impl EventStream {
    /// How many events were lost so far.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl Stream for EventStream {
    type Item = InspectEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<InspectEvent>> {
        Pin::new(&mut self.events).poll_next(cx)
    }
}

struct Subscriber {
    events: mpsc::Sender<InspectEvent>,
    lost: Arc<AtomicU64>,
}

#[derive(Default)]
pub(crate) struct Inspector {
    subscribers: Mutex<Vec<Subscriber>>,
}

impl Inspector {
    pub(crate) fn note(&self, at: Duration, bg_fetch: &BackgroundFetch, kind: EventKind) {
        let mut subscribers = self.subscribers.lock();
        if subscribers.is_empty() {
            return;
        }
        let event = InspectEvent {
            at,
            fetch: bg_fetch.key,
            id: bg_fetch.id.clone(),
            kind,
        };
        subscribers.retain_mut(|subscriber| match subscriber.events.try_send(event.clone()) {
            Ok(()) => true,
            Err(error) => {
                subscriber.lost.fetch_add(1, Ordering::Relaxed);
                !error.is_disconnected()
            }
        });
    }
}

impl Engine {
    /// A snapshot of every background fetch, oldest first.
    pub fn inspect(&self) -> Vec<FetchInspection> {
        let bg_fetches: Vec<_> = self.inner.fetches.lock().values().cloned().collect();
        bg_fetches.iter().map(|bg_fetch| inspect(bg_fetch)).collect()
    }

    /// A snapshot of one background fetch.
    pub fn inspect_one(&self, fetch: FetchKey) -> Option<FetchInspection> {
        self.background_fetch(fetch).map(|bg_fetch| inspect(&bg_fetch))
    }

    /// The events from now on. `capacity` of them, at least one, are kept for a reader that falls behind.
    pub fn events(&self, capacity: usize) -> EventStream {
        // A channel keeps one more for its sender, and panics where its buffer could not be counted.
        let (sender, events) = mpsc::channel(capacity.clamp(1, 1 << 24) - 1);
        let lost = Arc::new(AtomicU64::new(0));
        self.inner.inspector.subscribers.lock().push(Subscriber {
            events: sender,
            lost: Arc::clone(&lost),
        });
        EventStream { events, lost }
    }
}

fn inspect(bg_fetch: &BackgroundFetch) -> FetchInspection {
    let snapshot = bg_fetch.snapshot();
    let control = bg_fetch.control.read(|control| *control);
    let ui = bg_fetch.ui.lock().clone();
    FetchInspection {
        key: bg_fetch.key,
        registration: bg_fetch.registration.key.clone(),
        id: snapshot.id,
        title: ui.title,
        icons: ui.icons,
        paused: control.paused,
        aborted: control.abort_all,
        download_total: snapshot.download_total,
        downloaded: snapshot.downloaded,
        upload_total: snapshot.upload_total,
        uploaded: snapshot.uploaded,
        result: snapshot.result,
        failure_reason: snapshot.failure_reason,
        event_owed: bg_fetch.progress.read(|progress| progress.event_owed),
        records_available: snapshot.records_available,
        records: bg_fetch
            .records
            .iter()
            .map(|record| inspect_record(record))
            .collect(),
    }
}

fn inspect_record(record: &Record) -> RecordInspection {
    let state = record.response_data().snapshot();
    let report = record.report.lock().clone();
    let response = state.response.as_deref();
    RecordInspection {
        method: record.request.method.to_string(),
        url: record.request.url.clone(),
        upload_total: record.request.body_length.unwrap_or(0),
        uploaded: report.uploaded,
        status: response.map(|response| response.status.as_u16()),
        content_length: response.and_then(crate::fetch::ResponseHead::complete_length),
        downloaded: state.length,
        result: state.result,
        in_flight: report.in_flight,
        attempts: report.attempts,
        detail: report.detail,
    }
}
