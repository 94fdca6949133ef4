//! Which cookies a response may set: what RFC 6265bis adds to its forerunner.

use cookie_store::{Cookie, CookieDomain, CookieExpiration, CookieStore, RawCookie};
use url::{Host, Url};

use super::site::is_public_suffix;

/// A name with its value may be so long, in bytes; what is longer is not stored.
const MAX_COOKIE: usize = 4096;

/// The same for the value of an attribute.
const MAX_ATTRIBUTE: usize = 1024;

/// Cookies live for 400 days at most.
const MAX_AGE_SECONDS: u64 = 400 * 24 * 60 * 60;

/// The cookie of a `Set-Cookie` value, ready for the store; none for one that is to be ignored.
///
/// <https://httpwg.org/http-extensions/draft-ietf-httpbis-rfc6265bis.html#name-storage-model>
pub(super) fn accepted(
    value: &[u8],
    url: &Url,
    same_site: bool,
    store: &CookieStore,
) -> Option<Cookie<'static>> {
    let text = std::str::from_utf8(value).ok()?;
    // Long attributes are refused as they stand, before anything looks into them.
    if text
        .split(';')
        .skip(1)
        .any(|attribute| attribute.len() > MAX_ATTRIBUTE)
    {
        return None;
    }
    let raw = RawCookie::parse(text).ok()?.into_owned();
    if raw.name().len() + raw.value().len() > MAX_COOKIE {
        return None;
    }
    let secure = raw.secure() == Some(true);
    if secure && !is_secure(url) {
        return None;
    }
    // Of another site only what says that it is for other sites.
    let for_all_sites = raw.same_site().is_some_and(|mode| mode.is_none());
    if for_all_sites && !secure || !for_all_sites && !same_site {
        return None;
    }
    if !keeps_its_prefix(&raw) {
        return None;
    }
    let mut cookie = Cookie::try_from_raw_cookie(&raw, url).ok()?;
    if let CookieDomain::Suffix(domain) = &cookie.domain
        && is_public_suffix(domain)
    {
        if url.host_str() != Some(domain.as_str()) {
            return None;
        }
        cookie.domain = CookieDomain::host_only(url).ok()?;
    }
    if !secure && !is_secure(url) && hides_a_secure_one(&cookie, url, store) {
        return None;
    }
    let longest = CookieExpiration::from(MAX_AGE_SECONDS);
    if let CookieExpiration::AtUtc(latest) = &longest
        && cookie.is_persistent()
        && !cookie.expires_by(latest)
    {
        cookie.expires = longest;
    }
    Some(cookie)
}

/// Whether a connection to this URL cannot be listened to: TLS, or this machine.
fn is_secure(url: &Url) -> bool {
    url.scheme() == "https"
        || match url.host() {
            Some(Host::Domain(domain)) => domain == "localhost" || domain.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
}

/// A name can promise where its cookie comes from.
///
/// <https://httpwg.org/http-extensions/draft-ietf-httpbis-rfc6265bis.html#name-cookie-name-prefixes>
fn keeps_its_prefix(cookie: &RawCookie<'_>) -> bool {
    let starts_with = |prefix: &str| {
        let name = cookie.name().as_bytes().get(..prefix.len());
        name.is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
    };
    let secure = cookie.secure() == Some(true);
    if starts_with("__Host-") {
        secure && cookie.domain().is_none() && cookie.path() == Some("/")
    } else {
        secure || !starts_with("__Secure-")
    }
}

/// Whether a cookie from an insecure connection would stand before a secure one of the same name.
fn hides_a_secure_one(cookie: &Cookie<'_>, url: &Url, store: &CookieStore) -> bool {
    store.iter_unexpired().any(|other| {
        let same_domain = other.domain.matches(url) || other.domain == cookie.domain;
        let (path, other_path) = (String::from(&cookie.path), String::from(&other.path));
        other.secure() == Some(true)
            && other.name() == cookie.name()
            && same_domain
            && path.starts_with(&other_path)
    })
}
