//! Display: what the user sees of a background fetch, and what the user does there.

use std::time::Duration;

use background_fetch::BackgroundFetchFailureReason::Aborted;
use background_fetch::embedder::FunctionalEventName::{Abort, Click, Success};
use background_fetch::embedder::{DisplayState, MeteredPolicy, PauseReasons, PermissionState, Policies};
use background_fetch::fetch::{CredentialsMode, RequestMode};
use background_fetch::{BackgroundFetchResult, ControlError, FetchKey, ImageResource, icon_request};
use background_fetch_sim::{Ending, Resource, StorageOperation, pattern};
use spec_tests::{SITE, SUCCESS, Site, body_of, failure, post, progress, tell, tell_with};
use url::Url;

const USER: PauseReasons = PauseReasons {
    user: true,
    permission: false,
    metered: false,
};

fn shown(site: &Site, fetch: FetchKey) -> DisplayState {
    site.world.display.latest(fetch).expect("it is shown")
}

/// Lets the updates of now reach the screen.
async fn refresh(site: &Site) {
    site.pass(Duration::from_millis(300)).await;
}

#[test]
fn it_is_shown_with_the_origin_and_what_the_page_gave() {
    tell(async |site| {
        site.serve_hanging("a");
        let app = site.world.service_workers.register("https://site.example/app/");
        let page = site.open_page("https://site.example/app/page");
        let manager = page.realm.background_fetch(&app);
        let icons = vec![ImageResource {
            src: "icon.png".to_owned(),
            sizes: Some("32x32".to_owned()),
            r#type: None,
            label: Some("a film".to_owned()),
        }];
        let options = background_fetch::BackgroundFetchOptions {
            ui: background_fetch::BackgroundFetchUIOptions {
                icons: Some(icons.clone()),
                title: Some("A film".into()),
            },
            download_total: 5000,
        };
        let registration = manager.fetch("id", ["/a"], options).await.unwrap();
        site.world.stalled().await;
        let state = shown(site, registration.key());
        assert_eq!(state.origin, "https://site.example");
        assert_eq!(
            (state.id, state.title, state.icons),
            ("id".into(), "A film".into(), icons)
        );
        assert_eq!((state.download_total, state.registration), (5000, app));
        assert_eq!(state.base_url.as_str(), "https://site.example/app/page");
        refresh(site).await;
        assert_eq!(shown(site, registration.key()).downloaded, 100);
        registration.abort().await.unwrap();
        page.event_loop.close();
    });
}

#[test]
fn bandwidth_is_indicated_until_the_fetch_settles() {
    tell(async |site| {
        site.serve_pattern("a", 1000);
        site.world.network.hold("https://site.example/a");
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let key = registration.key();
        let bandwidth = || shown(site, key).bandwidth_in_use;
        site.world.stalled().await;
        assert!(bandwidth());
        site.engine().pause(key).await.unwrap();
        refresh(site).await;
        assert!(!bandwidth(), "not while it is paused");
        site.engine().resume(key).await.unwrap();
        refresh(site).await;
        assert!(bandwidth());
        site.world.network.release("https://site.example/a");
        site.settled(&registration).await;
        refresh(site).await;
        assert!(!bandwidth());
    });
}

#[test]
fn it_can_be_dismissed_once_it_is_settled() {
    tell(async |site| {
        site.serve_pattern("a", 1000);
        site.world.network.hold("https://site.example/a");
        site.world.service_workers.hold();
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let key = registration.key();
        site.world.stalled().await;
        assert!(!shown(site, key).dismissible);
        assert!(!site.engine().dismiss(key), "it would have to be aborted");
        assert_eq!(site.world.display.on_screen().len(), 1);
        site.world.network.release("https://site.example/a");
        site.settled(&registration).await;
        refresh(site).await;
        // Its event goes on, and is not disturbed.
        assert!(shown(site, key).dismissible);
        assert!(site.engine().dismiss(key));
        assert_eq!(site.world.display.on_screen(), []);
        assert!(!site.engine().click(key) && !site.engine().dismiss(key));
        assert_eq!(
            registration
                .match_all(None, Default::default())
                .await
                .unwrap()
                .len(),
            1
        );
        site.world.service_workers.release();
        site.over(&registration).await;
        site.pass(Duration::from_secs(1)).await;
        assert_eq!(site.world.display.on_screen(), [], "it does not come back");
        assert_eq!(site.engine().inspect(), []);
        assert_eq!(site.world.service_workers.names(), [Success]);
    });
}

