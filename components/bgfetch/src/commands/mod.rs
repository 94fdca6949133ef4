//! The commands, one file each.

mod abort;
mod get;
mod list;
mod pause;
mod resume;
mod run;
mod show;

use background_fetch::{BackgroundFetchFailureReason, FetchKey};

use crate::cli::{Command, ProfileArguments};
use crate::demo;
use crate::embedding::{Embedding, Reach, unknown_id};
use crate::failure::{Failure, Status};
use crate::profile::{Profile, quoted};
use crate::wpt;

/// Does what a command says.
pub(crate) async fn run(command: Command) -> Result<Status, Failure> {
    match command {
        Command::Get(arguments) => get::run(arguments).await,
        Command::List(profile) => list::run(&profile).await,
        Command::Resume(arguments) => resume::run(&arguments).await,
        Command::Pause(arguments) => pause::run(&arguments).await,
        Command::Abort(arguments) => abort::run(&arguments).await,
        Command::Show(arguments) => show::run(&arguments).await,
        Command::Run(arguments) => run::run(arguments).await,
        Command::Wpt(arguments) => wpt::run(arguments).await,
        Command::Demo => demo::run().await,
    }
}

/// The background fetch of this id that is not over.
fn find(profile: &Profile, embedding: &Embedding, id: &str) -> Result<FetchKey, Failure> {
    embedding.find(id).map_err(|unknown| match profile.finished(id) {
        Some(finished) => {
            let how = match finished.failure_reason {
                BackgroundFetchFailureReason::Empty => "it was a success".to_owned(),
                reason => format!("it failed with {reason}"),
            };
            let (shown, option) = (quoted(id), profile.option());
            Failure::new(format!(
                "the background fetch {id:?} is over: {how}; `bgfetch show {shown}{option}` has it"
            ))
        }
        None => unknown,
    })
}

/// Opens a profile that is there, to look at what it has of this id or change it.
async fn open_existing(arguments: &ProfileArguments, id: &str) -> Result<(Profile, Embedding), Failure> {
    let profile = Profile::at(arguments.profile.as_deref())?;
    if profile.exists() {
        return open(arguments, Reach::ProfileOnly).await;
    }
    Err(Failure::new(if profile.folder().exists() {
        profile.none_there()
    } else {
        unknown_id(id, &[])
    }))
}

/// Opens a profile, and removes the options of background fetches that are gone.
async fn open(arguments: &ProfileArguments, reach: Reach) -> Result<(Profile, Embedding), Failure> {
    let profile = Profile::at(arguments.profile.as_deref())?;
    let embedding = Embedding::open(profile.folder(), reach).await?;
    let ids: Vec<String> = embedding
        .fetches()
        .iter()
        .map(|fetch| fetch.id.to_string())
        .collect();
    profile.sweep(&ids);
    Ok((profile, embedding))
}
