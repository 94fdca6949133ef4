//! Bodies in files: chunks of 64 KiB, the last may be shorter, each before the CRC-32 of it. What a disk lost or changed is
//! found out before anybody has it.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use background_fetch::Exception;
use background_fetch::embedder::BodySource;
use background_fetch::fetch::BodyStream;
use bytes::Bytes;
use crc32fast::Hasher;
use futures::{StreamExt, TryStreamExt, stream};

use super::super::StoredBody;
use super::io::Io;
use super::{broke_off, failure};

/// How much is read or written at once, and has a checksum.
const CHUNK: usize = 64 << 10;

/// How long a checksum is.
const SUM: usize = 4;

/// The checksum of a chunk of a body: elsewhere, the same bytes have another.
fn sum(id: u64, place: u64, chunk: &[u8]) -> [u8; SUM] {
    let mut hasher = Hasher::new();
    hasher.update(&id.to_le_bytes());
    hasher.update(&place.to_le_bytes());
    hasher.update(chunk);
    hasher.finalize().to_le_bytes()
}

/// Keeps a body's file until it is dropped, and for as long as a list has it.
pub(super) struct Lease {
    io: Arc<Io>,
    id: u64,
    path: PathBuf,
    length: AtomicU64,
    /// Not where an older program has written it.
    has_sums: bool,
}

impl Lease {
    pub(super) fn new(io: &Arc<Io>, id: u64, path: PathBuf, length: u64, has_sums: bool) -> Arc<Self> {
        Arc::new(Self {
            io: Arc::clone(io),
            id,
            path,
            length: length.into(),
            has_sums,
        })
    }

    /// It, for whoever has it outside.
    pub(super) fn body(self: Arc<Self>) -> StoredBody {
        StoredBody {
            id: self.id,
            source: Arc::new(FileBody(self)),
        }
    }

    fn length(&self) -> u64 {
        self.length.load(Ordering::Relaxed)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let id = self.id;
        self.io.post(move |state| state.body_released(id));
    }
}

/// The bytes of a body's file.
struct FileBody(Arc<Lease>);

impl BodySource for FileBody {
    fn length(&self) -> u64 {
        self.0.length()
    }

    fn open(&self) -> BodyStream {
        // The file is opened by the first who reads; it is there for as long as the lease is.
        let start = Reading {
            lease: Arc::clone(&self.0),
            file: None,
            left: self.length(),
        };
        stream::try_unfold(start, next).boxed()
    }
}

struct Reading {
    lease: Arc<Lease>,
    file: Option<File>,
    left: u64,
}

async fn next(mut reading: Reading) -> Result<Option<(Bytes, Reading)>, String> {
    if reading.left == 0 {
        return Ok(None);
    }
    let (lease, opened, left) = (Arc::clone(&reading.lease), reading.file.take(), reading.left);
    let (length, begin) = (reading.lease.length(), reading.lease.length() - left);
    let wanted = left.min(CHUNK as u64) as usize;
    let sum_length = if lease.has_sums { SUM } else { 0 };
    let read = reading.lease.io.ask(move |_| {
        let read = read_some(&lease.path, opened, wanted + sum_length);
        read.map_err(|error| failure("a cached body cannot be read", &error))
    });
    let (mut bytes, file) = read.await.map_err(|exception| exception.message)?;
    if bytes.len() < wanted + sum_length {
        let there = begin + bytes.len().min(wanted) as u64;
        return Err(format!(
            "a cached body is damaged: it is cut off at {there} of {length} bytes"
        ));
    }
    let expected = bytes.split_off(wanted);
    if reading.lease.has_sums && expected != sum(reading.lease.id, begin / CHUNK as u64, &bytes) {
        let end = begin + wanted as u64;
        return Err(format!(
            "a cached body is damaged: its bytes from {begin} to {end} of {length} are not those that were written"
        ));
    }
    reading.left -= wanted as u64;
    reading.file = Some(file);
    Ok(Some((bytes.into(), reading)))
}

/// Reads so many bytes, or those that are left.
fn read_some(path: &Path, opened: Option<File>, count: usize) -> std::io::Result<(Vec<u8>, File)> {
    let file = match opened {
        Some(file) => file,
        None => File::open(path)?,
    };
    let mut bytes = Vec::with_capacity(count);
    let mut part = file.take(count as u64);
    part.read_to_end(&mut bytes)?;
    Ok((bytes, part.into_inner()))
}

/// Writes a body to a file of its own; it is durable when this is done.
pub(super) async fn keep(io: Arc<Io>, cache: u64, mut body: BodyStream) -> Result<StoredBody, Exception> {
    let of_thread = Arc::clone(&io);
    let created = io.ask(move |state| state.create_body(cache, &of_thread));
    let (lease, mut file) = created.await?;
    let mut pending = Vec::new();
    while let Some(chunk) = body.try_next().await.map_err(broke_off)? {
        pending.extend_from_slice(&chunk);
        let whole = pending.len() - pending.len() % CHUNK;
        if whole > 0 {
            let rest = pending.split_off(whole);
            file = write(&io, file, &lease, std::mem::replace(&mut pending, rest)).await?;
        }
    }
    let file = write(&io, file, &lease, pending).await?;
    let synced = io.ask(move |_| file.sync_all().map_err(cannot_be_written));
    synced.await?;
    Ok(lease.body())
}

/// Writes chunks with their checksums; all are whole, but the last of a body.
async fn write(io: &Io, mut file: File, lease: &Lease, bytes: Vec<u8>) -> Result<File, Exception> {
    let begin = lease.length.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    let mut summed = Vec::with_capacity(bytes.len() + (bytes.len() / CHUNK + 1) * SUM);
    for (place, chunk) in (begin / CHUNK as u64..).zip(bytes.chunks(CHUNK)) {
        summed.extend_from_slice(chunk);
        summed.extend_from_slice(&sum(lease.id, place, chunk));
    }
    let written = io.ask(move |_| {
        file.write_all(&summed).map_err(cannot_be_written)?;
        Ok(file)
    });
    written.await
}

pub(super) fn cannot_be_written(error: std::io::Error) -> Exception {
    failure("a cached body cannot be written", &error)
}
