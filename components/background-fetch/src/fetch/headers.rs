//! Reading header lists as the Fetch standard does.

use http::{HeaderMap, HeaderName};

/// Gets a header: the combined value of every header of this name, or none.
///
/// <https://fetch.spec.whatwg.org/#concept-header-list-get>
pub fn get(headers: &HeaderMap, name: &HeaderName) -> Option<Vec<u8>> {
    let values: Vec<&[u8]> = headers
        .get_all(name)
        .iter()
        .map(|value| value.as_bytes())
        .collect();
    (!values.is_empty()).then(|| values.join(&b", "[..]))
}

/// Splits the field values of this name at commas, and trims white space off each part.
///
/// For fields whose members have no quoted strings, such as `Vary`.
pub fn members<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    headers
        .get_all(name)
        .iter()
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|member| !member.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn get_combines_values_with_a_comma_and_a_space() {
        let mut headers = HeaderMap::new();
        headers.append(http::header::VARY, HeaderValue::from_static("Accept"));
        headers.append(http::header::VARY, HeaderValue::from_static("Cookie , *"));
        assert_eq!(get(&headers, &http::header::VARY).unwrap(), b"Accept, Cookie , *");
        assert_eq!(get(&headers, &http::header::ETAG), None);
        let found: Vec<_> = members(&headers, &http::header::VARY).collect();
        assert_eq!(found, [&b"Accept"[..], b"Cookie", b"*"]);
    }
}
