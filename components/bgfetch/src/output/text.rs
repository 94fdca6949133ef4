//! Sentences for people.

use std::time::Duration;

use background_fetch::inspect::FetchInspection;
use background_fetch::{BackgroundFetchFailureReason, BackgroundFetchResult, ResponseResult};

use crate::profile::{Finished, FinishedRecord};

/// How many records of one background fetch are listed at its end.
const LISTED: usize = 20;

/// A number of bytes: `12.34 MiB`.
pub(crate) fn bytes(count: u64) -> String {
    indicatif::BinaryBytes(count).to_string()
}

/// A time: `1.5 s`.
pub(super) fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// The bytes that all bodies have together, where every response says its length.
pub(super) fn total(fetch: &FetchInspection) -> Option<u64> {
    fetch
        .records
        .iter()
        .map(|record| match record.result {
            ResponseResult::Empty => record.content_length,
            _ => Some(record.downloaded),
        })
        .sum()
}

/// The records that are settled.
pub(super) fn settled(fetch: &FetchInspection) -> usize {
    fetch
        .records
        .iter()
        .filter(|record| record.result != ResponseResult::Empty)
        .count()
}

/// How much is stored: `1.00 MiB of 2.00 MiB (50 %)`.
pub(crate) fn amount(fetch: &FetchInspection) -> String {
    let stored = bytes(fetch.downloaded);
    match total(fetch) {
        Some(total) if total > 0 => {
            let percent = u128::from(fetch.downloaded) * 100 / u128::from(total);
            format!("{stored} of {} ({percent} %)", bytes(total))
        }
        _ => stored,
    }
}

/// What is shown of a background fetch: its title, or its id.
pub(crate) fn heading(fetch: &FetchInspection) -> String {
    let heading = if fetch.title.is_empty() {
        &fetch.id
    } else {
        &fetch.title
    };
    printable(&heading.to_string())
}

/// Text without what would move the cursor.
pub(super) fn printable(text: &str) -> String {
    const LONGEST: usize = 200;
    let shown: String = text
        .chars()
        .take(LONGEST)
        .map(|character| if character.is_control() { ' ' } else { character })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        shown + "…"
    } else {
        shown
    }
}

/// What a failure reason means.
pub(crate) fn reason(reason: BackgroundFetchFailureReason) -> &'static str {
    match reason {
        BackgroundFetchFailureReason::Empty => "nothing failed",
        BackgroundFetchFailureReason::Aborted => "it was aborted",
        BackgroundFetchFailureReason::BadStatus => "a server answered with a status that is no success",
        BackgroundFetchFailureReason::FetchError => "a request failed for good",
        BackgroundFetchFailureReason::QuotaExceeded => "the disk is full",
        BackgroundFetchFailureReason::DownloadTotalExceeded => "more bytes came than --download-total allows",
    }
}

/// Why a record failed, with its URL.
fn failed_record(record: &FinishedRecord) -> String {
    let why = if record.detail.is_empty() {
        record.result.as_str()
    } else {
        &record.detail
    };
    let tried = match record.attempts {
        0 | 1 => String::new(),
        attempts => format!(" (tried {attempts} times, the waits between growing to a minute)"),
    };
    let url = printable(&record.url);
    if why.contains(&record.url) {
        format!("{why}{tried}")
    } else {
        format!("{url}: {why}{tried}")
    }
}

/// The files that were saved, a line each.
pub(super) fn saved(finished: &Finished) -> Vec<String> {
    let mut lines: Vec<String> = finished
        .records
        .iter()
        .filter_map(|record| {
            let file = record.file.as_ref()?;
            Some(format!("saved {} ({})", file.display(), bytes(record.downloaded)))
        })
        .take(LISTED)
        .collect();
    let rest = finished.saved() - lines.len();
    if rest > 0 {
        lines.push(format!(
            "saved {rest} more files in {}",
            finished.output.display()
        ));
    }
    let empty = finished.records.iter().filter(|record| {
        let aborted = finished.failure_reason == BackgroundFetchFailureReason::Aborted;
        record.result == ResponseResult::Success && record.file.is_none() && !aborted
    });
    let nothing =
        |record: &FinishedRecord| format!("{}: no content: nothing to save", printable(&record.url));
    lines.extend(empty.map(nothing).take(LISTED));
    lines
}

/// What went wrong, a line each; none for a success.
pub(super) fn failed(finished: &Finished, option: &str) -> Vec<String> {
    if finished.result == BackgroundFetchResult::Success {
        return Vec::new();
    }
    let mut lines = vec![format!(
        "bgfetch: the background fetch {:?} failed with {}: {}",
        finished.id,
        finished.failure_reason,
        reason(finished.failure_reason)
    )];
    let failed: Vec<&FinishedRecord> = finished
        .records
        .iter()
        .filter(|record| !matches!(record.result, ResponseResult::Success | ResponseResult::Aborted))
        .collect();
    lines.extend(
        failed
            .iter()
            .take(LISTED)
            .map(|record| format!("  {}", failed_record(record))),
    );
    if failed.len() > LISTED {
        lines.push(format!(
            "  and {} more: see `bgfetch show {}{option}`",
            failed.len() - LISTED,
            crate::profile::quoted(&finished.id)
        ));
    }
    match finished.saved() {
        0 => {}
        1 => lines.push("  1 file arrived all the same, and is saved".to_owned()),
        files => lines.push(format!("  {files} files arrived all the same, and are saved")),
    }
    lines
}

pub(super) fn clicked(fetch: &FetchInspection) -> String {
    format!(
        "clicked {}: {} in {} files, {} of them done",
        heading(fetch),
        amount(fetch),
        fetch.records.len(),
        settled(fetch)
    )
}

pub(super) fn interrupted(fetch: &FetchInspection, command: &str) -> String {
    format!(
        "interrupted {}: {} are stored; `{command}` goes on from there",
        heading(fetch),
        bytes(fetch.downloaded)
    )
}
