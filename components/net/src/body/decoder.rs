//! Removing content codings while a body streams.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use async_compression::futures::bufread::{
    BrotliDecoder, DeflateDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder,
};
use async_compression::zstd::DParameter;
use background_fetch::embedder::NetworkError;
use bytes::{Bytes, BytesMut};
use futures::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader, Cursor};
use futures::{TryStreamExt, stream};

use super::content_coding::ContentCoding;
use super::incoming::IncomingBody;
use crate::failure::Hop;

/// How much is decoded before it is handed out; with it the memory of a body is bounded, whatever its codings.
const CHUNK: usize = 64 * 1024;

/// The largest window that a `zstd` response may need: 8 MiB.
///
/// <https://www.rfc-editor.org/rfc/rfc9659.html#section-3>
const ZSTD_WINDOW_LOG: u32 = 23;

/// How a stream starts whose window is larger than the 16 MiB of `br`, which the decoder would go along with up
/// to 1 GiB.
///
/// <https://www.rfc-editor.org/rfc/rfc7932.html#section-9.1>
const BROTLI_LARGE_WINDOW: u8 = 0x11;

type Reader = Pin<Box<dyn AsyncBufRead + Send>>;

/// A body whose content codings are removed as it is read.
pub(crate) struct DecodedBody {
    state: State,
    codings: Vec<ContentCoding>,
    /// Whether a decoder asked for more after the last byte.
    all_came: Arc<AtomicBool>,
    hop: Hop,
}

enum State {
    /// The first byte was not asked for yet.
    Waiting(Reader),
    Reading(Reader),
    Ended,
}

impl DecodedBody {
    /// `codings` in the order in which they were applied.
    pub(crate) fn new(incoming: IncomingBody, codings: Vec<ContentCoding>) -> Self {
        let hop = incoming.hop().clone();
        let all_came = Arc::new(AtomicBool::new(false));
        let last = all_came.clone();
        let pieces = stream::try_unfold((incoming, last), |(mut incoming, last)| async {
            // A network error travels through the decoders inside of an I/O error.
            let bytes = incoming.next().await.map_err(io::Error::other)?;
            last.store(bytes.is_none(), Ordering::Relaxed);
            Ok(bytes.map(|bytes| (bytes, (incoming, last))))
        });
        Self {
            state: State::Waiting(Box::pin(Box::pin(pieces).into_async_read())),
            codings,
            all_came,
            hop,
        }
    }

    /// The next decoded bytes, never empty; none at the normal end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, NetworkError> {
        let read = self.read().await;
        if !matches!(read, Ok(Some(_))) {
            self.state = State::Ended;
        }
        read.map_err(|error| self.failed(error))
    }

    async fn read(&mut self) -> io::Result<Option<Bytes>> {
        if let State::Waiting(_) = self.state
            && let State::Waiting(mut reader) = std::mem::replace(&mut self.state, State::Ended)
        {
            // The last coding that was applied is the first to be removed.
            for coding in self.codings.iter().rev() {
                reader = decoded(reader, *coding).await?;
            }
            self.state = State::Reading(reader);
        }
        let State::Reading(reader) = &mut self.state else {
            return Ok(None);
        };
        let mut chunk = BytesMut::zeroed(CHUNK);
        let length = reader.read(&mut chunk).await?;
        chunk.truncate(length);
        Ok((length > 0).then(|| chunk.freeze()))
    }

    fn failed(&self, error: io::Error) -> NetworkError {
        // What fails for want of bytes was cut short, whatever the decoder calls it.
        let truncated = self.all_came.load(Ordering::Relaxed);
        let names: Vec<_> = self.codings.iter().map(|coding| coding.name()).collect();
        let names = names.join(", ");
        match error.downcast::<NetworkError>() {
            Ok(error) => error,
            Err(_) if truncated => {
                let reason = format!("its body ended in the middle of its content coding ({names})");
                self.hop.temporary(reason)
            }
            Err(error) => {
                let reason = format!("its body cannot be decoded ({names}): {error}");
                self.hop.fatal(reason)
            }
        }
    }
}

/// `reader` with one coding removed; without any bytes there is nothing to remove.
async fn decoded(mut reader: Reader, coding: ContentCoding) -> io::Result<Reader> {
    let Some(&first) = reader.fill_buf().await?.first() else {
        return Ok(reader);
    };
    Ok(match coding {
        ContentCoding::Gzip => {
            let mut decoder = GzipDecoder::new(reader);
            decoder.multiple_members(true);
            buffered(decoder)
        }
        ContentCoding::Zstd => {
            let mut decoder =
                ZstdDecoder::with_params(reader, &[DParameter::window_log_max(ZSTD_WINDOW_LOG)]);
            decoder.multiple_members(true);
            buffered(decoder)
        }
        ContentCoding::Brotli if first & 0x7f == BROTLI_LARGE_WINDOW => {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "it needs too large a window",
            ));
        }
        ContentCoding::Brotli => buffered(Whole::new(BrotliDecoder::new(reader), BrotliDecoder::get_mut)),
        ContentCoding::Deflate => {
            let (zlib, reader) = starts_with_zlib_header(reader).await?;
            if zlib {
                buffered(Whole::new(ZlibDecoder::new(reader), ZlibDecoder::get_mut))
            } else {
                buffered(Whole::new(DeflateDecoder::new(reader), DeflateDecoder::get_mut))
            }
        }
    })
}

/// A decoder after whose end nothing may follow: for it the rest of the body would not be there.
struct Whole<D> {
    decoder: D,
    encoded: fn(&mut D) -> &mut Reader,
    ended: bool,
}

impl<D> Whole<D> {
    fn new(decoder: D, encoded: fn(&mut D) -> &mut Reader) -> Self {
        Self {
            decoder,
            encoded,
            ended: false,
        }
    }
}

impl<D: AsyncRead + Unpin> AsyncRead for Whole<D> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if !self.ended {
            let length = ready!(Pin::new(&mut self.decoder).poll_read(context, buffer))?;
            if length > 0 || buffer.is_empty() {
                return Poll::Ready(Ok(length));
            }
            self.ended = true;
        }
        let encoded = self.encoded;
        let rest = ready!(encoded(&mut self.decoder).as_mut().poll_fill_buf(context))?;
        Poll::Ready(if rest.is_empty() {
            Ok(0)
        } else {
            Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "bytes follow after its end",
            ))
        })
    }
}

fn buffered(reader: impl AsyncRead + Send + 'static) -> Reader {
    Box::pin(BufReader::with_capacity(CHUNK, reader))
}

/// Whether the bytes of a "deflate" coding start with the zlib header that the coding stands for. Some servers send
/// bare deflate, and every browser reads both.
async fn starts_with_zlib_header(mut reader: Reader) -> io::Result<(bool, Reader)> {
    let mut start = [0; 2];
    reader.read_exact(&mut start).await?;
    let zlib = start[0] & 0x0f == 8 && u16::from_be_bytes(start) % 31 == 0;
    Ok((zlib, Box::pin(Cursor::new(start).chain(reader))))
}
