//! Request bodies, and response bodies with their content codings.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_compression::futures::bufread as encoders;
use background_fetch::embedder::BodySource;
use background_fetch::fetch::BodyStream;
use bytes::Bytes;
use futures::executor::block_on;
use futures::{AsyncRead, AsyncReadExt, StreamExt, stream};

/// A stored body, which counts how often it was opened and may say a wrong length.
#[derive(Clone)]
pub(crate) struct Stored {
    pub(crate) bytes: Bytes,
    pub(crate) length: u64,
    pub(crate) opened: Arc<AtomicUsize>,
}

impl Stored {
    pub(crate) fn new(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self {
            length: bytes.len() as u64,
            bytes,
            opened: Arc::default(),
        }
    }

    pub(crate) fn opened(&self) -> usize {
        self.opened.load(Ordering::SeqCst)
    }
}

impl BodySource for Stored {
    fn length(&self) -> u64 {
        self.length
    }

    fn open(&self) -> BodyStream {
        self.opened.fetch_add(1, Ordering::SeqCst);
        stream::iter([Ok(self.bytes.clone())]).boxed()
    }
}

/// A stored body that cannot be read after its first bytes.
pub(crate) struct Damaged;

impl BodySource for Damaged {
    fn length(&self) -> u64 {
        100
    }

    fn open(&self) -> BodyStream {
        stream::iter([
            Ok(Bytes::from_static(b"start")),
            Err("the file is damaged".to_owned()),
        ])
        .boxed()
    }
}

/// Bytes that do not compress to nothing.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8 & 0x3f
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// `bytes` with a content coding applied; "raw" stands for "deflate" without the zlib header.
pub(crate) fn encoded(coding: &str, bytes: &[u8]) -> Vec<u8> {
    fn all(mut encoder: impl AsyncRead + Unpin) -> Vec<u8> {
        let mut bytes = Vec::new();
        block_on(encoder.read_to_end(&mut bytes)).expect("encoded");
        bytes
    }
    match coding {
        "gzip" => all(encoders::GzipEncoder::new(bytes)),
        "deflate" => all(encoders::ZlibEncoder::new(bytes)),
        "raw" => all(encoders::DeflateEncoder::new(bytes)),
        "br" => all(encoders::BrotliEncoder::with_quality(
            bytes,
            async_compression::Level::Fastest,
        )),
        "zstd" => all(encoders::ZstdEncoder::new(bytes)),
        "zstd with a window of 16 MiB" => {
            let window = [async_compression::zstd::CParameter::window_log(24)];
            all(encoders::ZstdEncoder::with_quality_and_params(
                bytes,
                async_compression::Level::Default,
                &window,
            ))
        }
        _ => panic!("no coding {coding}"),
    }
}
