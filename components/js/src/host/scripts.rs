//! Scripts from the network.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use background_fetch::embedder::{FetchEvent, Network, NetworkRequest};
use background_fetch::fetch::{Client, CredentialsMode, Request, RequestMode, ResponseHead};
use bytes::{Bytes, BytesMut};
use data_url::DataUrl;
use encoding_rs::{Encoding, UTF_8};
use futures::StreamExt;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use url::Url;

use crate::interfaces::BlobData;
use crate::realm::Realm;

/// The bytes that a script may have.
pub(super) const LIMIT: usize = 64 << 20;

/// What a script is fetched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScriptUse {
    /// The classic script of a dedicated worker.
    Worker,
    /// A module.
    Module,
    /// `importScripts()`
    ImportScripts,
}

/// A script that was fetched.
#[derive(Clone, Debug)]
pub struct FetchedScript {
    /// The URL that it came from, after redirects.
    pub url: Url,
    /// Its bytes.
    pub bytes: Bytes,
    /// Its text.
    pub source: String,
    /// Its MIME type, as the server says it.
    pub content_type: String,
    /// The headers that it came with, where it came from the network.
    pub headers: HeaderMap,
}

/// Fetches a script for a client.
///
/// <https://html.spec.whatwg.org/multipage/webappapis.html#fetching-scripts>
///
/// # Errors
///
/// A sentence.
pub async fn fetch_script(
    network: Arc<dyn Network>,
    client: Client,
    url: Url,
    what: ScriptUse,
) -> Result<FetchedScript, String> {
    if url.scheme() == "data" && what != ScriptUse::ImportScripts {
        return data_script(url, what);
    }
    let mut request = Request::new(url.clone());
    request.mode = match what {
        ScriptUse::Worker => RequestMode::SameOrigin,
        ScriptUse::Module => RequestMode::Cors,
        // A script of another origin is run, and not seen.
        ScriptUse::ImportScripts => RequestMode::NoCors,
    };
    // Scripts are under script-src, which is not enforced here, and not under what the network knows of: connect-src.
    let client = Client {
        content_security_policies: Vec::new(),
        ..client
    };
    request.credentials = match what {
        ScriptUse::Module | ScriptUse::Worker => CredentialsMode::SameOrigin,
        ScriptUse::ImportScripts => CredentialsMode::Include,
    };
    let (head, bytes) = fetch_to_end(network, request, client).await?;
    if !head.is_ok() {
        return Err(format!("{url} answered with the status {}", head.status.as_u16()));
    }
    if !is_javascript(&head) {
        let type_ = content_type(&head);
        return Err(format!(
            "{url} is not of a JavaScript MIME type, but of {type_:?}"
        ));
    }
    let source = match what {
        ScriptUse::Module => decode_utf8(&bytes),
        _ => decode(&bytes, &content_type(&head)),
    };
    Ok(FetchedScript {
        content_type: content_type(&head),
        url: head.url().cloned().unwrap_or(url),
        bytes,
        source,
        headers: head.headers,
    })
}

/// The script that is in a blob.
///
/// # Errors
///
/// A sentence.
pub(crate) fn blob_script(url: Url, blob: BlobData, what: ScriptUse) -> Result<FetchedScript, String> {
    let content_type = blob.type_;
    // What `importScripts()` is given need not say that it is JavaScript where it is here.
    if what == ScriptUse::Module && !is_javascript_type(&content_type) {
        return Err(format!(
            "{url} is not of a JavaScript MIME type, but of {content_type:?}"
        ));
    }
    Ok(FetchedScript {
        source: match what {
            ScriptUse::Module => decode_utf8(&blob.bytes),
            _ => decode(&blob.bytes, &content_type),
        },
        url,
        bytes: blob.bytes,
        content_type,
        headers: HeaderMap::new(),
    })
}

/// The script that a URL is.
fn data_script(url: Url, what: ScriptUse) -> Result<FetchedScript, String> {
    let shown: String = url.as_str().chars().take(100).collect();
    let data = DataUrl::process(url.as_str()).map_err(|error| format!("{shown}: {error}"))?;
    let (bytes, _) = data
        .decode_to_vec()
        .map_err(|error| format!("{shown}: {error}"))?;
    let content_type = data.mime_type().to_string();
    if !is_javascript_type(&content_type) {
        return Err(format!(
            "{shown} is not of a JavaScript MIME type, but of {content_type:?}"
        ));
    }
    Ok(FetchedScript {
        source: match what {
            ScriptUse::Module => decode_utf8(&bytes),
            _ => decode(&bytes, &content_type),
        },
        url,
        bytes: bytes.into(),
        content_type,
        headers: HeaderMap::new(),
    })
}

