//! Events as lines of text, and how many of them are printed.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use background_fetch::inspect::{EventKind, FetchInspection, InspectEvent};
use background_fetch::{FetchKey, ResponseResult};

use super::labels::Labels;
use super::text::{bytes, seconds};

/// Events as lines, and what must be remembered between them.
#[derive(Default)]
pub(super) struct Lines {
    labels: Labels,
    /// The records whose last request was for the rest alone.
    asked_for_rest: HashSet<(FetchKey, usize)>,
}

impl Lines {
    /// A background fetch whose events are to come.
    pub(super) fn begin(&mut self, fetch: &FetchInspection) {
        self.labels.add(fetch);
    }

    /// What a record is called.
    pub(super) fn label(&self, fetch: FetchKey, record: usize) -> &str {
        self.labels.of(fetch, record)
    }

    /// What an event says to a person, where it says something.
    pub(super) fn line(&mut self, event: &InspectEvent) -> Option<String> {
        let labels = &self.labels;
        let of = |record: usize| labels.of(event.fetch, record);
        Some(match &event.kind {
            EventKind::Paused { reasons } if reasons.any() => "paused".to_owned(),
            EventKind::Paused { .. } => "going on".to_owned(),
            EventKind::Aborted => "aborted".to_owned(),
            EventKind::RequestSent {
                record, range_start, ..
            } => {
                let place = (event.fetch, *record);
                if *range_start == 0 {
                    self.asked_for_rest.remove(&place);
                    return None;
                }
                self.asked_for_rest.insert(place);
                format!(
                    "{}: asking for the rest, from {} on",
                    of(*record),
                    bytes(*range_start)
                )
            }
            EventKind::ResponseReceived { record, status: 200 }
                if self.asked_for_rest.remove(&(event.fetch, *record)) =>
            {
                format!("{}: {SENT_ANEW}", of(*record))
            }
            EventKind::Retry { record, reason, wait } => {
                format!("{}: {reason}; trying again in {}", of(*record), seconds(*wait))
            }
            EventKind::Restarted { record, reason } => {
                self.asked_for_rest.remove(&(event.fetch, *record));
                format!("{}: {reason}", of(*record))
            }
            EventKind::RecordSettled { record, result, .. } if *result == ResponseResult::Success => {
                format!("{}: complete", of(*record))
            }
            // Why, the summary says.
            EventKind::RecordSettled { record, result, .. } if *result != ResponseResult::Aborted => {
                format!("{}: failed with {result}", of(*record))
            }
            EventKind::EventFailed { message, .. } => format!("the event could not be handled: {message}"),
            EventKind::StorageTrouble { message } => message.clone(),
            _ => return None,
        })
    }
}

/// What a `200` means where the rest was asked for.
const SENT_ANEW: &str = "the server sends it anew (it changed, or has no ranges); starting again";

/// Lets so many lines through in an interval, and counts the others.
#[derive(Default)]
pub(super) struct Limiter {
    since: Option<Instant>,
    printed: usize,
    left_out: usize,
}

/// The lines of events in an interval.
const LINES: usize = 20;

/// The interval.
const INTERVAL: Duration = Duration::from_secs(2);

impl Limiter {
    /// Whether one more line may be printed.
    pub(super) fn lets_through(&mut self) -> bool {
        if self.since.is_none_or(|since| since.elapsed() >= INTERVAL) {
            self.since = Some(Instant::now());
            self.printed = 0;
        }
        self.printed += 1;
        let through = self.printed <= LINES;
        self.left_out += usize::from(!through);
        through
    }

    /// What to say of the lines that were left out.
    pub(super) fn left_out(&mut self) -> Option<String> {
        let left_out = std::mem::take(&mut self.left_out);
        (left_out > 0).then(|| format!("… and {left_out} events more"))
    }
}
