//! Bodies in files.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use background_fetch::Exception;
use background_fetch::embedder::BodySource;
use background_fetch::fetch::BodyStream;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};

use super::super::StoredBody;
use super::io::Io;
use super::{broke_off, failure};

/// How much is read or written at once.
const CHUNK: usize = 64 << 10;

/// Keeps a body's file until it is dropped, and for as long as a list has it.
pub(super) struct Lease {
    io: Arc<Io>,
    id: u64,
    path: PathBuf,
    length: AtomicU64,
}

impl Lease {
    pub(super) fn new(io: &Arc<Io>, id: u64, path: PathBuf, length: u64) -> Arc<Self> {
        Arc::new(Self {
            io: Arc::clone(io),
            id,
            path,
            length: length.into(),
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
    let (path, opened, left) = (reading.lease.path.clone(), reading.file.take(), reading.left);
    let read = reading.lease.io.ask(move |_| {
        let read = read_chunk(&path, opened, left);
        read.map_err(|error| failure("a cached body cannot be read", &error))
    });
    let (bytes, file) = read.await.map_err(|exception| exception.message)?;
    if bytes.is_empty() {
        let (length, left) = (reading.lease.length(), reading.left);
        return Err(format!(
            "a cached body is damaged: of {length} bytes {left} are gone"
        ));
    }
    reading.left -= bytes.len() as u64;
    reading.file = Some(file);
    Ok(Some((bytes, reading)))
}

fn read_chunk(path: &Path, opened: Option<File>, left: u64) -> std::io::Result<(Bytes, File)> {
    let file = match opened {
        Some(file) => file,
        None => File::open(path)?,
    };
    let mut bytes = Vec::new();
    let mut part = file.take(left.min(CHUNK as u64));
    part.read_to_end(&mut bytes)?;
    Ok((bytes.into(), part.into_inner()))
}

/// Writes a body to a file of its own; it is durable when this is done.
pub(super) async fn keep(io: Arc<Io>, cache: u64, mut body: BodyStream) -> Result<StoredBody, Exception> {
    let of_thread = Arc::clone(&io);
    let created = io.ask(move |state| state.create_body(cache, &of_thread));
    let (lease, mut file) = created.await?;
    let mut pending = Vec::new();
    while let Some(chunk) = body.try_next().await.map_err(broke_off)? {
        pending.extend_from_slice(&chunk);
        if pending.len() >= CHUNK {
            file = write(&io, file, &lease, std::mem::take(&mut pending)).await?;
        }
    }
    let file = write(&io, file, &lease, pending).await?;
    let synced = io.ask(move |_| file.sync_all().map_err(cannot_be_written));
    synced.await?;
    Ok(lease.body())
}

async fn write(io: &Io, mut file: File, lease: &Lease, bytes: Vec<u8>) -> Result<File, Exception> {
    lease.length.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    let written = io.ask(move |_| {
        file.write_all(&bytes).map_err(cannot_be_written)?;
        Ok(file)
    });
    written.await
}

pub(super) fn cannot_be_written(error: std::io::Error) -> Exception {
    failure("a cached body cannot be written", &error)
}
