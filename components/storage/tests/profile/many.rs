//! Many records and many background fetches.

use std::time::{Duration, Instant};

use background_fetch::RecordKey;
use background_fetch::embedder::{BodyKey, Storage};
use futures::executor::block_on;
use futures::future::join_all;

use crate::support::{Blocking, Profile, new_fetch, pattern, response, success};

#[test]
fn ten_thousand_small_records_are_few_files() {
    let profile = Profile::new();
    let storage = profile.open();
    let fetch = storage.create_with(10_000);
    let fetch_one = async |index: usize| {
        let record = RecordKey { fetch, index };
        let body = BodyKey::Response {
            record,
            generation: 1,
        };
        storage.set_response(record, 1, &response()).await.unwrap();
        storage
            .append(body, 0, pattern(index % 1000).into())
            .await
            .unwrap();
        storage.settle_record(record, &success()).await.unwrap();
    };
    block_on(async {
        for start in (0..10_000).step_by(100) {
            join_all((start..start + 100).map(fetch_one)).await;
        }
    });
    block_on(storage.flush()).unwrap();
    // Some are in the database, some in files of many.
    assert!(profile.body_files().len() < 100);
    drop(storage);
    let storage = profile.open();
    let loaded = storage.load_all().remove(0);
    for (index, record) in loaded.records.iter().enumerate() {
        assert_eq!(record.state.length, index as u64 % 1000);
    }
    let body = BodyKey::Response {
        record: RecordKey { fetch, index: 9_999 },
        generation: 1,
    };
    assert_eq!(storage.read_all(body), pattern(999));
    block_on(storage.remove(fetch)).unwrap();
    assert_eq!(profile.body_files().len(), 0);
}

#[test]
fn a_thousand_background_fetches_of_ten_records_load_quickly() {
    let profile = Profile::new();
    let storage = profile.open();
    let new = new_fetch(10);
    block_on(join_all((0..1000).map(|_| storage.create(&new))))
        .into_iter()
        .for_each(|created| assert!(created.is_ok()));
    drop(storage);
    let start = Instant::now();
    let loaded = profile.open().load_all();
    let took = start.elapsed();
    assert_eq!(loaded.len(), 1000);
    assert!(loaded.iter().all(|fetch| fetch.records.len() == 10));
    // An optimised build takes a tenth of this.
    assert!(took < Duration::from_secs(5), "{took:?}");
}
