//! `bgfetch abort`: runs an abort to its end, event and removal included.

use crate::cli::OneArguments;
use crate::failure::{Failure, Status};
use crate::output::{self, Output};
use crate::session::Session;

pub(super) async fn run(arguments: &OneArguments) -> Result<Status, Failure> {
    let (profile, embedding) = super::open_existing(&arguments.profile, &arguments.id).await?;
    let fetch = super::find(&profile, &embedding, &arguments.id)?;
    let inspection = embedding.engine.inspect_one(fetch);
    let stored = inspection.map_or(0, |inspection| inspection.downloaded);
    let mut session = Session::new(embedding, profile, Output::silent(arguments.profile.json))?;
    // One that is settled has its files to be saved: they are not.
    session.discard();
    let was_active = session.embedding().engine.abort(fetch).await;
    if session.run([fetch]).await? == Status::Interrupted {
        return Ok(Status::Interrupted);
    }
    if !arguments.profile.json {
        let unsaved = if was_active {
            ""
        } else {
            " that waited to be saved"
        };
        output::line(&format!(
            "aborted {:?}; {}{unsaved} dropped",
            arguments.id,
            output::bytes(stored)
        ));
    }
    Ok(Status::Success)
}
