//! Port blocking.

use background_fetch::fetch::is_bad_port;

use super::fetch_params::FetchParams;
use super::main_fetch::is_http_scheme;

/// Whether a page's request to this URL is blocked, by its port. The user's own requests may go anywhere.
///
/// <https://fetch.spec.whatwg.org/#block-bad-port>
pub(super) fn should_be_blocked_due_to_a_bad_port(fetch_params: &FetchParams) -> bool {
    // 1. The URL.
    let url = fetch_params.current_url();
    // 2. Its port.
    is_http_scheme(url.scheme()) && url.port().is_some_and(is_bad_port) && !fetch_params.is_user()
}
