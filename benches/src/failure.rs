//! [`Failure`]: why a command ends early, in a sentence.

use std::fmt::Display;
use std::path::Path;

/// Why a command ends early.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit status.
    pub(crate) status: u8,
    /// What, where, why, and what to do.
    pub(crate) message: String,
}

impl Failure {
    /// Something failed.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            status: 1,
            message: message.into(),
        }
    }

    /// The command cannot be run like this, or not here.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            status: 2,
            message: message.into(),
        }
    }

    /// The user does not want to wait for the end.
    pub(crate) fn interrupted() -> Self {
        Self {
            status: 130,
            message: "interrupted; what was measured before is kept".to_owned(),
        }
    }

    /// Something cannot be done with a file.
    pub(crate) fn file(what: &str, path: &Path, why: impl Display) -> Self {
        Self::new(format!("cannot {what} {}: {why}", path.display()))
    }
}
