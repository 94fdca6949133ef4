//! `bgfetch show`: a background fetch with its records, one that is over too.

use background_fetch::ResponseResult;
use background_fetch::inspect::{FetchInspection, RecordInspection};

use super::list::state;
use crate::cli::OneArguments;
use crate::embedding::{self, Reach};
use crate::failure::{Failure, Status};
use crate::output::{self, amount, bytes, line};
use crate::profile::{Finished, Profile};

pub(super) async fn run(arguments: &OneArguments) -> Result<Status, Failure> {
    let profile = Profile::at(arguments.profile.profile.as_deref())?;
    let mut fetches = Vec::new();
    if profile.exists() {
        let (_, embedding) = super::open(&arguments.profile, Reach::ProfileOnly).await?;
        fetches = embedding.fetches();
        embedding.close().await?;
    }
    if let Some(fetch) = fetches.iter().find(|fetch| fetch.id == arguments.id.as_str()) {
        if arguments.profile.json {
            line(&output::json_line("fetch", fetch));
        } else {
            let (options, warning) = profile.options(&arguments.id);
            print(fetch);
            line(&format!("files go to {}", options.output.display()));
            if let Some(warning) = warning {
                output::error_line(&format!("bgfetch: {warning}"));
            }
        }
        return Ok(Status::Success);
    }
    if !profile.exists() && profile.folder().exists() {
        return Err(Failure::new(profile.none_there()));
    }
    if let Some(finished) = profile.finished(&arguments.id) {
        if arguments.profile.json {
            line(&output::json_line("result", &finished));
        } else {
            print_finished(&finished);
        }
        return Ok(Status::Success);
    }
    let mut ids: Vec<String> = fetches.iter().map(|fetch| fetch.id.to_string()).collect();
    for id in profile.finished_ids() {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Err(Failure::new(embedding::unknown_id(&arguments.id, &ids)))
}

fn print(fetch: &FetchInspection) {
    line(&format!(
        "{}: {}, {}",
        fetch.id,
        state(fetch).trim_end(),
        amount(fetch)
    ));
    if !fetch.title.is_empty() {
        line(&format!("title: {}", fetch.title));
    }
    if fetch.download_total > 0 {
        line(&format!("at most {} in all", bytes(fetch.download_total)));
    }
    for record in &fetch.records {
        line(&format!("  {} {}", record.method, record.url));
        line(&format!("    {}", progress(record)));
        if !record.detail.is_empty() {
            line(&format!("    {}", record.detail));
        }
    }
}

fn progress(record: &RecordInspection) -> String {
    let mut parts = Vec::new();
    parts.push(match (record.result, record.content_length) {
        (ResponseResult::Success, _) => format!("complete, {}", bytes(record.downloaded)),
        (ResponseResult::Empty, Some(length)) => {
            format!("{} of {} stored", bytes(record.downloaded), bytes(length))
        }
        (ResponseResult::Empty, None) => format!("{} stored", bytes(record.downloaded)),
        (result, _) => format!("failed with {result}, {} stored", bytes(record.downloaded)),
    });
    if record.upload_total > 0 {
        parts.push(format!(
            "{} of {} sent",
            bytes(record.uploaded),
            bytes(record.upload_total)
        ));
    }
    if let Some(status) = record.status {
        parts.push(format!("status {status}"));
    }
    parts.join(", ")
}

fn print_finished(finished: &Finished) {
    if finished.failure_reason == Default::default() {
        line(&format!(
            "{}: success, {}",
            finished.id,
            bytes(finished.downloaded)
        ));
    } else {
        line(&format!(
            "{}: failed with {}: {}",
            finished.id,
            finished.failure_reason,
            output::reason(finished.failure_reason)
        ));
    }
    if !finished.title.is_empty() {
        line(&format!("title: {}", finished.title));
    }
    for record in &finished.records {
        line(&format!("  {} {}", record.method, record.url));
        let status = record
            .status
            .map(|status| format!(", status {status}"))
            .unwrap_or_default();
        line(&match (&record.file, record.result) {
            (Some(file), _) => format!(
                "    saved as {}, {}{status}",
                file.display(),
                bytes(record.downloaded)
            ),
            (None, ResponseResult::Success) => format!("    complete, {}{status}", bytes(record.downloaded)),
            (None, result) => format!("    {result}, {} had arrived{status}", bytes(record.downloaded)),
        });
        if !record.detail.is_empty() {
            line(&format!("    {}", record.detail));
        }
    }
}
