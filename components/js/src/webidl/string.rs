//! Strings that are not DOMStrings.

use std::fmt;

use background_fetch::DomString;

use super::{Error, Fallible, FromJs, ToJs};
use crate::engine::{Cx, Type, Value};
use crate::realm::converted;

/// A ByteString: each code unit is a byte.
///
/// <https://webidl.spec.whatwg.org/#idl-ByteString>
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteString(pub Vec<u8>);

impl<'js> FromJs<'js> for ByteString {
    fn from_js(cx: &Cx<'js>, value: &Value<'js>) -> Fallible<'js, Self> {
        let units = value.to_utf16(cx)?;
        converted(cx, units.len())?;
        let bytes: Result<Vec<u8>, _> = units.iter().map(|unit| u8::try_from(*unit)).collect();
        match bytes {
            Ok(bytes) => Ok(Self(bytes)),
            Err(_) => Err(Error::type_error(format!(
                "\"{}\" has a character above U+00FF",
                String::from_utf16_lossy(&units)
                    .chars()
                    .take(60)
                    .collect::<String>()
            ))),
        }
    }
}

impl<'js> ToJs<'js> for ByteString {
    fn to_js(&self, cx: &Cx<'js>) -> Fallible<'js, Value<'js>> {
        let units: Vec<u16> = self.0.iter().map(|byte| u16::from(*byte)).collect();
        Ok(cx.utf16(&units))
    }
}

impl fmt::Debug for ByteString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

impl From<&str> for ByteString {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

/// A DOMString for which null is the empty string: `[LegacyNullToEmptyString]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NullToEmpty(pub DomString);

impl<'js> FromJs<'js> for NullToEmpty {
    fn from_js(cx: &Cx<'js>, value: &Value<'js>) -> Fallible<'js, Self> {
        match value.kind() {
            Type::Null => Ok(Self(DomString::default())),
            _ => DomString::from_js(cx, value).map(Self),
        }
    }
}

impl<'js> ToJs<'js> for NullToEmpty {
    fn to_js(&self, cx: &Cx<'js>) -> Fallible<'js, Value<'js>> {
        self.0.to_js(cx)
    }
}
