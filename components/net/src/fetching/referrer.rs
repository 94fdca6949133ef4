//! The referrer: which page a request tells of, and how much.

use background_fetch::fetch::{Client, Referrer, ReferrerPolicy, Request};
use http::HeaderMap;
use http::header::REFERRER_POLICY;
use url::Url;

use super::main_fetch::is_http_scheme;
use super::potentially_trustworthy::is_potentially_trustworthy_url;

/// The longest referrer; of a longer one only the origin is told.
const LONGEST: usize = 4096;

/// Determines what a request tells as its referrer; none for "no-referrer".
///
/// <https://w3c.github.io/webappsec-referrer-policy/#determine-requests-referrer>
pub(super) fn determine_referrer(request: &Request, client: &Client, current_url: &Url) -> Option<Url> {
    // 1. The policy. 2. The environment.
    use ReferrerPolicy::*;
    let policy = match request.referrer_policy {
        Empty => StrictOriginWhenCrossOrigin,
        policy => policy,
    };
    // 3. Its source.
    let source = match &request.referrer {
        Referrer::NoReferrer => return None,
        // The user has no page, and a page with an opaque origin does not tell of itself.
        Referrer::Client if client.origin.as_deref().is_none_or(|origin| origin == "null") => return None,
        Referrer::Client => &client.base_url,
        Referrer::Url(url) => url,
    };
    // 4. and 5. The URL, and its origin.
    let mut referrer_url = strip_for_use_as_a_referrer(source, false)?;
    let referrer_origin = strip_for_use_as_a_referrer(source, true)?;
    // 6. Not too long.
    if referrer_url.as_str().len() > LONGEST {
        referrer_url.clone_from(&referrer_origin);
    }
    let same_origin = referrer_url.origin() == current_url.origin();
    let downgrade =
        is_potentially_trustworthy_url(&referrer_url) && !is_potentially_trustworthy_url(current_url);
    // 8. What the policy allows.
    match policy {
        Empty | NoReferrer => None,
        Origin => Some(referrer_origin),
        UnsafeUrl => Some(referrer_url),
        StrictOrigin => (!downgrade).then_some(referrer_origin),
        StrictOriginWhenCrossOrigin if same_origin => Some(referrer_url),
        StrictOriginWhenCrossOrigin => (!downgrade).then_some(referrer_origin),
        SameOrigin => same_origin.then_some(referrer_url),
        OriginWhenCrossOrigin if same_origin => Some(referrer_url),
        OriginWhenCrossOrigin => Some(referrer_origin),
        NoReferrerWhenDowngrade => (!downgrade).then_some(referrer_url),
    }
}

/// <https://w3c.github.io/webappsec-referrer-policy/#strip-url>
fn strip_for_use_as_a_referrer(url: &Url, origin_only: bool) -> Option<Url> {
    // 2. Local schemes, and whatever else is not on the web.
    if !is_http_scheme(url.scheme()) {
        return None;
    }
    let mut url = url.clone();
    // 3. and 4. The credentials; these fail only for URLs that have none.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    // 5. The fragment.
    url.set_fragment(None);
    // 6. The path and the query.
    if origin_only {
        url.set_path("");
        url.set_query(None);
    }
    Some(url)
}

/// Sets a request's referrer policy to that of a redirect, where it has one.
///
/// <https://w3c.github.io/webappsec-referrer-policy/#set-requests-referrer-policy-on-redirect>
pub(super) fn set_referrer_policy_on_redirect(request: &mut Request, response: &HeaderMap) {
    // 1. The policy. 2. The empty string changes nothing.
    let policy = parse_a_referrer_policy(response);
    if policy != ReferrerPolicy::Empty {
        request.referrer_policy = policy;
    }
}

