//! Any bytes from another process: what they say comes back as it went, in JSON and in a binary form; and calls of a
//! page that is up to anything get one answer each, and reach nothing of another site.
//!
//! The input is JSON (a list of calls, or another type of the seam), or, after a byte 0, the binary form.
#![no_main]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use background_fetch::embedder::{FunctionalEvent, NewFetch, Policies, StoredFetch};
use background_fetch::fetch::{Request, StorageKey};
use background_fetch::inspect::{FetchInspection, InspectEvent};
use background_fetch::seam::{Call, CallId, EnginePort, RealmTask, Reply};
use background_fetch::{BackgroundFetchResult, RegistrationKey};
use background_fetch_sim::Resource;
use background_fetch_storage::MemoryStorage;
use libfuzzer_sys::fuzz_target;
use serde::{Serialize, de::DeserializeOwned};
use spec_tests::Site;
use url::Url;

const PAGE: &str = "https://page.example/";

/// The id of another site's background fetch.
const SECRET: &str = "another site's";

fuzz_target!(|data: &[u8]| {
    let calls = read::<Vec<Call>>(data);
    read::<Reply>(data);
    read::<Vec<RealmTask>>(data);
    read::<NewFetch>(data);
    read::<StoredFetch>(data);
    read::<FunctionalEvent>(data);
    read::<FetchInspection>(data);
    read::<InspectEvent>(data);
    if let Some(calls) = calls {
        let site = Site::new(0, Policies::default(), MemoryStorage::new(1 << 20));
        site.world.run(answer(&site, calls));
        assert_eq!(site.world.executor.live_spawned_tasks(), 0, "tasks are left over");
    }
});

/// Reads a value, where it is one; it comes back from both forms as it went.
fn read<T: Serialize + DeserializeOwned + Debug>(data: &[u8]) -> Option<T> {
    let value: T = match data.split_first() {
        Some((0, binary)) => postcard::from_bytes(binary).ok()?,
        _ => serde_json::from_slice(data).ok()?,
    };
    let json = serde_json::to_vec(&value).expect("it can be written as JSON");
    let binary = postcard::to_stdvec(&value).expect("it can be written in binary");
    let from_json: T = serde_json::from_slice(&json).expect("its JSON can be read");
    let from_binary: T = postcard::from_bytes(&binary).expect("its binary form can be read");
    let shown = format!("{value:?}");
    assert_eq!(format!("{from_json:?}"), shown);
    assert_eq!(format!("{from_binary:?}"), shown);
    Some(value)
}

async fn answer(site: &Site, calls: Vec<Call>) {
    site.open().await;
    site.serve_hanging("a");
    site.world
        .network
        .serve(format!("{PAGE}a"), Resource::pattern(1, 1000));
    // Number 1 is another site's, number 2 the page's own.
    let other = site.fetch(SECRET, &["a"]).await.expect("it starts");
    let registration = site.world.service_workers.register(PAGE);
    site.world.service_workers.hold();
    let page = site.open_page(PAGE);
    let manager = page.realm.background_fetch(&registration);
    let own = manager.fetch("own", [format!("{PAGE}a")], Default::default());
    own.await.expect("it starts");

    let engine = site.engine();
    let event_loop = site.world.event_loop();
    let storage_key = StorageKey::of(&Url::parse(PAGE).expect("a URL"));
    let realm = engine.connect(storage_key.clone(), Arc::new(event_loop.clone()));
    let says_it = format!("{calls:?}").contains(SECRET);
    let mut answers: BTreeMap<u64, usize> = BTreeMap::new();
    for (index, call) in calls.into_iter().take(16).enumerate() {
        let bodies = match &call {
            Call::Fetch { requests, .. } => {
                let body = |request: &Request| {
                    request
                        .body_length
                        .map(|length| vec![b'b'; length.min(100) as usize].into())
                };
                requests.iter().map(body).collect()
            }
            _ => Vec::new(),
        };
        answers.insert(index as u64, 0);
        engine.call(realm, CallId(index as u64), call, bodies);
    }
    site.pass(Duration::from_secs(1)).await;
    assert_eq!(
        other.result(),
        BackgroundFetchResult::Empty,
        "another site's is touched"
    );
    let inspected = engine.inspect_one(other.key()).expect("another site's is there");
    assert_eq!((inspected.title.len(), other.records_available()), (0, true));

    // Everything ends, and so every answer comes.
    let registrations: Vec<RegistrationKey> = engine
        .inspect()
        .into_iter()
        .map(|fetch| fetch.registration)
        .collect();
    for registration in &registrations {
        engine
            .clear_registration(registration)
            .await
            .expect("it is cleared");
    }
    site.world.service_workers.release();
    site.pass(Duration::from_secs(60)).await;
    while event_loop.pending() > 0 {
        let task = event_loop.next().await.expect("it waits");
        let shown = format!("{task:?}");
        assert!(says_it || !shown.contains(SECRET), "{shown}");
        if let RealmTask::Settle { call, .. } = task {
            *answers.get_mut(&call.0).expect("a call that was made") += 1;
        }
    }
    assert!(answers.values().all(|count| *count == 1), "{answers:?}");
    engine.disconnect(realm);
    event_loop.close();
    page.event_loop.close();
    site.close().await;
}