#[test]
fn what_is_finished_remains_and_can_be_clicked_until_it_is_dismissed() {
    tell(async |site| {
        site.serve_pattern("a", 1000);
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let key = registration.key();
        site.over(&registration).await;
        site.pass(Duration::from_secs(1)).await;
        assert_eq!(site.usage().await, 0, "its records are gone");
        let state = shown(site, key);
        assert_eq!(
            (state.result, state.downloaded),
            (BackgroundFetchResult::Success, 1000)
        );
        assert!(site.engine().click(key));
        site.pass(Duration::from_secs(1)).await;
        assert_eq!(site.world.service_workers.names(), [Success, Click]);
        assert!(site.engine().dismiss(key));
        assert!(!site.engine().dismiss(key) && !site.engine().click(key));
        assert_eq!(site.world.display.on_screen(), []);
        assert_eq!(site.engine().inspect(), []);
    });
}

#[test]
fn only_so_many_finished_ones_remain() {
    for limit in [0, 2] {
        let mut policies = Policies::default();
        policies.limits.finished_shown = limit;
        tell_with(&policies, async |site| {
            site.serve_pattern("a", 10);
            let mut keys = Vec::new();
            for id in ["1", "2", "3"] {
                let registration = site.fetch(id, &["a"]).await.unwrap();
                keys.push(registration.key());
                site.over(&registration).await;
            }
            site.pass(Duration::from_secs(1)).await;
            let on_screen: Vec<_> = site
                .world
                .display
                .on_screen()
                .iter()
                .map(|state| state.fetch)
                .collect();
            assert_eq!(on_screen, keys[3 - limit..], "the newest");
            assert_eq!(site.engine().inspect().len(), limit);
        });
    }
}

#[test]
fn a_paused_fetch_stops_and_goes_on_where_it_was() {
    tell(async |site| {
        let resource = Resource::pattern(1, 1000).etag("v1").chunks(100).hold_at(500);
        site.serve("a", resource);
        site.world.service_workers.hold();
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let key = registration.key();
        while registration.downloaded() < 500 {
            progress(&registration).await;
        }
        site.engine().pause(key).await.unwrap();
        refresh(site).await;
        assert_eq!(site.world.network.in_flight(), 0);
        assert_eq!(site.world.network.log()[0].ending, Some(Ending::Terminated));
        assert_eq!(shown(site, key).paused, USER);
        site.world.network.release("https://site.example/a");
        site.pass(Duration::from_secs(3600)).await;
        assert_eq!(registration.downloaded(), 500, "however long it takes");
        site.engine().resume(key).await.unwrap();
        assert_eq!(site.settled(&registration).await, SUCCESS);
        assert_eq!(site.world.network.log()[1].range.as_ref().unwrap().start, 500);
        let record = registration
            .r#match("a", Default::default())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(body_of(&record).await.unwrap(), pattern(1, 0, 1000));
        drop(record);
        site.world.service_workers.release();
    });
}

#[test]
fn a_fetch_with_another_method_than_get_cannot_be_paused() {
    tell(async |site| {
        site.serve_hanging("a");
        let requests = [
            spec_tests::get("https://site.example/a"),
            post("https://site.example/a"),
        ];
        let registration = site
            .manager()
            .fetch("id", requests, Default::default())
            .await
            .unwrap();
        site.world.stalled().await;
        assert!(!shown(site, registration.key()).pausable);
        let refused = site.engine().pause(registration.key()).await.unwrap_err();
        assert_eq!(refused, ControlError::NotPausable);
        assert!(refused.to_string().contains("no GET"), "{refused}");
        registration.abort().await.unwrap();
    });
}

#[test]
fn a_pause_outlives_a_restart() {
    tell(async |site| {
        site.serve_pattern("a", 1000);
        site.world.permissions.set(PermissionState::Prompt);
        let key = site.fetch("id", &["a"]).await.unwrap().key();
        site.engine().pause(key).await.unwrap();
        site.engine().allow(key).await.unwrap();
        site.crash_and_restart().await;
        site.pass(Duration::from_secs(10)).await;
        assert_eq!(site.world.network.log(), []);
        assert_eq!(shown(site, key).paused, USER);
        let registration = site.manager().get("id").await.unwrap().unwrap();
        site.engine().resume(key).await.unwrap();
        assert_eq!(site.settled(&registration).await, SUCCESS);
    });
}

#[test]
fn an_abort_by_the_user_frees_the_id_and_fires_the_abort_event() {
    tell(async |site| {
        site.serve_hanging("a");
        let registration = site.fetch("id", &["a"]).await.unwrap();
        assert!(site.engine().abort(registration.key()).await);
        assert_eq!(site.manager().get("id").await.unwrap(), None);
        assert_eq!(site.settled(&registration).await, failure(Aborted));
        site.over(&registration).await;
        assert_eq!(site.world.service_workers.names(), [Abort]);
        assert!(!site.engine().abort(registration.key()).await, "once");
        assert_eq!(registration.abort().await, Ok(false));
    });
}

