//! A whole profile that something damaged: opening it, loading, reading every body, and a component that goes on with it
//! give a sentence or right data, never a panic, a hang, or bytes of something else.
//!
//! The profile is real: made once, as a crash or a good end leaves it, and copied for each input. The database has
//! checksums of the bytes it vouches for, so that a wrong one of them is always found ([`Right`]): whatever happens to the
//! files of bodies. What else may be wrong is what nothing can find out: the database itself, or what a kill left in a file
//! behind that, which is taken for what it should be until the machine is restarted.
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

/// Which bytes of bodies must be right, where any can be read.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Right {
    /// All; and a success has all that were stored of it.
    Whole,
    /// All, as far as they go.
    Prefix,
    /// Those that the database vouched for.
    Vouched,
    /// Nothing is known.
    None,
}

impl Input {
    fn damages(&self) -> impl Iterator<Item = &Damage> {
        self.damages.iter().take(8)
    }

    /// Which bytes must be right before anything goes on.
    fn right(&self) -> Right {
        let mut unfair = self.damages().filter(|damage| !damage.is_fair());
        let first = unfair.next();
        let Some(first) = first else {
            return Right::Whole;
        };
        if self.is_of_database() {
            // One byte of the database is not both a body's and what says that it is another's.
            let one_byte = first.is_flip() && unfair.next().is_none() && first.is_of_database();
            return if one_byte { Right::Prefix } else { Right::None };
        }
        match (self.restarted, self.damages().any(Damage::is_of_database)) {
            // Only what the database vouches for is kept.
            (true, _) => Right::Whole,
            (false, false) => Right::Vouched,
            // An older state of the database vouches for less.
            (false, true) => Right::None,
        }
    }

    /// Whether the database may say something else than it did.
    fn is_of_database(&self) -> bool {
        self.damages()
            .any(|damage| !damage.is_fair() && damage.is_of_database())
    }
}

fuzz_target!(|input: Input| {
    let folder = tempfile::tempdir_in(scratch()).expect("a folder");
    let path = folder.path().join("profile");
    let bodies = original::copy(input.closed, &path);
    for damage in input.damages() {
        damage.strike(&path, &bodies);
    }
    let is_fair = input.damages().all(Damage::is_fair);
    let right = input.right();
    let open = || ProfileStorage::open(&path, original::options(input.restarted));
    let storage = match open() {
        Ok(storage) => Arc::new(storage),
        Err(error) => return is_sentence(&error),
    };
    match block_on(storage.load()) {
        Ok(fetches) => read_all(&*storage, &fetches, right),
        Err(error) => is_sentence(&error),
    }
    // What goes on follows the database: it may fetch something else.
    let right = if input.is_of_database() {
        Right::None
    } else {
        right
    };
    go_on(input.seed, &storage, is_fair, right);
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

fn read_all(storage: &dyn Storage, fetches: &[StoredFetch], right: Right) {
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
            let body = read(storage, response);
            let sent = read(storage, BodyKey::Request(record));
            // A key that the damage made up has checksums of its own: none of its bodies fits.
            let name = original::name(record).unwrap_or_default();
            if let Ok(body) = body {
                let whole = original::response(name);
                match right {
                    Right::Whole | Right::Prefix => {
                        assert!(whole.starts_with(&body), "{name}: other bytes");
                    }
                    Right::Vouched => {
                        let vouched = original::vouched(name);
                        let known = vouched.len().min(body.len());
                        assert!(body[..known] == vouched[..known], "{name}: other bytes");
                    }
                    Right::None => {}
                }
                let succeeded = stored.state.settlement.as_ref();
                let succeeded = succeeded.is_some_and(|end| end.result == ResponseResult::Success);
                assert!(
                    right != Right::Whole || !succeeded || body == whole,
                    "{name}: a success is cut short"
                );
            }
            if let Ok(sent) = sent {
                let all = original::request(name);
                match right {
                    Right::Whole | Right::Vouched => assert_eq!(sent, all, "{name}"),
                    Right::Prefix => assert!(all.starts_with(&sent), "{name}: other bytes"),
                    Right::None => {}
                }
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
fn go_on(seed: u8, storage: &Arc<ProfileStorage>, is_fair: bool, right: Right) {
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
                read_all(&*storage, &fetches, right);
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
