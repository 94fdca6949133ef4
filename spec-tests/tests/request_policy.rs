//! Policy at the call of `fetch()` (errata 16): what the arguments show to be wrong rejects with a TypeError that
//! names the request, and nothing is stored.

use std::sync::Arc;

use background_fetch::api::{Realm, RequestInfo, RequestObject};
use background_fetch::embedder::Storage;
use background_fetch::fetch::{Client, StorageKey};
use background_fetch::{BackgroundFetchOptions, BackgroundFetchResult, Exception, ExceptionName};
use background_fetch_sim::Resource;
use spec_tests::{SITE, Site, get, tell};
use url::Url;

const GOOD: &str = "https://site.example/good";

/// Fetches a good request and this one.
async fn fetch(site: &Site, second: RequestInfo) -> Result<(), Exception> {
    let requests = [RequestInfo::from(GOOD), second];
    let fetched = site
        .manager()
        .fetch("id", requests, BackgroundFetchOptions::default());
    fetched.await.map(|_| ())
}

async fn assert_refused(site: &Site, second: impl Into<RequestInfo>, texts: &[&str]) {
    let refused = fetch(site, second.into()).await.unwrap_err();
    assert_eq!(refused.name, ExceptionName::TypeError);
    for text in texts.iter().chain(&["request 1"]) {
        assert!(refused.message.contains(text), "{text:?} is not in {refused}");
    }
    assert!(site.manager().get_ids().await.unwrap().is_empty());
    assert!(site.world.network.log().is_empty(), "the good one is not sent");
    let usage = site
        .storage
        .estimate(&StorageKey::new("https://site.example"))
        .await;
    assert_eq!(usage.unwrap().usage, 0);
}

#[test]
fn a_blocked_port_rejects() {
    tell(async |site| {
        for (url, port) in [
            ("https://site.example:25/", "25"),
            ("http://127.0.0.1:6000/", "6000"),
            ("https://other.example:587/a", "587"),
        ] {
            let reason = format!("goes to port {port}, which is blocked");
            assert_refused(site, url, &[&reason]).await;
            assert_refused(site, get(url), &[&reason]).await;
        }
    });
}

#[test]
fn dangling_markup_in_a_url_rejects_and_in_a_request_object_is_gone() {
    tell(async |site| {
        for url in ["a\n<b", "https://other.example/?<\na", "a\r\n<"] {
            assert_refused(site, url, &["dangling markup"]).await;
        }
        for (url, parsed) in [("a\nb", "ab"), ("a<b", "a%3Cb")] {
            let parsed = format!("https://site.example/{parsed}");
            site.world.network.serve(parsed, Resource::bytes("x"));
            site.world.network.serve(GOOD, Resource::bytes("x"));
            assert_eq!(fetch(site, url.into()).await, Ok(()));
            let registration = site.manager().get("id").await.unwrap();
            if let Some(registration) = registration {
                registration.abort().await.unwrap();
            }
        }
        let parsed = RequestObject::new(get("https://site.example/a\n<b"));
        assert_eq!(fetch(site, parsed.into()).await, Ok(()));
    });
}

#[test]
fn a_scheme_that_is_not_http_or_https_rejects() {
    tell(async |site| {
        for url in [
            "data:text/plain,foo",
            "blob:https://site.example/1",
            "file:///",
            "ftp://site.example/",
            "wss:127.0.0.1",
            "about:blank",
            "foobar:bazqux",
        ] {
            let scheme = url.split(':').next().unwrap();
            assert_refused(site, url, &["with the scheme", scheme]).await;
            assert_refused(site, get(url), &["with the scheme", scheme]).await;
        }
    });
}

#[test]
fn what_the_pages_policies_exclude_rejects() {
    tell(async |site| {
        const EXCLUDED: &str = "https://other.example/excluded";
        let why = "is excluded by \"connect-src 'self'\"";
        site.world.network.disallow(EXCLUDED, why);
        assert_refused(site, EXCLUDED, &[EXCLUDED, why]).await;
        assert_refused(site, get(EXCLUDED), &[EXCLUDED, why]).await;
        site.world.network.serve(GOOD, Resource::bytes("x"));
        let registration = site.fetch("id", &[GOOD]).await.unwrap();
        assert_eq!(
            site.settled(&registration).await.0,
            BackgroundFetchResult::Success
        );
    });
}

#[test]
fn the_user_is_under_no_pages_policy() {
    tell(async |site| {
        const EXCLUDED: &str = "https://other.example/excluded";
        const BLOCKED: &str = "https://other.example:25/";
        let network = &site.world.network;
        network.disallow(EXCLUDED, "is excluded");
        network.serve(EXCLUDED, Resource::bytes("x"));
        network.serve(BLOCKED, Resource::bytes("x"));
        let event_loop = site.world.event_loop();
        let user = Realm::new(
            Arc::new(site.engine()),
            Client::user(Url::parse(SITE).unwrap()),
            Arc::new(event_loop.clone()),
        );
        let pumped = user.clone();
        site.world
            .executor
            .spawn_local(event_loop.pump(move |task| pumped.run_task(task)));
        let manager = user.background_fetch(&site.registration);
        let options = BackgroundFetchOptions::default();
        let registration = manager.fetch("id", [EXCLUDED, BLOCKED], options).await.unwrap();
        assert_eq!(
            site.settled(&registration).await.0,
            BackgroundFetchResult::Success
        );
        event_loop.close();
    });
}
