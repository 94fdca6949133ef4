//! The click command of WebDriver, with any page and any id, in a browser with any registrations and background
//! fetches: it clicks the newest background fetch of the id under the longest scope that the page's URL starts with, or
//! gives the error of the specification.
#![no_main]

use std::time::Duration;

use arbitrary::Arbitrary;
use background_fetch::embedder::{FunctionalEventName, Policies};
use background_fetch::fetch::{Client, StorageKey};
use background_fetch::webdriver::{Page, WebDriverError, background_fetch_click};
use background_fetch::{DomString, RegistrationKey};
use background_fetch_storage::MemoryStorage;
use libfuzzer_sys::fuzz_target;
use spec_tests::{QUOTA, SITE, Site};
use url::Url;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    /// What the window shows, where there is one.
    window: Option<Address<'a>>,
    /// Whether that page's storage is partitioned.
    partitioned: bool,
    /// The scopes of registrations.
    scopes: Vec<Address<'a>>,
    /// The background fetches: of which scope, and their ids.
    fetches: Vec<(u8, &'a str)>,
    /// The id of the command.
    id: &'a str,
}

/// A URL that is likely one.
#[derive(Arbitrary, Debug)]
struct Address<'a> {
    origin: u8,
    rest: &'a str,
}

impl Address<'_> {
    fn url(&self) -> Option<Url> {
        const ORIGINS: [&str; 5] = [
            SITE,
            "http://site.example/",
            "https://other.example/",
            "about:",
            "",
        ];
        let origin = ORIGINS[usize::from(self.origin) % ORIGINS.len()];
        Url::parse(&format!("{origin}{}", self.rest)).ok()
    }
}

fuzz_target!(|input: Input<'_>| {
    let site = Site::new(0, Policies::default(), MemoryStorage::new(QUOTA));
    site.world.run(command(&site, &input));
    assert_eq!(site.world.executor.live_spawned_tasks(), 0, "tasks are left over");
});

async fn command(site: &Site, input: &Input<'_>) {
    site.open().await;
    site.serve_hanging("a");
    let mut registrations = vec![site.registration.clone()];
    for scope in input.scopes.iter().take(4).filter_map(Address::url) {
        registrations.push(site.world.service_workers.register(scope.as_str()));
    }
    let fetches = start(site, &registrations, &input.fetches).await;
    let page = input.window.as_ref().and_then(Address::url).map(|url| Page {
        storage_key: if input.partitioned {
            StorageKey::new("a partition")
        } else {
            StorageKey::of(&url)
        },
        url,
    });

    let expected = expected(&registrations, &fetches, page.as_ref(), input.id);
    let found = background_fetch_click(&site.engine(), page.as_ref(), input.id);
    assert_eq!(found, expected.map(drop), "{page:?}");
    site.pass(Duration::from_millis(1)).await;
    let clicked: Vec<_> = site
        .world
        .service_workers
        .fired()
        .into_iter()
        .filter(|fired| fired.event.name == FunctionalEventName::Click)
        .map(|fired| fired.event.fetch)
        .collect();
    assert_eq!(clicked, expected.ok().into_iter().collect::<Vec<_>>());
    if let Err(error) = found {
        assert!(matches!(error.status(), 400 | 404) && error.to_string() == error.code());
    }

    for registration in &registrations {
        let cleared = site.engine().clear_registration(registration).await;
        cleared.expect("a registration is cleared");
    }
    site.close().await;
}

/// A background fetch: its registration, its id and its name.
type Started = (RegistrationKey, DomString, background_fetch::FetchKey);

async fn start(site: &Site, registrations: &[RegistrationKey], fetches: &[(u8, &str)]) -> Vec<Started> {
    let mut started = Vec::new();
    for (scope, id) in fetches.iter().take(4) {
        let registration = &registrations[usize::from(*scope) % registrations.len()];
        let client = Client {
            // A background fetch for whom there is no CORS, so that each of them starts.
            storage_key: registration.storage_key.clone(),
            ..Client::user(registration.scope.clone())
        };
        let page = site.open_realm(client);
        let manager = page.realm.background_fetch(registration);
        let url = format!("{SITE}a");
        if let Ok(fetch) = manager.fetch(*id, [url], Default::default()).await {
            started.push((registration.clone(), DomString::from(*id), fetch.key()));
        }
        page.event_loop.close();
    }
    started
}

fn expected(
    registrations: &[RegistrationKey],
    fetches: &[Started],
    page: Option<&Page>,
    id: &str,
) -> Result<background_fetch::FetchKey, WebDriverError> {
    let page = page.ok_or(WebDriverError::NoSuchWindow)?;
    let starts = |registration: &&RegistrationKey| {
        registration.storage_key == page.storage_key
            && registration.scope.origin() == page.url.origin()
            && page.url.as_str().starts_with(registration.scope.as_str())
    };
    let registration = registrations
        .iter()
        .filter(starts)
        .max_by_key(|registration| registration.scope.as_str().len())
        .ok_or(WebDriverError::InvalidServiceWorkerState)?;
    let newest = fetches
        .iter()
        .filter(|(of, found, _)| of == registration && *found == id)
        .map(|(_, _, key)| *key)
        .max();
    newest.ok_or(WebDriverError::BackgroundFetchNotFound)
}
