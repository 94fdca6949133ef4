//! Mixed content.

use background_fetch::fetch::Client;
use url::Url;

use super::potentially_trustworthy::is_potentially_trustworthy_url;

/// Whether fetching a URL for this client is blocked as mixed content. The responses need no check of their own:
/// each has the URL of a request that was checked.
///
/// <https://w3c.github.io/webappsec-mixed-content/#should-block-fetch>
pub(super) fn should_fetching_be_blocked_as_mixed_content(client: &Client, url: &Url) -> bool {
    // 1. Unless the client prohibits no mixed security contexts, or the URL is potentially trustworthy; nobody may
    // choose otherwise, and there is no destination "document". 2. It is blocked.
    client.prohibits_mixed_content && !is_potentially_trustworthy_url(url)
}
