//! [`DomString`]: Web IDL's DOMString, any sequence of 16-bit code units.

use std::fmt;
use std::sync::Arc;

/// A sequence of 16-bit code units, lone surrogates included, as scripts have them.
///
/// Ids and titles are DOMStrings: what went in comes out, and two different ids stay different even where
/// both would read the same as Unicode text. [`Display`](fmt::Display) shows it to people, with U+FFFD for
/// what is not text.
///
/// <https://webidl.spec.whatwg.org/#idl-DOMString>
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomString(Arc<[u16]>);

impl DomString {
    /// The string of these code units.
    pub fn from_code_units(code_units: impl Into<Arc<[u16]>>) -> Self {
        Self(code_units.into())
    }

    /// Its code units.
    pub fn code_units(&self) -> &[u16] {
        &self.0
    }

    /// Its length in code units.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it is the empty string.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Default for DomString {
    fn default() -> Self {
        Self::from("")
    }
}

impl From<&str> for DomString {
    fn from(text: &str) -> Self {
        Self(text.encode_utf16().collect())
    }
}

impl From<String> for DomString {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl PartialEq<str> for DomString {
    fn eq(&self, other: &str) -> bool {
        other.encode_utf16().eq(self.0.iter().copied())
    }
}

impl PartialEq<&str> for DomString {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

impl fmt::Display for DomString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        char::decode_utf16(self.0.iter().copied())
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .try_for_each(|character| fmt::Write::write_char(f, character))
    }
}

impl fmt::Debug for DomString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string(), f)
    }
}

/// For people, text where it is text, otherwise the list of its code units, so that nothing is lost; for programs
/// always the list.
#[cfg(feature = "serde")]
mod serialized {
    use super::DomString;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Form {
        Text(String),
        CodeUnits(Vec<u16>),
    }

    impl Serialize for DomString {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            if !serializer.is_human_readable() {
                return self.code_units().serialize(serializer);
            }
            match String::from_utf16(self.code_units()) {
                Ok(text) => Form::Text(text),
                Err(_) => Form::CodeUnits(self.code_units().to_vec()),
            }
            .serialize(serializer)
        }
    }

    impl<'de> Deserialize<'de> for DomString {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            if !deserializer.is_human_readable() {
                return Vec::<u16>::deserialize(deserializer).map(Self::from_code_units);
            }
            Ok(match Form::deserialize(deserializer)? {
                Form::Text(text) => text.into(),
                Form::CodeUnits(code_units) => Self::from_code_units(code_units),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::DomString;

    #[test]
    fn lone_surrogates_stay_different_and_show_as_replacement_characters() {
        let high = DomString::from_code_units([0xD800]);
        let low = DomString::from_code_units([0xDC00]);
        assert_ne!(high, low);
        assert_eq!(high.to_string(), low.to_string());
        assert_eq!(high.code_units(), [0xD800]);
    }

    #[test]
    fn compares_with_text() {
        assert_eq!(DomString::from("日本 😀"), "日本 😀");
        assert_ne!(DomString::from("a\0b"), "a");
    }
}
