//! The policy check at the call of `fetch()`: what main fetch will find in its step 7, before anything is stored. The
//! platform's tests expect the call to reject; after a redirect the record fails, and so it does for mixed content.

use background_fetch::fetch::Client;
use url::Url;

use super::content_security_policy::{should_request_be_blocked_by_csp, upgrade_insecure_request};

/// Whether a page's policies let it connect to `url`; why not, in a few words, otherwise.
pub(crate) fn allows(url: &Url, client: &Client) -> Result<(), String> {
    let mut current_url = url.clone();
    upgrade_insecure_request(client, &mut current_url);
    should_request_be_blocked_by_csp(client, &current_url, 0)
}
