//! [`Exception`]: what a script gets when a promise rejects or a call throws.

use std::borrow::Cow;
use std::fmt;

/// A JavaScript exception, as plain data: the binding turns it into the realm's `TypeError` or `DOMException`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Exception {
    /// What kind of exception it is.
    pub name: ExceptionName,
    /// One sentence for the author: what was wrong, where, and what to do.
    pub message: String,
}

/// The exceptions that the Background Fetch specification names, and one for a storage that does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ExceptionName {
    /// The simple exception `TypeError`.
    TypeError,
    /// A `DOMException` named `AbortError`.
    AbortError,
    /// A `DOMException` named `InvalidStateError`.
    InvalidStateError,
    /// A `DOMException` named `NotAllowedError`.
    NotAllowedError,
    /// A `DOMException` named `UnknownError`: the user agent's storage failed, and no argument is to blame.
    UnknownError,
    /// A `QuotaExceededError`, a `DOMException` by its interface.
    QuotaExceededError,
}

impl ExceptionName {
    /// The `name` that a script sees.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TypeError => "TypeError",
            Self::AbortError => "AbortError",
            Self::InvalidStateError => "InvalidStateError",
            Self::NotAllowedError => "NotAllowedError",
            Self::UnknownError => "UnknownError",
            Self::QuotaExceededError => "QuotaExceededError",
        }
    }
}

impl Exception {
    /// An exception of this name.
    pub fn new(name: ExceptionName, message: impl Into<String>) -> Self {
        Self {
            name,
            message: message.into(),
        }
    }

    pub(crate) fn type_error(message: impl Into<String>) -> Self {
        Self::new(ExceptionName::TypeError, message)
    }

    pub(crate) fn abort_error(message: impl Into<String>) -> Self {
        Self::new(ExceptionName::AbortError, message)
    }

    pub(crate) fn invalid_state(message: impl Into<String>) -> Self {
        Self::new(ExceptionName::InvalidStateError, message)
    }
}

/// As much of a text as a message has room for.
pub(crate) fn excerpt(text: &str) -> Cow<'_, str> {
    const LONGEST: usize = 200;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name.as_str(), self.message)
    }
}

impl std::error::Error for Exception {}
