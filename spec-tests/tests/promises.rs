//! The promises of the design under "What must hold", with servers, users and crashes at random.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use background_fetch::api::BackgroundFetchRegistration;
use background_fetch::embedder::{
    BodyKey, FetchState, FunctionalEventName, NetworkError, Policies, Settlement, Storage,
};
use background_fetch::fetch::ResponseHead;
use background_fetch::{
    BackgroundFetchFailureReason, BackgroundFetchOptions, BackgroundFetchResult, DomString, ExceptionName,
    FetchKey, RecordKey, ResponseResult,
};
use background_fetch_sim::{Bounds, Random, Ranges, Resource, StorageOperation, pattern, yield_now};
use http::{HeaderMap, StatusCode};
use spec_tests::{Outcome, QUOTA, ReadingWorker, SITE, SUCCESS, Site, failure, tell_once};
use url::Url;

/// The seeds that each promise is tried with.
const TRIES: std::ops::Range<u64> = 0..300;

/// The versions of a resource, as seed and length of its pattern.
type Versions = Vec<(u64, u64)>;

/// A server at random: some versions, one after the other, and trouble with each.
fn random_resource(random: &mut Random, path: u64) -> (Resource, Versions) {
    let mut versions = Versions::new();
    let mut next = None;
    for age in 0..1 + random.below(3) {
        let (seed, length) = (path * 10 + age, random.below(3000));
        let resource = random_habits(random, seed, length);
        let mut resource = random_trouble(random, resource);
        if let Some(next) = next {
            resource = resource.after_requests(1 + random.below(4), next);
        }
        versions.push((seed, length));
        next = Some(resource);
    }
    (next.expect("there is a version"), versions)
}

fn random_habits(random: &mut Random, seed: u64, length: u64) -> Resource {
    let mut resource = Resource::pattern(seed, length);
    resource = match random.below(8) {
        0 => resource,
        1 => resource.weak_etag(&seed.to_string()),
        2 => resource.last_modified(&format!("Sun, {:02} Nov 1994 08:49:37 GMT", 1 + seed % 10)),
        _ => resource.etag(&seed.to_string()),
    };
    resource = resource.ranges(match random.below(24) {
        0 => Ranges::Ignored,
        1 | 2 => Ranges::IgnoresValidator,
        3 => Ranges::WrongFirst(random.below(3000)),
        4 => Ranges::WrongTotal(random.below(4000)),
        5 | 6 => Ranges::UnknownTotal,
        7 => Ranges::Overshoot(1 + random.below(100)),
        8 => Ranges::NoProgress,
        9 => Ranges::NoContentRange,
        10 => Ranges::ContentRange(format!("bytes {}-*/é", random.below(9)).replace('é', "?")),
        11 => Ranges::NotSatisfiable,
        _ => Ranges::Honoured,
    });
    if random.chance(1, 4) {
        resource = resource.range_cap(1 + random.below(1000));
    }
    if random.chance(1, 4) {
        resource = resource.without_length();
    }
    if random.chance(1, 10) {
        resource = resource.content_decoded();
    }
    let delay = Duration::from_millis(random.below(30));
    resource
        .chunks(1 + random.below(900) as usize)
        .chunk_delay(delay)
        .latency(Duration::from_millis(random.below(100)))
}

fn random_trouble(random: &mut Random, mut resource: Resource) -> Resource {
    for _ in 0..random.below(5) {
        let bytes = random.below(2500);
        resource = match random.below(10) {
            0 => resource.unreachable(),
            1 => resource.stall_at(bytes, Duration::from_secs(random.below(30))),
            2 => resource.stall_for_ever_at(bytes),
            3 if random.chance(1, 4) => resource.answers(503),
            4 if random.chance(1, 4) => resource.break_after(bytes, NetworkError::fatal("garbage")),
            5 => resource.goes_well(),
            _ => resource.drop_after(bytes),
        };
    }
    resource
}

/// What the test knows of one background fetch.
struct Known {
    id: String,
    paths: Vec<u64>,
    download_total: u64,
    /// What was downloaded when an abort resolved with true.
    aborted_at: Option<u64>,
}

/// A site with everything at random.
struct Tale<'a> {
    site: &'a Site,
    random: Random,
    quota: u64,
    worker: ReadingWorker,
    versions: BTreeMap<u64, Versions>,
    fetches: BTreeMap<FetchKey, Known>,
    crashes: Cell<usize>,
    /// The result that each instance had, once it had one.
    results: RefCell<Vec<(BackgroundFetchRegistration, Outcome)>>,
}

