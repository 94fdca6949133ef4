//! Plain lines, a bounded number of them.

use std::collections::HashMap;

use background_fetch::FetchKey;
use background_fetch::inspect::{FetchInspection, InspectEvent};

use super::lines::{Limiter, Lines};
use super::speed::Speed;
use super::{error_line, line, text};
use crate::profile::Finished;

/// Plain lines.
#[derive(Default)]
pub(crate) struct Plain {
    lines: Lines,
    limiter: Limiter,
    /// What to add to a command so that it uses the same profile.
    pub(super) option: String,
    /// What was printed last: how fast it was, and how many bytes there were.
    last: HashMap<FetchKey, (Speed, u64)>,
}

impl Plain {
    pub(super) fn begin(&mut self, fetch: &FetchInspection) {
        self.lines.begin(fetch);
        let heading = text::heading(fetch);
        let files = fetch.records.len();
        error_line(&match fetch.downloaded {
            0 => format!("{heading}: fetching, {files} in all"),
            stored => format!(
                "{heading}: going on, {files} in all, {} are stored",
                text::bytes(stored)
            ),
        });
        let stored = fetch.downloaded;
        self.last.insert(fetch.key, (Speed::new(stored), stored));
    }

    pub(super) fn event(&mut self, event: &InspectEvent) {
        if let Some(text) = self.lines.line(event)
            && self.limiter.lets_through()
        {
            error_line(&text);
        }
    }

    pub(super) fn progress(&mut self, fetch: &FetchInspection) {
        if let Some(text) = self.limiter.left_out() {
            error_line(&text);
        }
        let stored = fetch.downloaded;
        let (speed, before) = self
            .last
            .entry(fetch.key)
            .or_insert_with(|| (Speed::new(stored), stored));
        let speed = speed.measure(stored);
        if std::mem::replace(before, stored) == stored {
            return;
        }
        error_line(&format!(
            "{}: {}, {}/s, {} of {} complete",
            text::heading(fetch),
            text::amount(fetch),
            text::bytes(speed),
            text::settled(fetch),
            fetch.records.len()
        ));
    }

    pub(super) fn finished(&mut self, finished: &Finished) {
        for text in text::saved(finished) {
            line(&text);
        }
        for text in text::failed(finished, &self.option) {
            error_line(&text);
        }
    }
}
