//! Request matches cached item, of the Service Workers standard.

use http::header::VARY;
use http::{HeaderName, Method};
use url::{Position, Url};

use crate::concepts::CacheQueryOptions;
use crate::fetch::{Request, ResponseHead, headers};

/// Whether a request matches a record's request and response.
///
/// <https://w3c.github.io/ServiceWorker/#request-matches-cached-item-algorithm>
pub fn request_matches_cached_item(
    request_query: &Request,
    request: &Request,
    response: Option<&ResponseHead>,
    options: CacheQueryOptions,
) -> bool {
    // 1. Only a `GET` matches, unless the method is ignored. Errata 31: the query's method is compared too.
    if !options.ignore_method && (request.method != Method::GET || request_query.method != request.method) {
        return false;
    }
    // 2 to 5. The URLs without fragments, and without queries where the search is ignored.
    if comparable(&request_query.url, options) != comparable(&request.url, options) {
        return false;
    }
    // 6. Without a response, where Vary is ignored, or without a Vary, it matches. An opaque response has no headers.
    let varies = |response: &&ResponseHead| !response.is_hidden() && response.headers.contains_key(VARY);
    let Some(response) = response.filter(|response| !options.ignore_vary && varies(response)) else {
        return true;
    };
    // 7 and 8. Each field that the response varies with is the same in both requests; "*" never is.
    headers::members(&response.headers, &VARY).all(|field| {
        field != b"*"
            && HeaderName::from_bytes(field).is_ok_and(|name| {
                headers::get(&request.headers, &name) == headers::get(&request_query.headers, &name)
            })
    })
}

fn comparable(url: &Url, options: CacheQueryOptions) -> &str {
    match options.ignore_search {
        true => &url[..Position::AfterPath],
        false => &url[..Position::AfterQuery],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::ResponseType;
    use http::{HeaderMap, HeaderValue, StatusCode};

    fn get(url: &str) -> Request {
        Request::new(Url::parse(url).unwrap())
    }

    #[test]
    fn search_and_fragment_and_method() {
        let exact = CacheQueryOptions::default();
        let ignore_search = CacheQueryOptions {
            ignore_search: true,
            ..exact
        };
        let ignore_method = CacheQueryOptions {
            ignore_method: true,
            ..exact
        };
        let put = Request {
            method: Method::PUT,
            ..get("https://a.example/f")
        };
        let table = [
            ("https://a.example/f", get("https://a.example/f#x"), exact, true),
            ("https://a.example/f?q", get("https://a.example/f"), exact, false),
            (
                "https://a.example/f?q",
                get("https://a.example/f?r"),
                ignore_search,
                true,
            ),
            (
                "https://a.example/g",
                get("https://a.example/f"),
                ignore_search,
                false,
            ),
            ("https://a.example/f", put.clone(), exact, false),
            ("https://a.example/f", put.clone(), ignore_method, true),
        ];
        for (query, request, options, expected) in table {
            assert_eq!(
                request_matches_cached_item(&get(query), &request, None, options),
                expected,
                "{query}"
            );
        }
        assert!(
            !request_matches_cached_item(&put, &put, None, exact),
            "a PUT matches with ignoreMethod only"
        );
    }

    #[test]
    fn vary_compares_the_requests_headers() {
        let with = |value: Option<&'static str>| {
            let mut request = get("https://a.example/f");
            if let Some(value) = value {
                request.headers.insert("x-color", HeaderValue::from_static(value));
            }
            request
        };
        let vary = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(VARY, HeaderValue::from_static(value));
            ResponseHead::new(get("https://a.example/f").url, StatusCode::OK, headers)
        };
        let exact = CacheQueryOptions::default();
        let ignore_vary = CacheQueryOptions {
            ignore_vary: true,
            ..exact
        };
        let table = [
            ("X-Color", Some("red"), Some("red"), exact, true),
            ("X-Color", Some("red"), Some("blue"), exact, false),
            ("X-Color", None, Some("blue"), exact, false),
            ("Accept, X-Color", None, None, exact, true),
            ("*", None, None, exact, false),
            ("*", None, None, ignore_vary, true),
            ("not a name", None, None, exact, false),
        ];
        for (field, query, request, options, expected) in table {
            let found =
                request_matches_cached_item(&with(query), &with(request), Some(&vary(field)), options);
            assert_eq!(found, expected, "{field} {query:?} {request:?}");
            // Nobody sees what an opaque response varies with.
            let mut opaque = vary(field);
            opaque.response_type = ResponseType::Opaque;
            let found = request_matches_cached_item(&with(query), &with(request), Some(&opaque), options);
            assert!(found, "{field}");
        }
    }
}
