//! [`Body`]: where the bytes of one body are, and how long it is. Small ones wait in memory and end up in the
//! database or in a file with others; what grows beyond that moves into a file of its own.

use std::sync::atomic::Ordering;

use background_fetch::embedder::{BodyKey, StorageError};
use background_fetch::fetch::StorageKey;
use bytes::Bytes;
use parking_lot::Mutex;

use super::options::Result;
use super::packs::{Pack, PackPlace, Packed};
use super::state::Shared;
use super::sums::{CHUNK, Sums};
use super::trouble;
use crate::error;
use crate::memory::slice;

/// What is wrong with bytes that their checksums do not fit.
const OTHER_BYTES: &str = "has other bytes than were stored";

/// How many checkpoints the disk may be behind before appending waits for it.
const FARTHEST_BEHIND: u64 = 4;

/// The most that one read gives, in bytes, however much it is asked for.
const LARGEST_READ: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct Body {
    /// Its row in the database and the name of its file; never used again.
    pub(super) id: u64,
    /// Whom its bytes count for.
    pub(super) storage_key: StorageKey,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    length: u64,
    /// How much of it the database vouches for.
    committed: u64,
    place: Place,
    /// A file was made for it. Where the transaction of its row failed it is kept: a crash may bring that row back.
    file_made: bool,
    /// Its checksums, which may lag behind where it was found longer than they are; none where it was stored before
    /// there were any.
    sums: Option<Sums>,
    /// Of a body that was found: which of its chunks were looked at.
    checked: Vec<bool>,
    /// It takes no more bytes.
    settled: bool,
    /// How many times the writer was asked to move it to a file and has not answered: meanwhile it stays as it is.
    moving: usize,
    /// A checkpoint is on its way to the writer.
    checkpoint_queued: bool,
    /// It was replaced or removed.
    gone: bool,
    /// Its bytes cannot be relied on.
    trouble: Option<StorageError>,
}

#[derive(Debug)]
pub(super) enum Place {
    /// In memory; the database may have a beginning of it.
    Buffer(Vec<u8>),
    /// In the database, all of it.
    Blob,
    /// In its file.
    File,
    /// In a file with others, all of it.
    Packed(PackPlace),
}

/// What an append needs or leads to.
pub(super) enum Appended {
    Done,
    /// Done, and so much was appended since the last checkpoint that the writer is to be asked for another.
    CheckpointDue,
    /// Nothing is done: the disk is so far behind that a checkpoint is to be waited for first.
    NeedsCheckpoint,
    /// Nothing is done: the writer must move the body to a file first, and is to be asked.
    NeedsFile,
}

/// What the writer stores of a body.
pub(super) enum Stored {
    /// Its bytes and their checksums.
    Blob(Vec<u8>, Option<Vec<u8>>),
    /// The same in a pack.
    Packed(Packed),
    File,
    /// The database has all of it.
    Already,
}

impl Body {
    /// A body without bytes.
    pub(super) fn new(id: u64, storage_key: StorageKey, seed: u32) -> Self {
        let (place, sums) = (Place::Buffer(Vec::new()), Some(Sums::new(seed)));
        Self::with(id, storage_key, 0, 0, place, sums, None)
    }

    /// A body as it was found when the profile was opened.
    pub(super) fn found(
        id: u64,
        storage_key: StorageKey,
        place: Place,
        length: u64,
        committed: u64,
        sums: Option<Sums>,
        trouble: Option<StorageError>,
    ) -> Self {
        let mut body = Self::with(id, storage_key, length, committed, place, sums, trouble);
        let inner = body.inner.get_mut();
        let summed = inner.sums.as_ref().map_or(0, Sums::length);
        inner.checked = vec![false; usize::try_from(summed.div_ceil(CHUNK)).unwrap_or(0)];
        body
    }

    fn with(
        id: u64,
        storage_key: StorageKey,
        length: u64,
        committed: u64,
        place: Place,
        sums: Option<Sums>,
        trouble: Option<StorageError>,
    ) -> Self {
        let inner = Mutex::new(Inner {
            length,
            committed,
            place,
            file_made: false,
            sums,
            checked: Vec::new(),
            settled: false,
            moving: 0,
            checkpoint_queued: false,
            gone: false,
            trouble,
        });
        Self {
            id,
            storage_key,
            inner,
        }
    }

