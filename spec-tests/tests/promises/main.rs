//! The promises of the design under "What must hold", with servers, users and crashes at random.

mod servers;
mod tale;

use std::cell::Cell;
use std::time::Duration;

use background_fetch::embedder::{BodyKey, FetchState, Policies, Settlement, Storage};
use background_fetch::fetch::{RequestBody, ResponseHead};
use background_fetch::{
    BackgroundFetchFailureReason, BackgroundFetchOptions, BackgroundFetchResult, DomString, ExceptionName,
    FetchKey, RecordKey, ResponseResult,
};
use background_fetch_sim::{Random, Resource, StorageOperation, pattern, yield_now};
use http::{HeaderMap, StatusCode};
use spec_tests::{QUOTA, SITE, SUCCESS, Site, failure, tell_once};
use tale::Tale;
use url::Url;

/// The seeds that each promise is tried with.
const TRIES: std::ops::Range<u64> = 0..300;

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
            let body = RequestBody::Stream(Box::pin(body));
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
    headers.insert("content-range", "bytes 5-4/3".parse().unwrap());
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
