//! `bgfetch abort`: runs an abort to its end, event and removal included.

use background_fetch::BackgroundFetchFailureReason;

use crate::cli::OneArguments;
use crate::embedding::Reach;
use crate::failure::{Failure, Status};
use crate::output::Output;
use crate::session::Session;

pub(super) async fn run(arguments: &OneArguments) -> Result<Status, Failure> {
    let (profile, embedding) = super::open(&arguments.profile, Reach::ProfileOnly).await?;
    let fetch = embedding.find(&arguments.id)?;
    let output = Output::new(arguments.profile.json);
    let session = Session::new(
        embedding,
        profile.clone(),
        arguments.profile.profile.as_deref(),
        output,
    )?;
    if !session.embedding().engine.abort(fetch).await {
        let settled = session.embedding().engine.inspect_one(fetch);
        let aborted = settled.is_some_and(|fetch| fetch.aborted);
        if !aborted {
            return Err(Failure::new(format!(
                "{:?} is settled already, and its files are waiting to be saved; `bgfetch resume` saves them",
                arguments.id
            )));
        }
    }
    match session.run([fetch]).await? {
        // That it failed, because it was aborted, is what was asked for.
        Status::Failure => {
            let finished = profile.finished(&arguments.id);
            let aborted = finished
                .is_some_and(|finished| finished.failure_reason == BackgroundFetchFailureReason::Aborted);
            Ok(if aborted { Status::Success } else { Status::Failure })
        }
        status => Ok(status),
    }
}
