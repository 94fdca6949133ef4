//! Cases: calls from many threads at once.

use std::collections::BTreeSet;
use std::thread;

use background_fetch::embedder::{BodyKey, Storage, StorageErrorKind};
use background_fetch::{FetchKey, RecordKey, ResponseResult};
use bytes::Bytes;
use futures::executor::block_on;

use super::QUOTA;
use super::world::{World, new_fetch, response, settlement, shop};

super::declare_cases! {
    what_many_threads_do_at_once_is_as_if_each_were_alone,
    the_quota_holds_when_many_write_at_once,
}

const THREADS: u8 = 6;

/// The bytes that a thread writes to one of its two records.
fn bytes(thread: u8, index: usize) -> Vec<u8> {
    (0..10_000 + 500 * usize::from(thread) + 40_000 * index)
        .map(|place| (place / 7 + place % 11 * index) as u8 ^ thread)
        .collect()
}

fn bodies(fetch: FetchKey) -> [(RecordKey, BodyKey); 2] {
    [0, 1].map(|index| {
        let record = RecordKey { fetch, index };
        let generation = 1;
        (record, BodyKey::Response { record, generation })
    })
}

/// Creates a background fetch and fills its records by turns, one of which is settled.
fn fetch(storage: &dyn Storage, thread: u8) -> FetchKey {
    let new = new_fetch("https://shop.example/", format!("{thread}").as_str(), 2);
    let fetch = block_on(storage.create(&new)).expect("create");
    let mut left = Vec::new();
    for (index, (record, body)) in bodies(fetch).into_iter().enumerate() {
        block_on(storage.set_response(record, 1, &response("v1"))).expect("set_response");
        left.push((body, 0, Bytes::from(bytes(thread, index))));
    }
    while left.iter().any(|(.., bytes)| !bytes.is_empty()) {
        for (body, offset, bytes) in &mut left {
            let part = bytes.split_to(bytes.len().min(3000));
            let length = part.len() as u64;
            block_on(storage.append(*body, *offset, part)).expect("append");
            *offset += length;
        }
        thread::yield_now();
    }
    let settled = settlement(ResponseResult::Success);
    block_on(storage.settle_record(bodies(fetch)[0].0, &settled)).expect("settle_record");
    fetch
}

fn what_many_threads_do_at_once_is_as_if_each_were_alone(world: &mut World<'_>) {
    let storage = world.storage();
    let fetches: Vec<(u8, FetchKey)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| (thread, scope.spawn(move || fetch(storage, thread))))
            .collect();
        let join = |(thread, handle): (u8, thread::ScopedJoinHandle<'_, FetchKey>)| {
            (
                thread,
                handle.join().expect("every call is answered as if it were alone"),
            )
        };
        threads.into_iter().map(join).collect()
    });
    let keys: BTreeSet<FetchKey> = fetches.iter().map(|(_, key)| *key).collect();
    assert_eq!(keys.len(), usize::from(THREADS), "each has a key of its own");
    for how in ["right after", "opened again"] {
        let mut used = 0;
        for (thread, fetch) in &fetches {
            for (index, (record, body)) in bodies(*fetch).into_iter().enumerate() {
                let all = bytes(*thread, index);
                let state = world.load_record(record);
                assert_eq!(state.settlement.is_some(), index == 0, "{how}");
                assert_eq!(state.length, all.len() as u64, "{how}");
                assert!(world.read_all(body) == all, "{how}: {record:?} has other bytes");
                used += state.length;
            }
        }
        assert_eq!(world.usage(&shop()), used, "{how}");
        world.reopen();
    }
}

fn the_quota_holds_when_many_write_at_once(world: &mut World<'_>) {
    const PART: u64 = QUOTA / 16;
    let keys: Vec<BodyKey> = (0..THREADS)
        .map(|_| BodyKey::Staged(world.stage(&shop(), &[])))
        .collect();
    let storage = world.storage();
    let taken: u64 = thread::scope(|scope| {
        let fill = |body: BodyKey| {
            let mut length = 0;
            loop {
                let part = Bytes::from(vec![1; PART as usize]);
                match block_on(storage.append(body, length, part)) {
                    Ok(()) => length += PART,
                    Err(error) => {
                        assert_eq!(error.kind, StorageErrorKind::QuotaExceeded);
                        return length;
                    }
                }
            }
        };
        let threads: Vec<_> = keys.iter().map(|body| scope.spawn(move || fill(*body))).collect();
        let taken = threads.into_iter().map(|thread| thread.join().expect("a thread"));
        taken.sum()
    });
    assert_eq!(taken, QUOTA, "to the last byte, and no further");
    assert_eq!(world.usage(&shop()), QUOTA);
}