/// Fetches a request, and its whole body.
///
/// # Errors
///
/// A sentence.
pub async fn fetch_to_end(
    network: Arc<dyn Network>,
    request: Request,
    client: Client,
) -> Result<(ResponseHead, Bytes), String> {
    let url = request.url.clone();
    let mut events = network.fetch(NetworkRequest {
        request,
        client: Arc::new(client),
        range: None,
        body: None,
    });
    let mut head = None;
    let mut body = BytesMut::new();
    while let Some(event) = events.next().await {
        match event.map_err(|error| error.message)? {
            FetchEvent::Response(response) => head = Some(*response),
            FetchEvent::Body(bytes) => {
                if body.len() + bytes.len() > LIMIT {
                    return Err(format!("{url} is larger than {} MiB", LIMIT >> 20));
                }
                body.extend_from_slice(&bytes);
            }
            FetchEvent::Transmitted(_) | FetchEvent::UploadResumable { .. } => {}
        }
    }
    let head = head.ok_or_else(|| format!("{url} gave no response"))?;
    Ok((head, body.freeze()))
}

/// Where the scripts of a realm come from, where that is not the network.
pub struct ScriptSource(pub Box<LoadScript>);

/// Loads a script for a realm, which waits; a sentence, where that cannot be.
pub type LoadScript = dyn Fn(&Realm, &Url, ScriptUse) -> Result<FetchedScript, String>;

/// Loads a script while the realm waits: from its [source](ScriptSource), or from the network.
///
/// # Errors
///
/// A sentence.
pub fn load(realm: &Realm, url: &Url, what: ScriptUse) -> Result<FetchedScript, String> {
    match realm.data_of::<ScriptSource>() {
        Some(source) => (source.0)(realm, url, what),
        None => fetch_blocking(realm, url, what),
    }
}

/// Fetches a script while the realm waits.
///
/// # Errors
///
/// A sentence.
pub fn fetch_blocking(realm: &Realm, url: &Url, what: ScriptUse) -> Result<FetchedScript, String> {
    let settings = realm.settings();
    if let Some(blob) = settings.host.blob_urls.resolve(url, &settings.client) {
        return blob_script(url.clone(), blob, what);
    }
    let network = Arc::clone(&settings.host.network);
    let fetched = fetch_script(network, settings.client.clone(), url.clone(), what);
    block_on(realm, fetched).unwrap_or_else(|| Err("the realm was closed".to_owned()))
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Blocks the realm's thread until a future is done; none where the realm is to end first. The time does not count as the
/// script's.
pub fn block_on<T>(realm: &Realm, future: impl Future<Output = T>) -> Option<T> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut task = Context::from_waker(&waker);
    let mut future = pin!(future);
    realm.wait(|| {
        loop {
            if let Poll::Ready(value) = future.as_mut().poll(&mut task) {
                return Some(value);
            }
            if realm.handle().is_stopped() {
                return None;
            }
            // Nobody wakes it when the realm is stopped.
            thread::park_timeout(Duration::from_millis(50));
        }
    })
}

/// The value of the header `Content-Type`, in lower case.
pub fn content_type(head: &ResponseHead) -> String {
    let value = head.headers.get(CONTENT_TYPE);
    let value = value.and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.trim().to_ascii_lowercase()
}

/// Whether a response says that it is JavaScript.
///
/// <https://mimesniff.spec.whatwg.org/#javascript-mime-type>
pub fn is_javascript(head: &ResponseHead) -> bool {
    is_javascript_type(&content_type(head))
}

fn is_javascript_type(type_: &str) -> bool {
    const ESSENCES: [&str; 16] = [
        "application/ecmascript",
        "application/javascript",
        "application/x-ecmascript",
        "application/x-javascript",
        "text/ecmascript",
        "text/javascript",
        "text/javascript1.0",
        "text/javascript1.1",
        "text/javascript1.2",
        "text/javascript1.3",
        "text/javascript1.4",
        "text/javascript1.5",
        "text/jscript",
        "text/livescript",
        "text/x-ecmascript",
        "text/x-javascript",
    ];
    let essence = type_.split(';').next().unwrap_or_default().trim();
    ESSENCES.contains(&essence)
}

/// The text of a module: UTF-8, whatever the server says.
pub fn decode_utf8(bytes: &[u8]) -> String {
    UTF_8.decode_with_bom_removal(bytes).0.into_owned()
}

/// The text of a classic script: by its byte order mark, else by the charset of its type, else UTF-8.
pub fn decode(bytes: &[u8], content_type: &str) -> String {
    let charset = content_type
        .split(';')
        .filter_map(|parameter| parameter.trim().strip_prefix("charset="))
        .find_map(|label| Encoding::for_label(label.trim_matches('"').as_bytes()));
    charset.unwrap_or(UTF_8).decode(bytes).0.into_owned()
}
