//! The requests that `get` asks for, out of its arguments.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use background_fetch::api::RequestObject;
use background_fetch::fetch::{BodyStream, Request, RequestBody, RequestMode};
use background_fetch_net::is_framing_header;
use bytes::Bytes;
use http::header::ACCEPT_ENCODING;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use url::Url;

use crate::cli::GetArguments;
use crate::failure::Failure;

/// How much of a file is read at once, in bytes.
const PIECE: usize = 64 << 10;

/// The requests of the URLs, in their order. The component checks the rest.
///
/// # Errors
///
/// A usage failure that says which argument is wrong and why.
pub(crate) fn requests(arguments: &GetArguments) -> Result<Vec<RequestObject>, Failure> {
    let method = method(arguments)?;
    let mut headers = headers(&arguments.headers)?;
    // Part of a body that is compressed on its way cannot be asked for.
    let identity = HeaderValue::from_static("identity");
    headers.entry(ACCEPT_ENCODING).or_insert(identity);
    let listed = match &arguments.input {
        Some(path) => listed(path)?,
        None => String::new(),
    };
    arguments
        .urls
        .iter()
        .map(String::as_str)
        .chain(urls_of_a_list(&listed))
        .map(|text| {
            let request = Request {
                method: method.clone(),
                headers: headers.clone(),
                // The user's own: no page, so no CORS.
                mode: RequestMode::Navigate,
                ..Request::new(url(text)?)
            };
            Ok(match &arguments.data {
                Some(data) => RequestObject::with_body(request, body(data)?),
                None => RequestObject::new(request),
            })
        })
        .collect()
}

/// The text of a list of URLs, in which there is one.
fn listed(path: &Path) -> Result<String, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("cannot read --input {}: {error}", path.display())))?;
    if urls_of_a_list(&text).next().is_none() {
        return Err(Failure::usage(format!(
            "--input {} has no URL; write one a line",
            path.display()
        )));
    }
    Ok(text)
}

fn urls_of_a_list(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn url(text: &str) -> Result<Url, Failure> {
    let url = Url::parse(text).map_err(|error| {
        let hint = match Url::parse(&format!("https://{text}")) {
            Ok(url) if error == url::ParseError::RelativeUrlWithoutBase && url.has_host() => {
                format!("; do you mean {url}?")
            }
            _ => String::new(),
        };
        Failure::usage(format!("{text:?} is no URL: {error}{hint}"))
    })?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        // As in localhost:8080/file.
        scheme => Err(Failure::usage(format!(
            "{text:?} has the scheme {scheme:?}; bgfetch fetches http:// and https://"
        ))),
    }
}

fn method(arguments: &GetArguments) -> Result<Method, Failure> {
    let method = match &arguments.method {
        Some(text) => {
            // Fetch normalises these alone.
            let upper = text.to_ascii_uppercase();
            let known = ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"];
            let normal = if known.contains(&upper.as_str()) {
                &upper
            } else {
                text
            };
            Method::from_bytes(normal.as_bytes()).map_err(|_| {
                Failure::usage(format!(
                    "--method {text:?} is no HTTP method; try GET, POST or PUT"
                ))
            })?
        }
        None if arguments.data.is_some() => Method::POST,
        None => Method::GET,
    };
    if arguments.data.is_some() && matches!(method, Method::GET | Method::HEAD) {
        return Err(Failure::usage(format!(
            "--data does not go with --method {method}, which has no body; leave one of them out"
        )));
    }
    Ok(method)
}

fn headers(texts: &[String]) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    for text in texts {
        let (name, value) = text.split_once(':').ok_or_else(|| {
            Failure::usage(format!(
                "--header {text:?} has no colon; write it as 'Name: value'"
            ))
        })?;
        let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
            Failure::usage(format!(
                "--header {text:?}: {name:?} is no name for a header field; letters, digits and - make one"
            ))
        })?;
        if is_framing_header(&parsed) {
            return Err(Failure::usage(format!(
                "--header {text:?}: {parsed} says how the message is sent, which is not for you to set; leave it out"
            )));
        }
        let value = value.trim_matches([' ', '\t']);
        let value = HeaderValue::from_str(value).map_err(|_| {
            Failure::usage(format!(
                "--header {text:?}: the value has a character that HTTP does not allow; use printable ASCII"
            ))
        })?;
        headers
            .try_append(parsed, value)
            .map_err(|_| Failure::usage("there are more --header options than a request can hold"))?;
    }
    Ok(headers)
}

fn body(data: &str) -> Result<RequestBody, Failure> {
    let Some(path) = data.strip_prefix('@') else {
        return Ok(Bytes::copy_from_slice(data.as_bytes()).into());
    };
    let path = PathBuf::from(path);
    let cannot = |error: &std::io::Error| format!("cannot read --data @{}: {error}", path.display());
    let file = File::open(&path).map_err(|error| Failure::usage(cannot(&error)))?;
    let metadata = file.metadata().map_err(|error| Failure::usage(cannot(&error)))?;
    if metadata.is_dir() {
        return Err(Failure::usage(format!(
            "cannot read --data @{}: it is a folder; name a file",
            path.display()
        )));
    }
    Ok(RequestBody::Stream(stream(file, path)))
}

/// The bytes of a file, a piece at a time.
fn stream(file: File, path: PathBuf) -> BodyStream {
    Box::pin(futures::stream::unfold(Some((file, path)), async |state| {
        let (mut file, path) = state?;
        let mut piece = Vec::with_capacity(PIECE);
        match Read::by_ref(&mut file).take(PIECE as u64).read_to_end(&mut piece) {
            Ok(0) => None,
            Ok(_) => Some((Ok(piece.into()), Some((file, path)))),
            Err(error) => Some((Err(format!("{}: {error}", path.display())), None)),
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_an_argument_is_said() {
        let message = |result: Result<HeaderMap, Failure>| result.unwrap_err().message;
        assert!(message(headers(&["Accept".to_owned()])).contains("has no colon"));
        assert!(message(headers(&["Ac cept: x".to_owned()])).contains("is no name"));
        assert!(message(headers(&["Accept: a\nb: c".to_owned()])).contains("does not allow"));
        assert!(message(headers(&["Host: a".to_owned()])).contains("not for you to set"));
        assert!(
            url("example.com/a")
                .unwrap_err()
                .message
                .contains("do you mean https://example.com/a?")
        );
        assert!(
            url("ftp://example.com/a")
                .unwrap_err()
                .message
                .contains("\"ftp\"")
        );
        assert!(url("/a").unwrap_err().message.contains("is no URL"));
    }

    #[test]
    fn header_fields_of_one_name_stay_apart_and_in_order() {
        let headers = headers(&["A: 1".to_owned(), "a:2\t".to_owned(), "B:".to_owned()]).unwrap();
        assert_eq!(headers.get_all("a").iter().collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(headers["b"], "");
    }
}
