//! [`Packs`]: where one transaction stores many small bodies, they go into files of many, written and made durable at
//! once and never changed: a file for each background fetch, so that it goes with it.

use std::collections::{BTreeMap, HashMap};

use background_fetch::FetchKey;

use super::operation::Operation;
use super::state::Shared;

/// Where a body begins: in which file, after how many bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct PackPlace {
    /// Its number: that of a body in it that never has a file of its own.
    pub(super) pack: u64,
    pub(super) offset: u64,
}

/// A body in a pack.
#[derive(Clone, Debug)]
pub(super) struct Packed {
    pub(super) place: PackPlace,
    pub(super) length: u64,
    pub(super) sums: Option<Vec<u8>>,
}

/// A pack that is being put together.
#[derive(Debug, Default)]
pub(super) struct Pack {
    bytes: Vec<u8>,
    bodies: Vec<(u64, Packed)>,
}

impl Pack {
    pub(super) fn add(&mut self, body: u64, bytes: &[u8], sums: Option<Vec<u8>>) {
        let place = PackPlace {
            pack: self.bodies.first().map_or(body, |(first, _)| *first),
            offset: self.bytes.len() as u64,
        };
        let length = bytes.len() as u64;
        self.bytes.extend_from_slice(bytes);
        self.bodies.push((body, Packed { place, length, sums }));
    }
}

/// The packs of one transaction.
#[derive(Debug, Default)]
pub(super) struct Packs {
    bodies: HashMap<u64, Packed>,
    /// Their files, and whether one of their bodies is stored.
    files: BTreeMap<u64, bool>,
}

impl Packs {
    /// Writes the packs of what these operations store, durably but for their names. What cannot be written there goes
    /// where other bodies go.
    pub(super) fn write<'a>(shared: &Shared, operations: impl Iterator<Item = &'a Operation>) -> Self {
        let mut packs = BTreeMap::<FetchKey, Pack>::new();
        for operation in operations {
            match operation {
                Operation::Create { key, bodies, .. } => {
                    let pack = packs.entry(*key).or_default();
                    bodies.iter().for_each(|(_, _, body)| body.pack(pack));
                }
                Operation::Settle { record, body, .. } => {
                    let pack = packs.entry(record.fetch).or_default();
                    body.iter().for_each(|body| body.pack(pack));
                }
                _ => {}
            }
        }
        let mut written = Self::default();
        for pack in packs.into_values() {
            written.write_one(shared, pack);
        }
        written
    }

    fn write_one(&mut self, shared: &Shared, pack: Pack) {
        let Some((file, _)) = pack.bodies.first() else {
            return;
        };
        let file = *file;
        if pack.bodies.len() < 2 || (pack.bytes.len() as u64) < shared.options.pack_bytes {
            return;
        }
        if shared.files.create(file, &pack.bytes).is_err() {
            return;
        }
        if shared.files.sync(file).is_err() {
            shared.files.remove(file);
            return;
        }
        shared.files.is_whole(file);
        self.files.insert(file, false);
        self.bodies.extend(pack.bodies);
    }

    pub(super) fn get(&self, body: u64) -> Option<&Packed> {
        self.bodies.get(&body)
    }

    /// The database knows that the body is there.
    pub(super) fn use_one(&mut self, place: PackPlace) {
        self.files.insert(place.pack, true);
    }

    /// Removes the files that are of no use.
    pub(super) fn remove_unused(self, shared: &Shared) {
        for (file, _) in self.files.into_iter().filter(|(_, is_used)| !is_used) {
            shared.files.remove(file);
        }
    }
}
