//! [`Error`]: what an operation throws.

use background_fetch::{Exception, ExceptionName};

use crate::engine::{Cx, Thrown, Value};
use crate::interfaces::DOMException;

/// What an operation throws, or what its promise is rejected with.
#[derive(Clone, Debug)]
pub enum Error<'js> {
    /// A TypeError with this message.
    Type(String),
    /// A RangeError with this message.
    Range(String),
    /// A DOMException with this name and message.
    Dom(&'static str, String),
    /// What a script threw.
    Thrown(Value<'js>),
}

/// What an operation gives.
pub type Fallible<'js, T> = Result<T, Error<'js>>;

impl<'js> Error<'js> {
    /// A TypeError.
    pub fn type_error(message: impl Into<String>) -> Self {
        Self::Type(message.into())
    }

    /// A DOMException.
    pub fn dom(name: &'static str, message: impl Into<String>) -> Self {
        Self::Dom(name, message.into())
    }

    /// Says first where it happened.
    #[must_use]
    pub fn at(self, place: &str) -> Self {
        match self {
            Self::Type(message) => Self::Type(format!("{place}: {message}")),
            Self::Range(message) => Self::Range(format!("{place}: {message}")),
            Self::Dom(name, message) => Self::Dom(name, format!("{place}: {message}")),
            Self::Thrown(value) => Self::Thrown(value),
        }
    }

    /// It, as the value that is thrown.
    pub fn to_value(&self, cx: &Cx<'js>) -> Value<'js> {
        let thrown = match self {
            Self::Type(message) => cx.type_error(message),
            Self::Range(message) => cx.range_error(message),
            Self::Dom(name, message) => match DOMException::create(cx, name, message) {
                Ok(exception) => return exception,
                // There is no memory: what the engine throws then is no DOMException.
                Err(error) => return error.to_value(cx),
            },
            Self::Thrown(value) => return value.clone(),
        };
        thrown.0
    }
}

impl<'js> From<Thrown<'js>> for Error<'js> {
    fn from(thrown: Thrown<'js>) -> Self {
        Self::Thrown(thrown.0)
    }
}

/// What the component says, in the realm's exceptions.
impl From<Exception> for Error<'_> {
    fn from(exception: Exception) -> Self {
        match exception.name {
            ExceptionName::TypeError => Self::Type(exception.message),
            name => Self::Dom(name.as_str(), exception.message),
        }
    }
}
