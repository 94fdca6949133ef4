//! Content Security Policy: where a page lets itself connect to.

use background_fetch::fetch::Client;
use content_security_policy::{
    CspList, Destination, Directive, Initiator, ParserMetadata, Policy, PolicyDisposition, PolicySource,
    Request, Violates,
};
use url::{Origin, Url};

use super::potentially_trustworthy::is_potentially_trustworthy_url;

/// Whether a request is blocked by its client's policies, all of which are enforced; by which directive, where it is.
/// The user is under no page's policy.
///
/// <https://w3c.github.io/webappsec-csp/#should-block-request>
pub(super) fn should_request_be_blocked_by_csp(
    client: &Client,
    current_url: &Url,
    redirect_count: u32,
) -> Result<(), String> {
    // 1. The CSP list.
    let policies = csp_list(client);
    if policies.is_empty() {
        return Ok(());
    }
    // What the policies ask about a request of `fetch()`.
    let request = Request {
        url: current_url.clone(),
        current_url: current_url.clone(),
        origin: origin(client),
        redirect_count,
        destination: Destination::None,
        initiator: Initiator::None,
        nonce: String::new(),
        integrity_metadata: String::new(),
        parser_metadata: ParserMetadata::None,
    };
    // 3. For each policy. Report-only policies are no part of the snapshot: a background fetch outlives whom they
    // would be reported for.
    for policy in &policies {
        // 3.2. and 3.3. Whether the request violates it.
        if let Violates::Directive(directive) = policy.does_request_violate_policy(&request) {
            return Err(violated(&directive));
        }
    }
    // 4. It is allowed.
    Ok(())
}

/// Upgrades a request's current URL where the page asks for it.
///
/// <https://w3c.github.io/webappsec-upgrade-insecure-requests/#upgrade-request>
pub(super) fn upgrade_insecure_request(client: &Client, current_url: &mut Url) {
    // 1. What is trustworthy stays as it is.
    if is_potentially_trustworthy_url(current_url) {
        return;
    }
    // 3. Should insecure requests be upgraded for the client?
    let upgrade = |policy: &Policy| policy.contains_a_directive_whose_name_is("upgrade-insecure-requests");
    if current_url.scheme() != "http" || !csp_list(client).iter().any(upgrade) {
        return;
    }
    // 4. The scheme. 5. The port 80 is the scheme's default, which changes with it. It fails for no HTTP URL.
    let _ = current_url.set_scheme("https");
}

/// The client's policies; none for the user.
fn csp_list(client: &Client) -> Vec<Policy> {
    if client.origin.is_none() {
        return Vec::new();
    }
    let parse = |text: &String| CspList::parse(text, PolicySource::Header, PolicyDisposition::Enforce).0;
    let policies = client.content_security_policies.iter();
    let mut policies: Vec<Policy> = policies.flat_map(parse).collect();
    for directive in policies.iter_mut().flat_map(|policy| &mut policy.directive_set) {
        directive
            .value
            .retain(|expression| !has_impossible_port(expression));
    }
    policies
}

/// Whether a source expression has a port that no URL has. It matches nothing, but the parser takes it for none.
fn has_impossible_port(expression: &str) -> bool {
    let (_, host) = expression.split_once("://").unwrap_or(("", expression));
    let host = host.split('/').next().unwrap_or_default();
    match host.rsplit_once(':') {
        Some((_, port)) => !port.is_empty() && port != "*" && port.parse::<u16>().is_err(),
        None => false,
    }
}

/// What `'self'` stands for.
fn origin(client: &Client) -> Origin {
    let url = client
        .origin
        .as_deref()
        .and_then(|origin| Url::parse(origin).ok());
    url.map_or_else(Origin::new_opaque, |url| url.origin())
}

