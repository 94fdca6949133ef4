//! [`Owed`]: the background fetches that this run can do nothing more for. They are durable, and the next run tries again.

use std::collections::HashMap;

use background_fetch::FetchKey;
use background_fetch::inspect::{EventKind, FetchInspection, InspectEvent};

/// How often a worker that does not take its event is started in one run: over seven seconds, by the component's waits.
const STARTS: u32 = 4;

/// How often the event of a background fetch failed, and why at last.
#[derive(Default)]
pub(super) struct Owed {
    failed: HashMap<FetchKey, (u32, String)>,
}

impl Owed {
    /// Something happened.
    pub(super) fn note(&mut self, event: &InspectEvent) {
        match &event.kind {
            EventKind::EventFailed { message, .. } => {
                let (count, why) = self.failed.entry(event.fetch).or_default();
                *count += 1;
                why.clone_from(message);
            }
            EventKind::EventEnded { .. } | EventKind::Removed | EventKind::Cleared => {
                self.failed.remove(&event.fetch);
            }
            _ => {}
        }
    }

    /// Why nothing more comes of a background fetch in this run; none where something may. `can_ask` is whether somebody can
    /// press keys.
    pub(super) fn reason(&self, fetch: &FetchInspection, can_ask: bool) -> Option<String> {
        if fetch.paused.permission && !can_ask {
            return Some(
                "waits for permission, and there is no terminal where somebody could give it: run it again in one, or \
                 with --permission granted"
                    .to_owned(),
            );
        }
        if fetch.paused.user && !can_ask {
            return Some("is paused, and there is no terminal where somebody could go on with it".to_owned());
        }
        let (count, why) = self.failed.get(&fetch.key)?;
        let is_owed = fetch.event_owed && *count >= STARTS;
        is_owed.then(|| format!("is owed its event, which its worker did not take in {count} tries: {why}"))
    }
}
