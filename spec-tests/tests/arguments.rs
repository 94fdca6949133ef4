//! What bad arguments of `fetch()` get, and what sizes are good: the exception names the request and says why, and
//! nothing is stored.

use background_fetch::ExceptionName::TypeError;
use background_fetch::api::{RequestInfo, RequestObject};
use background_fetch::embedder::{Limits, Policies};
use background_fetch::fetch::{Client, Request, RequestMode};
use background_fetch::{BackgroundFetchOptions, BackgroundFetchUIOptions, DomString, ImageResource};
use background_fetch_sim::Resource;
use http::{HeaderValue, Method};
use spec_tests::{SITE, SUCCESS, Site, assert_rejected, body_of, get, post, request, tell, tell_with};
use url::Url;

const MEGABYTE: usize = 1 << 20;

/// Checks that a request after a good one is refused with a `TypeError` that names it and says all of this, and that
/// nothing came of it.
async fn assert_refused(site: &Site, second: impl Into<RequestInfo>, texts: &[&str]) {
    let requests = [RequestInfo::from("good"), second.into()];
    let refused = site.manager().fetch("id", requests, Default::default()).await;
    assert_rejected(refused, TypeError, &[&["request 1"], texts].concat());
    site.assert_nothing_stored().await;
    assert_eq!(site.world.network.log(), [], "the good one is not sent either");
}

#[test]
fn an_empty_list_rejects() {
    tell(async |site| {
        let refused = site.fetch("id", &[]).await;
        assert_rejected(refused, TypeError, &["list of requests is empty", "at least one"]);
        site.assert_nothing_stored().await;
    });
}

#[test]
fn an_unparsable_url_rejects() {
    tell(async |site| {
        for url in [
            "http://",
            "https://[",
            "https://a b/",
            "https://site.example:99999/",
        ] {
            assert_refused(site, url, &[&format!("{url:?} is not a URL")]).await;
        }
    });
}

#[test]
fn a_url_with_credentials_or_another_scheme_rejects() {
    tell(async |site| {
        for url in [
            "https://user@other.example/a",
            "https://user:secret@other.example/a",
        ] {
            assert_refused(site, url, &["other.example", "user name or password"]).await;
            assert_refused(site, get(url), &["other.example", "user name or password"]).await;
            let refused = site.fetch("id", &[url]).await.unwrap_err();
            assert!(
                !refused.message.contains("secret"),
                "it is not repeated: {refused}"
            );
        }
        for url in [
            "data:text/plain,hello",
            "blob:https://site.example/a",
            "file:///etc/passwd",
            "ftp://site.example/a",
            "wss://site.example/a",
            "about:blank",
            "javascript:alert(1)",
        ] {
            let (scheme, _) = url.split_once(':').unwrap();
            assert_refused(site, url, &[&format!("scheme {scheme};"), "http and https"]).await;
        }
    });
}

#[test]
fn the_mode_no_cors_rejects() {
    tell(async |site| {
        for url in ["https://site.example/a", "https://other.example/a"] {
            let no_cors = Request {
                mode: RequestMode::NoCors,
                ..get(url)
            };
            assert_refused(site, no_cors, &[url, "\"no-cors\""]).await;
        }
    });
}

#[test]
fn the_mode_navigate_rejects() {
    tell(async |site| {
        let navigate = Request {
            mode: RequestMode::Navigate,
            ..get("https://site.example/a")
        };
        assert_refused(site, navigate, &["https://site.example/a", "\"navigate\""]).await;
    });
}

#[test]
fn a_used_body_rejects() {
    tell(async |site| {
        let used = RequestObject {
            body_used: true,
            ..RequestObject::with_body(post("https://site.example/a"), "body")
        };
        assert_refused(site, used, &["https://site.example/a", "was used already"]).await;
    });
}

#[test]
fn a_get_or_head_with_a_body_rejects() {
    tell(async |site| {
        for method in [Method::GET, Method::HEAD] {
            let with_body =
                RequestObject::with_body(request(method.clone(), "https://site.example/a"), "body");
            assert_refused(site, with_body, &[method.as_str(), "and a body"]).await;
        }
    });
}

#[test]
fn a_forbidden_method_rejects() {
    tell(async |site| {
        for method in ["CONNECT", "TRACE", "TRACK", "track"] {
            let forbidden = request(method.parse().unwrap(), "https://site.example/a");
            assert_refused(site, forbidden, &["forbidden method", method]).await;
        }
    });
}

