//! Plain lines, a bounded number of them.

use std::collections::HashMap;
use std::time::Instant;

use background_fetch::FetchKey;
use background_fetch::inspect::{FetchInspection, InspectEvent};

use super::labels::Labels;
use super::lines::{self, Limiter};
use super::{error_line, line, text};
use crate::profile::Finished;

/// Plain lines.
#[derive(Default)]
pub(crate) struct Plain {
    labels: Labels,
    limiter: Limiter,
    /// When a line of progress was printed last, and at how many bytes.
    last: HashMap<FetchKey, (Instant, u64)>,
}

impl Plain {
    pub(super) fn begin(&mut self, fetch: &FetchInspection) {
        self.labels.add(fetch);
        let heading = text::heading(fetch);
        let files = fetch.records.len();
        error_line(&match fetch.downloaded {
            0 => format!("{heading}: fetching, {files} in all"),
            stored => format!(
                "{heading}: going on, {files} in all, {} are stored",
                text::bytes(stored)
            ),
        });
        self.last.insert(fetch.key, (Instant::now(), fetch.downloaded));
    }

    pub(super) fn event(&mut self, event: &InspectEvent) {
        if let Some(text) = lines::line(&self.labels, event)
            && self.limiter.lets_through()
        {
            error_line(&text);
        }
    }

    pub(super) fn progress(&mut self, fetch: &FetchInspection) {
        if let Some(text) = self.limiter.left_out() {
            error_line(&text);
        }
        let now = Instant::now();
        let (since, before) = self
            .last
            .insert(fetch.key, (now, fetch.downloaded))
            .unwrap_or((now, 0));
        let elapsed = now.duration_since(since).as_secs_f64();
        if before == fetch.downloaded || elapsed < 0.5 {
            return;
        }
        let speed = fetch.downloaded.saturating_sub(before) as f64 / elapsed;
        error_line(&format!(
            "{}: {}, {}/s, {} of {} complete",
            text::heading(fetch),
            text::amount(fetch),
            text::bytes(speed as u64),
            text::settled(fetch),
            fetch.records.len()
        ));
    }

    pub(super) fn finished(&mut self, finished: &Finished) {
        for text in text::saved(finished) {
            line(&text);
        }
        for text in text::failed(finished) {
            error_line(&text);
        }
    }
}
