//! [`Failure`]: why a command ends early, as a sentence and an exit status.

use std::process::ExitCode;

use background_fetch::ControlError;
use background_fetch::embedder::StorageError;
use background_fetch::{Exception, ExceptionName};

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// Everything was done.
    Success,
    /// Something failed, and was explained.
    Failure,
    /// The command does not make sense; nothing was stored.
    Usage,
    /// Nothing more can be done now, and something is owed; the next run tries again.
    Owed,
    /// Interrupted; `bgfetch resume` goes on.
    Interrupted,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(match status {
            Status::Success => 0,
            Status::Failure => 1,
            Status::Usage => 2,
            Status::Owed => 3,
            Status::Interrupted => 130,
        })
    }
}

/// Why a command ends early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The exit status.
    pub(crate) status: Status,
    /// What is wrong, where, why, and what to do next.
    pub(crate) message: String,
}

impl Failure {
    /// Something failed.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            status: Status::Failure,
            message: message.into(),
        }
    }

    /// The command does not make sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            status: Status::Usage,
            message: message.into(),
        }
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        Self::new(error.message)
    }
}

impl From<ControlError> for Failure {
    fn from(error: ControlError) -> Self {
        Self::new(error.to_string())
    }
}

/// What `fetch()` refuses was not stored; a `TypeError` is about its arguments.
impl From<Exception> for Failure {
    fn from(exception: Exception) -> Self {
        match exception.name {
            ExceptionName::TypeError => Self::usage(exception.message),
            _ => Self::new(exception.message),
        }
    }
}
