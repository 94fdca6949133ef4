//! Scheme fetch.

use background_fetch::embedder::NetworkError;

use super::Response;
use super::fetch_params::FetchParams;
use super::http_fetch::http_fetch;
use super::main_fetch::{is_http_scheme, not_http};

/// <https://fetch.spec.whatwg.org/#concept-scheme-fetch>
pub(super) async fn scheme_fetch(fetch_params: &mut FetchParams) -> Result<Response, NetworkError> {
    // 3. Of the schemes only HTTP(S) is there: what is local needs no background.
    let scheme = fetch_params.current_url().scheme();
    if is_http_scheme(scheme) {
        return http_fetch(fetch_params, false).await;
    }
    // 4. A network error.
    Err(fetch_params.hop().fatal(not_http(scheme)))
}