impl<'a> Tale<'a> {
    async fn begin(site: &'a Site, quota: u64) -> Self {
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
    async fn act(&mut self) {
        let keys: Vec<_> = self.fetches.keys().copied().collect();
        let network = &self.site.world.network;
        match (self.random.below(12), keys.as_slice()) {
            (0 | 1, [_, ..]) => {
                let key = keys[self.random.below(keys.len() as u64) as usize];
                let _ = self.site.engine().pause(key).await;
            }
            (2..=4, _) => self.resume_all().await,
            (5, [_, ..]) if self.random.chance(1, 3) => {
                let key = keys[self.random.below(keys.len() as u64) as usize];
                self.abort(key).await;
            }
            (6 | 7, _) if self.random.chance(1, 2) => self.crash().await,
            (8, _) => network.offline(),
            (9, _) => network.online(),
            (10, _) => network.drop_connections(),
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

    async fn resume_all(&self) {
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
    async fn check(&self) {
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
    async fn end(&mut self) {
        let network = &self.site.world.network;
        for (path, versions) in &mut self.versions {
            let version = (path * 10 + 9, 500);
            versions.push(version);
            let resource = Resource::pattern(version.0, version.1).etag("the last");
            self.site.serve(&path.to_string(), resource);
        }
        network.online();
        network.drop_connections();
        self.resume_all().await;
        self.site.all_over().await;
    }

    /// What must have become of everything. Says how many succeeded.
    fn judge(&self) -> usize {
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

#[test]
fn whatever_happens_a_fetch_ends_once_and_hands_out_what_a_server_had() {
    let (successes, fetches) = (Cell::new(0), Cell::new(0));
    for seed in TRIES {
        let quota = if seed % 5 == 4 { 4000 } else { QUOTA };
        tell_once(seed, &Policies::default(), quota, async |site| {
            let mut tale = Tale::begin(site, quota).await;
            for _ in 0..5 + tale.random.below(20) {
                tale.act().await;
                tale.check().await;
            }
            tale.end().await;
            successes.set(successes.get() + tale.judge());
            fetches.set(fetches.get() + tale.fetches.len());
        });
    }
    let (successes, fetches) = (successes.get(), fetches.get());
    assert!(
        successes * 3 > fetches,
        "{successes} of {fetches}: there was too much trouble to tell"
    );
}

#[test]
fn clearing_a_registration_at_any_moment_leaves_nothing_behind() {
    for seed in TRIES {
        tell_once(seed, &Policies::default(), QUOTA, async |site| {
            let mut tale = Tale::begin(site, QUOTA).await;
            for _ in 0..tale.random.below(6) {
                tale.act().await;
            }
            // Promises that are pending when it happens, and a body that is being read.
            let (mut sender, body) = futures::channel::mpsc::channel(1);
            sender.try_send(Ok(pattern(1, 0, 100))).unwrap();
            let body = background_fetch::fetch::RequestBody::Stream(Box::pin(body));
            let pending = site.post("upload", body);
            let mut waiting = Vec::new();
            for known in tale.fetches.values() {
                let registration = match tale.random.chance(1, 2) {
                    true => site.manager().get(known.id.as_str()).await.unwrap(),
                    false => None,
                };
                let Some(registration) = registration else {
                    continue;
                };
                let records = registration.match_all(None, Default::default()).await;
                for record in records.unwrap_or_default() {
                    let reading = async move { spec_tests::body_of(&record).await };
                    waiting.push(site.world.executor.spawn_local(reading));
                }
            }
            for _ in 0..tale.random.below(30) {
                yield_now().await;
            }
            let engine = site.engine();
            let (cleared, pending) = {
                let clear = async {
                    yield_now().await;
                    engine.clear_registration(&site.registration).await
                };
                futures::future::join(clear, pending).await
            };
            cleared.unwrap();
            // 7. No pending promise, …
            assert_eq!(pending.unwrap_err().name, ExceptionName::AbortError);
            for reading in waiting {
                let _ = reading.await;
            }
            let fired = site.world.service_workers.fired().len();
            site.world.stalled().await;
            // … no task, no request, no row, no file, …
            assert_eq!(site.world.executor.live_spawned_tasks(), 0);
            assert_eq!(site.world.network.in_flight(), 0);
            assert!(engine.inspect().is_empty());
            assert!(site.storage.load().await.unwrap().is_empty());
            let usage = site
                .storage
                .estimate(&site.registration.storage_key)
                .await
                .unwrap()
                .usage;
            assert_eq!(usage, 0);
            // … and no event.
            site.sleep(Duration::from_secs(3600)).await;
            assert_eq!(site.world.service_workers.fired().len(), fired);
        });
    }
}

#[test]
fn work_grows_no_faster_than_linearly_with_records() {
    let polls_of = |records: u64| {
        let polls = Cell::new(0);
        tell_once(0, &Policies::default(), QUOTA, async |site| {
            let paths: Vec<_> = (0..records).map(|record| record.to_string()).collect();
            for path in &paths {
                site.serve(path, Resource::pattern(1, 100));
            }
            let urls = paths.iter().map(String::as_str).collect::<Vec<_>>();
            let registration = site.fetch("id", &urls).await.unwrap();
            assert_eq!(site.outcome(&registration).await, SUCCESS);
            polls.set(site.world.executor.polls());
        });
        polls.get()
    };
    let (few, many) = (polls_of(250), polls_of(1000));
    assert!(many < few * 5, "{few} polls for 250 records, {many} for 1000");
}

#[test]
fn a_body_is_stored_as_it_comes_and_read_in_slices() {
    tell_once(0, &Policies::default(), QUOTA, async |site| {
        // 6. What is in memory is a chunk, whatever the size of the body.
        const LENGTH: u64 = 8 << 20;
        site.serve(
            "a",
            Resource::pattern(1, LENGTH)
                .chunks(1 << 16)
                .chunk_delay(Duration::from_millis(1)),
        );
        let registration = site.fetch("id", &["a"]).await.unwrap();
        let record = registration
            .r#match("a", Default::default())
            .await
            .unwrap()
            .unwrap();
        let mut body = record.response_ready().await.unwrap().take_body().unwrap();
        let mut read = 0;
        while let Some(bytes) = futures::StreamExt::next(&mut body).await {
            let bytes = bytes.unwrap();
            assert!(bytes.len() <= 1 << 20);
            read += bytes.len() as u64;
            let sent = site.requests("a")[0].sent;
            let stored = site.engine().inspect_one(registration.key()).unwrap().downloaded;
            assert!(sent - stored <= 1 << 16, "{sent} sent, {stored} stored");
        }
        assert_eq!(read, LENGTH);
        assert!(site.world.storage.calls(StorageOperation::Read) >= 32);
        drop((body, record));
        assert_eq!(site.outcome(&registration).await, SUCCESS);
    });
}

/// Writes something into the profile that the component never wrote.
async fn damage(site: &Site, random: &mut Random, fetch: FetchKey, records: usize) {
    let index = random.below(records as u64) as usize;
    let (record, generation) = (RecordKey { fetch, index }, random.below(4));
    let storage = &site.storage;
    let result = ResponseResult::ALL[random.below(ResponseResult::ALL.len() as u64) as usize];
    let reasons = BackgroundFetchFailureReason::ALL;
    let failure_reason = reasons[random.below(reasons.len() as u64) as usize];
    let results = BackgroundFetchResult::ALL;
    let settled = results[random.below(results.len() as u64) as usize];
    let mut headers = HeaderMap::new();
    headers.insert("etag", "\"damaged\"".parse().unwrap());
    headers.insert("content-range", "bytes 5-4/é".replace('é', "3").parse().unwrap());
    let status = StatusCode::from_u16(100 + random.below(900) as u16).unwrap();
    let mut head = ResponseHead::new(Url::parse(SITE).unwrap(), status, headers);
    if random.chance(1, 4) {
        head.url_list.clear();
    }
    let _ = match random.below(5) {
        0 => storage.set_response(record, generation, &head).await,
        1 => {
            let body = BodyKey::Response { record, generation };
            storage.append(body, 0, pattern(9, 0, 100)).await
        }
        2 => {
            let settlement = Settlement {
                result,
                uploaded: u64::MAX / 4,
                detail: String::new(),
            };
            storage.settle_record(record, &settlement).await
        }
        3 => {
            let state = match random.below(4) {
                0 => FetchState::Active,
                1 => FetchState::Aborted,
                2 => FetchState::Delivered,
                _ => FetchState::Settled {
                    result: settled,
                    failure_reason,
                },
            };
            storage.set_state(fetch, state).await
        }
        _ => storage.mark_sent(record).await,
    };
}

#[test]
fn no_damaged_profile_panics_or_hangs() {
    for seed in TRIES {
        tell_once(seed, &Policies::default(), QUOTA, async |site| {
            let mut tale = Tale::begin(site, QUOTA).await;
            for _ in 0..tale.random.below(4) {
                tale.act().await;
            }
            site.crash();
            for fetch in site.storage.load().await.unwrap() {
                for _ in 0..tale.random.below(6) {
                    damage(site, &mut tale.random, fetch.key, fetch.records.len()).await;
                }
            }
            tale.crashes.set(1);
            site.open_dormant().await;
            site.engine().start();
            tale.end().await;
        });
    }
}

#[test]
fn no_text_panics_or_hangs() {
    for seed in TRIES {
        tell_once(seed, &Policies::default(), QUOTA, async |site| {
            let mut random = site.world.random.clone();
            let mut text = |length: u64| -> Vec<u16> {
                let units = [
                    0, 0xd800, 0xdfff, 0xfffe, 0x2f, 0x3a, 0x40, 0x68, 0xe9, 0x25, 0x23, 0x5c, 0x20,
                ];
                let pick = |random: &mut Random| units[random.below(units.len() as u64) as usize];
                (0..random.below(length)).map(|_| pick(&mut random)).collect()
            };
            let id = DomString::from_code_units(text(20));
            let url = String::from_utf16_lossy(&text(30));
            let title = DomString::from_code_units(text(30));
            let mut options = BackgroundFetchOptions::default();
            options.ui.title = Some(title);
            let fetched = site.manager().fetch(id.clone(), [url.as_str()], options).await;
            if let Ok(registration) = fetched {
                assert_eq!(*registration.id(), id);
                let found = registration.match_all(Some(url.into()), Default::default()).await;
                assert_eq!(found.map_or(1, |records| records.len()), 1);
                let nothing_there = failure(BackgroundFetchFailureReason::FetchError);
                assert_eq!(site.outcome(&registration).await, nothing_there);
            }
        });
    }
}
