//! What a URL is fetched from: the network, or the URL itself.

use background_fetch::embedder::{FetchEvent, FetchStream, Network, NetworkError, NetworkRequest};
use background_fetch::fetch::{ResponseHead, ResponseType};
use background_fetch::{Exception, ExceptionName};
use data_url::DataUrl;
use futures::{StreamExt, stream};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::interfaces::{ByteStream, Failure};

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
) -> Result<Fetched, NetworkError> {
    let is_head = request.request.method == Method::HEAD;
    match request.request.url.scheme() {
        "http" | "https" => {
            let mut events = network.fetch(request);
            let head = head_of(&mut events).await?;
            let has_body = !is_head && !head.has_null_body_status();
            Ok(Fetched {
                body: has_body.then(|| body_of(events)),
                head: *head,
            })
        }
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
fn body_of(events: FetchStream) -> ByteStream {
    let bytes = events.filter_map(async |event| match event {
        Ok(FetchEvent::Body(bytes)) => Some(Ok(bytes)),
        Ok(_) => None,
        Err(error) => Some(Err(broken(&error))),
    });
    bytes.boxed_local()
}

/// What a script is told of a body that breaks off: not why, as of a network error.
fn broken(_: &NetworkError) -> Failure {
    let message = "the response's body broke off";
    Exception::new(ExceptionName::TypeError, message).into()
}

/// <https://fetch.spec.whatwg.org/#data-urls>
fn data(network: &dyn Network, request: &NetworkRequest) -> Result<Fetched, NetworkError> {
    let url = &request.request.url;
    let shown: String = url.as_str().chars().take(100).collect();
    let refuse = |reason: String| NetworkError::fatal(format!("cannot fetch {shown}: {reason}"));
    if request.client.origin.is_some() {
        network.allows(url, &request.client).map_err(refuse)?;
    }
    if !request.request.integrity.is_empty() {
        return Err(refuse(
            "the integrity of a data: URL is not checked here".to_owned(),
        ));
    }
    // 1 and 2.
    let data = DataUrl::process(url.as_str()).map_err(|error| refuse(error.to_string()))?;
    let (bytes, _) = data.decode_to_vec().map_err(|error| refuse(error.to_string()))?;
    // 3.
    let mut headers = HeaderMap::new();
    let type_ = HeaderValue::try_from(data.mime_type().to_string());
    headers.insert(CONTENT_TYPE, type_.map_err(|error| refuse(error.to_string()))?);
    let mut head = ResponseHead::new(url.clone(), StatusCode::OK, headers);
    head.response_type = ResponseType::Basic;
    let has_body = request.request.method != Method::HEAD;
    Ok(Fetched {
        head,
        body: has_body.then(|| stream::iter([Ok(bytes.into())]).boxed_local()),
    })
}
