//! `bgfetch pause`: a background fetch that no program runs waits for `resume`.

use crate::cli::OneArguments;
use crate::failure::{Failure, Status};
use crate::output;
use crate::profile::quoted;

pub(super) async fn run(arguments: &OneArguments) -> Result<Status, Failure> {
    let (profile, embedding) = super::open_existing(&arguments.profile, &arguments.id).await?;
    let fetch = super::find(&profile, &embedding, &arguments.id)?;
    embedding.engine.pause(fetch).await?;
    let inspection = embedding.engine.inspect_one(fetch);
    embedding.close().await?;
    if arguments.profile.json {
        if let Some(inspection) = inspection {
            output::line(&output::json_line("fetch", &inspection));
        }
    } else {
        output::line(&format!(
            "paused {:?}; `bgfetch resume {}{}` goes on",
            arguments.id,
            quoted(&arguments.id),
            profile.option()
        ));
    }
    Ok(Status::Success)
}
