//! Background fetches.

use std::pin::pin;
use std::sync::Arc;

use futures::future::{self, Either};
use parking_lot::Mutex;

use super::record::Record;
use super::service_worker_registration::{ActiveSlot, ServiceWorkerRegistration};
use super::url_index::UrlIndex;
use super::{
    BackgroundFetchFailureReason, BackgroundFetchResult, FetchKey, ImageResource, RecordKey, ResponseResult,
};
use crate::DomString;
use crate::embedder::{FetchState, PauseReasons, StoredFetch};
use crate::fetch::Client;
use crate::seam::FetchSnapshot;
use crate::sync::Watched;

/// A background fetch.
///
/// <https://wicg.github.io/background-fetch/#background-fetch>
pub(crate) struct BackgroundFetch {
    pub(crate) key: FetchKey,
    /// The id.
    pub(crate) id: DomString,
    /// The records.
    pub(crate) records: Vec<Arc<Record>>,
    /// Finds records by their URLs.
    pub(crate) records_by_url: UrlIndex,
    /// The download total; 0 for no limit.
    pub(crate) download_total: u64,
    /// The upload total.
    pub(crate) upload_total: u64,
    /// The service worker registration.
    pub(crate) registration: Arc<ServiceWorkerRegistration>,
    /// The environment that called `fetch()`, as it was then.
    pub(crate) client: Arc<Client>,
    /// Whether every request is a `GET`, so that it may be paused.
    pub(crate) pausable: bool,
    /// The title and the icons.
    pub(crate) ui: Mutex<Ui>,
    /// Whether it may be on the screen: it does not come back once it was taken off.
    pub(crate) on_screen: Arc<Mutex<bool>>,
    /// The flags that others set and the algorithms obey.
    pub(crate) control: Watched<Control>,
    /// The reasons for the paused flag as they are stored.
    pub(crate) stored_paused: Mutex<PauseReasons>,
    /// What the algorithms report.
    pub(crate) progress: Watched<Progress>,
    /// The update handling queue: what is queued on a realm while it is held is in the order of what happened.
    pub(crate) update_handling: Mutex<()>,
    /// The record objects that realms hold: bodies stay while there are any.
    pub(crate) held_records: Watched<u64>,
    /// Its place among the active ones of its storage key, given back when the id leaves the map.
    pub(crate) active_slot: Mutex<Option<ActiveSlot>>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Ui {
    pub(crate) title: DomString,
    pub(crate) icons: Vec<ImageResource>,
}

/// The paused flag and the abort all flag.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Control {
    /// The paused flag, with its reasons.
    pub(crate) paused: PauseReasons,
    /// The abort all flag.
    pub(crate) abort_all: bool,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress {
    /// The bytes uploaded.
    pub(crate) uploaded: u64,
    /// The stored body bytes total, kept as a sum so that it need not be counted.
    ///
    /// <https://wicg.github.io/background-fetch/#background-fetch-stored-body-bytes-total>
    pub(crate) stored: u64,
    /// Bytes on their way into storage: with the stored ones they never exceed the download total.
    pub(crate) reserved: u64,
    /// The changes of response data that are on their way into storage.
    pub(crate) writing: usize,
    /// The result.
    pub(crate) result: BackgroundFetchResult,
    /// The failure reason.
    pub(crate) failure_reason: BackgroundFetchFailureReason,
    /// The failure reason of the record that failed first (errata 1).
    pub(crate) first_failure: BackgroundFetchFailureReason,
    /// The records available flag.
    pub(crate) records_available: bool,
    /// Whether the event is owed or being handled.
    pub(crate) event_owed: bool,
    /// Whether the abort all flag is set: no further byte is taken.
    pub(crate) frozen: bool,
    /// Whether `abort()` or the user aborted it, whatever else fails.
    pub(crate) aborted: bool,
    /// Counts the changes that instances may see.
    pub(crate) revision: u64,
    /// The last revision that does not wait for the progress interval.
    pub(crate) urgent_revision: u64,
    /// The last revision that was queued on the realms.
    pub(crate) delivered: u64,
}

impl BackgroundFetch {
    /// The background fetch that storage holds.
    pub(crate) fn new(stored: StoredFetch, registration: Arc<ServiceWorkerRegistration>) -> Self {
        let records: Vec<_> = stored
            .records
            .into_iter()
            .enumerate()
            .map(|(index, record)| {
                Arc::new(Record::new(
                    RecordKey {
                        fetch: stored.key,
                        index,
                    },
                    record,
                ))
            })
            .collect();
        let pausable = records.iter().all(|record| record.request.is_get());
        let (result, failure_reason) = match stored.state {
            FetchState::Settled {
                result,
                failure_reason,
            } => (result, failure_reason),
            FetchState::Active | FetchState::Aborted | FetchState::Delivered => Default::default(),
        };
        // A record that failed the whole before a restart need not have been the first to fail.
        let immediate_failure = records.iter().any(|record| {
            let state = record.response_data().snapshot();
            state.result.fails_the_whole()
        });
        let aborted =
            stored.state == FetchState::Aborted || failure_reason == BackgroundFetchFailureReason::Aborted;
        let abort_all = aborted || immediate_failure;
        // What an abort ended is stored for the whole.
        if result != BackgroundFetchResult::Empty {
            for record in &records {
                record.response_data().state.update(|state| {
                    if state.result == ResponseResult::Empty {
                        state.result = ResponseResult::Aborted;
                    }
                });
            }
        }
        let progress = Progress {
            uploaded: sum(&records, |record| record.report.lock().uploaded),
            stored: sum(&records, |record| record.response_data().snapshot().length),
            result,
            failure_reason,
            first_failure: stored.first_failure,
            records_available: stored.state != FetchState::Delivered,
            event_owed: matches!(stored.state, FetchState::Settled { .. }),
            ..Progress::default()
        };
        Self {
            key: stored.key,
            id: stored.id,
            records,
            records_by_url: UrlIndex::default(),
            download_total: stored.download_total,
            upload_total: stored.upload_total,
            registration,
            client: stored.client,
            pausable,
            ui: Mutex::new(Ui {
                title: stored.title,
                icons: stored.icons,
            }),
            // One whose event ended before a restart has only its records left to be removed.
            on_screen: Arc::new(Mutex::new(stored.state != FetchState::Delivered)),
            control: Watched::new(Control {
                paused: stored.paused,
                abort_all,
            }),
            stored_paused: Mutex::new(stored.paused),
            progress: Watched::new(progress),
            update_handling: Mutex::new(()),
            held_records: Watched::new(0),
            active_slot: Mutex::new(None),
        }
    }

