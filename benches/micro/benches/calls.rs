//! What a page calls: `fetch()`, `get()`, `getIds()`, `match()`, `matchAll()`.

use background_fetch::BackgroundFetchOptions;
use background_fetch::embedder::{Limits, Policies};
use background_fetch_storage::MemoryStorage;
use divan::Bencher;
use micro_benchmarks::World;
use micro_benchmarks::world::{url, urls};
use std::sync::Arc;

fn main() {
    divan::main();
}

/// Up to its promise.
#[divan::bench(args = [1, 100, 10_000], sample_count = 30, sample_size = 1)]
fn fetch(bencher: Bencher<'_, '_>, requests: usize) {
    bencher
        .with_inputs(|| (World::default(), urls(requests)))
        .bench_local_values(|(world, urls)| {
            let promise = world
                .manager()
                .fetch("f", urls, BackgroundFetchOptions::default());
            let registration = world.run(promise).expect("it starts");
            (world, registration)
        });
}

/// A page with so many active background fetches.
fn world_with(fetches: usize) -> World {
    let limits = Limits {
        active_per_storage_key: fetches,
        ..Limits::default()
    };
    let policies = Policies {
        limits,
        ..Policies::default()
    };
    let world = World::new(Arc::new(MemoryStorage::new(1 << 40)), policies);
    for number in 0..fetches {
        world.fetch_files(&format!("fetch-{number}"), 1);
    }
    world
}

#[divan::bench(args = [1, 100, 1_000])]
fn get(bencher: Bencher<'_, '_>, active: usize) {
    let world = world_with(active);
    let id = format!("fetch-{}", active / 2);
    bencher.bench_local(|| world.run(world.manager().get(id.as_str())).expect("it answers"));
}

#[divan::bench(args = [1, 100, 1_000])]
fn get_ids(bencher: Bencher<'_, '_>, active: usize) {
    let world = world_with(active);
    bencher.bench_local(|| world.run(world.manager().get_ids()).expect("it answers"));
}

#[divan::bench(args = [100, 10_000, 100_000])]
fn match_one(bencher: Bencher<'_, '_>, records: usize) {
    let world = World::default();
    let registration = world.fetch_files("f", records);
    let found = || {
        let promise = registration.r#match(url(records / 2), Default::default());
        world.run(promise).expect("it answers").expect("it is found")
    };
    found();
    bencher.bench_local(found);
}

#[divan::bench(args = [100, 10_000, 100_000], sample_count = 20, sample_size = 1)]
fn match_all(bencher: Bencher<'_, '_>, records: usize) {
    let world = World::default();
    let registration = world.fetch_files("f", records);
    bencher.bench_local(|| {
        let found = world.run(registration.match_all(None, Default::default()));
        assert_eq!(found.as_ref().map(Vec::len), Ok(records));
        found
    });
}
