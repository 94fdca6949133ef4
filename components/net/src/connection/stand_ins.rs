//! [`StandIns`]: servers on this machine in the place of others.

use std::net::SocketAddr;
use std::sync::Arc;

use http::Uri;
use url::Origin;

/// The origins whose servers are on this machine, without TLS, and where these are.
#[derive(Clone, Debug, Default)]
pub(crate) struct StandIns(Arc<[(String, SocketAddr)]>);

impl StandIns {
    pub(crate) fn new(known: Vec<(Origin, SocketAddr)>) -> Self {
        let known = known.into_iter().filter_map(|(origin, address)| {
            let Origin::Tuple(scheme, host, port) = origin else {
                return None;
            };
            Some((format!("{scheme}://{host}:{port}"), address))
        });
        Self(known.collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What to connect to in place of a server.
    pub(crate) fn of(&self, server: &Uri) -> Option<Uri> {
        let scheme = server.scheme_str()?;
        let port = server.port_u16().unwrap_or(match scheme {
            "https" => 443,
            _ => 80,
        });
        let origin = format!("{scheme}://{}:{port}", server.host()?);
        let (_, address) = self.0.iter().find(|(known, _)| *known == origin)?;
        let uri = Uri::builder().scheme("http").authority(address.to_string());
        uri.path_and_query("/").build().ok()
    }

    /// Whether a server is one of this machine's, or has one in its place: no proxy is asked.
    pub(crate) fn concern(&self, server: &Uri) -> bool {
        let authority = server.authority().map(|authority| authority.as_str());
        let is_its = |(_, address): &(String, SocketAddr)| {
            server.scheme_str() == Some("http") && authority == Some(&address.to_string())
        };
        self.0.iter().any(is_its) || self.of(server).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_its_scheme_host_and_port() {
        let origin = url::Url::parse("https://a.example/").unwrap().origin();
        let known = StandIns::new(vec![(origin, "127.0.0.1:8080".parse().unwrap())]);
        let of = |uri: &str| known.of(&uri.parse().unwrap()).map(|uri| uri.to_string());
        let here = Some("http://127.0.0.1:8080/".to_owned());
        assert_eq!(of("https://a.example/x?y"), here);
        assert_eq!(of("https://a.example:443"), here);
        for other in ["http://a.example", "https://a.example:8443", "https://b.example"] {
            assert_eq!(of(other), None, "{other}");
        }
        assert!(known.concern(&"http://127.0.0.1:8080/".parse().unwrap()));
        assert!(!known.concern(&"http://127.0.0.1:8081/".parse().unwrap()));
    }
}
