//! A site where servers, the user and crashes do something at random, and what has to hold nevertheless.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use background_fetch::api::BackgroundFetchRegistration;
use background_fetch::embedder::{FunctionalEventName, Storage};
use background_fetch::{
    BackgroundFetchFailureReason, BackgroundFetchOptions, BackgroundFetchResult, FetchKey,
};
use background_fetch_sim::{Bounds, Random, Resource, pattern, yield_now};
use spec_tests::{Outcome, QUOTA, ReadingWorker, SUCCESS, Site, failure};

use super::servers::{Versions, random_resource};

/// What the test knows of one background fetch.
pub(crate) struct Known {
    pub(crate) id: String,
    pub(crate) paths: Vec<u64>,
    download_total: u64,
    /// What was downloaded when an abort resolved with true.
    aborted_at: Option<u64>,
}

/// A site with everything at random.
pub(crate) struct Tale<'a> {
    pub(crate) site: &'a Site,
    pub(crate) random: Random,
    quota: u64,
    worker: ReadingWorker,
    versions: BTreeMap<u64, Versions>,
    pub(crate) fetches: BTreeMap<FetchKey, Known>,
    pub(crate) crashes: Cell<usize>,
    /// The result that each instance had, once it had one.
    results: RefCell<Vec<(BackgroundFetchRegistration, Outcome)>>,
}

impl<'a> Tale<'a> {
    pub(crate) async fn begin(site: &'a Site, quota: u64) -> Self {
        let mut tale = Self {
            site,
            random: site.world.random.clone(),
            quota,
            worker: site.reading_worker(),
            versions: BTreeMap::new(),
            fetches: BTreeMap::new(),
            crashes: Cell::new(0),
            results: RefCell::default(),
        };
        let bounds = Bounds {
            polls: 1_000_000,
            time: Duration::from_secs(24 * 60 * 60),
        };
        site.world.executor.set_bounds(bounds);
        for number in 0..1 + tale.random.below(3) {
            tale.start_fetch(number).await;
        }
        tale
    }

    async fn start_fetch(&mut self, number: u64) {
        let paths: Vec<_> = (0..1 + self.random.below(3))
            .map(|index| 1 + number * 10 + index)
            .collect();
        let mut sum = 0;
        for path in &paths {
            let (resource, versions) = random_resource(&mut self.random, *path);
            sum += versions.iter().map(|(_, length)| length).max().unwrap_or(&0);
            self.site.serve(&path.to_string(), resource);
            self.versions.insert(*path, versions);
        }
        let download_total = match self.random.below(4) {
            0 => (sum * (50 + self.random.below(80)) / 100).min(self.quota),
            _ => 0,
        };
        let options = BackgroundFetchOptions {
            download_total,
            ..Default::default()
        };
        let id = format!("fetch {number}");
        let urls = paths.iter().map(u64::to_string);
        let fetched = self.site.manager().fetch(id.as_str(), urls, options).await;
        let Ok(registration) = fetched else {
            return assert!(download_total > 0, "only a download total can be refused");
        };
        self.watch(&registration);
        let known = Known {
            id,
            paths,
            download_total,
            aborted_at: None,
        };
        self.fetches.insert(registration.key(), known);
    }

    fn watch(&self, registration: &BackgroundFetchRegistration) {
        let outcome = (registration.result(), registration.failure_reason());
        self.results.borrow_mut().push((registration.clone(), outcome));
    }

    /// One thing at random.
    pub(crate) async fn act(&mut self) {
        let keys: Vec<_> = self.fetches.keys().copied().collect();
        let network = &self.site.world.network;
        match (self.random.below(14), keys.as_slice()) {
            (0 | 1, [_, ..]) => {
                let key = keys[self.random.below(keys.len() as u64) as usize];
                let _ = self.site.engine().pause(key).await;
            }
            (2..=4, _) => self.resume_all().await,
            (5, [_, ..]) if self.random.chance(1, 3) => {
                let key = keys[self.random.below(keys.len() as u64) as usize];
                self.abort(key).await;
                if self.random.chance(1, 3) {
                    self.crash().await;
                }
            }
            (6 | 7, _) if self.random.chance(1, 2) => self.crash().await,
            (8, _) => network.offline(),
            (9, _) => network.online(),
            (10, _) => network.drop_connections(),
            (11, _) => self.site.world.service_workers.hold(),
            (12, _) => self.site.world.service_workers.release(),
            _ => {
                for _ in 0..self.random.below(40) {
                    yield_now().await;
                }
                return;
            }
        }
        let rest = self.random.below(400);
        self.site.sleep(Duration::from_millis(rest * rest / 100)).await;
    }

    pub(crate) async fn resume_all(&self) {
        for key in self.fetches.keys() {
            let _ = self.site.engine().resume(*key).await;
        }
    }

    async fn abort(&mut self, key: FetchKey) {
        let known = self.fetches.get_mut(&key).expect("a known fetch");
        let Some(registration) = self
            .site
            .manager()
            .get(known.id.as_str())
            .await
            .expect("an answer")
        else {
            return;
        };
        if registration.abort().await.expect("an answer") {
            assert_eq!(known.aborted_at, None, "an abort resolves with true once");
            let inspected = self.site.engine().inspect_one(key).expect("it is there");
            known.aborted_at = Some(inspected.downloaded);
        }
    }

