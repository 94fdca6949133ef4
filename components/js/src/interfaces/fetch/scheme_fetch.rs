//! What a URL is fetched from: the network, or the URL itself.

use std::ops::RangeInclusive;

use background_fetch::embedder::{FetchEvent, FetchStream, Network, NetworkError, NetworkRequest};
use background_fetch::fetch::{ResponseHead, ResponseType};
use background_fetch::{Exception, ExceptionName};
use bytes::Bytes;
use data_url::DataUrl;
use futures::stream::LocalBoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, RANGE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::interfaces::{BlobData, ByteStream, Failure};
use crate::realm::{ChargedBytes, Room};

/// The bytes of a body, or why the rest does not come.
type FetchBody = LocalBoxStream<'static, Result<Bytes, NetworkError>>;

/// A response on its way to a script.
pub(super) struct Fetched {
    pub(super) head: ResponseHead,
    /// None for a null body.
    pub(super) body: Option<ByteStream>,
}

/// <https://fetch.spec.whatwg.org/#concept-scheme-fetch>
pub(super) async fn scheme_fetch(
    network: &dyn Network,
    request: NetworkRequest,
    blob: Option<BlobData>,
    room: &Room,
) -> Result<Fetched, NetworkError> {
    let is_head = request.request.method == Method::HEAD;
    let is_checked = !request.request.integrity.is_empty();
    match request.request.url.scheme() {
        "http" | "https" => {
            let mut events = network.fetch(request);
            let head = head_of(&mut events).await?;
            let has_body = !is_head && !head.has_null_body_status();
            let mut body = has_body.then(|| body_of(events));
            if let Some(unchecked) = body.take_if(|_| is_checked) {
                body = Some(checked(unchecked, room).await?);
            }
            Ok(Fetched {
                body: body.map(|body| body.map_err(|error| broken(&error)).boxed_local()),
                head: *head,
            })
        }
        "blob" => blob_fetch(network, &request, blob),
        "data" => data(network, &request),
        scheme => Err(NetworkError::fatal(format!(
            "a URL with the scheme {scheme} cannot be fetched"
        ))),
    }
}

async fn head_of(events: &mut FetchStream) -> Result<Box<ResponseHead>, NetworkError> {
    loop {
        match events.next().await {
            Some(Ok(FetchEvent::Response(head))) => return Ok(head),
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(error),
            None => return Err(NetworkError::fatal("the network gave no response")),
        }
    }
}

/// The rest of the events: the bytes.
fn body_of(events: FetchStream) -> FetchBody {
    let bytes = events.filter_map(async |event| match event {
        Ok(FetchEvent::Body(bytes)) => Some(Ok(bytes)),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    });
    bytes.boxed_local()
}

/// The body when its end says that it is the one that the integrity metadata stands for: a script sees nothing before.
///
/// <https://fetch.spec.whatwg.org/#main-fetch>, 22.
async fn checked(mut body: FetchBody, room: &Room) -> Result<FetchBody, NetworkError> {
    let mut all = ChargedBytes::default();
    while let Some(bytes) = body.try_next().await? {
        all.extend(room, &bytes).map_err(NetworkError::fatal)?;
    }
    Ok(stream::iter([Ok(all.into_bytes())]).boxed_local())
}

/// What a script is told of a body that breaks off: not why, as of a network error.
fn broken(_: &NetworkError) -> Failure {
    let message = "the response's body broke off";
    Exception::new(ExceptionName::TypeError, message).into()
}

/// What is not fetched from the network is under the client's policies, too.
fn allowed(network: &dyn Network, request: &NetworkRequest) -> Result<(), String> {
    if request.client.origin.is_some() {
        network.allows(&request.request.url, &request.client)?;
    }
    if !request.request.integrity.is_empty() {
        let scheme = request.request.url.scheme();
        return Err(format!("the integrity of a {scheme}: URL is not checked here"));
    }
    Ok(())
}

/// The beginning of a URL, for a person.
fn refusal(request: &NetworkRequest) -> impl Fn(String) -> NetworkError {
    let shown: String = request.request.url.as_str().chars().take(100).collect();
    move |reason| NetworkError::fatal(format!("cannot fetch {shown}: {reason}"))
}

