//! A request's body on its way, with progress.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use background_fetch::embedder::BodySource;
use background_fetch::fetch::BodyStream;
use bytes::Bytes;
use futures::StreamExt;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::watch;

/// The most bytes that are given to the connection at once: progress is that fine.
const PIECE: usize = 64 * 1024;

/// The body of a request, or none. Counts what the connection takes.
pub(crate) struct Upload {
    source: Option<BodyStream>,
    piece: Bytes,
    length: u64,
    remaining: u64,
    transmitted: watch::Sender<u64>,
}

impl Upload {
    /// Opens `source`. What the connection takes is added to the number in `transmitted`.
    pub(crate) fn new(source: Option<&dyn BodySource>, transmitted: watch::Sender<u64>) -> Self {
        let length = source.map_or(0, BodySource::length);
        Self {
            source: source.filter(|_| length > 0).map(BodySource::open),
            piece: Bytes::new(),
            length,
            remaining: length,
            transmitted,
        }
    }

    /// Wakes whoever watches the progress, as if there were some.
    pub(crate) fn waker(&self) -> impl Fn() + Send + Sync + use<> {
        let transmitted = self.transmitted.clone();
        move || transmitted.send_modify(|_| {})
    }

    fn ended_early(&mut self, reason: Option<String>) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        self.source = None;
        Poll::Ready(Some(Err(UploadError {
            sent: self.length - self.remaining,
            length: self.length,
            reason,
        })))
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = UploadError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        while self.piece.is_empty() {
            if self.remaining == 0 {
                return Poll::Ready(None);
            }
            let Some(source) = &mut self.source else {
                return Poll::Ready(None);
            };
            match ready!(source.poll_next_unpin(context)) {
                Some(Ok(bytes)) => self.piece = bytes,
                Some(Err(reason)) => return self.ended_early(Some(reason)),
                None => return self.ended_early(None),
            }
        }
        if self.piece.len() as u64 > self.remaining {
            return self.ended_early(Some("it is longer than its length".to_owned()));
        }
        let length = self.piece.len().min(PIECE);
        let piece = self.piece.split_to(length);
        self.remaining -= length as u64;
        self.transmitted.send_modify(|total| *total += length as u64);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.remaining == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}

/// The stored body could not be read to its end.
#[derive(Debug)]
pub(crate) struct UploadError {
    sent: u64,
    length: u64,
    reason: Option<String>,
}

impl fmt::Display for UploadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, length, .. } = self;
        write!(f, "the request's body ended after {sent} of {length} bytes")?;
        match &self.reason {
            Some(reason) => write!(f, ": {reason}"),
            None => Ok(()),
        }
    }
}

impl Error for UploadError {}