    pub(super) fn length(&self) -> u64 {
        self.inner.lock().length
    }

    /// Its length, and the checksums of so many bytes.
    pub(super) fn length_and_sums(&self, shared: &Shared) -> Result<(u64, Option<Vec<u8>>)> {
        let mut inner = self.inner.lock();
        let length = inner.length;
        self.catch_up(shared, &mut inner, length)?;
        Ok((inner.length, inner.sums.as_ref().map(Sums::encode)))
    }

    /// Whether there are bytes that the database does not vouch for.
    pub(super) fn is_dirty(&self) -> bool {
        let inner = self.inner.lock();
        inner.length != inner.committed && !inner.gone
    }

    /// Whether its bytes can no longer be relied on.
    pub(super) fn is_in_trouble(&self) -> bool {
        self.inner.lock().trouble.is_some()
    }

    pub(super) fn is_in_file(&self) -> bool {
        matches!(self.inner.lock().place, Place::File)
    }

    /// The files it is in or may have, of use or not.
    pub(super) fn files(&self) -> impl Iterator<Item = u64> {
        let inner = self.inner.lock();
        let (own, pack) = match inner.place {
            Place::File => (true, None),
            Place::Packed(place) => (inner.file_made, Some(place.pack)),
            Place::Buffer(_) | Place::Blob => (inner.file_made, None),
        };
        own.then_some(self.id).into_iter().chain(pack)
    }

    pub(super) fn set_settled(&self, settled: bool) {
        self.inner.lock().settled = settled;
    }

    /// Appends to the body called `name`.
    pub(super) fn append(
        &self,
        shared: &Shared,
        name: BodyKey,
        offset: u64,
        bytes: &[u8],
    ) -> Result<Appended> {
        let mut guard = self.inner.lock();
        let inner = &mut *guard;
        inner.check(name)?;
        if inner.settled
            && let BodyKey::Response { record, .. } = name
        {
            return Err(error::settled(record));
        }
        if offset != inner.length {
            return Err(error::wrong_offset(name, offset, inner.length));
        }
        if bytes.is_empty() {
            return Ok(Appended::Done);
        }
        let more = bytes.len() as u64;
        let length = inner.length.saturating_add(more);
        if i64::try_from(length).is_err() {
            return Err(trouble::too_large("a body's length", length));
        }
        if let Place::Blob | Place::Packed(_) = inner.place {
            // What a restart found: it goes on in memory.
            let stored = self.read_whole(shared, name, inner)?;
            shared.buffered.fetch_add(inner.length, Ordering::Relaxed);
            inner.place = Place::Buffer(stored);
        }
        let checkpoint = shared.options.checkpoint_bytes.max(1);
        let uncommitted = inner.length.saturating_sub(inner.committed);
        let in_file = matches!(inner.place, Place::File);
        if in_file && uncommitted >= checkpoint.saturating_mul(FARTHEST_BEHIND) {
            return Ok(Appended::NeedsCheckpoint);
        }
        self.catch_up(shared, inner, length)?;
        shared.usage.reserve(&self.storage_key, more)?;
        match &mut inner.place {
            Place::Buffer(buffer) => {
                let full = length > shared.options.inline_limit() as u64
                    || shared.buffered.load(Ordering::Relaxed) > shared.options.buffer_bytes;
                if full || inner.moving > 0 {
                    shared.usage.release(&self.storage_key, more);
                    inner.moving += 1;
                    return Ok(Appended::NeedsFile);
                }
                buffer.extend_from_slice(bytes);
                shared.buffered.fetch_add(more, Ordering::Relaxed);
            }
            Place::File | Place::Blob | Place::Packed(_) => shared
                .files
                .append(self.id, offset, bytes)
                .inspect_err(|_| shared.usage.release(&self.storage_key, more))?,
        }
        inner.length = length;
        if let Some(sums) = &mut inner.sums {
            sums.extend(bytes);
        }
        if in_file && uncommitted.saturating_add(more) >= checkpoint && !inner.checkpoint_queued {
            inner.checkpoint_queued = true;
            return Ok(Appended::CheckpointDue);
        }
        Ok(Appended::Done)
    }

