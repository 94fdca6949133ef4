//! Cuts a story down to what matters.

use super::{File, Setting, Story, Validator, Version};
use crate::Ranges;

/// Cuts a story that fails down to a short one that fails too: fewer steps, plainer servers, a plainer setting.
///
/// `fails` tells a story, as often as this takes, at most `attempts` times.
pub fn shrink(story: &Story, attempts: usize, mut fails: impl FnMut(&Story) -> bool) -> Story {
    let mut best = story.clone();
    let mut left = attempts;
    let mut try_it = |candidate: Story, best: &mut Story| {
        if left == 0 || candidate == *best {
            return false;
        }
        left -= 1;
        let better = fails(&candidate);
        if better {
            *best = candidate;
        }
        better
    };
    loop {
        let before = best.clone();
        shrink_steps(&mut best, &mut try_it);
        for plainer in plainer(&best) {
            let mut candidate = best.clone();
            plainer(&mut candidate);
            try_it(candidate, &mut best);
        }
        if best == before {
            return best;
        }
    }
}

/// Leaves out steps: many at once first.
fn shrink_steps(best: &mut Story, try_it: &mut impl FnMut(Story, &mut Story) -> bool) {
    let mut size = best.steps.len();
    while size > 0 {
        let mut start = 0;
        while start < best.steps.len() {
            let mut candidate = best.clone();
            let end = (start + size).min(candidate.steps.len());
            candidate.steps.drain(start..end);
            if !try_it(candidate, best) {
                start += size;
            }
        }
        size /= 2;
    }
}

type Change = Box<dyn Fn(&mut Story)>;

/// What makes a story plainer, each for itself.
fn plainer(story: &Story) -> Vec<Change> {
    let mut changes: Vec<Change> = vec![
        Box::new(|story| story.schedule = 0),
        Box::new(|story| story.setting = Setting::default()),
        Box::new(|story| story.setting.quota = None),
        Box::new(|story| story.setting.two_sites = false),
        Box::new(|story| story.setting.uploads = None),
        Box::new(|story| {
            if let Some(troubles) = &mut story.setting.uploads {
                troubles.truncate(1);
            }
        }),
    ];
    for (index, file) in story.files.iter().enumerate() {
        changes.push(Box::new(move |story| story.files[index] = File::plain()));
        for place in 0..file.versions.len() {
            changes.push(Box::new(move |story| {
                let versions = &mut story.files[index].versions;
                if versions.len() > 1 && place < versions.len() {
                    versions.remove(place);
                }
            }));
            let mut on_version = |change: fn(&mut Version)| {
                changes.push(Box::new(move |story: &mut Story| {
                    if let Some(version) = story.files[index].versions.get_mut(place) {
                        change(version);
                    }
                }));
            };
            on_version(|version| version.troubles.clear());
            on_version(|version| version.troubles.truncate(1));
            on_version(|version| version.ranges = Ranges::Honoured);
            on_version(|version| version.range_cap = None);
            on_version(|version| version.validator = Validator::Strong);
            on_version(|version| version.status = 200);
            on_version(|version| version.says_length = true);
            on_version(|version| version.content_decoded = false);
            on_version(|version| version.redirects = 0);
            on_version(|version| (version.chunk_delay, version.latency) = (0, 0));
            on_version(|version| version.chunk = version.chunk.max(version.length).max(1));
        }
    }
    changes
}

impl Default for Setting {
    /// No quota, everything permitted.
    fn default() -> Self {
        Self {
            quota: None,
            permission: background_fetch::embedder::PermissionState::Granted,
            metered: background_fetch::embedder::MeteredPolicy::Allow,
            retries: 20,
            uploads: None,
            two_sites: false,
        }
    }
}

impl File {
    /// A file of 1000 bytes that nothing is wrong with.
    pub fn plain() -> Self {
        Self {
            versions: vec![Version {
                length: 1000,
                validator: Validator::Strong,
                status: 200,
                ranges: Ranges::Honoured,
                range_cap: None,
                says_length: true,
                content_decoded: false,
                redirects: 0,
                chunk: 1000,
                chunk_delay: 0,
                latency: 0,
                troubles: Vec::new(),
                requests: 1,
            }],
        }
    }
}
