//! From what stands in a database to the component's types. Nothing here trusts what it reads: a damaged profile
//! gives errors. Public for the fuzzer, and not part of the interface.

use std::fmt;

use background_fetch::embedder::{FetchState, PauseReasons, Settlement};
use background_fetch::fetch::{Client, Request, ResponseHead};
use background_fetch::{BackgroundFetchFailureReason, DomString, ImageResource};
use serde_json::from_str;
use url::Url;

/// Why a stored value is none, in a few words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError(String);

impl DecodeError {
    pub(crate) fn new(why: String) -> Self {
        Self(why)
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DecodeError {}

type Result<T> = std::result::Result<T, DecodeError>;

fn bad(what: &str, why: impl fmt::Display) -> DecodeError {
    DecodeError(format!("bad {what}: {why}"))
}

/// A request from its JSON.
pub fn request(text: &str) -> Result<Request> {
    from_str(text).map_err(|error| bad("request", error))
}

/// A response from its JSON.
pub fn response(text: &str) -> Result<ResponseHead> {
    from_str(text).map_err(|error| bad("response", error))
}

/// A client from its JSON.
pub fn client(text: &str) -> Result<Client> {
    from_str(text).map_err(|error| bad("client", error))
}

/// Icons from their JSON.
pub fn icons(text: &str) -> Result<Vec<ImageResource>> {
    from_str(text).map_err(|error| bad("icons", error))
}

/// A DOMString from UTF-16LE.
pub fn dom_string(bytes: &[u8]) -> Result<DomString> {
    let (units, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(bad("string", "an odd number of bytes"));
    }
    let units: Vec<u16> = units.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
    Ok(DomString::from_code_units(units))
}

/// A scope URL.
pub fn scope(text: &str) -> Result<Url> {
    text.parse().map_err(|error| bad("scope URL", error))
}

/// The URL of an upload resource.
pub fn upload(text: &str) -> Result<Url> {
    text.parse().map_err(|error| bad("upload URL", error))
}

/// The reasons of a pause from their bits.
pub fn paused(bits: i64) -> Result<PauseReasons> {
    if !(0..8).contains(&bits) {
        return Err(bad("pause", bits));
    }
    Ok(PauseReasons {
        user: bits & 1 != 0,
        permission: bits & 2 != 0,
        metered: bits & 4 != 0,
    })
}

/// A state from its name, with the result and the failure reason of one that is settled.
pub fn fetch_state(state: &str, result: &str, failure_reason: &str) -> Result<FetchState> {
    match state {
        "active" => Ok(FetchState::Active),
        "aborted" => Ok(FetchState::Aborted),
        "settled" => Ok(FetchState::Settled {
            result: result.parse().map_err(|_| bad("result", result))?,
            failure_reason: self::failure_reason(failure_reason)?,
        }),
        "delivered" => Ok(FetchState::Delivered),
        _ => Err(bad("state", state)),
    }
}

/// A failure reason.
pub fn failure_reason(text: &str) -> Result<BackgroundFetchFailureReason> {
    text.parse().map_err(|_| bad("failure reason", text))
}

/// How a record was settled.
pub fn settlement(result: &str, uploaded: i64, detail: &str) -> Result<Settlement> {
    Ok(Settlement {
        result: result.parse().map_err(|_| bad("result", result))?,
        uploaded: uploaded.cast_unsigned(),
        detail: detail.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_values_are_errors_in_a_few_words() {
        let error = |result: Result<()>| result.unwrap_err().to_string();
        assert_eq!(
            error(dom_string(&[0]).map(drop)),
            "bad string: an odd number of bytes"
        );
        assert_eq!(error(fetch_state("", "", "").map(drop)), "bad state: ");
        assert_eq!(
            error(upload("/a").map(drop)),
            "bad upload URL: relative URL without a base"
        );
        assert_eq!(error(paused(8).map(drop)), "bad pause: 8");
        assert_eq!(error(settlement("so-so", 0, "").map(drop)), "bad result: so-so");
        assert!(error(request("{}").map(drop)).starts_with("bad request: "));
        assert!(
            request(&"[".repeat(1_000_000)).is_err(),
            "no depth overflows the stack"
        );
    }
}