    /// Reads from the body called `name`.
    pub(super) fn read(&self, shared: &Shared, name: BodyKey, offset: u64, max: usize) -> Result<Bytes> {
        let mut inner = self.inner.lock();
        inner.check(name)?;
        let length = inner.length;
        let Some(left) = length.checked_sub(offset).filter(|left| *left > 0 && max > 0) else {
            return Ok(Bytes::new());
        };
        let wanted = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(max)
            .min(LARGEST_READ);
        match &inner.place {
            Place::Buffer(buffer) => return Ok(slice(buffer, offset, wanted)),
            Place::Blob => return Ok(self.read_blob(shared, name, offset, wanted, &mut inner)?.into()),
            Place::File | Place::Packed(_) => {}
        }
        self.check_file(shared, &error::body_name(name), &mut inner, offset, wanted as u64)?;
        // A file stays where it is, so that appending may go on meanwhile.
        let place = self.place_in_file(&inner);
        drop(inner);
        Self::read_file(shared, place, &error::body_name(name), offset, wanted)
            .map(Bytes::from)
            .or_else(|error| {
                // Where it was removed meanwhile, that is the news.
                self.inner.lock().check(name)?;
                Err(error)
            })
    }

    /// Its file, or the one it is in with others, and where it begins there.
    fn place_in_file(&self, inner: &Inner) -> PackPlace {
        match inner.place {
            Place::Packed(place) => place,
            Place::Buffer(_) | Place::Blob | Place::File => PackPlace {
                pack: self.id,
                offset: 0,
            },
        }
    }

    fn read_file(
        shared: &Shared,
        place: PackPlace,
        name: &str,
        offset: u64,
        wanted: usize,
    ) -> Result<Vec<u8>> {
        let path = shared.files.path(place.pack);
        let damaged = |how| trouble::damaged_body(name, &path, how);
        match shared
            .files
            .read(place.pack, place.offset.saturating_add(offset), wanted)
        {
            Ok(bytes) if bytes.len() == wanted => Ok(bytes),
            Ok(_) => Err(damaged("is too short")),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(damaged("is missing")),
            Err(error) => Err(trouble::io("read the body file", &path, &error)),
        }
    }

    /// Looks at the chunks of a file that was found in which these bytes are, each once.
    fn check_file(
        &self,
        shared: &Shared,
        name: &str,
        inner: &mut Inner,
        offset: u64,
        wanted: u64,
    ) -> Result<()> {
        let Some(sums) = &inner.sums else {
            return Ok(());
        };
        let end = offset.saturating_add(wanted).div_ceil(CHUNK);
        let place = self.place_in_file(inner);
        for chunk in offset / CHUNK..end.min(inner.checked.len() as u64) {
            let checked = &mut inner.checked[chunk as usize];
            if *checked {
                continue;
            }
            let start = chunk * CHUNK;
            let length = CHUNK.min(sums.length().saturating_sub(start));
            let bytes = Self::read_file(shared, place, name, start, length as usize)?;
            if !sums.fit(chunk, &bytes) {
                let path = shared.files.path(place.pack);
                let trouble = trouble::damaged_body(name, &path, OTHER_BYTES);
                inner.trouble = Some(trouble.clone());
                return Err(trouble);
            }
            *checked = true;
        }
        Ok(())
    }

    /// Looks at every byte that was not looked at since the profile was opened.
    pub(super) fn check_all(&self, shared: &Shared, name: BodyKey) -> Result<()> {
        let mut inner = self.inner.lock();
        match inner.place {
            Place::File | Place::Packed(_) => {
                self.check_file(shared, &error::body_name(name), &mut inner, 0, u64::MAX)
            }
            Place::Blob | Place::Buffer(_) => Ok(()),
        }
    }

