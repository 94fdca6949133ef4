//! How the `http` crate's types are written where the `serde` feature is on.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serializer};

pub(crate) mod method {
    use super::*;
    use http::Method;

    pub(crate) fn serialize<S: Serializer>(method: &Method, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(method.as_str())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Method, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|_| D::Error::custom(format_args!("{text:?} is no HTTP method")))
    }
}

pub(crate) mod status {
    use super::*;
    use http::StatusCode;

    pub(crate) fn serialize<S: Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u16(status.as_u16())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<StatusCode, D::Error> {
        let code = u16::deserialize(deserializer)?;
        StatusCode::from_u16(code).map_err(|_| D::Error::custom(format_args!("{code} is no HTTP status")))
    }
}

pub(crate) mod header_names {
    use super::*;
    use http::HeaderName;

    pub(crate) fn serialize<S: Serializer>(names: &[HeaderName], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(names.iter().map(HeaderName::as_str))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<HeaderName>, D::Error> {
        Vec::<String>::deserialize(deserializer)?
            .iter()
            .map(|name| name_of::<D>(name))
            .collect()
    }

    pub(super) fn name_of<'de, D: Deserializer<'de>>(name: &str) -> Result<HeaderName, D::Error> {
        name.parse()
            .map_err(|_| D::Error::custom(format_args!("{name:?} is no header name")))
    }
}

/// A list of name and value, the value isomorphic-decoded: one character a byte, so that no byte is lost.
pub(crate) mod header_list {
    use super::*;
    use http::{HeaderMap, HeaderValue};
    use serde::ser::SerializeSeq;

    pub(crate) fn serialize<S: Serializer>(headers: &HeaderMap, serializer: S) -> Result<S::Ok, S::Error> {
        let decoded = |value: &HeaderValue| {
            value
                .as_bytes()
                .iter()
                .copied()
                .map(char::from)
                .collect::<String>()
        };
        // Binary forms ask for the length, which the iterator does not know.
        let mut list = serializer.serialize_seq(Some(headers.len()))?;
        for (name, value) in headers {
            list.serialize_element(&(name.as_str(), decoded(value)))?;
        }
        list.end()
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<HeaderMap, D::Error> {
        let mut headers = HeaderMap::new();
        for (name, text) in Vec::<(String, String)>::deserialize(deserializer)? {
            let bytes: Option<Vec<u8>> = text.chars().map(|unit| u8::try_from(unit).ok()).collect();
            let value = bytes.and_then(|bytes| HeaderValue::from_bytes(&bytes).ok());
            let value = value.ok_or_else(|| D::Error::custom(format_args!("bad value of header {name}")))?;
            headers
                .try_append(header_names::name_of::<D>(&name)?, value)
                .map_err(|_| D::Error::custom("too many headers"))?;
        }
        Ok(headers)
    }
}