fn violated(directive: &Directive) -> String {
    format!("the Content Security Policy of the page excludes it: \"{directive}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(policies: &[&str]) -> Client {
        let mut client = Client::page(Url::parse("https://page.example/dir/").unwrap());
        client.content_security_policies = policies.iter().map(|policy| (*policy).to_owned()).collect();
        client
    }

    fn blocked(client: &Client, url: &str, redirect_count: u32) -> bool {
        let url = Url::parse(url).unwrap();
        should_request_be_blocked_by_csp(client, &url, redirect_count).is_err()
    }

    #[test]
    fn connect_src_or_else_default_src_decides() {
        const OTHER: &str = "https://other.example/a/b";
        const SELF: &str = "https://page.example/a";
        let table: &[(&[&str], &str, u32, bool)] = &[
            (&[], OTHER, 0, false),
            (&["connect-src 'none'"], SELF, 0, true),
            (&["connect-src"], SELF, 0, true),
            (&["connect-src 'self'"], SELF, 0, false),
            (&["connect-src 'self'"], OTHER, 0, true),
            (&["connect-src *"], OTHER, 0, false),
            (&["connect-src https:"], OTHER, 0, false),
            (&["connect-src https:"], "http://other.example/", 0, true),
            (&["connect-src https://other.example"], OTHER, 0, false),
            (&["connect-src http://other.example"], OTHER, 0, false),
            (&["connect-src *.example"], OTHER, 0, false),
            (&["connect-src https://other.example:8443"], OTHER, 0, true),
            (&["connect-src https://other.example:443"], OTHER, 0, false),
            (&["connect-src https://other.example:*"], OTHER, 0, false),
            (&["connect-src other.example:65536"], OTHER, 0, true),
            (
                &["connect-src https://other.example:99999999999/a"],
                OTHER,
                0,
                true,
            ),
            (&["connect-src https: other.example:65536"], OTHER, 0, false),
            (&["connect-src https://other.example/a/"], OTHER, 0, false),
            (&["connect-src https://other.example/x"], OTHER, 0, true),
            // A redirect must not tell a page the path that it led to.
            (&["connect-src https://other.example/x"], OTHER, 1, false),
            (&["default-src 'self'"], OTHER, 0, true),
            (&["default-src 'self'; connect-src *"], OTHER, 0, false),
            (&["default-src *; connect-src 'self'"], OTHER, 0, true),
            (&["img-src 'none'; script-src 'none'"], OTHER, 0, false),
            // Every policy counts, in one header or in two.
            (&["connect-src *", "connect-src 'self'"], OTHER, 0, true),
            (&["connect-src *, connect-src 'self'"], OTHER, 0, true),
            (&["no policy at all; \u{e9}"], OTHER, 0, false),
        ];
        for (policies, url, redirect_count, expected) in table {
            let found = blocked(&page(policies), url, *redirect_count);
            assert_eq!(found, *expected, "{policies:?} {url}");
        }
    }

    #[test]
    fn the_user_is_under_no_policy() {
        let mut client = Client::user(Url::parse("https://page.example/").unwrap());
        client.content_security_policies = vec!["connect-src 'none'; upgrade-insecure-requests".to_owned()];
        assert!(!blocked(&client, "https://other.example/", 0));
        let mut url = Url::parse("http://a.example/").unwrap();
        upgrade_insecure_request(&client, &mut url);
        assert_eq!(url.scheme(), "http");
    }

    #[test]
    fn an_opaque_origin_has_no_self() {
        let mut client = page(&["connect-src 'self'"]);
        client.origin = Some("null".to_owned());
        assert!(blocked(&client, "https://page.example/", 0));
    }

    #[test]
    fn insecure_requests_are_upgraded_where_the_page_asks() {
        const UPGRADE: &[&str] = &["default-src *; upgrade-insecure-requests"];
        let table: &[(&[&str], &str, &str)] = &[
            (UPGRADE, "http://a.example/x", "https://a.example/x"),
            (UPGRADE, "http://a.example:80/", "https://a.example/"),
            (UPGRADE, "http://a.example:8080/", "https://a.example:8080/"),
            (UPGRADE, "http://127.0.0.1:8080/", "http://127.0.0.1:8080/"),
            (UPGRADE, "https://a.example/", "https://a.example/"),
            (&["default-src *"], "http://a.example/x", "http://a.example/x"),
        ];
        for (policies, url, expected) in table {
            let mut url = Url::parse(url).unwrap();
            upgrade_insecure_request(&page(policies), &mut url);
            assert_eq!(url.as_str(), *expected);
        }
    }
}
