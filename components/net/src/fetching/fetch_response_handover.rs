//! Fetch response handover.

use background_fetch::embedder::{FetchEvent, NetworkError};

use super::Response;
use super::fetch_params::FetchParams;

/// Hands out a response and the bytes of its body, as fast as they are taken.
///
/// <https://fetch.spec.whatwg.org/#fetch-finale>
pub(super) async fn fetch_response_handover(
    fetch_params: &mut FetchParams,
    response: Response,
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
            fetch_params.events.put(FetchEvent::Body(bytes)).await;
        }
    }
    Ok(())
}
