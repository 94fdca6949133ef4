//! What the head of a response means for a record: part of "complete a record", process response.

use http::StatusCode;
use http::header::{CONTENT_TYPE, ETAG, LAST_MODIFIED};

use super::content_range::{ContentRange, unsatisfied_complete_length};
use super::validate_partial_response::{same_validator, validate_partial_response};
use crate::fetch::ResponseHead;
use crate::fetch::range::is_encoded;

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    /// rangeStart: the first byte asked for.
    pub(crate) range_start: u64,
    /// Whether the author set a `Range` of their own: then a partial response is all that they want.
    pub(crate) authors_range: bool,
    /// Whether all bytes may be here already: the last part ended without saying how long the resource is.
    pub(crate) may_be_complete: bool,
}

/// What the head of a response means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ResponseAction {
    /// Its bytes are those of this range, and continue the stored ones.
    Continue(ContentRange),
    /// It is a response of its own, whose bytes start at byte 0.
    Take,
    /// Nothing is missing.
    Complete,
    /// The record has to start again from byte 0; why, in words.
    Restart(String),
    /// The record failed; why, in words.
    Fail(String),
}

/// Decides what the head of a response means.
///
/// <https://wicg.github.io/background-fetch/#complete-a-record-algorithm>, process response, 2.
pub(crate) fn response_action(
    asked: Asked,
    response: &ResponseHead,
    previous_response: Option<&ResponseHead>,
) -> ResponseAction {
    let continues = asked.range_start > 0;
    let previous_response = previous_response.filter(|_| continues);
    let complete_length = previous_response.and_then(ResponseHead::complete_length);
    match response.status {
        // 2. A 206 must be valid.
        StatusCode::PARTIAL_CONTENT if !asked.authors_range => {
            if is_encoded(response) {
                let why = "its partial response is encoded".to_owned();
                return if continues {
                    ResponseAction::Restart(why)
                } else {
                    ResponseAction::Fail(why)
                };
            }
            // One range was asked for. What says that it is several is no piece of the resource, whatever else it says.
            if is_multipart(response) {
                let why = "its partial response is multipart".to_owned();
                return if continues {
                    ResponseAction::Restart(why)
                } else {
                    ResponseAction::Fail(why)
                };
            }
            match validate_partial_response(asked.range_start, response, previous_response) {
                // A complete length that was said stays, where the part does not say it again.
                Ok(range) => ResponseAction::Continue(ContentRange {
                    complete_length: range.complete_length.or(complete_length),
                    ..range
                }),
                // Never splice two versions of a resource (errata 19).
                Err(invalid) if invalid.resource_changed() => ResponseAction::Restart(invalid.to_string()),
                // 2.1.1. "fetch-error".
                Err(invalid) => ResponseAction::Fail(invalid.to_string()),
            }
        }
        // Nothing follows the bytes at hand: either they are all, or they are of another version (errata 6).
        StatusCode::RANGE_NOT_SATISFIABLE if continues => {
            let changed = previous_response.and_then(|previous| {
                let differs = |name: &http::HeaderName| {
                    response
                        .headers
                        .contains_key(name)
                        .then(|| same_validator(name.clone(), previous, response).err())?
                };
                [ETAG, LAST_MODIFIED].iter().find_map(differs)
            });
            // What was said of the length before must hold: a body is never cut short. Where nothing was said, the end of
            // another version could be here (errata 19).
            let names_a_version = [ETAG, LAST_MODIFIED]
                .iter()
                .any(|name| response.headers.contains_key(name));
            let may_end_here = match complete_length {
                Some(length) => length == asked.range_start,
                None => asked.may_be_complete || names_a_version,
            };
            match (changed, unsatisfied_complete_length(&response.headers)) {
                (Some(changed), _) => ResponseAction::Restart(changed.to_string()),
                (None, Some(length)) if length == asked.range_start && may_end_here => {
                    ResponseAction::Complete
                }
                (None, None) if asked.may_be_complete && may_end_here => ResponseAction::Complete,
                (None, Some(length)) => ResponseAction::Restart(match complete_length {
                    Some(said) => format!("the resource now has {length} bytes in all, it had {said}"),
                    None if length == asked.range_start => {
                        format!("the server says that {length} bytes are all, and not of which version")
                    }
                    None => format!(
                        "the resource now has {length} bytes in all, {} are stored",
                        asked.range_start
                    ),
                }),
                (None, None) => {
                    ResponseAction::Restart("the server refuses to continue (status 416)".to_owned())
                }
            }
        }
        // 3. Any other response takes the place of what was there.
        _ => ResponseAction::Take,
    }
}

/// Whether a response is several parts with what is said of each between them.
///
/// <https://httpwg.org/specs/rfc9110.html#multipart.byteranges>
fn is_multipart(response: &ResponseHead) -> bool {
    let essence = response.headers.get(CONTENT_TYPE).map(|value| {
        let essence = value.as_bytes().split(|byte| *byte == b';').next();
        essence.unwrap_or_default().trim_ascii()
    });
    essence.is_some_and(|essence| essence.eq_ignore_ascii_case(b"multipart/byteranges"))
}
