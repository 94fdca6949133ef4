//! The API URL parser: the crate `url`, and what the standard says differently by now.

use std::borrow::Cow;

use url::{Origin, Url};

use crate::webidl::{Error, Fallible};

/// <https://url.spec.whatwg.org/#api-url-parser>
pub(super) fn parse<'js>(url: &str, base: Option<&str>) -> Fallible<'js, Url> {
    let shown = |text: &str| text.chars().take(100).collect::<String>();
    // 1 and 2.
    let base = match base {
        Some(base) => match Url::parse(base) {
            Ok(base) => Some(base),
            Err(error) => {
                let message = format!("\"{}\" is no base URL: {error}", shown(base));
                return Err(Error::type_error(message));
            }
        },
        None => None,
    };
    // 3.
    let input = match &base {
        Some(base) if is_special(base) => without_more_slashes(url),
        _ => url.into(),
    };
    let parsed = Url::options().base_url(base.as_ref()).parse(&input);
    match parsed {
        Ok(parsed) => Ok(with_encoded_space(parsed)),
        Err(error) => Err(Error::type_error(format!(
            "\"{}\" is no URL: {error}",
            shown(url)
        ))),
    }
}

/// Whether more slashes than two before a host are ignored. Files have none.
fn is_special(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https" | "ws" | "wss" | "ftp")
}

/// What begins with more than two slashes, with two: the crate does not ignore the others where the URL is relative.
///
/// <https://url.spec.whatwg.org/#special-authority-ignore-slashes-state>
fn without_more_slashes(input: &str) -> Cow<'_, str> {
    let is_ignored = |c: char| c <= ' ' || matches!(c, '/' | '\\');
    let rest = input.trim_start_matches(is_ignored);
    let slashes = input[..input.len() - rest.len()].matches(['/', '\\']).count();
    match slashes {
        0..=2 => input.into(),
        _ => format!("//{rest}").into(),
    }
}

/// An opaque path that a space ends, before a query or a fragment, ends with `%20`.
///
/// <https://url.spec.whatwg.org/#cannot-be-a-base-url-path-state>
fn with_encoded_space(url: Url) -> Url {
    let has_more = url.query().is_some() || url.fragment().is_some();
    if !url.cannot_be_a_base() || !has_more || !url.path().ends_with(' ') {
        return url;
    }
    let end = url.scheme().len() + 1 + url.path().len();
    let encoded = format!("{}%20{}", &url.as_str()[..end - 1], &url.as_str()[end..]);
    Url::parse(&encoded).unwrap_or(url)
}

/// The serialization of a URL's origin. Of blobs only those of pages have one.
///
/// <https://url.spec.whatwg.org/#concept-url-origin>
pub(super) fn origin(url: &Url) -> String {
    let origin = match url.scheme() {
        "blob" => match Url::parse(url.path()) {
            Ok(inner) if matches!(inner.scheme(), "http" | "https") => inner.origin(),
            _ => Origin::new_opaque(),
        },
        _ => url.origin(),
    };
    origin.ascii_serialization()
}