#[test]
fn with_prompt_it_waits_until_the_user_allows_it() {
    tell(async |site| {
        site.serve_pattern("a", 1000);
        site.world.permissions.set(PermissionState::Prompt);
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let key = registration.key();
        site.pass(Duration::from_secs(3600)).await;
        let state = shown(site, key);
        assert!(state.paused.permission && !state.paused.user && !state.bandwidth_in_use);
        site.engine().resume(key).await.unwrap();
        site.pass(Duration::from_secs(3600)).await;
        assert_eq!(site.world.network.log(), [], "to resume is not to allow");
        site.engine().allow(key).await.unwrap();
        assert_eq!(site.settled(&registration).await, SUCCESS);
    });
}

#[test]
fn with_prompt_an_upload_waits_too_and_is_sent_once() {
    tell(async |site| {
        site.serve_pattern("a", 1000);
        site.world.permissions.set(PermissionState::Prompt);
        let asked = post("https://site.example/a");
        let registration = site
            .manager()
            .fetch("id", [asked], Default::default())
            .await
            .unwrap();
        site.pass(Duration::from_secs(3600)).await;
        assert_eq!(site.world.network.log(), []);
        site.engine().allow(registration.key()).await.unwrap();
        assert_eq!(site.settled(&registration).await, SUCCESS);
        assert_eq!(site.world.network.log().len(), 1);
    });
}

#[test]
fn with_prompt_a_refusal_aborts_it() {
    tell(async |site| {
        site.serve_pattern("a", 1000);
        site.world.permissions.set(PermissionState::Prompt);
        let registration = site.fetch("id", &["a"]).await.unwrap();
        assert!(site.engine().refuse(registration.key()).await);
        assert_eq!(site.settled(&registration).await, failure(Aborted));
        site.over(&registration).await;
        assert_eq!(site.world.service_workers.names(), [Abort]);
        assert_eq!(site.world.network.log(), []);
    });
}

#[test]
fn on_a_metered_connection_the_policy_decides() {
    for metered in [MeteredPolicy::Allow, MeteredPolicy::Pause] {
        let policies = Policies {
            metered,
            ..Policies::default()
        };
        tell_with(&policies, async |site| {
            site.serve_pattern("before", 1000);
            site.serve_pattern("after", 1000);
            site.world.network.hold("https://site.example/before");
            let before = site.fetch("before", &["before"]).await.unwrap();
            site.engine().set_metered(true).await;
            site.world.network.release("https://site.example/before");
            let after = site.fetch("after", &["after"]).await.unwrap();
            site.pass(Duration::from_secs(3600)).await;
            let pauses = metered == MeteredPolicy::Pause;
            for registration in [&before, &after] {
                assert_eq!(registration.downloaded() == 0, pauses);
                assert_eq!(shown(site, registration.key()).paused.metered, pauses);
            }
            site.engine().set_metered(false).await;
            assert_eq!(site.settled(&before).await, SUCCESS);
            assert_eq!(site.settled(&after).await, SUCCESS);
        });
    }
}

#[test]
fn what_is_settled_or_gone_cannot_be_paused() {
    tell(async |site| {
        site.serve_pattern("a", 10);
        let engine = site.engine();
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.settled(&registration).await;
        for key in [registration.key(), FetchKey(99)] {
            let expected = match key == registration.key() {
                true => ControlError::Settled,
                false => ControlError::NotFound,
            };
            assert_eq!(engine.pause(key).await, Err(expected.clone()));
            assert_eq!(engine.resume(key).await, Err(expected.clone()));
            assert_eq!(engine.allow(key).await, Err(expected));
            assert!(!engine.abort(key).await && !engine.refuse(key).await);
        }
    });
}

#[test]
fn a_pause_that_cannot_be_stored_says_so_and_holds_all_the_same() {
    tell(async |site| {
        site.serve_hanging("a");
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let kind = background_fetch::embedder::StorageErrorKind::Io;
        site.world.storage.fail_next(StorageOperation::SetPaused, kind);
        let refused = site.engine().pause(registration.key()).await;
        assert!(matches!(refused, Err(ControlError::Storage(_))));
        refresh(site).await;
        assert_eq!(shown(site, registration.key()).paused, USER);
        registration.abort().await.unwrap();
    });
}

#[test]
fn an_icon_is_requested_as_the_specification_says() {
    let base_url = Url::parse(SITE).unwrap().join("app/page").unwrap();
    let icon = |src: &str| {
        let icon = ImageResource {
            src: src.to_owned(),
            ..ImageResource::default()
        };
        icon_request(&icon, &base_url)
    };
    let request = icon("icon.png").unwrap();
    assert_eq!(request.url.as_str(), "https://site.example/app/icon.png");
    assert_eq!(request.method, http::Method::GET);
    assert_eq!(
        (request.mode, request.credentials),
        (RequestMode::NoCors, CredentialsMode::Include)
    );
    assert!(request.keepalive);
    for src in [
        "http://",
        "data:image/png,x",
        "file:///etc/passwd",
        "javascript:1",
    ] {
        assert_eq!(icon(src), None, "{src}");
    }
}
