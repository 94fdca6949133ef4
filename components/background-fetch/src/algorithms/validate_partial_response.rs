//! Validate a partial response.

use std::fmt;

use http::header::{ETAG, LAST_MODIFIED};
use http::{HeaderName, StatusCode};

use super::content_range::{ContentRange, extract_content_range_values};
use crate::fetch::{ResponseHead, headers};

/// Why a partial response is invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum InvalidPartialResponse {
    /// It has no usable `Content-Range`.
    ContentRange,
    /// It starts elsewhere.
    Start { expected: u64, found: u64 },
    /// It is of another version of the resource: this validator differs.
    Validator {
        name: HeaderName,
        stored: String,
        found: String,
    },
    /// It is of another version of the resource: the complete length differs.
    CompleteLength { stored: u64, found: Option<u64> },
}

impl InvalidPartialResponse {
    /// Whether the resource changed: then the record can start again. Otherwise the server errs.
    pub(crate) fn resource_changed(&self) -> bool {
        matches!(self, Self::Validator { .. } | Self::CompleteLength { .. })
    }
}

impl fmt::Display for InvalidPartialResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ContentRange => f.write_str("its partial response has no usable Content-Range"),
            Self::Start { expected, found } => {
                write!(
                    f,
                    "its partial response starts at byte {found} where byte {expected} was asked for"
                )
            }
            Self::Validator { name, stored, found } => {
                write!(
                    f,
                    "the server now sends version {found} ({name}), version {stored} is stored"
                )
            }
            Self::CompleteLength {
                stored,
                found: Some(found),
            } => {
                write!(f, "the resource now has {found} bytes in all, it had {stored}")
            }
            Self::CompleteLength { stored, found: None } => {
                write!(
                    f,
                    "the server no longer says how long the resource is, it had {stored} bytes"
                )
            }
        }
    }
}

/// Checks that a `206` answers what was asked, and continues the previous response where there is one.
///
/// <https://wicg.github.io/background-fetch/#validate-partial-response-algorithm>
pub(crate) fn validate_partial_response(
    expected_range_start: u64,
    partial_response: &ResponseHead,
    previous_response: Option<&ResponseHead>,
) -> Result<ContentRange, InvalidPartialResponse> {
    // 1. Its status is 206.
    debug_assert_eq!(partial_response.status, StatusCode::PARTIAL_CONTENT);
    // 2. Its content-range values; without them it is invalid.
    let range = extract_content_range_values(&partial_response.headers)
        .ok_or(InvalidPartialResponse::ContentRange)?;
    // 3. It starts where the stored bytes end.
    if range.first != expected_range_start {
        return Err(InvalidPartialResponse::Start {
            expected: expected_range_start,
            found: range.first,
        });
    }
    // 4. It continues the previous response.
    if let Some(previous_response) = previous_response {
        // 4.1. The validators that it had are the same.
        for name in [ETAG, LAST_MODIFIED] {
            same_validator(name, previous_response, partial_response)?;
        }
        // 4.2. So is the complete length that it had; one that is not partial may have said it too (errata 19).
        if let Some(stored) = previous_response.complete_length() {
            let agrees = match range.complete_length {
                Some(found) => found == stored,
                None => previous_response.status != StatusCode::PARTIAL_CONTENT && range.last < stored,
            };
            if !agrees {
                return Err(InvalidPartialResponse::CompleteLength {
                    stored,
                    found: range.complete_length,
                });
            }
        }
    }
    // 5. It is valid.
    Ok(range)
}

/// 4.1.1. Compares one validator.
pub(crate) fn same_validator(
    name: HeaderName,
    previous_response: &ResponseHead,
    response: &ResponseHead,
) -> Result<(), InvalidPartialResponse> {
    let text = |value: Option<Vec<u8>>| {
        value.map_or_else(
            || "none".to_owned(),
            |value| String::from_utf8_lossy(&value).into_owned(),
        )
    };
    let stored = headers::get(&previous_response.headers, &name);
    let found = headers::get(&response.headers, &name);
    if stored.is_some() && stored != found {
        return Err(InvalidPartialResponse::Validator {
            name,
            stored: text(stored),
            found: text(found),
        });
    }
    Ok(())
}