#[test]
fn strings_are_parsed_with_the_base_url_and_the_empty_string_is_the_page() {
    tell(async |site| {
        site.world.service_workers.hold();
        let page = site.open_page("https://site.example/deep/page?q");
        let manager = page.realm.background_fetch(&site.registration);
        let urls = ["", "a", "/b", "//other.example/c", "https://SITE.example:443/d#e"];
        let registration = manager.fetch("id", urls, Default::default()).await.unwrap();
        let records = registration.match_all(None, Default::default()).await.unwrap();
        let found: Vec<_> = records
            .iter()
            .map(|record| record.request().request().url.to_string())
            .collect();
        assert_eq!(
            found,
            [
                "https://site.example/deep/page?q",
                "https://site.example/deep/a",
                "https://site.example/b",
                "https://other.example/c",
                "https://site.example/d#e"
            ]
        );
        site.world.service_workers.release();
        page.event_loop.close();
    });
}

#[test]
fn a_url_twice_is_two_records() {
    tell(async |site| {
        site.serve_pattern("a", 10);
        site.world.service_workers.hold();
        let registration = site.fetch("id", &["a", "a"]).await.unwrap();
        assert_eq!(site.settled(&registration).await, SUCCESS);
        assert_eq!(registration.downloaded(), 20);
        let records = registration.match_all(Some("a".into()), Default::default()).await;
        assert_eq!(records.unwrap().len(), 2);
        site.world.service_workers.release();
    });
}

#[test]
fn without_a_page_requests_are_the_users() {
    tell(async |site| {
        site.world.network.serve(
            "https://other.example/a",
            Resource::bytes("shared with nobody").cors_failure(),
        );
        let user = site.open_realm(Client::user(Url::parse(SITE).unwrap()));
        let manager = user.realm.background_fetch(&site.registration);
        site.world.service_workers.hold();
        let registration = manager.fetch("id", ["https://other.example/a"], Default::default());
        let registration = registration.await.unwrap();
        assert_eq!(site.settled(&registration).await, SUCCESS);
        site.world.service_workers.release();
        user.event_loop.close();
    });
}

fn limits(change: impl Fn(&mut Limits)) -> Policies {
    let mut policies = Policies::default();
    change(&mut policies.limits);
    policies
}

fn titled(title: &str) -> BackgroundFetchOptions {
    let title = Some(title.into());
    BackgroundFetchUIOptions { title, icons: None }.into()
}

#[test]
fn more_requests_than_the_limit_reject() {
    tell_with(&limits(|limits| limits.requests_of_a_fetch = 2), async |site| {
        site.serve_pattern("a", 10);
        let refused = site.fetch("id", &["a", "a", "a"]).await;
        assert_rejected(refused, TypeError, &["3 requests", "2 at most"]);
        site.assert_nothing_stored().await;
        let registration = site.fetch("id", &["a", "a"]).await.unwrap();
        assert_eq!(site.settled(&registration).await, SUCCESS);
    });
}

#[test]
fn an_id_or_title_over_the_limit_rejects_and_one_at_the_limit_comes_back() {
    tell_with(&limits(|limits| limits.text_length = 10), async |site| {
        site.serve_pattern("a", 10);
        let refused = site.fetch("12345678901", &["a"]).await;
        assert_rejected(
            refused,
            TypeError,
            &["the id is 11 code units long", "10 at most"],
        );
        let refused = site.manager().fetch("id", ["a"], titled("12345678901")).await;
        assert_rejected(
            refused,
            TypeError,
            &["the title is 11 code units long", "10 at most"],
        );
        site.assert_nothing_stored().await;
        // Code units count, not characters or bytes.
        let registration = site
            .manager()
            .fetch("😀😀😀😀😀", ["a"], titled("日本日本日本日本日本"));
        let registration = registration.await.unwrap();
        assert_eq!(*registration.id(), "😀😀😀😀😀");
        let found = site.engine().inspect_one(registration.key()).unwrap();
        assert_eq!(found.title, "日本日本日本日本日本");
        assert_eq!(site.settled(&registration).await, SUCCESS);
    });
}

#[test]
fn more_icons_than_the_limit_reject() {
    tell_with(&limits(|limits| limits.icons = 1), async |site| {
        let icons = vec![ImageResource::default(); 2];
        let options = BackgroundFetchUIOptions {
            title: None,
            icons: Some(icons),
        };
        let refused = site.manager().fetch("id", ["a"], options.into()).await;
        assert_rejected(refused, TypeError, &["2 icons", "1 at most"]);
        site.assert_nothing_stored().await;
    });
}

#[test]
fn a_refusal_does_not_read_the_bodies() {
    tell_with(&limits(|limits| limits.text_length = 1), async |site| {
        let body = RequestObject::with_body(post("https://site.example/a"), "body");
        let refused = site.manager().fetch("too long", [body], Default::default()).await;
        assert_rejected(refused, TypeError, &["the id"]);
        site.assert_nothing_stored().await;
    });
}

