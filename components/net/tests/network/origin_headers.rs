//! What a request tells of its page: the referrer and the fetch metadata.

use std::sync::Arc;

use background_fetch::embedder::NetworkRequest;
use background_fetch::fetch::{Client, Referrer, ReferrerPolicy, RequestMode};
use http::{HeaderValue, Method};
use url::Url;

use crate::support::server::{Reply, Seen, Server};
use crate::support::{fetch, network, page, user};

fn shared() -> Server {
    Server::http(|_| Reply::new(200, &[("Access-Control-Allow-Origin", "*")], "shared"))
}

type Fields = &'static [(&'static str, &'static str)];

fn redirecting(fields: Fields, to: &Url) -> Server {
    let to = String::from(to.clone());
    Server::http(move |_| {
        let mut headers = vec![("Access-Control-Allow-Origin", "*"), ("Location", to.as_str())];
        headers.extend_from_slice(fields);
        Reply::new(302, &headers, "")
    })
}

/// The server under another host name: another site.
fn elsewhere(server: &Server, path: &str) -> Url {
    let mut url = server.url(path);
    url.set_host(Some("localhost")).unwrap();
    url
}

fn page_at(server: &Server, path: &str, url: &Url) -> NetworkRequest {
    page(server.url(path).as_str(), url)
}

fn referer(seen: &Seen) -> Option<&str> {
    seen.header("referer")
}

#[test]
fn each_referrer_policy_tells_what_it_allows() {
    use ReferrerPolicy::*;
    let home = shared();
    let other = shared();
    let full = String::from(home.url("/dir/page?query"));
    let origin = String::from(home.url("/"));
    let (full, origin) = (Some(full.as_str()), Some(origin.as_str()));
    let network = network();
    // To the same origin, and to another one.
    let table = [
        (Empty, full, origin),
        (NoReferrer, None, None),
        (NoReferrerWhenDowngrade, full, full),
        (SameOrigin, full, None),
        (Origin, origin, origin),
        (StrictOrigin, origin, origin),
        (OriginWhenCrossOrigin, full, origin),
        (StrictOriginWhenCrossOrigin, full, origin),
        (UnsafeUrl, full, full),
    ];
    for (policy, to_itself, to_another) in table {
        for (server, expected) in [(&home, to_itself), (&other, to_another)] {
            let mut own = page_at(&home, "/dir/page?query#fragment", &server.url("/"));
            own.request.referrer_policy = policy;
            assert_eq!(fetch(&network, own).answer(), (200, "shared"));
            assert_eq!(referer(server.seen().last().unwrap()), expected, "{policy}");
            // The page's policy stands in where the request has none.
            let mut pages = page_at(&home, "/dir/page?query#fragment", &server.url("/"));
            let mut client: Client = (*pages.client).clone();
            client.referrer_policy = policy;
            pages.client = Arc::new(client);
            fetch(&network, pages);
            assert_eq!(referer(server.seen().last().unwrap()), expected, "{policy}");
        }
    }
}

#[test]
fn a_secure_page_is_not_told_to_an_insecure_server() {
    let server = shared();
    let mut url = server.url("/");
    url.set_host(Some("0.0.0.0")).unwrap();
    let network = network();
    for (policy, expected) in [
        (ReferrerPolicy::StrictOrigin, None),
        (ReferrerPolicy::StrictOriginWhenCrossOrigin, None),
        (ReferrerPolicy::NoReferrerWhenDowngrade, None),
        (ReferrerPolicy::UnsafeUrl, Some("https://page.example/dir")),
    ] {
        let mut request = page("https://page.example/dir", &url);
        let mut client: Client = (*request.client).clone();
        client.prohibits_mixed_content = false;
        request.client = Arc::new(client);
        request.request.referrer_policy = policy;
        fetch(&network, request);
        assert_eq!(referer(server.seen().last().unwrap()), expected, "{policy}");
    }
}

#[test]
fn the_author_chooses_the_referrer_within_the_pages_origin() {
    let server = shared();
    let network = network();
    let page_url = String::from(server.url("/page"));
    let chosen = String::from(server.url("/chosen"));
    let table = [
        (Referrer::Client, Some(page_url.as_str())),
        (Referrer::NoReferrer, None),
        (Referrer::Url(server.url("/chosen")), Some(chosen.as_str())),
        (
            Referrer::Url(Url::parse("https://other.example/").unwrap()),
            Some(page_url.as_str()),
        ),
    ];
    for (referrer, expected) in table {
        let mut request = page_at(&server, "/page", &server.url("/"));
        request.request.referrer = referrer;
        // The header is not the author's to set.
        let forged = HeaderValue::from_static("https://forged.example/");
        request.request.headers.insert("referer", forged);
        fetch(&network, request);
        assert_eq!(referer(server.seen().last().unwrap()), expected);
    }
}

#[test]
fn a_long_referrer_is_cut_to_its_origin() {
    let server = shared();
    let long = format!("/{}", "x".repeat(5000));
    fetch(&network(), page_at(&server, &long, &server.url("/")));
    let origin = String::from(server.url("/"));
    assert_eq!(referer(&server.only()), Some(origin.as_str()));
}

#[test]
fn the_user_tells_no_page_unless_they_want_to() {
    let server = shared();
    let network = network();
    fetch(&network, user(&server.url("/")));
    let mut chosen = user(&server.url("/"));
    chosen.request.referrer = Referrer::Url(Url::parse("https://chosen.example/a").unwrap());
    chosen.request.referrer_policy = ReferrerPolicy::UnsafeUrl;
    fetch(&network, chosen);
    let seen = server.seen();
    assert_eq!(referer(&seen[0]), None);
    assert_eq!(referer(&seen[1]), Some("https://chosen.example/a"));
    for name in ["sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"] {
        assert_eq!(seen[0].header(name), None);
    }
}

