//! What the default network reads.

use background_fetch::fetch::Client;
use background_fetch::fetch::upload::INTEROP_VERSION;
use background_fetch_net::{CookieJar, is_framing_header, parse};
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_ENCODING, CONTENT_SECURITY_POLICY,
    LOCATION, RANGE, SET_COOKIE,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::combined;

/// The greatest age of a preflight's answer, in seconds.
const MAX_MAX_AGE: u64 = 2 * 60 * 60;

pub fn check(choices: u8, fields: &HeaderMap) {
    locations(fields);
    codings(fields);
    cors(choices & 1 != 0, fields);
    request_headers(choices & 2 != 0, fields);
    let _ = parse::referrer_policy(fields);
    content_security_policy(fields);
    cookies(choices & 4 == 0, fields);
    integrity(fields);
}

fn url(text: &str) -> Url {
    Url::parse(text).expect("a URL")
}

/// A location is a URL that stays as it is, and keeps the fragment.
fn locations(fields: &HeaderMap) {
    let base = url("https://a.example/dir/file?query#part");
    if let Ok(Some(location)) = parse::location(fields, &base) {
        assert_eq!(fields.get_all(LOCATION).iter().count(), 1);
        assert!(location.fragment().is_some(), "{location}");
        stays(&location);
    }
    if let Some(upload) = parse::upload_resource(fields, &INTEROP_VERSION, &base) {
        assert_eq!(upload.fragment(), None);
        stays(&upload);
    }
}

fn stays(location: &Url) {
    if matches!(location.scheme(), "http" | "https") {
        assert_eq!(Url::parse(location.as_str()).as_ref(), Ok(location));
    }
}

/// All codings are removed, or none.
fn codings(fields: &HeaderMap) {
    let value = combined(fields, &CONTENT_ENCODING).unwrap_or_default();
    let text = String::from_utf8_lossy(&value).to_ascii_lowercase();
    let named: Vec<_> = text
        .split(',')
        .map(|name| name.trim_matches([' ', '\t']).trim_start_matches("x-"))
        .filter(|name| !name.is_empty() && *name != "identity")
        .collect();
    let found = parse::content_codings(fields);
    assert!(
        found.is_empty() || (found == named && found.len() <= 4),
        "{found:?} of {named:?}"
    );
}

/// Only what names the origin, or everybody where there are no credentials, shares a response.
fn cors(with_credentials: bool, fields: &HeaderMap) {
    const ORIGIN: &str = "https://a.example";
    let is = |name: &HeaderName, expected: &str| {
        let mut values = fields.get_all(name).iter();
        values.next().is_some_and(|value| value == expected) && values.next().is_none()
    };
    let names_origin = is(&ACCESS_CONTROL_ALLOW_ORIGIN, ORIGIN);
    let expected = if with_credentials {
        names_origin && is(&ACCESS_CONTROL_ALLOW_CREDENTIALS, "true")
    } else {
        names_origin || is(&ACCESS_CONTROL_ALLOW_ORIGIN, "*")
    };
    let shared = parse::cors_check(with_credentials, ORIGIN, fields);
    assert_eq!(shared.is_ok(), expected, "{shared:?}");
    assert!(parse::preflight_max_age(fields) <= MAX_MAX_AGE);
    let _ = parse::allowed_methods(fields);
    let _ = parse::allowed_header_names(fields);
}

/// A request's own headers: what has to be asked for is told once each, and nothing forbidden is left.
fn request_headers(is_user: bool, fields: &HeaderMap) {
    let names = parse::cors_unsafe_request_header_names(fields);
    assert!(names.is_sorted() && names.windows(2).all(|pair| pair[0] != pair[1]));
    for name in fields.keys() {
        let is_safelisted = [
            "accept",
            "accept-language",
            "content-language",
            "content-type",
            "range",
        ]
        .contains(&name.as_str());
        let is_unsafe = names.contains(&name.as_str());
        assert!(is_safelisted || is_unsafe, "{name} is not asked for");
        if name == RANGE && !is_unsafe {
            for value in fields.get_all(name) {
                let range = value.to_str().expect("a range").strip_prefix("bytes=");
                let (start, end) = range.and_then(|range| range.split_once('-')).expect("a range");
                let start: u64 = start.parse().expect("a start");
                assert!(end.is_empty() || end.parse::<u64>().expect("an end") >= start);
            }
        }
    }
    let mut left = fields.clone();
    parse::remove_forbidden_request_headers(&mut left, is_user);
    for name in left.keys() {
        assert!(!is_framing_header(name));
        let names_start = ["sec-", "proxy-"];
        let is_browsers = names_start.iter().any(|start| name.as_str().starts_with(start));
        assert!(is_user || !is_browsers, "{name}");
    }
    let mut again = left.clone();
    parse::remove_forbidden_request_headers(&mut again, is_user);
    assert_eq!(again, left);
}

