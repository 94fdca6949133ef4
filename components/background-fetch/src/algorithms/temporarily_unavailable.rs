//! What follows when a resource is temporarily unavailable: part of "complete a record".
//!
//! <https://wicg.github.io/background-fetch/#temporarily-unavailable>

use std::pin::pin;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{self, Either};
use http::StatusCode;

use super::complete_record::{Attempt, Completion, Ended};
use crate::concepts::ResponseResult;
use crate::embedder::{NetworkError, NetworkErrorKind};
use crate::exception::excerpt;
use crate::fetch::{ResponseHead, retry_after};
use crate::inspect::EventKind;

/// A device that is not back online after this time was offline; anything shorter may be the time that an embedder
/// takes to say so.
const OFFLINE_AFTER: Duration = Duration::from_millis(100);

/// Why a resource is temporarily unavailable.
pub(super) struct Unavailable {
    /// One sentence.
    reason: String,
    /// How long the server asked to wait.
    retry_after: Option<Duration>,
}

/// What the wait for the network showed.
enum Network {
    /// It is there, and was.
    There,
    /// It is there again.
    Back,
    /// The paused flag or the abort all flag ended the wait.
    HeldUp,
}

impl Completion<'_> {
    /// Process response, 1 and 8: a network error, or an errored body.
    pub(super) fn process_error(&self, error: NetworkError) -> Attempt {
        // 1.1. Only a `GET`, and an upload that can be continued, is tried again.
        if error.kind == NetworkErrorKind::Final || !self.record.may_be_sent_again() {
            return self.failed_because(error.message);
        }
        Attempt::Unavailable(Unavailable {
            reason: error.message,
            retry_after: error.retry_after,
        })
    }

    /// Whether a response says that the resource is temporarily unavailable, and may be asked for again. Then it
    /// is not the record's: what is stored stays, to be continued.
    pub(super) fn is_to_be_tried_again(&mut self, response: &ResponseHead) -> Option<Unavailable> {
        let status: StatusCode = response.status;
        if !self.record.request.is_get() || !self.budget.is_temporary(status.as_u16()) {
            return None;
        }
        self.note_progress();
        self.budget.is_left().then(|| Unavailable {
            reason: format!(
                "cannot fetch {}: the server answered with status {status}",
                excerpt(self.record.request.url.as_str())
            ),
            retry_after: retry_after(&response.headers),
        })
    }

    /// Lets another attempt follow, where the budget allows it. The flight before is over.
    pub(super) async fn temporarily_unavailable(
        &mut self,
        unavailable: Unavailable,
    ) -> Result<Duration, Ended> {
        let Unavailable { reason, retry_after } = unavailable;
        self.note_progress();
        self.record.report.lock().detail.clone_from(&reason);
        let clock = &self.engine.inner.embedder.clock;
        // What failed because the device is offline is not held against the server.
        let wait = match self.network().await {
            Network::HeldUp => return Ok(Duration::ZERO),
            Network::Back => self.budget.backoff(clock.now()),
            Network::There => match self.budget.fail(clock.now()) {
                Some(backoff) => self.budget.wait(backoff, retry_after),
                None => {
                    let tries = self.budget.failures();
                    let detail = format!("{reason} (tried {tries} times without progress)");
                    return Err(Ended {
                        result: ResponseResult::FetchError,
                        detail,
                    });
                }
            },
        };
        let record = self.record.key.index;
        self.engine
            .note(self.bg_fetch, EventKind::Retry { record, reason, wait });
        Ok(wait)
    }

    /// Bytes that came renew the budget.
    fn note_progress(&mut self) {
        let length = self.record.response_data().state.read(|state| state.length);
        self.budget.progressed(length);
    }

    /// Waits until it is worth trying to reach the resource again.
    async fn network(&self) -> Network {
        let embedder = &self.engine.inner.embedder;
        let mut available = embedder.network.available(&self.record.request.url);
        if (&mut available).now_or_never().is_some() {
            return Network::There;
        }
        let asked = embedder.clock.now();
        match future::select(pin!(self.bg_fetch.held_up()), available).await {
            Either::Left(_) => Network::HeldUp,
            Either::Right(_) if embedder.clock.now() < asked + OFFLINE_AFTER => Network::There,
            Either::Right(_) => Network::Back,
        }
    }

    /// Waits until the resource is not temporarily unavailable and the wait is over; less where it is paused or
    /// aborted.
    pub(super) async fn pause_between_attempts(&self, wait: Duration) {
        if wait.is_zero() {
            return;
        }
        let embedder = &self.engine.inner.embedder;
        let available = async {
            embedder.network.available(&self.record.request.url).await;
            embedder.clock.sleep(wait).await;
        };
        future::select(pin!(self.bg_fetch.held_up()), pin!(available)).await;
    }
}
