//! CORS-preflight fetch.

use background_fetch::embedder::NetworkError;
use background_fetch::fetch::{CredentialsMode, headers};
use http::header::{
    ACCEPT, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::cors_check::{cors_check, not_shared};
use super::cors_preflight_cache::{CacheKey, Permission};
use super::cors_request_headers::{cors_unsafe_request_header_names, is_cors_safelisted_method};
use super::fetch_params::FetchParams;
use super::http_network_or_cache_fetch::http_network_or_cache_fetch;

/// How long a permission holds where the server does not say.
const DEFAULT_MAX_AGE: u64 = 5;
/// The imposed limit on max-age.
const MAX_MAX_AGE: u64 = 2 * 60 * 60;

/// Asks a server of another origin whether it wants such a request.
///
/// <https://fetch.spec.whatwg.org/#cors-preflight-fetch-0>
pub(super) async fn cors_preflight_fetch(fetch_params: &FetchParams) -> Result<(), NetworkError> {
    // 1. The preflight.
    let mut preflight = fetch_params.cors_preflight();
    let list = &mut preflight.request.headers;
    // 2. Accept.
    list.append(ACCEPT, HeaderValue::from_static("*/*"));
    // 3. The method.
    let request = &fetch_params.request;
    let method = HeaderValue::from_str(request.method.as_str())
        .map_err(|_| fetch_params.hop().fatal("its method is no header value"))?;
    list.append(ACCESS_CONTROL_REQUEST_METHOD, method);
    // 4. The names of the unsafe headers. 5. Separated by commas, without spaces.
    let names = cors_unsafe_request_header_names(&request.headers);
    if !names.is_empty() {
        let value = HeaderValue::try_from(names.join(",")).map_err(|_| {
            fetch_params
                .hop()
                .fatal("it has too many header fields for a CORS preflight")
        })?;
        list.append(ACCESS_CONTROL_REQUEST_HEADERS, value);
    }
    // 6. The response. A redirect is not followed, so it is not ok.
    let in_preflight = |mut error: NetworkError| {
        error.message.push_str(" (in its CORS preflight)");
        error
    };
    let response = http_network_or_cache_fetch(&mut preflight)
        .await
        .map_err(in_preflight)?;
    let refused = |reason: String| {
        let reason = format!("its CORS preflight failed: {reason}");
        fetch_params.hop().fatal(reason)
    };
    // 7. The CORS check is the request's, which has its credentials mode. The status must be ok.
    let response = response.head;
    let failed = |reason: String| {
        let reason = format!("its CORS preflight failed: {reason}");
        not_shared(fetch_params, &response, reason)
    };
    cors_check(fetch_params, &response.headers).map_err(|error| failed(error.to_string()))?;
    // 8. Otherwise it is a network error.
    if !response.is_ok() {
        return Err(failed(format!("the status is {}", response.status.as_u16())));
    }
    // 7.1. to 7.3. The methods and the header names.
    let methods = list_of(&response.headers, &ACCESS_CONTROL_ALLOW_METHODS, |token| {
        Method::from_bytes(token).ok()
    });
    let header_names = list_of(&response.headers, &ACCESS_CONTROL_ALLOW_HEADERS, |token| {
        HeaderName::from_bytes(token).ok()
    });
    let methods = methods.ok_or_else(|| refused("Access-Control-Allow-Methods is invalid".to_owned()))?;
    let header_names =
        header_names.ok_or_else(|| refused("Access-Control-Allow-Headers is invalid".to_owned()))?;
    let permissions = Permissions {
        with_credentials: request.credentials == CredentialsMode::Include,
        methods,
        header_names,
    };
    // 7.5. The method.
    if !permissions.method(&request.method) {
        let method = &request.method;
        return Err(refused(format!(
            "Access-Control-Allow-Methods does not have {method}"
        )));
    }
    // 7.6. and 7.7. The header names.
    if let Some(name) = request.headers.keys().find(|name| {
        let unsafe_name = names.contains(&name.as_str());
        (is_cors_non_wildcard(name) || unsafe_name) && !permissions.header_name(name)
    }) {
        return Err(refused(format!(
            "Access-Control-Allow-Headers does not have {name}"
        )));
    }
    // 7.8. to 7.16. What the server allowed is kept for a while.
    fetch_params.connections.cors_preflight_cache.allow(
        CacheKey::of(fetch_params),
        permissions.with_credentials,
        max_age(&response.headers),
        permissions.into_entries(),
    );
    Ok(())
}

/// What a server allows.
struct Permissions {
    /// `*` stands for everything only without credentials.
    with_credentials: bool,
    methods: Vec<Method>,
    header_names: Vec<HeaderName>,
}

impl Permissions {
    fn method(&self, method: &Method) -> bool {
        let wildcard = !self.with_credentials && self.methods.iter().any(|found| found == "*");
        wildcard || is_cors_safelisted_method(method) || self.methods.contains(method)
    }

    fn header_name(&self, name: &HeaderName) -> bool {
        let wildcard = !self.with_credentials && self.header_names.iter().any(|found| found == "*");
        (wildcard && !is_cors_non_wildcard(name)) || self.header_names.contains(name)
    }

    fn into_entries(self) -> impl Iterator<Item = Permission> {
        let methods = self.methods.into_iter().map(Permission::Method);
        methods.chain(self.header_names.into_iter().map(Permission::HeaderName))
    }
}

/// <https://fetch.spec.whatwg.org/#cors-non-wildcard-request-header-name>
pub(super) fn is_cors_non_wildcard(name: &HeaderName) -> bool {
    name == AUTHORIZATION
}

/// The members of a header whose values are lists of tokens; none where one of them is no token.
pub(super) fn list_of<T>(
    list: &HeaderMap,
    name: &HeaderName,
    parse: impl Fn(&[u8]) -> Option<T>,
) -> Option<Vec<T>> {
    headers::members(list, name).map(parse).collect()
}

/// 7.8. to 7.10. For how many seconds a permission holds.
pub(super) fn max_age(list: &HeaderMap) -> u64 {
    let mut values = list.get_all(ACCESS_CONTROL_MAX_AGE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return DEFAULT_MAX_AGE;
    };
    match value.to_str() {
        Ok(digits) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            // More digits than a number has are more than the limit.
            digits.parse().unwrap_or(u64::MAX).min(MAX_MAX_AGE)
        }
        _ => DEFAULT_MAX_AGE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn max_age_is_a_number_of_seconds_within_bounds() {
        let table: &[(&[&str], u64)] = &[
            (&[], 5),
            (&["0"], 0),
            (&["600"], 600),
            (&["7201"], 7200),
            (&["99999999999999999999999"], 7200),
            (&["-1"], 5),
            (&["+1"], 5),
            (&["1.5"], 5),
            (&[""], 5),
            (&["60", "60"], 5),
            (&["60, 60"], 5),
        ];
        for (values, expected) in table {
            let mut headers = HeaderMap::new();
            for value in *values {
                headers.append(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(value));
            }
            assert_eq!(max_age(&headers), *expected, "{values:?}");
        }
    }
}
