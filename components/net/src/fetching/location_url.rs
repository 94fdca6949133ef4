//! The location URL of a response.

use std::fmt;

use http::HeaderMap;
use http::header::LOCATION;
use url::Url;

/// Where a redirect leads: none without a `Location`. `url` is the response's, whose fragment is kept where the
/// new URL has none.
///
/// <https://fetch.spec.whatwg.org/#concept-response-location-url>
pub(super) fn location_url(response: &HeaderMap, url: &Url) -> Result<Option<Url>, LocationError> {
    // 2. The header's value.
    let mut values = response.get_all(LOCATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(LocationError::Several);
    }
    // Bytes outside of ASCII are UTF-8 in practice; what is not is isomorphic decoded.
    let bytes = value.as_bytes();
    let text = std::str::from_utf8(bytes)
        .map(str::to_owned)
        .unwrap_or_else(|_| bytes.iter().copied().map(char::from).collect());
    // 3. Parsed with the response's URL.
    let mut location = url.join(&text).map_err(LocationError::Url)?;
    // 4. The fragment.
    if location.fragment().is_none() {
        location.set_fragment(url.fragment());
    }
    // 5. The location.
    Ok(Some(location))
}

/// Why a `Location` leads nowhere.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LocationError {
    /// There is more than one.
    Several,
    /// It is no URL.
    Url(url::ParseError),
}

impl fmt::Display for LocationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Several => f.write_str("there is more than one Location"),
            Self::Url(error) => write!(f, "its Location is not a URL ({error})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn from(values: &[&[u8]]) -> Result<Option<String>, LocationError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(LOCATION, HeaderValue::from_bytes(value).unwrap());
        }
        let url = Url::parse("https://a.example/dir/file#part").unwrap();
        location_url(&headers, &url).map(|url| url.map(String::from))
    }

    #[test]
    fn a_location_is_relative_to_the_response_and_inherits_its_fragment() {
        let table: &[(&[u8], &str)] = &[
            (b"next", "https://a.example/dir/next#part"),
            (b"/next#own", "https://a.example/next#own"),
            (b"//b.example", "https://b.example/#part"),
            (b"", "https://a.example/dir/file#part"),
            ("/\u{e9}".as_bytes(), "https://a.example/%C3%A9#part"),
            (b"/\xe9", "https://a.example/%C3%A9#part"),
        ];
        for (location, expected) in table {
            assert_eq!(from(&[location]).unwrap().as_deref(), Some(*expected));
        }
        assert_eq!(from(&[]), Ok(None));
    }

    #[test]
    fn a_location_that_is_no_url_or_stands_there_twice_is_a_failure() {
        assert!(matches!(from(&[b"https://[::1"]), Err(LocationError::Url(_))));
        assert_eq!(from(&[b"/a", b"/b"]), Err(LocationError::Several));
    }
}
