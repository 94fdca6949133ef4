//! How a record goes on after a response that is not all of it, or not of it: part of "complete a record".

use std::time::Duration;

use super::complete_record::{Attempt, Completion};
use crate::concepts::record::ResponseData;
use crate::exception::excerpt;
use crate::inspect::EventKind;

impl Completion<'_> {
    /// Goes on after a part that is not all. One that cannot be continued safely starts again, within its budget.
    pub(super) fn ask_for_the_rest(&mut self, length: u64, response_data: &ResponseData) -> Attempt {
        self.budget.progressed(length);
        let response = response_data.snapshot().response;
        if self.resume_range(length, response.as_deref()).is_some() {
            return Attempt::Again(Duration::ZERO);
        }
        // Only a `GET` is issued again (errata 18).
        if !self.record.request.is_get() {
            return self.failed("its partial response is not all of it, and it may not be sent twice");
        }
        self.start_again(
            "its partial response is not all of it, and names no version that could be continued",
        )
    }

    /// Starts the record again from byte 0, within its budget.
    pub(super) fn start_again(&mut self, why: &str) -> Attempt {
        let now = self.engine.inner.embedder.clock.now();
        let Some(backoff) = self.budget.fail(now) else {
            return self.failed(&format!("{why}, again and again"));
        };
        self.restart = true;
        self.may_be_complete_at = None;
        let stored = self.record.response_data().state.read(|state| state.length);
        let reason = format!(
            "cannot resume {}: {why}; {stored} bytes are stored; starting again",
            excerpt(self.record.request.url.as_str())
        );
        self.record.report.lock().detail.clone_from(&reason);
        self.engine.note(
            self.bg_fetch,
            EventKind::Restarted {
                record: self.record.key.index,
                reason,
            },
        );
        // The first time is not the server's fault.
        Attempt::Again(if self.budget.failures() > 1 {
            backoff
        } else {
            Duration::ZERO
        })
    }
}
