//! `bgfetch resume`: goes on with what is stored, paused or not.

use background_fetch::{ControlError, FetchKey};

use crate::cli::SomeArguments;
use crate::embedding::{Embedding, Reach};
use crate::failure::{Failure, Status};
use crate::output::{self, Output};
use crate::profile::Profile;
use crate::session::Session;

pub(super) async fn run(arguments: &SomeArguments) -> Result<Status, Failure> {
    let given = Profile::at(arguments.profile.profile.as_deref())?;
    let reach = Reach::Servers {
        resumable: given.is_resumable(arguments.id.as_deref()),
    };
    let (profile, embedding) = super::open(&arguments.profile, reach).await?;
    let fetches = match &arguments.id {
        Some(id) => vec![super::find(&profile, &embedding, id)?],
        None => embedding.fetches().iter().map(|fetch| fetch.key).collect(),
    };
    if fetches.is_empty() {
        embedding.close().await?;
        if !arguments.profile.json {
            output::line("there is no background fetch to go on with");
        }
        return Ok(Status::Success);
    }
    if let Some(output) = &arguments.output {
        let output = super::get::output_folder(output)?;
        for fetch in embedding.fetches() {
            if fetches.contains(&fetch.key) {
                let (mut options, _) = profile.options(&fetch.id.to_string());
                options.output.clone_from(&output);
                // They were chosen for the other folder.
                options.names.clear();
                profile.write_options(&options)?;
            }
        }
    }
    for &fetch in &fetches {
        unpause(&embedding, fetch).await?;
    }
    let output = Output::new(arguments.profile.json);
    let session = Session::new(embedding, profile, output)?;
    session.run(fetches).await
}

/// `resume` means go: also on with what was paused.
async fn unpause(embedding: &Embedding, fetch: FetchKey) -> Result<(), Failure> {
    match embedding.engine.resume(fetch).await {
        // One that is settled has its event to come.
        Ok(()) | Err(ControlError::Settled) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
