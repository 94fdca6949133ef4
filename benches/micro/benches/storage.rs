//! The storage of a profile, on the disk where `target` is; and the one in memory beside it.

use std::path::Path;

use background_fetch::RecordKey;
use background_fetch::embedder::{BodyKey, Storage};
use background_fetch_storage::{MemoryStorage, Options, ProfileStorage};
use bytes::Bytes;
use divan::Bencher;
use divan::counter::BytesCount;
use futures::executor::block_on;
use micro_benchmarks::stored;
use tempfile::TempDir;

const CHUNK: usize = 64 << 10;

fn main() {
    divan::main();
}

/// A profile that goes away with its folder.
fn profile() -> (ProfileStorage, TempDir) {
    let folder = tempfile::tempdir_in(Path::new(env!("CARGO_TARGET_TMPDIR"))).expect("there is a folder");
    let storage = ProfileStorage::open(folder.path(), Options::default()).expect("the profile opens");
    (storage, folder)
}

/// A response without bytes.
fn response(storage: &dyn Storage) -> BodyKey {
    let new = stored::new_fetch("site.example", "site.example", "f", 1);
    let fetch = block_on(storage.create(&new)).expect("it is created");
    block_on(stored::respond(storage, RecordKey { fetch, index: 0 }, 1 << 40)).expect("it has a response")
}

/// Appends a chunk, and with `read` reads it.
fn grow(bencher: Bencher<'_, '_>, storage: &dyn Storage, read: bool) {
    let body = response(storage);
    let bytes = Bytes::from(vec![7; CHUNK]);
    let mut offset = 0;
    bencher.counter(BytesCount::new(CHUNK)).bench_local(|| {
        block_on(storage.append(body, offset, bytes.clone())).expect("the disk takes it");
        if read {
            let found = block_on(storage.read(body, offset, CHUNK)).expect("it is there");
            assert_eq!(found.len(), CHUNK);
        }
        offset += CHUNK as u64;
    });
}

#[divan::bench(sample_count = 50, sample_size = 20)]
fn append_in_memory(bencher: Bencher<'_, '_>) {
    grow(bencher, &MemoryStorage::new(1 << 40), false);
}

#[divan::bench(sample_count = 50, sample_size = 20)]
fn append_to_a_profile(bencher: Bencher<'_, '_>) {
    let (storage, _folder) = profile();
    grow(bencher, &storage, false);
}

#[divan::bench(sample_count = 50, sample_size = 20)]
fn append_and_read_in_memory(bencher: Bencher<'_, '_>) {
    grow(bencher, &MemoryStorage::new(1 << 40), true);
}

#[divan::bench(sample_count = 50, sample_size = 20)]
fn append_and_read_in_a_profile(bencher: Bencher<'_, '_>) {
    let (storage, _folder) = profile();
    grow(bencher, &storage, true);
}

/// So many records of 10 KiB, each answered and settled; then all of it durable.
#[divan::bench(args = [1, 100, 1_000], sample_count = 20, sample_size = 1)]
fn settle_with_its_sync(bencher: Bencher<'_, '_>, records: usize) {
    let (storage, _folder) = profile();
    let bytes = Bytes::from(vec![7; 10 << 10]);
    bencher
        .with_inputs(|| {
            let new = stored::new_fetch("site.example", "site.example", "f", records);
            block_on(storage.create(&new)).expect("it is created")
        })
        .bench_local_values(|fetch| {
            let settled = async {
                for index in 0..records {
                    let record = RecordKey { fetch, index };
                    let body = stored::respond(&storage, record, bytes.len() as u64).await?;
                    storage.append(body, 0, bytes.clone()).await?;
                    stored::settle_record(&storage, record).await?;
                }
                stored::settle(&storage, fetch).await
            };
            block_on(settled).expect("the disk takes it");
        });
}
