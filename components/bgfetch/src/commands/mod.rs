//! The commands, one file each.

mod abort;
mod get;
mod list;
mod pause;
mod resume;
mod show;

use crate::cli::{Command, ProfileArguments};
use crate::demo;
use crate::embedding::{Embedding, Reach};
use crate::failure::{Failure, Status};
use crate::profile::Profile;

/// Does what a command says.
pub(crate) async fn run(command: Command) -> Result<Status, Failure> {
    match command {
        Command::Get(arguments) => get::run(arguments).await,
        Command::List(profile) => list::run(&profile).await,
        Command::Resume(arguments) => resume::run(&arguments).await,
        Command::Pause(arguments) => pause::run(&arguments).await,
        Command::Abort(arguments) => abort::run(&arguments).await,
        Command::Show(arguments) => show::run(&arguments).await,
        Command::Demo => demo::run().await,
    }
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