/// <https://fetch.spec.whatwg.org/#scheme-fetch>, "blob".
fn blob_fetch(
    network: &dyn Network,
    request: &NetworkRequest,
    blob: Option<BlobData>,
) -> Result<Fetched, NetworkError> {
    let refuse = refusal(request);
    allowed(network, request).map_err(&refuse)?;
    // 2 and 3.
    if request.request.method != Method::GET {
        return Err(refuse(format!("its method is {}", request.request.method)));
    }
    let BlobData { bytes, type_ } = blob.ok_or_else(|| refuse("there is no such blob".to_owned()))?;
    let type_ = HeaderValue::try_from(type_).map_err(|error| refuse(error.to_string()))?;
    // 4 to 6.
    let mut headers = HeaderMap::new();
    // 8 and 9. All of it, or a part.
    let length = bytes.len() as u64;
    let (status, bytes) = match request.request.headers.get(RANGE) {
        None => (StatusCode::OK, bytes),
        Some(range) => {
            let range = range.to_str().ok().and_then(|range| single_range(range, length));
            let range = range.ok_or_else(|| refuse("its range is not satisfiable".to_owned()))?;
            let content_range = format!("bytes {}-{}/{length}", range.start(), range.end());
            let content_range = HeaderValue::try_from(content_range);
            headers.insert(
                CONTENT_RANGE,
                content_range.map_err(|error| refuse(error.to_string()))?,
            );
            let part = *range.start() as usize..=*range.end() as usize;
            (StatusCode::PARTIAL_CONTENT, bytes.slice(part))
        }
    };
    headers.insert(CONTENT_LENGTH, bytes.len().into());
    headers.insert(CONTENT_TYPE, type_);
    Ok(here(request, status, headers, bytes))
}

/// The places of the first and the last byte that a `Range` header asks for; none where it is invalid, or not satisfiable.
///
/// <https://fetch.spec.whatwg.org/#simple-range-header-value>
fn single_range(value: &str, length: u64) -> Option<RangeInclusive<u64>> {
    let blank = |c| matches!(c, ' ' | '\t');
    let value = value
        .strip_prefix("bytes")?
        .trim_start_matches(blank)
        .strip_prefix('=')?;
    let (first, last) = value.split_once('-')?;
    let number = |text: &str| match text.trim_matches(blank) {
        "" => Some(None),
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok().map(Some),
        _ => None,
    };
    let (first, last): (Option<u64>, Option<u64>) = (number(first)?, number(last)?);
    let end = length.checked_sub(1)?;
    let range = match (first, last) {
        (None, None) => return None,
        (None, Some(last)) => length.saturating_sub(last)..=end,
        (Some(first), None) => first..=end,
        (Some(first), Some(last)) if first <= last => first..=last.min(end),
        (Some(_), Some(_)) => return None,
    };
    (range.start() <= range.end()).then_some(range)
}

/// A response whose bytes are here.
fn here(request: &NetworkRequest, status: StatusCode, headers: HeaderMap, bytes: Bytes) -> Fetched {
    let mut head = ResponseHead::new(request.request.url.clone(), status, headers);
    head.response_type = ResponseType::Basic;
    let has_body = request.request.method != Method::HEAD;
    Fetched {
        head,
        body: has_body.then(|| stream::iter([Ok(bytes)]).boxed_local()),
    }
}

/// <https://fetch.spec.whatwg.org/#data-urls>
fn data(network: &dyn Network, request: &NetworkRequest) -> Result<Fetched, NetworkError> {
    let refuse = refusal(request);
    allowed(network, request).map_err(&refuse)?;
    // 1 and 2.
    let data = DataUrl::process(request.request.url.as_str()).map_err(|error| refuse(error.to_string()))?;
    let (bytes, _) = data.decode_to_vec().map_err(|error| refuse(error.to_string()))?;
    // 3.
    let mut headers = HeaderMap::new();
    let type_ = HeaderValue::try_from(data.mime_type().to_string());
    headers.insert(CONTENT_TYPE, type_.map_err(|error| refuse(error.to_string()))?);
    Ok(here(request, StatusCode::OK, headers, bytes.into()))
}
