//! [`ServedFolder`]: a network in which one origin is a folder, so that a script needs no server.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use background_fetch::embedder::{FetchEvent, FetchStream, Network, NetworkError, NetworkRequest};
use background_fetch::fetch::{Client, ResponseHead};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{Stream, StreamExt, stream};
use http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use percent_encoding::percent_decode_str;
use url::{Origin, Url};

/// A network in which one origin is a folder.
///
/// `GET` gives its files, with entity tags and ranges; what is sent with another method is read to its end and answered with
/// its length, and nothing is written.
pub(crate) struct ServedFolder {
    pub(crate) network: Arc<dyn Network>,
    pub(crate) origin: Origin,
    pub(crate) folder: PathBuf,
}

/// How much is read at once.
const CHUNK: usize = 64 << 10;

impl Network for ServedFolder {
    fn fetch(&self, request: NetworkRequest) -> FetchStream {
        if request.request.url.origin() != self.origin {
            return self.network.fetch(request);
        }
        match request.request.method {
            Method::GET | Method::HEAD => self.file(&request),
            _ => received(request),
        }
    }

    fn allows(&self, url: &Url, client: &Client) -> Result<(), String> {
        self.network.allows(url, client)
    }

    fn available<'a>(&'a self, url: &'a Url) -> BoxFuture<'a, ()> {
        if url.origin() == self.origin {
            return Box::pin(std::future::ready(()));
        }
        self.network.available(url)
    }
}

impl ServedFolder {
    fn file(&self, request: &NetworkRequest) -> FetchStream {
        let url = &request.request.url;
        let opened = path_in(&self.folder, url.path()).and_then(|path| Some((File::open(&path).ok()?, path)));
        let Some((file, path)) = opened else {
            let text = format!("{} is not in the folder\n", url.path());
            return answer(url, StatusCode::NOT_FOUND, "text/plain; charset=utf-8", text);
        };
        let Ok(metadata) = file.metadata() else {
            let message = format!("{} cannot be read", path.display());
            return stream::iter([Err(NetworkError::fatal(message))]).boxed();
        };
        let length = metadata.len();
        let modified = metadata
            .modified()
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let etag = format!("\"{length:x}-{:x}\"", modified.map_or(0, |time| time.as_nanos()));
        let range = request
            .range
            .as_ref()
            .filter(|range| range.validator.as_bytes() == etag.as_bytes());
        let start = range.map_or(0, |range| range.start);
        if start >= length && start > 0 {
            let headers = headers(&[(CONTENT_RANGE, format!("bytes */{length}"))]);
            return respond(url, StatusCode::RANGE_NOT_SATISFIABLE, headers, stream::empty());
        }
        let mut fields = vec![
            (CONTENT_TYPE, mime_of(&path).to_owned()),
            (CONTENT_LENGTH, (length - start).to_string()),
            (ACCEPT_RANGES, "bytes".to_owned()),
            (ETAG, etag),
        ];
        let status = if range.is_some() {
            fields.push((CONTENT_RANGE, format!("bytes {start}-{}/{length}", length - 1)));
            StatusCode::PARTIAL_CONTENT
        } else {
            StatusCode::OK
        };
        if request.request.method == Method::HEAD {
            return respond(url, status, headers(&fields), stream::empty());
        }
        respond(
            url,
            status,
            headers(&fields),
            bytes_of(file, path, start, length - start),
        )
    }
}

/// The file that a path names; none where it leads out of the folder.
fn path_in(folder: &Path, path: &str) -> Option<PathBuf> {
    let decoded = percent_decode_str(path.trim_start_matches('/'))
        .decode_utf8()
        .ok()?;
    let relative = Path::new(&*decoded);
    let stays = relative
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    let found = folder.join(relative);
    let found = if found.is_dir() {
        found.join("index.html")
    } else {
        found
    };
    (stays && !decoded.contains('\0')).then_some(found)
}

