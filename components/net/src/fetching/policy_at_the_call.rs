//! The policy check at the call of `fetch()`: what main fetch will find in its steps 5 and 7, before anything is
//! stored. The platform's tests expect the call to reject; after a redirect the record fails.

use background_fetch::fetch::Client;
use url::Url;

use super::content_security_policy::{should_request_be_blocked_by_csp, upgrade_insecure_request};
use super::mixed_content::should_fetching_be_blocked_as_mixed_content;

/// Whether a page's policies let it connect to `url`; why not, in a few words, otherwise.
pub(crate) fn allows(url: &Url, client: &Client) -> Result<(), String> {
    let mut current_url = url.clone();
    upgrade_insecure_request(client, &mut current_url);
    if should_fetching_be_blocked_as_mixed_content(client, &current_url) {
        return Err("is mixed content: a secure page may fetch https, and http on this machine".to_owned());
    }
    should_request_be_blocked_by_csp(client, &current_url, 0)
}
