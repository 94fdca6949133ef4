//! `bgfetch pause`: a background fetch that no program runs waits for `resume`.

use crate::cli::OneArguments;
use crate::embedding::Reach;
use crate::failure::{Failure, Status};
use crate::output;
use crate::profile::quoted;

pub(super) async fn run(arguments: &OneArguments) -> Result<Status, Failure> {
    let (profile, embedding) = super::open(&arguments.profile, Reach::ProfileOnly).await?;
    let fetch = embedding.find(&arguments.id)?;
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
            profile.option(arguments.profile.profile.as_deref())
        ));
    }
    Ok(Status::Success)
}
