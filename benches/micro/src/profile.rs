//! Many bodies that grow at once: in a profile, and as raw files with the same promise of durability.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use background_fetch::RecordKey;
use background_fetch::embedder::Storage;
use background_fetch_storage::{Options, ProfileStorage};
use bytes::Bytes;
use futures::executor::block_on;

use crate::stored;

/// What is written.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// The bodies that grow at once.
    pub bodies: usize,
    /// The bytes of each.
    pub length: u64,
    /// The bytes that are appended at once.
    pub chunk: usize,
    /// Whether each body has a thread of its own; otherwise one thread appends to them by turns.
    pub threads: bool,
}

impl Load {
    fn chunks(self) -> u64 {
        self.length / self.chunk as u64
    }

    fn bytes(self) -> Bytes {
        // Not all the same: a file system may be clever.
        let bytes = (0..self.chunk).map(|index| ((index * 31) >> 3) as u8);
        bytes.collect()
    }

    /// Appends every chunk of every body, with `append(body, offset)`.
    fn each_chunk(self, append: impl Fn(usize, u64) + Sync) {
        let offset = |chunk: u64| chunk * self.chunk as u64;
        if self.threads {
            std::thread::scope(|scope| {
                for body in 0..self.bodies {
                    let append = &append;
                    scope.spawn(move || (0..self.chunks()).for_each(|chunk| append(body, offset(chunk))));
                }
            });
        } else {
            for chunk in 0..self.chunks() {
                (0..self.bodies).for_each(|body| append(body, offset(chunk)));
            }
        }
    }
}

/// How long the responses of a background fetch take in a profile in `folder`, until it is durably settled.
///
/// # Panics
///
/// When the storage fails.
pub fn append_to_profile(folder: &Path, load: Load) -> Duration {
    let storage = ProfileStorage::open(folder, Options::default()).expect("the profile opens");
    let new = stored::new_fetch("site.example", "site.example", "f", load.bodies);
    let fetch = block_on(storage.create(&new)).expect("it is created");
    let bodies: Vec<_> = (0..load.bodies)
        .map(|index| block_on(stored::respond(&storage, RecordKey { fetch, index }, load.length)))
        .collect::<Result<_, _>>()
        .expect("the responses are set");
    block_on(storage.flush()).expect("the storage flushes");
    let bytes = load.bytes();
    let begun = Instant::now();
    load.each_chunk(|body, offset| {
        block_on(storage.append(bodies[body], offset, bytes.clone())).expect("the disk takes it");
    });
    for index in 0..load.bodies {
        block_on(stored::settle_record(&storage, RecordKey { fetch, index })).expect("it is settled");
    }
    block_on(stored::settle(&storage, fetch)).expect("it is settled");
    begun.elapsed()
}

/// How long the same bytes take in raw files in `folder`, with a sync of a file's data after as many bytes as the
/// profile has one, and at its end.
///
/// # Errors
///
/// The file system's.
pub fn append_to_raw_files(folder: &Path, load: Load) -> io::Result<Duration> {
    let files: Vec<_> = (0..load.bodies)
        .map(|body| File::create(folder.join(body.to_string())))
        .collect::<io::Result<_>>()?;
    let checkpoint = Options::default().checkpoint_bytes;
    let bytes = load.bytes();
    let begun = Instant::now();
    load.each_chunk(|body, offset| {
        let end = offset + bytes.len() as u64;
        let mut file = &files[body];
        file.write_all(&bytes).expect("the disk takes it");
        if offset / checkpoint != end / checkpoint || end == load.length {
            file.sync_data().expect("the disk takes it");
        }
    });
    File::open(folder)?.sync_all()?;
    Ok(begun.elapsed())
}