/// The last policy that is known, so that servers can put newer ones after older ones.
///
/// <https://w3c.github.io/webappsec-referrer-policy/#parse-referrer-policy-from-header>
pub(super) fn parse_a_referrer_policy(response: &HeaderMap) -> ReferrerPolicy {
    // 1. The tokens. 2. and 3. The last one that is known and not the empty string. 4. The policy.
    background_fetch::fetch::headers::members(response, &REFERRER_POLICY)
        .filter_map(|token| std::str::from_utf8(token).ok()?.to_ascii_lowercase().parse().ok())
        .last()
        .unwrap_or(ReferrerPolicy::Empty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    const PAGE: &str = "https://user:secret@page.example/dir/file?query#fragment";

    fn referrer(page: &str, policy: ReferrerPolicy, url: &str) -> Option<String> {
        let client = Client::page(Url::parse(page).unwrap());
        let url = Url::parse(url).unwrap();
        let mut request = Request::new(url.clone());
        request.referrer_policy = policy;
        determine_referrer(&request, &client, &url).map(String::from)
    }

    #[test]
    fn each_policy_tells_what_it_allows() {
        use ReferrerPolicy::*;
        const FULL: Option<&str> = Some("https://page.example/dir/file?query");
        const ORIGIN: Option<&str> = Some("https://page.example/");
        // To the same origin, to another one, and to another one that is not trustworthy.
        let table = [
            (Empty, [FULL, ORIGIN, None]),
            (NoReferrer, [None, None, None]),
            (NoReferrerWhenDowngrade, [FULL, FULL, None]),
            (SameOrigin, [FULL, None, None]),
            (Origin, [ORIGIN, ORIGIN, ORIGIN]),
            (StrictOrigin, [ORIGIN, ORIGIN, None]),
            (OriginWhenCrossOrigin, [FULL, ORIGIN, ORIGIN]),
            (StrictOriginWhenCrossOrigin, [FULL, ORIGIN, None]),
            (UnsafeUrl, [FULL, FULL, FULL]),
        ];
        assert_eq!(table.len(), ReferrerPolicy::ALL.len());
        for (policy, expected) in table {
            let urls = [
                "https://page.example/a",
                "https://other.example/a",
                "http://other.example/a",
            ];
            let found = urls.map(|url| referrer(PAGE, policy, url));
            assert_eq!(found.each_ref().map(Option::as_deref), expected, "{policy}");
        }
    }

    #[test]
    fn a_page_without_tls_cannot_be_downgraded() {
        let found = referrer(
            "http://page.example/a",
            ReferrerPolicy::StrictOrigin,
            "http://b.example/",
        );
        assert_eq!(found.as_deref(), Some("http://page.example/"));
        let loopback = referrer(PAGE, ReferrerPolicy::StrictOrigin, "http://127.0.0.1/");
        assert_eq!(loopback.as_deref(), Some("https://page.example/"));
    }

    #[test]
    fn a_referrer_of_more_than_4096_bytes_is_cut_to_its_origin() {
        let page = |length: usize| format!("https://page.example/{:x<1$}", "", length - 21);
        let told = |page: &str| referrer(page, ReferrerPolicy::UnsafeUrl, "https://b.example/").unwrap();
        assert_eq!(told(&page(4096)).len(), 4096);
        assert_eq!(told(&page(4097)), "https://page.example/");
    }

    #[test]
    fn the_source_is_the_page_or_what_the_author_chose_or_nothing() {
        let page = Client::page(Url::parse(PAGE).unwrap());
        let opaque = Client {
            origin: Some("null".to_owned()),
            ..page.clone()
        };
        let user = Client::user(page.base_url.clone());
        let url = Url::parse("https://page.example/a").unwrap();
        let chosen = Referrer::Url(Url::parse("https://page.example/chosen").unwrap());
        let local = Referrer::Url(Url::parse("blob:https://page.example/1").unwrap());
        let table = [
            (
                &page,
                Referrer::Client,
                Some("https://page.example/dir/file?query"),
            ),
            (&page, Referrer::NoReferrer, None),
            (&page, chosen.clone(), Some("https://page.example/chosen")),
            (&page, local, None),
            (&opaque, Referrer::Client, None),
            (&user, Referrer::Client, None),
            (&user, chosen, Some("https://page.example/chosen")),
        ];
        for (client, referrer, expected) in table {
            let mut request = Request::new(url.clone());
            request.referrer = referrer;
            let found = determine_referrer(&request, client, &url);
            assert_eq!(
                found.as_ref().map(Url::as_str),
                expected,
                "{:?}",
                request.referrer
            );
        }
    }

    #[test]
    fn the_last_known_policy_of_a_redirect_counts() {
        let table: &[(&[&str], ReferrerPolicy)] = &[
            (&[], ReferrerPolicy::UnsafeUrl),
            (&[""], ReferrerPolicy::UnsafeUrl),
            (&["no-referrer"], ReferrerPolicy::NoReferrer),
            (&["no-referrer, origin"], ReferrerPolicy::Origin),
            (&["origin", "Same-Origin"], ReferrerPolicy::SameOrigin),
            (&["origin, of-tomorrow"], ReferrerPolicy::Origin),
            (&["of-tomorrow"], ReferrerPolicy::UnsafeUrl),
        ];
        for (values, expected) in table {
            let mut headers = HeaderMap::new();
            for value in *values {
                headers.append(REFERRER_POLICY, HeaderValue::from_static(value));
            }
            let mut request = Request::new(Url::parse("https://a.example/").unwrap());
            request.referrer_policy = ReferrerPolicy::UnsafeUrl;
            set_referrer_policy_on_redirect(&mut request, &headers);
            assert_eq!(request.referrer_policy, *expected, "{values:?}");
        }
    }
}
