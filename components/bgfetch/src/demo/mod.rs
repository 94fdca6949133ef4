//! `bgfetch demo`.

use crate::failure::{Failure, Status};

pub(crate) async fn run() -> Result<Status, Failure> {
    Ok(Status::Success)
}