    /// The same without its records, for when they are no longer available.
    pub(crate) fn without_records(&self) -> Self {
        Self {
            key: self.key,
            id: self.id.clone(),
            records: Vec::new(),
            records_by_url: UrlIndex::default(),
            download_total: self.download_total,
            upload_total: self.upload_total,
            registration: Arc::clone(&self.registration),
            client: Arc::clone(&self.client),
            pausable: self.pausable,
            ui: Mutex::new(self.ui.lock().clone()),
            on_screen: Arc::clone(&self.on_screen),
            control: Watched::new(self.control.read(|control| *control)),
            stored_paused: Mutex::default(),
            progress: Watched::new(self.progress.read(|progress| *progress)),
            update_handling: Mutex::new(()),
            held_records: Watched::new(0),
            active_slot: Mutex::new(None),
        }
    }

    /// Sets the abort all flag. No further byte is taken.
    pub(crate) fn abort_all(&self) {
        self.progress.update(|progress| progress.frozen = true);
        self.control.update(|control| control.abort_all = true);
    }

    /// Waits until no response data is on its way into storage; or until the registration is cleared, where it does not
    /// matter.
    pub(crate) async fn response_data_stored(&self) {
        let is_stored = |progress: &Progress| (progress.writing == 0).then_some(());
        future::select(self.progress.when(is_stored), pin!(self.registration.cleared())).await;
    }