    async fn crash(&self) {
        self.results.borrow_mut().clear();
        self.crashes.set(self.crashes.get() + 1);
        self.site.crash();
        self.site.open_dormant().await;
        self.site.employ(&self.worker);
        self.site.engine().start();
        for known in self.fetches.values() {
            let get = || self.site.manager().get(known.id.as_str());
            if let Some(registration) = get().await.expect("an answer") {
                // 5. Two `get()`s in a realm give the same object.
                if let Some(again) = get().await.expect("an answer") {
                    assert_eq!(registration, again);
                }
                self.watch(&registration);
            }
        }
    }

    /// What holds at any moment.
    pub(crate) async fn check(&self) {
        self.site.world.stalled().await;
        let stored = self.site.storage.load().await.expect("it loads");
        let key = &self.site.registration.storage_key;
        let usage = self.site.storage.estimate(key).await.expect("an estimate").usage;
        // 3. No byte over the quota is ever accepted, no byte over the download total is ever kept, …
        assert!(usage <= self.quota);
        for fetch in &stored {
            let length: u64 = fetch.records.iter().map(|record| record.state.length).sum();
            let inspected = self
                .site
                .engine()
                .inspect_one(fetch.key)
                .expect("what is stored is there");
            assert!(fetch.download_total == 0 || length <= fetch.download_total);
            // … and `downloaded` is what is stored.
            if inspected.records_available {
                assert_eq!(inspected.downloaded, length, "{inspected:?}");
            }
            // 4. After an abort no byte arrives.
            if let Some(downloaded) = self.fetches.get(&fetch.key).and_then(|known| known.aborted_at) {
                assert_eq!((inspected.downloaded, inspected.aborted), (downloaded, true));
                assert!(inspected.records.iter().all(|record| !record.in_flight));
            }
        }
        // 5. Getters never go back from a settled result.
        for (registration, outcome) in &mut *self.results.borrow_mut() {
            let now = (registration.result(), registration.failure_reason());
            if outcome.0 != BackgroundFetchResult::Empty {
                assert_eq!(*outcome, now);
            }
            *outcome = now;
        }
    }

    /// Lets everything go well from here on, and waits until all is over.
    pub(crate) async fn end(&mut self) {
        let network = &self.site.world.network;
        for (path, versions) in &mut self.versions {
            let version = (path * 10 + 9, 500);
            versions.push(version);
            let resource = Resource::pattern(version.0, version.1).etag("the last");
            self.site.serve(&path.to_string(), resource);
        }
        network.online();
        network.drop_connections();
        self.site.world.service_workers.release();
        self.resume_all().await;
        self.site.all_over().await;
    }

    /// What must have become of everything. Says how many succeeded.
    pub(crate) fn judge(&self) -> usize {
        let fired = self.site.world.service_workers.fired_by_fetch();
        let deliveries = self.worker.deliveries();
        // 1. A body handed out is one version of its resource, byte for byte.
        for delivery in &deliveries {
            let known = &self.fetches[&delivery.fetch];
            for (path, body) in known.paths.iter().zip(&delivery.bodies) {
                let Ok(body) = body else {
                    assert_ne!(delivery.outcome, SUCCESS, "a success has every body");
                    continue;
                };
                let is_version = self.versions[path]
                    .iter()
                    .any(|(seed, length)| *body == pattern(*seed, 0, *length as usize));
                let is_error_page = body.is_empty() && delivery.outcome.0 == BackgroundFetchResult::Failure;
                assert!(
                    is_version || is_error_page,
                    "{} bytes that the server never had",
                    body.len()
                );
            }
        }
        let mut successes = 0;
        for (key, known) in &self.fetches {
            // 2. Exactly one result; its event is delivered at least once, and once without a crash.
            let names = fired.get(&key.0).expect("its event was fired");
            assert!(names.iter().all(|name| *name == names[0]), "{names:?}");
            assert!(names.len() <= 1 + self.crashes.get(), "{names:?}");
            let mut outcomes = deliveries.iter().filter(|delivery| delivery.fetch == *key);
            let outcome = outcomes.next().map(|delivery| delivery.outcome);
            assert!(outcomes.all(|delivery| Some(delivery.outcome) == outcome));
            // 4. After an abort the result is "aborted", and only then.
            let aborted = names[0] == FunctionalEventName::Abort;
            assert_eq!(aborted, known.aborted_at.is_some());
            if let Some(outcome) = outcome {
                assert_eq!(aborted, outcome == failure(BackgroundFetchFailureReason::Aborted));
                let reason = BackgroundFetchFailureReason::DownloadTotalExceeded;
                assert!(outcome != failure(reason) || known.download_total > 0);
                let reason = BackgroundFetchFailureReason::QuotaExceeded;
                assert!(outcome != failure(reason) || self.quota < QUOTA);
            }
            successes += usize::from(names[0] == FunctionalEventName::Success);
        }
        successes
    }
}