    /// Takes into the checksums what a kill left in the file behind them, before they are those of `length` bytes.
    fn catch_up(&self, shared: &Shared, inner: &mut Inner, length: u64) -> Result<()> {
        let summed = inner.sums.as_ref().map(Sums::length);
        let Some(mut at) = summed.filter(|at| *at < length && matches!(inner.place, Place::File)) else {
            return Ok(());
        };
        let name = format!("body {}", self.id);
        // What follows in the last chunk would hide what is wrong with it.
        self.check_file(shared, &name, inner, at.saturating_sub(1), 1)?;
        while at < inner.length {
            let wanted = (inner.length - at).min(CHUNK);
            let bytes = Self::read_file(shared, self.place_in_file(inner), &name, at, wanted as usize)?;
            if let Some(sums) = &mut inner.sums {
                sums.extend(&bytes);
            }
            at += wanted;
        }
        Ok(())
    }

    /// Reads all of a body that the database has or that is in a file with others.
    fn read_whole(&self, shared: &Shared, name: BodyKey, inner: &mut Inner) -> Result<Vec<u8>> {
        let Place::Packed(place) = inner.place else {
            return self.read_blob(shared, name, 0, usize::MAX, inner);
        };
        let (length, name) = (inner.length, error::body_name(name));
        self.check_file(shared, &name, inner, 0, length)?;
        let wanted = usize::try_from(length).unwrap_or(usize::MAX);
        Self::read_file(shared, place, &name, 0, wanted)
    }

    /// Reads up to `max` bytes of a blob, which must be all of the body.
    fn read_blob(
        &self,
        shared: &Shared,
        name: BodyKey,
        offset: u64,
        max: usize,
        inner: &mut Inner,
    ) -> Result<Vec<u8>> {
        let length = inner.length;
        let path = &shared.database;
        let data: Option<Vec<u8>> = shared.query(|connection| {
            let mut statement = connection.prepare_cached("SELECT data FROM body WHERE id = ?1")?;
            let mut rows = statement.query([self.id.cast_signed()])?;
            rows.next()?.map(|row| row.get(0)).transpose()
        })?;
        match data {
            Some(data) if data.len() as u64 == length => {
                let mut chunks = data.chunks(CHUNK as usize).zip(0..);
                if let Some(sums) = inner.sums.as_ref().filter(|_| inner.checked.contains(&false))
                    && !chunks.all(|(bytes, chunk)| sums.fit(chunk, bytes))
                {
                    let trouble = trouble::damaged_body(&error::body_name(name), path, OTHER_BYTES);
                    inner.trouble = Some(trouble.clone());
                    return Err(trouble);
                }
                inner.checked.fill(true);
                Ok(slice(&data, offset, max).into())
            }
            Some(_) => Err(trouble::damaged_body(
                &error::body_name(name),
                path,
                "has another length of it",
            )),
            None => Err(trouble::damaged_body(
                &error::body_name(name),
                path,
                "does not have it",
            )),
        }
    }

    /// Puts its bytes at the end of a pack, where it is of those that belong there.
    pub(super) fn pack(&self, pack: &mut Pack) {
        let inner = self.inner.lock();
        let is_storable = inner.settled && inner.length != inner.committed && !inner.file_made;
        if let Place::Buffer(buffer) = &inner.place
            && is_storable
            && !inner.gone
            && inner.trouble.is_none()
        {
            pack.add(self.id, buffer, inner.sums.as_ref().map(Sums::encode));
        }
    }

    /// What the writer has to store, with the length at this moment. `packed` says where its bytes are already.
    pub(super) fn to_store(&self, packed: Option<&Packed>) -> Result<(Stored, u64)> {
        let inner = self.inner.lock();
        if let Some(trouble) = inner.trouble.as_ref().filter(|_| !inner.gone) {
            return Err(trouble.clone());
        }
        let stored = match &inner.place {
            _ if inner.gone || inner.length == inner.committed => Stored::Already,
            Place::Buffer(buffer) => match packed {
                Some(packed) => Stored::Packed(packed.clone()),
                None => Stored::Blob(buffer.clone(), inner.sums.as_ref().map(Sums::encode)),
            },
            Place::Blob | Place::Packed(_) => Stored::Already,
            Place::File => Stored::File,
        };
        Ok((stored, inner.length))
    }

