//! Any sequence of operations on a site, its servers, its user and its process: nothing panics or hangs, every
//! background fetch that is not cleared settles once and its event says how, a body that is handed out is one version
//! of its resource, and no task is left.
//!
//! The first byte is the seed of the schedule, each further one an operation.
#![no_main]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use background_fetch::embedder::{Clock, FunctionalEventName, Policies};
use background_fetch::{BackgroundFetchOptions, FetchKey, ResponseResult};
use background_fetch_sim::{Ranges, Resource, pattern};
use background_fetch_storage::MemoryStorage;
use libfuzzer_sys::fuzz_target;
use spec_tests::{QUOTA, SITE, Site, body_of};

const LENGTH: u64 = 5000;
const VERSIONS: [u64; 2] = [1, 2];
const OPERATIONS: usize = 48;

fuzz_target!(|data: &[u8]| {
    let Some((&seed, operations)) = data.split_first() else {
        return;
    };
    let site = Site::new(u64::from(seed), Policies::default(), MemoryStorage::new(QUOTA));
    serve(&site);
    let settled = site.world.run(story(&site, operations));
    assert_eq!(site.world.executor.live_spawned_tasks(), 0, "tasks are left over");
    for (fetch, events) in site.world.service_workers.fired_by_fetch() {
        let names: BTreeSet<_> = events
            .iter()
            .filter(|name| **name != FunctionalEventName::Click)
            .map(|name| name.as_str())
            .collect();
        assert!(names.len() <= 1, "background fetch {fetch} got {names:?}");
        assert!(
            settled.cleared.contains(&fetch) || names.len() == 1 || !settled.created.contains(&fetch),
            "background fetch {fetch} got no event"
        );
    }
});

/// Servers that drop, lie and change.
fn serve(site: &Site) {
    let resource = || Resource::pattern(VERSIONS[0], LENGTH).chunks(700).etag("v1");
    let changed = Resource::pattern(VERSIONS[1], LENGTH).etag("v2");
    let servers = [
        resource(),
        resource().drop_after(1500).times(2),
        resource().hold_at(2100),
        resource().drop_after(2000).after_requests(1, changed),
        resource().ranges(Ranges::Ignored).drop_after(3000),
        resource().ranges(Ranges::WrongFirst(7)).drop_after(1000),
        resource().ranges(Ranges::UnknownTotal).range_cap(1000),
        Resource::status(404),
    ];
    for (index, server) in servers.into_iter().enumerate() {
        site.world.network.serve(url(index), server);
    }
}

fn url(index: usize) -> String {
    format!("{SITE}{}", index % 8)
}

#[derive(Default)]
struct Created {
    created: BTreeSet<u64>,
    cleared: BTreeSet<u64>,
}

async fn story(site: &Site, operations: &[u8]) -> Created {
    let created = Rc::new(RefCell::new(Created::default()));
    site.open().await;
    handle_events(site);
    for &operation in operations.iter().take(OPERATIONS) {
        operate(site, operation, &created).await;
    }
    // The troubles end: whatever is unfinished comes to its end.
    site.world.network.online();
    site.world.service_workers.release();
    for index in 0..8 {
        site.world.network.release_all(url(index));
    }
    for fetch in unfinished(site) {
        let _ = site.engine().resume(fetch).await;
    }
    while !unfinished(site).is_empty() {
        site.world.clock.sleep(Duration::from_secs(1)).await;
    }
    site.close().await;
    created.take()
}

fn unfinished(site: &Site) -> Vec<FetchKey> {
    let inspected = site.engine().inspect();
    inspected
        .into_iter()
        .filter(|fetch| fetch.records_available)
        .map(|fetch| fetch.key)
        .collect()
}

/// The worker reads every record.
fn handle_events(site: &Site) {
    site.on_event(async |event| {
        let Ok(records) = event.registration().match_all(None, Default::default()).await else {
            return;
        };
        for record in records {
            if let Ok(body) = body_of(&record).await
                && !body.is_empty()
            {
                let whole = VERSIONS
                    .iter()
                    .any(|version| body == pattern(*version, 0, body.len()));
                assert!(whole, "the body of record {:?} is spliced", record.key());
                let success = event.name() == FunctionalEventName::Success;
                assert!(!success || body.len() as u64 == LENGTH, "a success is cut short");
            }
        }
    });
}

async fn operate(site: &Site, operation: u8, created: &Rc<RefCell<Created>>) {
    let engine = site.engine();
    let target = usize::from(operation >> 4);
    let id = ["a", "b", "c", "d"][target % 4];
    let fetch = engine.find(&site.registration, &id.into());
    match operation & 15 {
        0 | 1 => {
            let urls: Vec<String> = (target..target + 3).map(url).collect();
            let options = BackgroundFetchOptions {
                download_total: if operation & 1 == 0 { 0 } else { 2 * LENGTH },
                ..Default::default()
            };
            if let Ok(registration) = site.manager().fetch(id, urls, options).await {
                created.borrow_mut().created.insert(registration.key().0);
            }
        }
        2 => {
            if let Ok(Some(registration)) = site.manager().get(id).await {
                let again = site.manager().get(id).await;
                assert!(
                    !matches!(again, Ok(Some(other)) if other != registration),
                    "another instance"
                );
                let aborted = registration.abort().await;
                assert!(aborted.is_ok());
                assert_eq!(registration.abort().await, Ok(false));
            }
        }
        3 => drop(site.manager().get_ids().await),
        4 => {
            if let Some(fetch) = fetch {
                let _ = engine.pause(fetch).await;
            }
        }
        5 => {
            if let Some(fetch) = fetch {
                let _ = engine.resume(fetch).await;
            }
        }
        6 => site.world.network.offline(),
        7 => site.world.network.online(),
        8 => site.world.network.drop_connections(),
        9 => site.world.network.release(url(target)),
        10 => site.world.clock.sleep(Duration::from_millis(1 << target)).await,
        11 => {
            if let Some(fetch) = fetch {
                engine.click(fetch);
            }
        }
        12 => {
            site.crash_and_restart().await;
            handle_events(site);
        }
        13 => {
            let all: BTreeMap<_, _> = engine
                .inspect()
                .into_iter()
                .map(|fetch| (fetch.key.0, fetch.records_available))
                .collect();
            created.borrow_mut().cleared.extend(all.keys());
            assert_eq!(engine.clear_registration(&site.registration).await, Ok(()));
            assert!(
                engine.inspect().is_empty(),
                "something is left of a cleared registration"
            );
        }
        14 => check(site),
        _ => site
            .world
            .service_workers
            .fail_to_start(u32::from(operation >> 4)),
    }
}

/// What may be observed at any moment.
fn check(site: &Site) {
    for fetch in site.engine().inspect() {
        let stored: u64 = fetch.records.iter().map(|record| record.downloaded).sum();
        assert!(
            fetch.records.is_empty() || stored == fetch.downloaded,
            "{fetch:?}"
        );
        assert!(
            fetch.download_total == 0 || fetch.downloaded <= fetch.download_total,
            "{fetch:?}"
        );
        for record in &fetch.records {
            let complete = record.result == ResponseResult::Success;
            assert!(!complete || record.downloaded == LENGTH, "{record:?}");
        }
    }
}
