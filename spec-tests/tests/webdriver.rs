//! The WebDriver extension command "background fetch click".

use std::time::Duration;

use background_fetch::embedder::FunctionalEventName::Click;
use background_fetch::fetch::StorageKey;
use background_fetch::webdriver::{CLICK_URI_TEMPLATE, Page, WebDriverError, background_fetch_click};
use background_fetch::{DomString, RegistrationKey};
use spec_tests::{SITE, Site, tell};
use url::Url;

fn page(url: &str) -> Page {
    let url = Url::parse(url).unwrap();
    Page {
        storage_key: StorageKey::of(&url),
        url,
    }
}

fn click(site: &Site, url: &str, id: &str) -> Result<(), WebDriverError> {
    background_fetch_click(&site.engine(), Some(&page(url)), id)
}

/// The registrations and background fetches that were clicked.
async fn clicked(site: &Site) -> Vec<(RegistrationKey, DomString, u64)> {
    site.pass(Duration::from_secs(1)).await;
    let fired = site.world.service_workers.fired();
    let clicks = fired.into_iter().filter(|fired| fired.event.name == Click);
    clicks
        .map(|fired| (fired.event.registration, fired.event.id, fired.event.fetch.0))
        .collect()
}

#[test]
fn the_command_clicks_the_fetch_of_the_page() {
    tell(async |site| {
        site.serve_hanging("a");
        let registration = site.fetch("id", &["a"]).await.unwrap();
        assert_eq!(click(site, &format!("{SITE}some/page"), "id"), Ok(()));
        let clicked = clicked(site).await;
        assert_eq!(
            clicked,
            [(site.registration.clone(), "id".into(), registration.key().0)]
        );
        registration.abort().await.unwrap();
    });
}

#[test]
fn without_a_window_there_is_no_such_window() {
    tell(async |site| {
        let closed = background_fetch_click(&site.engine(), None, "id");
        assert_eq!(closed, Err(WebDriverError::NoSuchWindow));
    });
}

#[test]
fn without_a_matching_registration_the_service_worker_state_is_invalid() {
    tell(async |site| {
        for url in ["https://other.example/", "http://site.example/", "about:blank"] {
            assert_eq!(
                click(site, url, "id"),
                Err(WebDriverError::InvalidServiceWorkerState)
            );
        }
        site.world.service_workers.unregister(&site.registration);
        assert_eq!(
            click(site, SITE, "id"),
            Err(WebDriverError::InvalidServiceWorkerState)
        );
    });
}

#[test]
fn an_unknown_id_is_not_found() {
    tell(async |site| {
        site.serve_hanging("a");
        assert_eq!(
            click(site, SITE, "id"),
            Err(WebDriverError::BackgroundFetchNotFound)
        );
        let registration = site.fetch("id", &["a"]).await.unwrap();
        for id in ["", "ID", "id "] {
            assert_eq!(
                click(site, SITE, id),
                Err(WebDriverError::BackgroundFetchNotFound)
            );
        }
        assert_eq!(clicked(site).await, []);
        registration.abort().await.unwrap();
    });
}

#[test]
fn the_longest_scope_decides() {
    tell(async |site| {
        site.serve_hanging("a");
        let app = site.world.service_workers.register("https://site.example/app/");
        let outer = site.fetch("id", &["a"]).await.unwrap();
        let manager = site.page().realm.background_fetch(&app);
        let inner = manager.fetch("id", ["a"], Default::default()).await.unwrap();
        assert_eq!(click(site, "https://site.example/app/page", "id"), Ok(()));
        assert_eq!(clicked(site).await, [(app, "id".into(), inner.key().0)]);
        outer.abort().await.unwrap();
        inner.abort().await.unwrap();
    });
}

#[test]
fn the_newest_fetch_of_the_id_is_clicked_also_when_it_is_over() {
    tell(async |site| {
        site.serve_pattern("a", 10);
        for expected in 1..=2 {
            let registration = site.fetch("id", &["a"]).await.unwrap();
            site.over(&registration).await;
            site.pass(Duration::from_secs(1)).await;
            assert_eq!(click(site, SITE, "id"), Ok(()));
            let clicked = clicked(site).await;
            assert_eq!(clicked.len(), expected);
            assert_eq!(clicked[expected - 1].2, registration.key().0);
        }
    });
}

#[test]
fn what_was_dismissed_or_cleared_is_not_found() {
    tell(async |site| {
        site.serve_pattern("a", 10);
        let registration = site.fetch("id", &["a"]).await.unwrap();
        site.over(&registration).await;
        site.pass(Duration::from_secs(1)).await;
        assert!(site.engine().dismiss(registration.key()));
        assert_eq!(
            click(site, SITE, "id"),
            Err(WebDriverError::BackgroundFetchNotFound)
        );
        site.fetch("id", &["a"]).await.unwrap();
        site.engine()
            .clear_registration(&site.registration)
            .await
            .unwrap();
        assert_eq!(
            click(site, SITE, "id"),
            Err(WebDriverError::BackgroundFetchNotFound)
        );
    });
}

#[test]
fn the_command_and_its_errors_are_those_of_the_specification() {
    assert_eq!(
        CLICK_URI_TEMPLATE,
        "/session/{session id}/backgroundfetch/{id}/click"
    );
    let errors = [
        (WebDriverError::NoSuchWindow, 404, "no such window"),
        (
            WebDriverError::InvalidServiceWorkerState,
            400,
            "invalid service worker state",
        ),
        (
            WebDriverError::BackgroundFetchNotFound,
            404,
            "background fetch not found",
        ),
    ];
    for (error, status, code) in errors {
        assert_eq!((error.status(), error.code()), (status, code));
        assert_eq!(error.to_string(), code);
    }
}