    /// Writes the buffer to a new file, of which the database is told next; says how much of it the database
    /// vouches for so far. None where there is nothing to do.
    pub(super) fn write_file(&self, shared: &Shared) -> Result<Option<u64>> {
        let mut inner = self.inner.lock();
        match &inner.place {
            Place::Buffer(buffer) if !inner.gone => {
                shared.files.create(self.id, buffer)?;
                inner.file_made = true;
                Ok(Some(inner.committed))
            }
            _ => Ok(None),
        }
    }

    /// The writer has answered. Where it `moved`, the database knows of the file now, and vouches for no byte yet.
    pub(super) fn move_done(&self, shared: &Shared, moved: bool) {
        let mut inner = self.inner.lock();
        inner.moving = inner.moving.saturating_sub(1);
        if moved && matches!(inner.place, Place::Buffer(_)) {
            inner.free_buffer(shared);
            inner.place = Place::File;
            inner.committed = 0;
        }
    }

    /// The database vouches for so many bytes, `packed` where they are then. Says whether they are of use.
    pub(super) fn committed(&self, shared: &Shared, length: u64, packed: Option<PackPlace>) -> bool {
        let mut inner = self.inner.lock();
        inner.committed = length;
        if !inner.settled || inner.length != length {
            return !inner.gone;
        }
        match inner.place {
            Place::Buffer(_) => {
                inner.free_buffer(shared);
                inner.place = packed.map_or(Place::Blob, Place::Packed);
            }
            Place::File => shared.files.is_whole(self.id),
            Place::Blob | Place::Packed(_) => {}
        }
        !inner.gone
    }

    pub(super) fn checkpoint_done(&self) {
        self.inner.lock().checkpoint_queued = false;
    }

    /// Its bytes can no longer be relied on: this is what reading, appending and settling answer from now on.
    ///
    /// Where the system may have dropped bytes of its file, what that has beyond what the database vouches for may be
    /// anything, and whoever opens the profile after a kill of this process would take it for what was appended: it is
    /// cut off.
    pub(super) fn fail(&self, shared: &Shared, trouble: StorageError) {
        // Locked until it is cut off, so that nothing is being appended.
        let mut inner = self.inner.lock();
        inner.trouble.get_or_insert(trouble);
        if !shared.files.is_in_doubt(self.id) {
            return;
        }
        // Should this fail too, only a restart of the machine cuts it off.
        let _ = match inner.place {
            // It may have been exported, and that name stands for the same file.
            Place::File if inner.settled => return shared.files.remove(self.id),
            Place::File => shared.files.truncate(self.id, inner.committed),
            // It is about to move there, and nothing of it is vouched for.
            Place::Buffer(_) => shared.files.truncate(self.id, 0),
            Place::Blob | Place::Packed(_) => return,
        };
    }

    /// It is replaced: its bytes no longer count, but stay until [`set_gone`](Self::set_gone). Or it is not, after all.
    pub(super) fn set_replaced(&self, shared: &Shared, replaced: bool) {
        let mut inner = self.inner.lock();
        if inner.gone == replaced {
            return;
        }
        inner.gone = replaced;
        if replaced {
            shared.usage.release(&self.storage_key, inner.length);
        } else {
            shared.usage.add(&self.storage_key, inner.length);
        }
    }

    /// It is replaced or removed: its bytes no longer count. Its file goes when the database has forgotten it.
    pub(super) fn set_gone(&self, shared: &Shared) {
        self.set_replaced(shared, true);
        self.inner.lock().free_buffer(shared);
    }
}

impl Inner {
    fn check(&self, name: BodyKey) -> Result<()> {
        match &self.trouble {
            _ if self.gone => Err(error::no_body(name)),
            Some(trouble) => Err(trouble.clone()),
            None => Ok(()),
        }
    }

    fn free_buffer(&mut self, shared: &Shared) {
        if let Place::Buffer(buffer) = &mut self.place {
            shared.buffered.fetch_sub(buffer.len() as u64, Ordering::Relaxed);
            *buffer = Vec::new();
        }
    }
}
