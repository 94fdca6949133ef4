//! One fetch: its turn, and in flight its events, interrupted by the flags that others set.

use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use futures::future::{self, BoxFuture, Either};

use super::complete_record::Completion;
use crate::Engine;
use crate::concepts::background_fetch::BackgroundFetch;
use crate::concepts::record::Record;
use crate::embedder::{FetchEvent, FetchStream, NetworkError};
use crate::scheduler::{Claim, Permit};

/// A fetch in flight. Dropping it terminates the fetch and gives its permit back.
pub(crate) struct Flight<'a> {
    engine: &'a Engine,
    bg_fetch: &'a BackgroundFetch,
    record: &'a Record,
    stream: FetchStream,
    permit: Permit,
    /// Fires when it is time to see whether anything moved since it was set; one timer for many chunks.
    stall_check: BoxFuture<'static, ()>,
    moved: bool,
    /// Whether a pause interrupts it.
    pausable: bool,
}

/// What happens next.
pub(crate) enum Happening {
    /// The fetch goes on, or ended (none).
    Event(Option<Result<FetchEvent, NetworkError>>),
    /// The abort all flag is set.
    Aborted,
    /// The paused flag is set, and the request may be sent again.
    Paused,
}

impl<'a> Flight<'a> {
    pub(crate) fn new(
        engine: &'a Engine,
        bg_fetch: &'a BackgroundFetch,
        record: &'a Record,
        stream: FetchStream,
        permit: Permit,
    ) -> Self {
        record.report.lock().in_flight = true;
        let stall_check = engine.inner.embedder.clock.sleep(stalled_after(engine));
        Self {
            engine,
            bg_fetch,
            record,
            stream,
            permit,
            stall_check,
            moved: false,
            // A request that is no `GET` cannot be sent again: it is not interrupted by a pause (errata 18).
            pausable: record.may_be_sent_again(),
        }
    }

    /// Goes on with another request, in the same turn. The one before is terminated.
    pub(crate) fn go_on_with(&mut self, stream: FetchStream) {
        self.stream = stream;
    }

    /// Sets whether a pause interrupts it from now on.
    pub(crate) fn set_pausable(&mut self, pausable: bool) {
        self.pausable = pausable;
    }

    /// Waits for the next event, or for a flag.
    pub(crate) async fn next(&mut self) -> Happening {
        let pausable = self.pausable;
        loop {
            let interrupted = self
                .bg_fetch
                .control
                .when(move |control| match control.abort_all {
                    true => Some(Happening::Aborted),
                    false => (pausable && control.paused.any()).then_some(Happening::Paused),
                });
            let event = future::select(self.stream.next(), &mut self.stall_check);
            match future::select(interrupted, event).await {
                Either::Left((happening, _)) => return happening,
                Either::Right((Either::Left((event, _)), _)) => {
                    self.moved = true;
                    self.permit.set_stalled(false);
                    return Happening::Event(event);
                }
                Either::Right((Either::Right(_), _)) => {
                    self.permit.set_stalled(!std::mem::take(&mut self.moved));
                    self.stall_check = self.engine.inner.embedder.clock.sleep(stalled_after(self.engine));
                }
            }
        }
    }
}

impl Completion<'_> {
    /// Waits until the paused flag is unset and the scheduler gives a turn; none where it was aborted.
    pub(super) async fn clear_for_take_off(&self) -> Option<Permit> {
        let url = &self.record.request.url;
        loop {
            let aborted = self
                .bg_fetch
                .control
                .when(|control| match (control.abort_all, control.paused.any()) {
                    (true, _) => Some(true),
                    (false, false) => Some(false),
                    (false, true) => None,
                })
                .await;
            if aborted {
                return None;
            }
            let turn = self.engine.inner.scheduler.acquire(Claim {
                storage_key: self.bg_fetch.registration.key.storage_key.clone(),
                fetch: self.bg_fetch.key,
                host: format!(
                    "{}:{}",
                    url.host_str().unwrap_or_default(),
                    url.port_or_known_default().unwrap_or(0)
                ),
            });
            let held_up = pin!(self.bg_fetch.held_up());
            if let Either::Right((permit, _)) = future::select(held_up, pin!(turn)).await {
                return Some(permit);
            }
        }
    }
}

fn stalled_after(engine: &Engine) -> Duration {
    // Without any wait it would check for ever.
    engine
        .inner
        .policies
        .timing
        .stalled_after
        .max(Duration::from_millis(1))
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.record.report.lock().in_flight = false;
    }
}
