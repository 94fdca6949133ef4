//! Fetch response handover.

use background_fetch::embedder::{FetchEvent, NetworkError};

use super::Response;
use super::fetch_params::FetchParams;
use super::subresource_integrity::IntegrityCheck;

/// Hands out a response and the bytes of its body, as fast as they are taken. Where they do not match the integrity
/// metadata, the last of it is an error: until then nobody must use them.
///
/// <https://fetch.spec.whatwg.org/#fetch-finale>
pub(super) async fn fetch_response_handover(
    fetch_params: &mut FetchParams,
    response: Response,
    mut integrity: Option<IntegrityCheck>,
) -> Result<(), NetworkError> {
    let Response { head, body } = response;
    // Process response.
    fetch_params
        .events
        .put(FetchEvent::Response(Box::new(head)))
        .await;
    // Process response body, to its end.
    if let Some(mut body) = body {
        while let Some(bytes) = body.next().await? {
            if let Some(check) = &mut integrity {
                check.update(&bytes);
            }
            fetch_params.events.put(FetchEvent::Body(bytes)).await;
        }
    }
    // Main fetch, 23.3.1.
    match integrity.map(IntegrityCheck::finish) {
        Some(Err(mismatch)) => Err(fetch_params.hop().fatal(mismatch)),
        _ => Ok(()),
    }
}
