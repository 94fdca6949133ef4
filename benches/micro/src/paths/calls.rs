//! What pages call, and what a start does.

use std::hint::black_box;
use std::sync::Arc;

use background_fetch::embedder::Policies;
use background_fetch_storage::MemoryStorage;
use futures::executor::block_on;

use super::{HotPath, counted};
use crate::World;
use crate::start::Owners;
use crate::stored::create_all;
use crate::world::{url, urls};

pub(super) const FETCH: HotPath = HotPath {
    name: "fetch-100",
    what: "fetch() of 100 requests, up to its promise",
    times: 1,
    run: fetch,
};

pub(super) const MATCH_FEW: HotPath = HotPath {
    name: "match-100",
    what: "match() of a URL among 100 records",
    times: 100,
    run: match_few,
};

pub(super) const MATCH: HotPath = HotPath {
    name: "match-10000",
    what: "match() of a URL among 10,000 records",
    times: 100,
    run: match_one,
};

pub(super) const FIRST_MATCH: HotPath = HotPath {
    name: "first-match-10000",
    what: "the first match() among 10,000 records",
    times: 1,
    run: first_match,
};

pub(super) const MATCH_ALL: HotPath = HotPath {
    name: "match-all-1000",
    what: "matchAll() of 1,000 records",
    times: 10,
    run: match_all,
};

pub(super) const GET: HotPath = HotPath {
    name: "get",
    what: "get() of an active background fetch, and getIds()",
    times: 100,
    run: get,
};

pub(super) const START: HotPath = HotPath {
    name: "start-200",
    what: "a start with 200 unfinished background fetches of 10 records, one server",
    times: 1,
    run: start,
};

fn fetch(_: u64) {
    let world = World::default();
    let mut urls = Some(urls(100));
    let mut registration = None;
    counted(&mut || registration = urls.take().map(|urls| world.fetch("f", urls)));
}

/// Matches the URLs of records from all over the background fetch.
fn match_some(records: usize, first: bool, times: u64) {
    let world = World::default();
    let registration = world.fetch_files("f", records);
    let look = |index: usize| {
        let found = world.run(registration.r#match(url(index), Default::default()));
        assert!(black_box(found.expect("the records are available")).is_some());
    };
    if !first {
        look(0);
    }
    let step = records / times as usize;
    counted(&mut || (0..records).step_by(step).for_each(look));
}

fn match_few(times: u64) {
    match_some(100, false, times);
}

fn match_one(times: u64) {
    match_some(10_000, false, times);
}

fn first_match(times: u64) {
    match_some(10_000, true, times);
}

fn match_all(times: u64) {
    const RECORDS: usize = 1_000;
    let world = World::default();
    let registration = world.fetch_files("f", RECORDS);
    counted(&mut || {
        for _ in 0..times {
            let found = world.run(registration.match_all(None, Default::default()));
            assert_eq!(black_box(found).map(|records| records.len()), Ok(RECORDS));
        }
    });
}

fn get(times: u64) {
    let world = World::default();
    let _registration = world.fetch_files("f", 1);
    counted(&mut || {
        for _ in 0..times {
            let found = world.run(world.manager().get("f")).expect("it answers");
            assert!(black_box(found).is_some());
            let ids = world.run(world.manager().get_ids()).expect("it answers");
            assert_eq!(black_box(ids).len(), 1);
        }
    });
}

fn start(_: u64) {
    let storage = MemoryStorage::new(1 << 40);
    let fetches = Owners::OneHost.fetches(200, 10);
    block_on(create_all(&storage, &fetches)).expect("they are created");
    let mut world = None;
    counted(&mut || world = Some(World::new(Arc::new(storage.clone()), Policies::default())));
}
