//! A whole profile that something damaged: opening it, loading, reading every body, and a component that goes on with it
//! give a sentence or right data, never a panic, a hang, or bytes of something else.
//!
//! The profile is real: made once, as a crash or a good end leaves it, and copied for each input. A flipped byte of a
//! body is not to be told from a right one; so the bytes of bodies are compared where the damage is what disks and
//! crashes do: files that are short or missing, and a write-ahead log of any content.
#![no_main]

mod blocking;
mod damage;
mod original;

use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use arbitrary::Arbitrary;
use background_fetch::embedder::{
    BodyKey, Clock, FunctionalEventName, Policies, Storage, StorageError, StoredFetch,
};
use background_fetch::{Engine, FetchKey, RecordKey, ResponseResult};
use background_fetch_sim::{Resource, World};
use background_fetch_storage::ProfileStorage;
use futures::executor::block_on;
use libfuzzer_sys::fuzz_target;

use blocking::Blocking;
use damage::Damage;

#[derive(Arbitrary, Debug)]
struct Input {
    /// The schedule of the component.
    seed: u8,
    /// Whether the profile was closed in good order.
    closed: bool,
    /// Whether the machine was restarted since.
    restarted: bool,
    damages: Vec<Damage>,
}

fuzz_target!(|input: Input| {
    let folder = tempfile::tempdir_in(scratch()).expect("a folder");
    let path = folder.path().join("profile");
    original::copy(input.closed, &path);
    for damage in input.damages.iter().take(8) {
        damage.strike(&path);
    }
    let is_fair = input.damages.iter().take(8).all(Damage::is_fair);
    let open = || ProfileStorage::open(&path, original::options(input.restarted));
    let storage = match open() {
        Ok(storage) => Arc::new(storage),
        Err(error) => return is_sentence(&error),
    };
    match block_on(storage.load()) {
        Ok(fetches) => read_all(&*storage, &fetches, is_fair),
        Err(error) => is_sentence(&error),
    }
    go_on(input.seed, &storage, is_fair);
    drop(storage);
    // What it left can be opened again, or was damaged before.
    if let Err(error) = open() {
        assert!(!is_fair, "{error}");
        is_sentence(&error);
    }
});

/// Where files are made: in memory, where the system has such a folder.
fn scratch() -> std::path::PathBuf {
    let in_memory = Path::new("/dev/shm");
    if in_memory.is_dir() {
        in_memory.to_owned()
    } else {
        std::env::temp_dir()
    }
}

fn is_sentence(error: &StorageError) {
    assert!(
        error.message.len() > 10 && error.message.contains(' '),
        "{error:?}"
    );
}

fn read_all(storage: &dyn Storage, fetches: &[StoredFetch], is_fair: bool) {
    for fetch in fetches {
        for (index, stored) in fetch.records.iter().enumerate() {
            let record = RecordKey {
                fetch: fetch.key,
                index,
            };
            let response = BodyKey::Response {
                record,
                generation: stored.state.generation,
            };
            let name = stored.request.url.path();
            let body = read(storage, response);
            if is_fair && let Ok(body) = body {
                assert!(original::response(name).starts_with(&body), "{name}: other bytes");
                let succeeded = stored.state.settlement.as_ref();
                let succeeded = succeeded.is_some_and(|end| end.result == ResponseResult::Success);
                assert!(
                    !succeeded || body == original::response(name),
                    "{name}: a success is cut short"
                );
            }
            let sent = read(storage, BodyKey::Request(record));
            if is_fair && let Ok(sent) = sent {
                assert_eq!(sent, original::request(name), "{name}");
            }
        }
    }
}

/// The bytes of a body, from its first to its last.
fn read(storage: &dyn Storage, body: BodyKey) -> Result<Vec<u8>, StorageError> {
    const MOST: usize = 1 << 20;
    let mut all = Vec::new();
    loop {
        let part = block_on(storage.read(body, all.len() as u64, 1000));
        let part = part.inspect_err(is_sentence)?;
        assert!(part.len() <= 1000);
        if part.is_empty() || all.len() > MOST {
            return Ok(all);
        }
        all.extend_from_slice(&part);
    }
}

/// A component goes on with the profile until everything is over, or an hour went by.
fn go_on(seed: u8, storage: &Arc<ProfileStorage>, is_fair: bool) {
    let storage = Arc::new(Blocking(Arc::clone(storage)));
    let world = World::new(u64::from(seed), storage.clone());
    world.service_workers.register(original::SITE);
    for name in original::NAMES {
        let resource = Resource::bytes(original::response(name)).etag("v1").chunks(700);
        world.network.serve(original::url(name), resource);
    }
    let delivered = Rc::new(std::cell::RefCell::new(BTreeSet::new()));
    let events = Rc::clone(&delivered);
    world
        .service_workers
        .handle_locally(&world.executor, move |event| {
            if event.name != FunctionalEventName::Click {
                let first = events.borrow_mut().insert((event.fetch, event.name.as_str()));
                assert!(first, "{event:?} twice");
            }
            let fetches = block_on(storage.load());
            if let Ok(fetches) = fetches {
                read_all(&*storage, &fetches, is_fair);
            }
            async {}
        });
    let left: Vec<FetchKey> = world.run(async {
        let opened = Engine::open(world.embedder(), Policies::default()).await;
        let engine = match opened {
            Ok(engine) => engine,
            Err(error) => {
                is_sentence(&error);
                return Vec::new();
            }
        };
        engine.start();
        for fetch in engine.inspect() {
            let _ = engine.resume(fetch.key).await;
        }
        let mut seconds = 0;
        while seconds < 3600 && engine.inspect().iter().any(|fetch| fetch.records_available) {
            world.clock.sleep(Duration::from_secs(60)).await;
            seconds += 60;
        }
        let inspected = engine.inspect();
        let _ = engine.shutdown().await;
        let left = inspected.iter().filter(|fetch| fetch.records_available);
        left.map(|fetch| fetch.key).collect()
    });
    assert!(!is_fair || left.is_empty(), "{left:?} do not end");
}
