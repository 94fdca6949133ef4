//! CORS check.

use std::fmt;

use background_fetch::embedder::NetworkError;
use background_fetch::fetch::{CredentialsMode, ResponseHead, headers, retry_after};
use http::HeaderMap;
use http::header::{ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN};

use super::fetch_params::FetchParams;
use super::origin_header::byte_serialized_request_origin;

/// Whether a response of another origin may be shared with the request's.
///
/// <https://fetch.spec.whatwg.org/#concept-cors-check>
pub(super) fn cors_check(fetch_params: &FetchParams, response: &HeaderMap) -> Result<(), CorsError> {
    let with_credentials = fetch_params.request.credentials == CredentialsMode::Include;
    check(
        with_credentials,
        byte_serialized_request_origin(fetch_params),
        response,
    )
}

/// The steps, for a request of this origin.
pub(super) fn check(with_credentials: bool, origin: String, response: &HeaderMap) -> Result<(), CorsError> {
    // 1. The allowed origin. 2. Without one it is not shared.
    let allowed = headers::get(response, &ACCESS_CONTROL_ALLOW_ORIGIN).ok_or(CorsError::NoOrigin)?;
    // 3. Everybody, without credentials.
    if !with_credentials && allowed == b"*" {
        return Ok(());
    }
    // 4. This origin.
    if origin.as_bytes() != allowed {
        return Err(CorsError::OtherOrigin {
            origin,
            allowed: String::from_utf8_lossy(&allowed).into_owned(),
        });
    }
    // 5. That is all, without credentials.
    if !with_credentials {
        return Ok(());
    }
    // 6. and 7. With credentials they must be allowed. 8. They are not.
    match headers::get(response, &ACCESS_CONTROL_ALLOW_CREDENTIALS) {
        Some(allowed) if allowed == b"true" => Ok(()),
        _ => Err(CorsError::Credentials),
    }
}

/// A response that may not be shared. What stands before a server and says that it is busy seldom knows of CORS:
/// that is for the time being.
pub(super) fn not_shared(
    fetch_params: &FetchParams,
    response: &ResponseHead,
    reason: String,
) -> NetworkError {
    match response.status.as_u16() {
        status @ (408 | 425 | 429 | 502..=504) => NetworkError {
            retry_after: retry_after(&response.headers),
            ..fetch_params
                .hop()
                .temporary(format!("{reason} (status {status})"))
        },
        _ => fetch_params.hop().fatal(reason),
    }
}

/// Why a response is not shared.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CorsError {
    /// No `Access-Control-Allow-Origin`.
    NoOrigin,
    /// It names another origin.
    OtherOrigin { origin: String, allowed: String },
    /// The request has credentials, which are not allowed.
    Credentials,
}

impl fmt::Display for CorsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoOrigin => f.write_str("there is no Access-Control-Allow-Origin"),
            Self::OtherOrigin { origin, allowed } => {
                write!(
                    f,
                    "Access-Control-Allow-Origin is {allowed:?}, and the origin is {origin:?}"
                )
            }
            Self::Credentials => f.write_str("Access-Control-Allow-Credentials is not \"true\""),
        }
    }
}