    /// Waits until it is settled. False where its registration is cleared, or the engine stopped, before.
    pub(crate) async fn settled_before(&self, stopped: impl Future<Output = ()>) -> bool {
        let is_settled =
            |progress: &Progress| (progress.result != BackgroundFetchResult::Empty).then_some(());
        let settled = self.progress.when(is_settled);
        let (cleared, stopped) = (pin!(self.registration.cleared()), pin!(stopped));
        let settled = future::select(settled, future::select(cleared, stopped)).await;
        matches!(settled, Either::Left(_))
    }

    /// Waits until the paused flag or the abort all flag is set.
    pub(crate) async fn held_up(&self) {
        self.control
            .when(|control| (control.abort_all || control.paused.any()).then_some(()))
            .await;
    }

    /// Whether the abort all flag is set.
    pub(crate) fn is_aborted(&self) -> bool {
        self.control.read(|control| control.abort_all)
    }

    /// Whether its result is not the empty string.
    pub(crate) fn is_settled(&self) -> bool {
        self.progress
            .read(|progress| progress.result != BackgroundFetchResult::Empty)
    }

    pub(crate) fn snapshot(&self) -> FetchSnapshot {
        let progress = self.progress.read(|progress| *progress);
        FetchSnapshot {
            key: self.key,
            id: self.id.clone(),
            upload_total: self.upload_total,
            uploaded: progress.uploaded,
            download_total: self.download_total,
            downloaded: progress.stored,
            result: progress.result,
            failure_reason: progress.failure_reason,
            records_available: progress.records_available,
        }
    }

    /// Sets aside `length` bytes of the download total for a change of response data, or tells why it may not be stored.
    pub(crate) fn reserve(&self, length: u64) -> Result<Reservation<'_>, ResponseResult> {
        // 2 of "complete a record": 0 stands for infinity.
        let download_total = if self.download_total == 0 {
            u64::MAX
        } else {
            self.download_total
        };
        self.progress.update_quietly(|progress| {
            if progress.frozen {
                return Err(ResponseResult::Aborted);
            }
            let total = progress
                .stored
                .checked_add(progress.reserved)
                .and_then(|sum| sum.checked_add(length));
            if length > 0 && total.is_none_or(|total| total > download_total) {
                return Err(ResponseResult::DownloadTotalExceeded);
            }
            progress.reserved += length;
            progress.writing += 1;
            Ok(())
        })?;
        Ok(Reservation {
            bg_fetch: self,
            length,
            stored: false,
        })
    }
}

/// A change of response data on its way into storage, with its bytes.
pub(crate) struct Reservation<'a> {
    bg_fetch: &'a BackgroundFetch,
    length: u64,
    stored: bool,
}

impl Reservation<'_> {
    /// They are stored: they count.
    pub(crate) fn stored(mut self) {
        self.stored = true;
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        let progress = &self.bg_fetch.progress;
        let awaited = progress.update_quietly(|progress| {
            progress.reserved -= self.length;
            progress.writing -= 1;
            progress.stored += if self.stored { self.length } else { 0 };
            progress.frozen
        });
        // An abort waits for the last of them; nobody else does.
        if awaited {
            progress.update(|_| ());
        }
    }
}

/// A sum over records that damaged numbers do not overflow.
fn sum(records: &[Arc<Record>], of: impl Fn(&Record) -> u64) -> u64 {
    records
        .iter()
        .fold(0, |sum, record| sum.saturating_add(of(record)))
}

impl Progress {
    /// Notes a change that instances may see after the progress interval.
    pub(crate) fn changed(&mut self) {
        self.revision += 1;
    }

    /// Notes a change that instances see at once.
    pub(crate) fn changed_urgently(&mut self) {
        self.revision += 1;
        self.urgent_revision = self.revision;
    }
}
