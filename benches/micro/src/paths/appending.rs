//! What an append to the storage of a profile costs its caller.

use background_fetch::RecordKey;
use background_fetch::embedder::{BodyKey, Storage};
use background_fetch_storage::{Options, ProfileStorage};
use bytes::Bytes;
use futures::executor::block_on;

use super::{HotPath, counted};
use crate::stored::{new_fetch, respond};

pub(super) const APPEND_FILE: HotPath = HotPath {
    name: "append-file",
    what: "appending a chunk to a body in a file of a profile",
    times: 1_000,
    run: append_file,
};

pub(super) const APPEND_SMALL: HotPath = HotPath {
    name: "append-small",
    what: "appending a chunk to a small body of a profile",
    times: 256,
    run: append_small,
};

const CHUNK: Bytes = Bytes::from_static(&[7; 64]);

fn append_file(times: u64) {
    // Longer than what stays in memory: it moves to a file, for which it waits.
    let begin = Bytes::from(vec![1; Options::default().inline_bytes + 1]);
    append(begin, times);
}

fn append_small(times: u64) {
    append(Bytes::from_static(b"begin"), times);
}

fn append(begin: Bytes, times: u64) {
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let storage = ProfileStorage::open(folder.path(), Options::default()).expect("the profile opens");
    let new = new_fetch("site.example", "site.example", "f", 1);
    let fetch = block_on(storage.create(&new)).expect("it is created");
    let record = RecordKey { fetch, index: 0 };
    let body = block_on(respond(&storage, record, 1 << 40)).expect("it has a response");
    let append = |body: BodyKey, offset: u64, bytes: Bytes| {
        block_on(storage.append(body, offset, bytes)).expect("the disk takes it");
    };
    let mut offset = begin.len() as u64;
    append(body, 0, begin);
    // The storage's thread has nothing to do from here on.
    block_on(storage.flush()).expect("the storage flushes");
    counted(&mut || {
        for _ in 0..times {
            append(body, offset, CHUNK);
            offset += CHUNK.len() as u64;
        }
    });
}