#[test]
fn a_redirect_may_change_the_policy_and_never_gives_back_what_was_cut() {
    let end = shared();
    let network = network();
    let table: &[(Fields, bool, &str)] = &[
        (&[], true, "/"),
        (&[("Referrer-Policy", "no-referrer")], false, ""),
        (&[("Referrer-Policy", "unsafe-url")], true, "/page"),
        (&[("Referrer-Policy", "unsafe-url, of-tomorrow")], true, "/page"),
        (&[("Referrer-Policy", "")], true, "/"),
        (&[("Referrer-Policy", "same-origin")], false, ""),
    ];
    for (fields, told, path) in table {
        let start = redirecting(fields, &end.url("/"));
        let outcome = fetch(&network, page_at(&start, "/page", &start.url("/start")));
        assert_eq!(outcome.answer(), (200, "shared"));
        let page_url = String::from(start.url("/page"));
        assert_eq!(referer(&start.only()), Some(page_url.as_str()));
        let expected = told.then(|| String::from(start.url(path)));
        assert_eq!(
            referer(end.seen().last().unwrap()),
            expected.as_deref(),
            "{fields:?}"
        );
    }
    // What the first hop did not get, the second does not either.
    let home = shared();
    let start = redirecting(&[("Referrer-Policy", "unsafe-url")], &end.url("/"));
    fetch(&network, page_at(&home, "/page", &start.url("/start")));
    let origin = String::from(home.url("/"));
    assert_eq!(referer(&start.only()), Some(origin.as_str()));
    assert_eq!(referer(end.seen().last().unwrap()), Some(origin.as_str()));
}

fn metadata(seen: &Seen) -> [Option<&str>; 4] {
    [
        "sec-fetch-site",
        "sec-fetch-mode",
        "sec-fetch-dest",
        "sec-fetch-user",
    ]
    .map(|name| seen.header(name))
}

#[test]
fn fetch_metadata_tells_how_far_the_page_is() {
    let home = shared();
    let other = shared();
    let network = network();
    let table = [
        (&home, home.url("/"), "same-origin"),
        (&other, other.url("/"), "same-site"),
        (&other, elsewhere(&other, "/"), "cross-site"),
    ];
    for (server, url, site) in table {
        let mut request = page_at(&home, "/page", &url);
        // These are not the author's to set.
        let forged = HeaderValue::from_static("none");
        request.request.headers.insert("sec-fetch-site", forged);
        assert_eq!(fetch(&network, request).answer(), (200, "shared"));
        let seen = server.seen();
        assert_eq!(
            metadata(seen.last().unwrap()),
            [Some(site), Some("cors"), Some("empty"), None]
        );
    }
    let mut same_origin = page_at(&home, "/page", &home.url("/"));
    same_origin.request.mode = RequestMode::SameOrigin;
    fetch(&network, same_origin);
    assert_eq!(
        metadata(home.seen().last().unwrap())[..2],
        [Some("same-origin"), Some("same-origin")]
    );
}

#[test]
fn a_detour_is_as_far_as_its_farthest_hop() {
    let home = shared();
    let back = home.url("/end");
    let near = redirecting(&[], &back);
    let far = redirecting(&[], &back);
    let network = network();
    let table = [(near.url("/"), "same-site"), (elsewhere(&far, "/"), "cross-site")];
    for (start, site) in table {
        // The detour taints the origin, so the last server allows everybody.
        let outcome = fetch(&network, page_at(&home, "/page", &start));
        assert_eq!(outcome.answer(), (200, "shared"));
        let seen = home.seen();
        let last = seen.last().unwrap();
        assert_eq!(metadata(last)[0], Some(site), "{start}");
        assert_eq!(last.header("origin"), Some("null"));
    }
}

#[test]
fn an_insecure_server_gets_no_fetch_metadata() {
    let server = shared();
    let mut url = server.url("/");
    url.set_host(Some("0.0.0.0")).unwrap();
    let outcome = fetch(&network(), page("http://page.example", &url));
    assert_eq!(outcome.answer(), (200, "shared"));
    assert_eq!(metadata(&server.only()), [None; 4]);
}

#[test]
fn a_secure_server_gets_fetch_metadata() {
    let server = Server::https(|_| Reply::new(200, &[("Access-Control-Allow-Origin", "*")], "shared"));
    fetch(&network(), page("https://page.example", &server.url("/")));
    assert_eq!(
        metadata(&server.only()),
        [Some("cross-site"), Some("cors"), Some("empty"), None]
    );
}

#[test]
fn the_origin_of_a_same_origin_post_is_hidden_where_the_policy_says_so() {
    let server = shared();
    let network = network();
    let origin = server.origin();
    let table = [
        (RequestMode::SameOrigin, ReferrerPolicy::NoReferrer, "null"),
        (
            RequestMode::SameOrigin,
            ReferrerPolicy::SameOrigin,
            origin.as_str(),
        ),
        (
            RequestMode::SameOrigin,
            ReferrerPolicy::StrictOrigin,
            origin.as_str(),
        ),
        (RequestMode::Cors, ReferrerPolicy::NoReferrer, origin.as_str()),
    ];
    for (mode, policy, expected) in table {
        let mut request = page_at(&server, "/page", &server.url("/"));
        request.request.method = Method::POST;
        request.request.mode = mode;
        request.request.referrer_policy = policy;
        fetch(&network, request);
        let seen = server.seen();
        assert_eq!(
            seen.last().unwrap().header("origin"),
            Some(expected),
            "{mode} {policy}"
        );
    }
}
