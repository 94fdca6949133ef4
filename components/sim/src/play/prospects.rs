//! [`Prospects`]: how a background fetch may end, from what its servers have and what happens around it.

use background_fetch::BackgroundFetchFailureReason as Reason;

use super::books::FetchCall;
use super::versions_of;
use crate::story::{Step, Story, Trouble};
use crate::{Ranges, UploadTrouble};

/// The failure reasons that a background fetch may have. Where there is none it must succeed, unless it is aborted.
#[derive(Clone, Debug, Default)]
pub(super) struct Prospects {
    bad_status: bool,
    fetch_error: bool,
    quota_exceeded: bool,
    download_total_exceeded: bool,
}

/// Whether nothing can come between a request with a body and its response: one that breaks is not sent again.
fn is_sent_at_once(story: &Story, call: &FetchCall) -> bool {
    let breaks = |step: &Step| {
        matches!(
            step,
            Step::LoseConnections
                | Step::Offline
                | Step::Crash
                | Step::Restart
                // After these everything starts again.
                | Step::StorageFails { .. }
                | Step::StorageFailsOn(..)
        )
    };
    if story.steps.iter().any(breaks) || stalls_for_ever(story) {
        return false;
    }
    if let Some(troubles) = &story.setting.uploads {
        // What the server keeps is continued; by a page within its own origin.
        let is_continued = |trouble: &UploadTrouble| {
            matches!(
                trouble,
                UploadTrouble::None | UploadTrouble::Drop(_) | UploadTrouble::LoseAnswer
            )
        };
        let is_within = !story.setting.two_sites || call.target.registration == 0;
        return is_within && call.upload > Some(0) && troubles.iter().all(is_continued);
    }
    let versions = call.files.first().map(|file| &story.files[*file].versions);
    let is_plain = |trouble: &Trouble| matches!(trouble, Trouble::None | Trouble::Stall(..));
    versions.is_some_and(|versions| {
        versions
            .iter()
            .flat_map(|version| &version.troubles)
            .all(is_plain)
    })
}

/// The bytes that everything that is called for takes at most, where servers keep to what they say.
fn may_take(story: &Story) -> u64 {
    let versions = |file: usize| &story.files[file].versions;
    let of_step = |step: &Step| match step {
        Step::Fetch { files, upload, .. } => {
            let longest = |file: &usize| {
                let file = file % story.files.len();
                let lies = versions(file)
                    .iter()
                    .any(|version| version.ranges != Ranges::Honoured);
                let lengths = versions_of(story, file).map(|(_, length)| length);
                if lies {
                    u64::MAX
                } else {
                    lengths.max().unwrap_or(0)
                }
            };
            let bodies = files.iter().map(longest).fold(0, u64::saturating_add);
            bodies.saturating_add(upload.unwrap_or(0))
        }
        _ => 0,
    };
    story.steps.iter().map(of_step).fold(0, u64::saturating_add)
}

/// Whether a server stops for ever: in the end its connections are lost.
pub(super) fn stalls_for_ever(story: &Story) -> bool {
    let versions = story.files.iter().flat_map(|file| &file.versions);
    let mut troubles = versions.flat_map(|version| &version.troubles);
    let mut uploads = story.setting.uploads.iter().flatten();
    uploads.any(|trouble| matches!(trouble, UploadTrouble::Stall(_)))
        || troubles.any(|trouble| matches!(trouble, Trouble::StallForEver(_)))
}

impl Prospects {
    pub(super) fn of(story: &Story, call: &FetchCall) -> Self {
        let refuses = |trouble: &UploadTrouble| matches!(trouble, UploadTrouble::Refuse(_));
        let refuses_uploads = story.setting.uploads.iter().flatten().any(refuses);
        let mut prospects = Self {
            // Request bodies are sent once, whatever happens.
            fetch_error: call.upload.is_some() && !is_sent_at_once(story, call),
            quota_exceeded: story.setting.quota.is_some_and(|quota| may_take(story) > quota),
            bad_status: call.upload.is_some() && refuses_uploads,
            ..Self::default()
        };
        // What interrupts every file.
        let interruptions = 2 + story
            .steps
            .iter()
            .filter(|step| matches!(step, Step::LoseConnections | Step::Offline))
            .count();
        let mut longest = 0;
        for file in &call.files {
            longest += versions_of(story, *file)
                .map(|(_, length)| length)
                .max()
                .unwrap_or(0);
            let mut burden = interruptions;
            for version in &story.files[*file].versions {
                burden += 1 + 2 * version.troubles.len();
                let lies = version.ranges != Ranges::Honoured;
                let garbage = |trouble: &Trouble| matches!(trouble, Trouble::Garbage(_));
                prospects.fetch_error |= lies || version.troubles.iter().any(garbage);
                // A part that has too many bytes counts before it is refused.
                prospects.download_total_exceeded |= call.download_total > 0 && lies;
                let status = |trouble: &Trouble| matches!(trouble, Trouble::Status(_));
                prospects.bad_status |= version.status != 200 || version.troubles.iter().any(status);
            }
            // Each trouble may fail the request that meets it, and the one that starts again after it.
            prospects.fetch_error |= burden > story.setting.retries as usize;
        }
        prospects.download_total_exceeded |= call.download_total > 0 && longest > call.download_total;
        prospects
    }

    /// Whether it must succeed, unless it is aborted.
    pub(super) fn allow_nothing(&self) -> bool {
        !(self.bad_status || self.fetch_error || self.quota_exceeded || self.download_total_exceeded)
    }

    pub(super) fn allow(&self, reason: Reason) -> bool {
        match reason {
            Reason::Empty => true,
            Reason::Aborted => false,
            Reason::BadStatus => self.bad_status,
            Reason::FetchError => self.fetch_error,
            Reason::QuotaExceeded => self.quota_exceeded,
            Reason::DownloadTotalExceeded => self.download_total_exceeded,
        }
    }
}
