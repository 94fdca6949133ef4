//! What each sync policy of a profile costs on the disk where `target` is: the same bodies under one and the other.

use std::fmt;
use std::path::Path;

use background_fetch::RecordKey;
use background_fetch::embedder::{Storage, StorageError};
use background_fetch_storage::{Options, ProfileStorage};
use bytes::Bytes;
use divan::Bencher;
use divan::counter::BytesCount;
use futures::executor::block_on;
use futures::stream::{self, StreamExt, TryStreamExt};
use micro_benchmarks::stored;
use tempfile::TempDir;

fn main() {
    divan::main();
}

/// How many records are fetched at once.
const AT_ONCE: usize = 6;

/// What is durable when.
#[derive(Clone, Copy)]
enum Policy {
    /// The end of each record, before it is told.
    EverySettle,
    /// So many MiB of a growing body.
    EveryMib(u64),
    /// Everything, before the background fetch ends.
    AtTheEnd,
}

use Policy::{AtTheEnd, EveryMib, EverySettle};

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EverySettle => f.write_str("every settle"),
            EveryMib(4) => f.write_str("every 4 MiB (default)"),
            EveryMib(mib) => write!(f, "every {mib} MiB"),
            AtTheEnd => f.write_str("at the end"),
        }
    }
}

impl Policy {
    fn open(self) -> (ProfileStorage, TempDir) {
        let default = Options::default();
        let options = match self {
            EverySettle => Options {
                settle_durably: true,
                ..default
            },
            EveryMib(mib) => Options {
                checkpoint_bytes: mib << 20,
                ..default
            },
            AtTheEnd => Options {
                checkpoint_bytes: u64::MAX,
                ..default
            },
        };
        let folder = tempfile::tempdir_in(Path::new(env!("CARGO_TARGET_TMPDIR"))).expect("there is a folder");
        let storage = ProfileStorage::open(folder.path(), options).expect("the profile opens");
        (storage, folder)
    }
}

/// Stores records with bodies of so many chunks, up to the settled background fetch.
fn store(bencher: Bencher<'_, '_>, policy: Policy, records: usize, chunks: usize, chunk: usize) {
    let bytes = Bytes::from(vec![7; chunk]);
    bencher
        .counter(BytesCount::new(records * chunks * chunk))
        .with_inputs(|| policy.open())
        .bench_local_refs(|(storage, _)| {
            block_on(fetch(storage, records, chunks, &bytes)).expect("the disk takes it");
        });
}

async fn fetch(
    storage: &dyn Storage,
    records: usize,
    chunks: usize,
    bytes: &Bytes,
) -> Result<(), StorageError> {
    let new = stored::new_fetch("site.example", "site.example", "f", records);
    let fetch = storage.create(&new).await?;
    let one = async |index| {
        let record = RecordKey { fetch, index };
        let body = stored::respond(storage, record, (chunks * bytes.len()) as u64).await?;
        for chunk in 0..chunks {
            let offset = (chunk * bytes.len()) as u64;
            storage.append(body, offset, bytes.clone()).await?;
        }
        stored::settle_record(storage, record).await
    };
    let all = stream::iter((0..records).map(one)).buffer_unordered(AT_ONCE);
    all.try_collect::<()>().await?;
    stored::settle(storage, fetch).await
}

#[divan::bench(args = [EverySettle, EveryMib(4), AtTheEnd], sample_count = 20, sample_size = 1)]
fn a_thousand_of_10_kib(bencher: Bencher<'_, '_>, policy: Policy) {
    store(bencher, policy, 1000, 1, 10 << 10);
}

#[divan::bench(args = [EverySettle, EveryMib(4), AtTheEnd], sample_count = 20, sample_size = 1)]
fn a_hundred_of_1_mib(bencher: Bencher<'_, '_>, policy: Policy) {
    store(bencher, policy, 100, 16, 64 << 10);
}

#[divan::bench(args = [EveryMib(1), EveryMib(4), EveryMib(64), AtTheEnd], sample_count = 10, sample_size = 1)]
fn one_of_256_mib(bencher: Bencher<'_, '_>, policy: Policy) {
    store(bencher, policy, 1, 4096, 64 << 10);
}
