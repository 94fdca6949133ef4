//! `bgfetch list`: the background fetches that are not over.

use background_fetch::BackgroundFetchResult;
use background_fetch::inspect::FetchInspection;

use crate::cli::ProfileArguments;
use crate::embedding::Reach;
use crate::failure::{Failure, Status};
use crate::output;
use crate::profile::{Profile, quoted};

pub(super) async fn run(arguments: &ProfileArguments) -> Result<Status, Failure> {
    let profile = Profile::at(arguments.profile.as_deref())?;
    let fetches = if profile.exists() {
        let (_, embedding) = super::open(arguments, Reach::ProfileOnly).await?;
        let fetches = embedding.fetches();
        embedding.close().await?;
        fetches
    } else {
        Vec::new()
    };
    if arguments.json {
        for fetch in &fetches {
            output::line(&output::json_line("fetch", fetch));
        }
    } else if !profile.exists() && profile.folder().exists() {
        output::line(&profile.none_there());
    } else if fetches.is_empty() {
        output::line("there is no background fetch");
    } else {
        print(&fetches, &profile.option());
    }
    Ok(Status::Success)
}

fn print(fetches: &[FetchInspection], option: &str) {
    let ids: Vec<String> = fetches
        .iter()
        .map(|fetch| quoted(&fetch.id.to_string()))
        .collect();
    let width = ids.iter().map(|id| id.chars().count()).max().unwrap_or(0).min(40);
    for (id, fetch) in ids.iter().zip(fetches) {
        let text = format!(
            "{id:width$}  {}  {} in {} {}  {}",
            state(fetch),
            output::amount(fetch),
            fetch.records.len(),
            if fetch.records.len() == 1 { "file" } else { "files" },
            fetch.title
        );
        output::line(text.trim_end());
    }
    output::line(&format!(
        "`bgfetch resume{option}` goes on with all of them, `bgfetch resume ID{option}` with one"
    ));
}

/// What state a background fetch is in, that no program runs.
pub(super) fn state(fetch: &FetchInspection) -> &'static str {
    if fetch.result != BackgroundFetchResult::Empty {
        // The event is owed: it ended in a crash, or where its files could not be saved.
        "to be saved"
    } else if fetch.aborted {
        "aborted    "
    } else if fetch.paused.any() {
        "paused     "
    } else {
        "interrupted"
    }
}
