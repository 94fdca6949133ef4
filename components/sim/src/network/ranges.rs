//! [`Ranges`]: how a scripted server answers when it is asked for a part, by the rules or not.

use background_fetch::embedder::NetworkRequest;
use http::header::{ACCEPT_RANGES, CONTENT_RANGE, DATE, ETAG, IF_RANGE, LAST_MODIFIED, RANGE};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::body::Body;
use super::response::Answer;

/// How a server answers a request for a range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Ranges {
    /// By the rules: a `206` where `If-Range` names the version that it has, all of it where not, a `416` for a
    /// range that begins at the end or after it.
    #[default]
    Honoured,
    /// With a `200` and all bytes.
    Ignored,
    /// With a `206`, even where `If-Range` names another version: a server that splices.
    IgnoresValidator,
    /// With a `206` that begins at this byte, and says so.
    WrongFirst(u64),
    /// With a `206` that gives this as the complete length.
    WrongTotal(u64),
    /// With a `206` that gives `*` as the complete length.
    UnknownTotal,
    /// With a `206` whose body goes on for so many bytes after the range has ended.
    Overshoot(u64),
    /// With a `206` without a byte.
    NoProgress,
    /// With a `206` without `Content-Range`.
    NoContentRange,
    /// With a `206` whose `Content-Range` is this.
    ContentRange(String),
    /// With a `416`.
    NotSatisfiable,
}

/// The part that a request asks for.
struct Asked {
    first: u64,
    last: Option<u64>,
    validator: Option<HeaderValue>,
}

/// The component's range, or the author's of the form `bytes=first-` or `bytes=first-last`.
fn asked(request: &NetworkRequest) -> Option<Asked> {
    if let Some(range) = &request.range {
        return Some(Asked {
            first: range.start,
            last: None,
            validator: Some(range.validator.clone()),
        });
    }
    let headers = &request.request.headers;
    let (first, last) = headers
        .get(RANGE)?
        .to_str()
        .ok()?
        .strip_prefix("bytes=")?
        .split_once('-')?;
    Some(Asked {
        first: first.parse().ok()?,
        last: if last.is_empty() {
            None
        } else {
            Some(last.parse().ok()?)
        },
        validator: headers.get(IF_RANGE).cloned(),
    })
}

/// Whether `If-Range` names the version with these headers: a strong comparison.
///
/// <https://httpwg.org/specs/rfc9110.html#field.if-range>
fn names_version(validator: &HeaderValue, headers: &HeaderMap) -> bool {
    if validator.as_bytes().starts_with(b"\"") {
        return headers.get(ETAG) == Some(validator);
    }
    // A date is strong only where it is older than the response; a test's two dates differ, or do not.
    headers.get(LAST_MODIFIED) == Some(validator) && headers.get(DATE).is_some_and(|date| date != validator)
}

/// Turns `whole`, a `200`, into the answer to what `request` asks.
pub(super) fn answer(
    ranges: &Ranges,
    cap: Option<u64>,
    request: &NetworkRequest,
    mut whole: Answer,
) -> Answer {
    if *ranges != Ranges::Ignored {
        whole
            .headers
            .insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    }
    let Some(asked) = asked(request).filter(|_| *ranges != Ranges::Ignored) else {
        return whole;
    };
    let same = match &asked.validator {
        Some(validator) => names_version(validator, &whole.headers),
        None => true,
    };
    if !same && *ranges != Ranges::IgnoresValidator {
        return whole;
    }
    let total = whole.body.length();
    if *ranges == Ranges::NotSatisfiable || total.is_some_and(|total| asked.first >= total) {
        return not_satisfiable(whole, total);
    }
    part(ranges, cap, &asked, total, whole)
}

fn not_satisfiable(mut answer: Answer, total: Option<u64>) -> Answer {
    answer.status = StatusCode::RANGE_NOT_SATISFIABLE;
    answer.body = Body::Bytes(bytes::Bytes::new());
    answer.length = Some(0);
    content_range(&mut answer.headers, &format!("bytes */{}", or_star(total)));
    answer
}

fn part(ranges: &Ranges, cap: Option<u64>, asked: &Asked, total: Option<u64>, mut answer: Answer) -> Answer {
    let first = match ranges {
        Ranges::WrongFirst(first) => *first,
        _ => asked.first,
    };
    let end = total.unwrap_or(u64::MAX);
    let mut last = asked.last.unwrap_or(u64::MAX).min(end - 1).max(first);
    if let Some(cap) = cap {
        last = last.min(first.saturating_add(cap.max(1) - 1));
    }
    let said = match ranges {
        Ranges::NoContentRange => None,
        Ranges::ContentRange(text) => Some(text.clone()),
        Ranges::UnknownTotal => Some(format!("bytes {first}-{last}/*")),
        Ranges::WrongTotal(total) => Some(format!("bytes {first}-{last}/{total}")),
        _ => Some(format!("bytes {first}-{last}/{}", or_star(total))),
    };
    if let Some(said) = said {
        content_range(&mut answer.headers, &said);
    }
    answer.status = StatusCode::PARTIAL_CONTENT;
    answer.first = first;
    answer.length = match ranges {
        Ranges::NoProgress => Some(0),
        Ranges::Overshoot(extra) => Some(last - first + 1 + extra),
        // A range without a last byte of a body without end has none either.
        _ if last == u64::MAX - 1 => None,
        _ => Some(last - first + 1),
    };
    answer
}

fn content_range(headers: &mut HeaderMap, value: &str) {
    let value = HeaderValue::try_from(value).expect("a Content-Range that is a header value");
    headers.insert(CONTENT_RANGE, value);
}

fn or_star(total: Option<u64>) -> String {
    total.map_or_else(|| "*".to_owned(), |total| total.to_string())
}
