//! Events as lines of text, and how many of them are printed.

use std::time::{Duration, Instant};

use background_fetch::ResponseResult;
use background_fetch::inspect::{EventKind, InspectEvent};

use super::labels::Labels;
use super::text::{bytes, seconds};

/// What an event says to a person, where it says something.
pub(super) fn line(labels: &Labels, event: &InspectEvent) -> Option<String> {
    let of = |record: usize| labels.of(event.fetch, record);
    Some(match &event.kind {
        EventKind::Paused { reasons } if reasons.any() => "paused".to_owned(),
        EventKind::Paused { .. } => "going on".to_owned(),
        EventKind::Aborted => "aborted".to_owned(),
        EventKind::RequestSent {
            record,
            range_start: start @ 1..,
            ..
        } => format!("{}: going on at {}", of(*record), bytes(*start)),
        EventKind::Retry { record, reason, wait } => {
            format!("{}: {reason}; trying again in {}", of(*record), seconds(*wait))
        }
        EventKind::Restarted { record, reason } => format!("{}: {reason}", of(*record)),
        EventKind::RecordSettled { record, result, .. } if *result == ResponseResult::Success => {
            format!("{}: complete", of(*record))
        }
        EventKind::RecordSettled {
            record,
            result,
            detail,
        } if *result != ResponseResult::Aborted => {
            format!("{}: {detail}", of(*record))
        }
        EventKind::EventFailed { message, .. } => format!("the event could not be handled: {message}"),
        EventKind::StorageTrouble { message } => message.clone(),
        _ => return None,
    })
}

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