/// One policy more allows nothing more.
fn content_security_policy(fields: &HeaderMap) {
    let mut policies = Vec::new();
    for value in fields.get_all(CONTENT_SECURITY_POLICY) {
        policies.push(String::from_utf8_lossy(value.as_bytes()).into_owned());
    }
    if policies.is_empty() {
        return;
    }
    let client = |policies: &[String]| Client {
        content_security_policies: policies.to_vec(),
        ..Client::page(url("https://page.example/dir/"))
    };
    for target in [
        "https://page.example/a",
        "https://other.example:8443/a/b?c",
        "http://other.example/",
        "http://[::1]:8080/",
    ] {
        let target = url(target);
        let allows = |policies: &[String]| parse::content_security_policy(&client(policies), &target).is_ok();
        if !allows(&policies[..policies.len() - 1]) {
            assert!(!allows(&policies), "{policies:?} {target}");
        }
        let none = [&policies[..], &["connect-src 'none'".to_owned()]].concat();
        assert!(!allows(&none), "{policies:?} {target}");
        assert_eq!(
            parse::content_security_policy(&Client::user(target.clone()), &target),
            Ok(())
        );
        let upgraded = parse::upgraded(&client(&policies), target.clone());
        assert!(upgraded == target || (target.scheme() == "http" && upgraded.scheme() == "https"));
    }
}

/// Cookies go back to whom they are from, in a header that can be sent.
fn cookies(same_site: bool, fields: &HeaderMap) {
    let values: Vec<Vec<u8>> = fields
        .get_all(SET_COOKIE)
        .iter()
        .map(|value| value.as_bytes().to_vec())
        .collect();
    if values.is_empty() {
        return;
    }
    let (secure, insecure) = (
        url("https://shop.example.com/dir/page"),
        url("http://shop.example.com/dir/page"),
    );
    let jar = jar_of(&secure, same_site, &values);
    assert!(jar.len() <= values.len());
    if let Some(header) = parse::cookie_header(&jar, &secure, same_site) {
        assert!(
            HeaderValue::try_from(&header).is_ok(),
            "{header:?} cannot be sent"
        );
        assert!(!jar.is_empty());
    }
    for other in [
        "https://example.org/dir/page",
        "https://xshop.example.com/dir/page",
    ] {
        // A cookie of all of example.com goes to its other hosts.
        let header = parse::cookie_header(&jar, &url(other), same_site);
        assert!(header.is_none() || other.contains("example.com"), "{header:?}");
    }
    let as_secure: Vec<Vec<u8>> = values
        .iter()
        .map(|value| [value, &b"; Secure"[..]].concat())
        .collect();
    let jar = jar_of(&secure, same_site, &as_secure);
    assert_eq!(parse::cookie_header(&jar, &insecure, same_site), None);
    assert!(jar_of(&insecure, same_site, &as_secure).is_empty());
}

fn jar_of(url: &Url, same_site: bool, values: &[Vec<u8>]) -> CookieJar {
    let jar = CookieJar::in_memory();
    parse::store_cookies(&jar, url, same_site, values.iter().map(Vec::as_slice));
    jar
}

/// With a strongest digest that is right the body matches, whatever stands beside it.
fn integrity(fields: &HeaderMap) {
    const SHA512_OF_ABC: &str =
        "sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==";
    let Some(metadata) = fields.get("integrity").and_then(|value| value.to_str().ok()) else {
        return;
    };
    let with_right = format!("{metadata} {SHA512_OF_ABC}");
    assert_eq!(parse::integrity(&with_right, b"abc"), Some(true), "{metadata:?}");
    assert_eq!(
        parse::integrity(metadata, b"abc"),
        parse::integrity(&format!(" {metadata} x"), b"abc")
    );
}
