//! Cookies: a jar per profile, and the rules of RFC 6265bis that its store does not have.
//!
//! <https://httpwg.org/http-extensions/draft-ietf-httpbis-rfc6265bis.html>

pub(crate) mod file;
mod jar;
mod rules;
mod site;

pub use file::CookieJarError;
pub use jar::CookieJar;
