//! [`Proxies`]: which requests go through a proxy.

use std::fmt;
use std::sync::Arc;

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use url::Url;

use super::stand_ins::StandIns;
use crate::failure::shown;

/// Which requests go through a proxy; by default what the environment says.
///
/// A proxy is an `http` or `https` URL, whose user name and password are sent to it. Requests for `http` URLs are
/// made by the proxy, those for `https` URLs through a tunnel that it opens.
#[derive(Clone)]
pub struct Proxies {
    matcher: Arc<Matcher>,
    /// These are asked directly.
    stand_ins: StandIns,
}

/// A proxy that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidProxy(String);

impl fmt::Display for InvalidProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidProxy {}

impl Proxies {
    /// No proxy, whatever the environment says.
    pub fn none() -> Self {
        Self::of(Matcher::builder().build())
    }

    /// The proxies of the environment, as curl reads it: `http_proxy` (in lower case only: a CGI server sets the other
    /// from a request's header), `HTTPS_PROXY`, `ALL_PROXY` for both, and in `NO_PROXY` the hosts, domains and networks
    /// that are asked directly, with commas between, or `*`. Names in lower case come first.
    ///
    /// # Errors
    ///
    /// Where a proxy is not an `http` or `https` URL: to go without it could tell what it is there to hide.
    pub fn from_env() -> Result<Self, InvalidProxy> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// This proxy for everything but the hosts in `except`, a list as in `NO_PROXY`.
    ///
    /// # Errors
    ///
    /// Where the proxy is not an `http` or `https` URL.
    pub fn all(proxy: &str, except: &str) -> Result<Self, InvalidProxy> {
        let proxy = checked("the proxy", proxy)?;
        Ok(Self::of(Matcher::builder().all(proxy).no(except).build()))
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, InvalidProxy> {
        let first = |names: &[&'static str]| {
            names.iter().find_map(|name| {
                let value = variable(name).map(|value| value.trim().to_owned());
                value
                    .filter(|value| !value.is_empty())
                    .map(|value| (*name, value))
            })
        };
        let proxy = |names: &[&'static str]| match first(names) {
            Some((name, value)) => checked(name, &value),
            None => Ok(String::new()),
        };
        let except = first(&["no_proxy", "NO_PROXY"]).map(|(_, value)| value);
        let matcher = Matcher::builder()
            .http(proxy(&["http_proxy"])?)
            .https(proxy(&["https_proxy", "HTTPS_PROXY"])?)
            .all(proxy(&["all_proxy", "ALL_PROXY"])?)
            .no(except.unwrap_or_default());
        Ok(Self::of(matcher.build()))
    }

    fn of(matcher: Matcher) -> Self {
        Self {
            matcher: Arc::new(matcher),
            stand_ins: StandIns::default(),
        }
    }

    /// The same, but for servers on this machine.
    pub(crate) fn without(self, stand_ins: StandIns) -> Self {
        Self { stand_ins, ..self }
    }

    /// The proxy for a URL; none where its server is asked directly.
    pub(crate) fn proxy_for(&self, uri: &Uri) -> Option<Intercept> {
        match self.stand_ins.concern(uri) {
            true => None,
            false => self.matcher.intercept(uri),
        }
    }

    /// What a request that the proxy makes itself shows it as `Proxy-Authorization`.
    pub(crate) fn authorization(&self, uri: &Uri) -> Option<HeaderValue> {
        if uri.scheme_str() != Some("http") {
            return None;
        }
        self.proxy_for(uri)?.basic_auth().cloned()
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its own `Debug` leaves credentials out.
        f.debug_tuple("Proxies").field(&self.matcher).finish()
    }
}

/// A proxy's URL, with `http://` where it has no scheme.
fn checked(name: &str, value: &str) -> Result<String, InvalidProxy> {
    let with_scheme = if value.contains("://") {
        value.to_owned()
    } else {
        format!("http://{value}")
    };
    let invalid = |reason: String| InvalidProxy(format!("{name} cannot be used: {reason}"));
    let url = Url::parse(&with_scheme).map_err(|error| invalid(format!("it is not a URL ({error})")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(invalid(format!("{} is not an http or https URL", shown(&url))));
    }
    // The form that the matcher reads.
    let uri: Result<Uri, _> = with_scheme.parse();
    match uri {
        Ok(uri) if uri.authority().is_some() => Ok(with_scheme),
        _ => Err(invalid(format!("{} is not a URL that HTTP can use", shown(&url)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Result<Proxies, InvalidProxy> {
        Proxies::from_variables(|name| {
            let found = variables.iter().find(|(found, _)| *found == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn proxy_of(variables: &[(&str, &str)], url: &'static str) -> Option<String> {
        let intercept = proxies(variables).unwrap().proxy_for(&Uri::from_static(url))?;
        Some(intercept.uri().to_string())
    }

    #[test]
    fn the_variables_are_those_of_curl() {
        const HTTP: &str = "http://a.example/";
        const HTTPS: &str = "https://a.example/";
        type Variables<'a> = &'a [(&'a str, &'a str)];
        let table: &[(Variables<'_>, &str, Option<&str>)] = &[
            (&[], HTTP, None),
            (&[("http_proxy", "http://p:1")], HTTP, Some("http://p:1/")),
            (&[("http_proxy", "p:1")], HTTP, Some("http://p:1/")),
            (&[("http_proxy", "p:1")], HTTPS, None),
            (&[("HTTP_PROXY", "http://p:1")], HTTP, None),
            (&[("HTTPS_PROXY", "http://p:1")], HTTPS, Some("http://p:1/")),
            (
                &[("https_proxy", "http://p:1"), ("HTTPS_PROXY", "http://p:2")],
                HTTPS,
                Some("http://p:1/"),
            ),
            (
                &[("https_proxy", " "), ("HTTPS_PROXY", "http://p:2")],
                HTTPS,
                Some("http://p:2/"),
            ),
            (&[("ALL_PROXY", "https://p:1")], HTTP, Some("https://p:1/")),
            (
                &[("all_proxy", "http://p:1"), ("https_proxy", "http://p:2")],
                HTTPS,
                Some("http://p:2/"),
            ),
            (
                &[("ALL_PROXY", "http://p:1"), ("NO_PROXY", "b.example, a.example")],
                HTTP,
                None,
            ),
            (&[("ALL_PROXY", "http://p:1"), ("no_proxy", "*")], HTTPS, None),
            (
                &[("ALL_PROXY", "http://p:1"), ("NO_PROXY", "example")],
                HTTP,
                None,
            ),
            (
                &[("ALL_PROXY", "http://p:1"), ("NO_PROXY", ".example")],
                HTTP,
                None,
            ),
            (
                &[("ALL_PROXY", "http://p:1"), ("NO_PROXY", "xample")],
                HTTP,
                Some("http://p:1/"),
            ),
            (
                &[("ALL_PROXY", "http://p:1"), ("NO_PROXY", "10.0.0.0/8")],
                "http://10.1.2.3/",
                None,
            ),
        ];
        for (variables, url, expected) in table {
            assert_eq!(
                proxy_of(variables, url).as_deref(),
                *expected,
                "{variables:?} {url}"
            );
        }
    }

    #[test]
    fn a_variable_that_is_no_proxy_is_an_error_that_keeps_its_secrets() {
        for value in [
            "socks5://u:secret@p:1",
            "ftp://u:secret@p",
            "http://",
            "http://u:secret@p:99999",
            "http://u:secret@a b",
        ] {
            let error = proxies(&[("ALL_PROXY", value)]).unwrap_err().to_string();
            assert!(error.starts_with("ALL_PROXY cannot be used: "), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
        let with_secret = proxies(&[("ALL_PROXY", "http://u:secret@p:1")]).unwrap();
        assert!(!format!("{with_secret:?}").contains("secret"));
    }

    #[test]
    fn only_a_proxy_that_makes_the_request_itself_is_shown_credentials_in_it() {
        let proxies = Proxies::all("http://user:pass%20word@p:1", "direct.example").unwrap();
        let authorization = |url| proxies.authorization(&Uri::from_static(url));
        let expected = HeaderValue::from_static("Basic dXNlcjpwYXNzIHdvcmQ=");
        assert_eq!(authorization("http://a.example/"), Some(expected));
        assert_eq!(authorization("https://a.example/"), None);
        assert_eq!(authorization("http://direct.example/"), None);
    }
}