fn bytes_of(
    file: File,
    path: PathBuf,
    start: u64,
    length: u64,
) -> impl Stream<Item = Result<FetchEvent, NetworkError>> + Send + 'static {
    let read = move |(mut file, at, left): (File, u64, u64)| {
        let path = path.clone();
        async move {
            if left == 0 {
                return None;
            }
            let mut chunk = vec![0; CHUNK.min(usize::try_from(left).unwrap_or(CHUNK))];
            let filled = file.seek(SeekFrom::Start(at)).and_then(|_| file.read(&mut chunk));
            let filled = match filled {
                Ok(0) => Err("it has become shorter".to_owned()),
                Ok(filled) => Ok(filled),
                Err(error) => Err(error.to_string()),
            };
            match filled {
                Ok(filled) => {
                    chunk.truncate(filled);
                    let filled = filled as u64;
                    Some((
                        Ok(FetchEvent::Body(chunk.into())),
                        (file, at + filled, left - filled),
                    ))
                }
                Err(error) => {
                    let message = format!("{} cannot be read: {error}", path.display());
                    Some((Err(NetworkError::fatal(message)), (file, at, 0)))
                }
            }
        }
    };
    stream::unfold((file, start, length), read)
}

/// Takes what was sent, and says how much it was.
fn received(request: NetworkRequest) -> FetchStream {
    let url = request.request.url.clone();
    let body = request.body.map(|body| body.open());
    let events = async_stream(url, body);
    events.boxed()
}

fn async_stream(
    url: Url,
    body: Option<background_fetch::fetch::BodyStream>,
) -> impl Stream<Item = Result<FetchEvent, NetworkError>> + Send {
    let start = (body.unwrap_or_else(|| stream::empty().boxed()), 0u64, false);
    let events = stream::unfold(start, move |(mut body, sent, is_over)| {
        let url = url.clone();
        async move {
            if is_over {
                return None;
            }
            match body.next().await {
                Some(Ok(bytes)) => {
                    let sent = sent + bytes.len() as u64;
                    let event = stream::iter([Ok(FetchEvent::Transmitted(sent))]).boxed();
                    Some((event, (body, sent, false)))
                }
                Some(Err(message)) => {
                    let failed = stream::iter([Err(NetworkError::fatal(message))]).boxed();
                    Some((failed, (body, sent, true)))
                }
                None => {
                    let text = format!("{{\"bytes\": {sent}}}\n");
                    Some((
                        answer(&url, StatusCode::CREATED, "application/json", text),
                        (body, sent, true),
                    ))
                }
            }
        }
    });
    events.flatten()
}

/// A whole answer.
pub(super) fn answer(url: &Url, status: StatusCode, mime: &str, text: String) -> FetchStream {
    let fields = [
        (CONTENT_TYPE, mime.to_owned()),
        (CONTENT_LENGTH, text.len().to_string()),
    ];
    let body = stream::iter([Ok(FetchEvent::Body(Bytes::from(text)))]);
    respond(url, status, headers(&fields), body)
}

fn respond(
    url: &Url,
    status: StatusCode,
    headers: HeaderMap,
    body: impl Stream<Item = Result<FetchEvent, NetworkError>> + Send + 'static,
) -> FetchStream {
    let head = Box::new(ResponseHead::new(url.clone(), status, headers));
    stream::iter([Ok(FetchEvent::Response(head))]).chain(body).boxed()
}

fn headers(fields: &[(HeaderName, String)]) -> HeaderMap {
    let pairs = fields
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), HeaderValue::try_from(value).ok()?)));
    pairs.collect()
}

/// The MIME type of a file, by its name.
fn mime_of(path: &Path) -> &'static str {
    let extension = path
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "html" | "htm" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "css" => "text/css; charset=utf-8",
        "txt" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        "wav" => "audio/wav",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "wasm" => "application/wasm",
        "pdf" => "application/pdf",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_in_the_folder() {
        let folder = Path::new("/srv");
        assert_eq!(
            path_in(folder, "/a/b%20c.txt"),
            Some(PathBuf::from("/srv/a/b c.txt"))
        );
        for out in ["/../etc/passwd", "/a/%2e%2e/%2e%2e/etc", "//etc/passwd", "/%00"] {
            let found = path_in(folder, out);
            assert!(
                found.as_ref().is_none_or(|found| found.starts_with("/srv")),
                "{out}: {found:?}"
            );
        }
    }
}