#[test]
fn ids_and_titles_of_a_megabyte_work_and_longer_ones_are_refused() {
    let site = Site::new(
        1,
        Policies::default(),
        background_fetch_storage::MemoryStorage::new(1 << 30),
    );
    site.world.run(async {
        site.open().await;
        site.serve_pattern("a", 10);
        let long = "x".repeat(MEGABYTE);
        let fetched = site.manager().fetch(long.as_str(), ["a"], titled(&long)).await;
        let registration = fetched.unwrap();
        assert_eq!(*registration.id(), long.as_str());
        assert_rejected(site.fetch(&long, &["a"]).await, TypeError, &["active already"]);
        assert_eq!(site.settled(&registration).await, SUCCESS);
        site.over(&registration).await;
        let longer = format!("{long}x");
        let refused = site.fetch(&longer, &["a"]).await;
        assert_rejected(refused, TypeError, &["1048577 code units long"]);
        let refused = site.manager().fetch("id", ["a"], titled(&longer)).await;
        assert_rejected(refused, TypeError, &["the title"]);
        site.close().await;
    });
}

#[test]
fn urls_and_headers_of_a_megabyte_work_and_messages_about_them_stay_short() {
    let site = Site::new(
        1,
        Policies::default(),
        background_fetch_storage::MemoryStorage::new(1 << 30),
    );
    site.world.run(async {
        site.open().await;
        let long = "x".repeat(MEGABYTE);
        let url = format!("{SITE}{long}");
        site.world.network.serve(&url, Resource::bytes("found"));
        let mut asked = get(&url);
        asked
            .headers
            .insert("x-long", HeaderValue::try_from(&long).unwrap());
        site.world.service_workers.hold();
        let fetched = site
            .manager()
            .fetch("id", [asked.clone()], Default::default())
            .await;
        let registration = fetched.unwrap();
        assert_eq!(site.settled(&registration).await, SUCCESS);
        let record = registration
            .r#match(asked.clone(), Default::default())
            .await
            .unwrap();
        let record = record.expect("it is found by its URL");
        assert_eq!(*record.request().request(), asked);
        assert_eq!(body_of(&record).await.unwrap(), b"found");
        drop(record);
        site.world.service_workers.release();
        site.over(&registration).await;
        // Each of them is refused in a sentence.
        let bad = [
            format!("https://[{long}").as_str().into(),
            format!("ftp://site.example/{long}").as_str().into(),
            format!("https://user@site.example/{long}").as_str().into(),
            RequestInfo::from(Request {
                mode: RequestMode::NoCors,
                ..asked.clone()
            }),
            request(Method::TRACE, &url).into(),
            RequestObject::with_body(asked.clone(), "body").into(),
        ];
        for request in bad {
            let refused = site.manager().fetch("id", [request], Default::default()).await;
            assert_rejected(refused, TypeError, &["request 0"]);
        }
        assert_eq!(site.manager().get_ids().await.unwrap(), Vec::<DomString>::new());
        site.close().await;
    });
}

#[test]
fn ids_are_any_code_units_and_different_ones_stay_different() {
    tell(async |site| {
        site.serve_hanging("a");
        let ids = [
            DomString::from_code_units([0xD800]),
            DomString::from_code_units([0xDC00]),
            DomString::from_code_units([0xFFFD]),
            DomString::from(""),
        ];
        for id in &ids {
            let registration = site
                .manager()
                .fetch(id.clone(), ["a"], Default::default())
                .await
                .unwrap();
            assert_eq!(registration.id(), id);
        }
        assert_eq!(site.manager().get_ids().await.unwrap(), ids);
        // That of the empty one rejects (errata 42).
        for id in ids.iter().filter(|id| !id.is_empty()) {
            let found = site.manager().get(id.clone()).await.unwrap().unwrap();
            assert_eq!(found.id(), id);
            assert!(found.abort().await.unwrap());
        }
        for id in ["a\0b", " ", "null", "日本 😀"] {
            let registration = site.fetch(id, &["a"]).await.unwrap();
            assert_eq!(*registration.id(), id);
            registration.abort().await.unwrap();
        }
    });
}

#[test]
fn what_the_shipping_browser_dies_of_works() {
    tell(async |site| {
        site.serve_pattern("a", 10);
        let icons = ["http://", "data:,", "", "\0"].map(|src| ImageResource {
            src: src.to_owned(),
            ..ImageResource::default()
        });
        let options = BackgroundFetchUIOptions {
            title: Some(DomString::from_code_units([0xD800])),
            icons: Some(icons.to_vec()),
        };
        let registration = site.manager().fetch("", ["a"], options.into()).await.unwrap();
        assert_eq!(site.settled(&registration).await, SUCCESS);
    });
}
