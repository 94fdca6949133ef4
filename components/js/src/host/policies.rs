//! [`PolicyContainer`]: the policies that a document or a worker's script comes with.

use background_fetch::fetch::{Client, ReferrerPolicy};
use http::HeaderMap;
use http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use serde::{Deserialize, Serialize};

/// The policies that a document or a worker's script comes with.
///
/// <https://html.spec.whatwg.org/multipage/browsers.html#policy-container>
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyContainer {
    /// The Content Security Policies, one an entry.
    pub content_security_policies: Vec<String>,
    /// The referrer policy; the empty string for none.
    pub referrer_policy: ReferrerPolicy,
}

impl PolicyContainer {
    /// Those of a response.
    ///
    /// <https://html.spec.whatwg.org/multipage/browsers.html#creating-a-policy-container-from-a-fetch-response>
    pub fn of_response(headers: &HeaderMap) -> Self {
        let values = |name| {
            headers
                .get_all(name)
                .into_iter()
                .filter_map(|value| value.to_str().ok())
        };
        // 3. Each value is a list of policies.
        let policies = values(CONTENT_SECURITY_POLICY).flat_map(|value| value.split(','));
        let policies = policies.map(str::trim).filter(|policy| !policy.is_empty());
        // 5. The last one that is known.
        let referrer = values(REFERRER_POLICY).flat_map(|value| value.split(','));
        let known = referrer.filter_map(|policy| policy.trim().to_ascii_lowercase().parse().ok());
        let mut known = known.filter(|policy| *policy != ReferrerPolicy::Empty);
        Self {
            content_security_policies: policies.map(str::to_owned).collect(),
            referrer_policy: known.next_back().unwrap_or_default(),
        }
    }

    /// A client under these policies as well as its own.
    pub fn over(&self, client: Client) -> Client {
        let mut client = client;
        client
            .content_security_policies
            .extend(self.content_security_policies.iter().cloned());
        if self.referrer_policy != ReferrerPolicy::Empty {
            client.referrer_policy = self.referrer_policy;
        }
        client
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_a_list_and_the_last_referrer_policy_that_is_known_counts() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (CONTENT_SECURITY_POLICY, "connect-src 'self', img-src *,"),
            (CONTENT_SECURITY_POLICY, "default-src 'none'"),
            (REFERRER_POLICY, "No-Referrer, origin, later-than-this"),
        ] {
            headers.append(name, value.parse().unwrap());
        }
        let policies = PolicyContainer::of_response(&headers);
        assert_eq!(
            policies.content_security_policies,
            ["connect-src 'self'", "img-src *", "default-src 'none'"]
        );
        assert_eq!(policies.referrer_policy, ReferrerPolicy::Origin);
        assert_eq!(
            PolicyContainer::of_response(&HeaderMap::new()),
            PolicyContainer::default()
        );
    }
}
